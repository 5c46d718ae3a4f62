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
  rd_kafka_t *rk;

  test_cluster_start(&cluster, 2, 20);
  governor = test_governor_new(20);
  rk = test_cluster_client(&cluster, governor, cluster.provider, NULL);

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
