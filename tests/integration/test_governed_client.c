/*
 * One governed client's whole life, short enough for valgrind: governor, conf, client,
 * connections to every broker, destruction.
 */
#include "../unit/harness.h"
#include "kafka_client.h"

START_TEST(test_life) {
  mskgov_cluster_counters counters;
  mskgov_governor *governor;
  test_cluster cluster;
  rd_kafka_conf_t *conf;
  rd_kafka_t *rk;

  test_cluster_start(&cluster, 2, 20);
  governor = test_governor_new(20);
  conf = test_conf_new(mskgov_cluster_bootstrap_servers(cluster.cluster),
                       mskgov_cluster_ca_pem(cluster.cluster));
  test_apply(conf, governor, cluster.provider);
  rk = test_client_new(conf);

  test_wait_until(test_cluster_counters(&cluster).open == 2);
  rd_kafka_destroy(rk);
  test_wait_until(test_cluster_counters(&cluster).open == 0);

  counters = test_cluster_counters(&cluster);
  ck_assert_uint_eq(counters.attempts, 2);
  ck_assert_uint_eq(counters.accepted, 2);
  ck_assert_uint_eq(counters.rejected + counters.denied, 0);

  mskgov_governor_free(governor);
  test_cluster_stop(&cluster);
}
END_TEST

TEST_MAIN("governed_client", TEST(test_life))
