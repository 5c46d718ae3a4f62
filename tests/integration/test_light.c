/*
 * The fleet of light clients that the benchmarks use, under a cluster: what it measures is
 * only as good as this.
 */
#include "../unit/harness.h"
#include "kafka_client.h"

#include <common/agenda.h>
#include <common/clock.h>
#include <common/light.h>

#define PATIENCE_NS (60 * BENCH_NS_PER_S)

static bench_light_options options_for(const test_cluster *test) {
  return (bench_light_options){.clients = 20,
                               .bootstrap_servers =
                                   mskgov_cluster_bootstrap_servers(test->cluster),
                               .ca_pem = mskgov_cluster_ca_pem(test->cluster),
                               .region = TEST_REGION,
                               .credentials = test->provider,
                               .backoff_base_ms = 20,
                               .backoff_max_ms = 400,
                               .seed = 1};
}

static bench_light *start(const bench_light_options *options) {
  mskgov_error_info error = {0};
  bench_light *light;

  ck_assert_msg(bench_light_new(&light, options, &error) == 0, "%s", error.text);
  ck_assert_uint_eq(bench_light_connected(light), 0);
  ck_assert_msg(bench_light_start(light, &error) == 0, "%s", error.text);

  return light;
}

static void assert_all_connect(bench_light *light) {
  mskgov_error_info error = {0};
  int all = bench_light_wait_connected(light, bench_now_ns() + PATIENCE_NS);

  ck_assert_msg(bench_light_check(light, &error) == 0, "%s", error.text);
  ck_assert(all);
}

START_TEST(test_ungoverned) {
  uint64_t before_ns = bench_now_ns();
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 2, 1000);
  options = options_for(&test);
  light = start(&options);
  ck_assert_uint_eq(bench_light_brokers(light), 2);
  ck_assert_uint_eq(bench_light_pairs(light), 40);
  assert_all_connect(light);
  for (uint32_t i = 0; i < 40; i++) {
    bench_pair pair = bench_light_pair(light, i);

    ck_assert_uint_ge(pair.wanted_ns, before_ns);
    ck_assert_uint_gt(pair.up_ns, pair.wanted_ns);
    ck_assert_uint_le(pair.up_ns, bench_now_ns());
  }
  ck_assert_uint_eq(test_cluster_counters(&test).open, 40);
  ck_assert_uint_eq(test_cluster_counters(&test).attempts, 40);
  ck_assert_uint_eq(bench_light_dropped(light), 0);
  bench_light_free(light);
  test_wait_until(test_cluster_counters(&test).open == 0);
  test_cluster_stop(&test);
}
END_TEST

/* More than a fleet has under way at once. */
START_TEST(test_crowd) {
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 2, 1000);
  options = options_for(&test);
  options.clients = BENCH_LIGHT_HANDSHAKES_MAX / 2 + 50;
  light = start(&options);
  assert_all_connect(light);
  ck_assert_uint_eq(test_cluster_counters(&test).open, bench_light_pairs(light));
  bench_light_free(light);
  test_cluster_stop(&test);
}
END_TEST

/* Refused far more often than a fleet has handshakes: each of them has ended. */
START_TEST(test_refused_for_a_while) {
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 1000);
  ck_assert_int_eq(mskgov_cluster_stop_broker(test.cluster, 0, NULL), 0);
  options = options_for(&test);
  options.clients = 100;
  options.backoff_base_ms = 1;
  options.backoff_max_ms = 5;
  light = start(&options);
  nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
  ck_assert_uint_eq(bench_light_connected(light), 0);
  ck_assert_int_eq(mskgov_cluster_start_broker(test.cluster, 0, NULL), 0);
  assert_all_connect(light);
  bench_light_free(light);
  test_cluster_stop(&test);
}
END_TEST

/* 20 at once at 10 per second: they are rejected, back off, and get in nevertheless. */
START_TEST(test_rejected_ones_try_again) {
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 10);
  options = options_for(&test);
  options.backoff_max_ms = 4000;
  light = start(&options);
  assert_all_connect(light);
  ck_assert_uint_gt(test_cluster_counters(&test).rejected, 0);
  ck_assert_uint_eq(test_cluster_counters(&test).accepted, 20);
  bench_light_free(light);
  test_cluster_stop(&test);
}
END_TEST

/*
 * One that is denied every time. librdkafka draws its wait twice per attempt, at the start
 * and at the failure, from a base that doubles each time: attempts at 0 ms, then 75 to 150
 * later, then 300 to 600, then 1200 to 2400. So there are no more than three in 1.5 s; slow
 * machines only have fewer.
 */
START_TEST(test_backs_off) {
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 1000);
  options = options_for(&test);
  options.clients = 1;
  options.region = "us-east-1";
  options.backoff_base_ms = 50;
  options.backoff_max_ms = 100000;
  light = start(&options);
  nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
  ck_assert_uint_le(test_cluster_counters(&test).denied, 3);
  test_wait_until(test_cluster_counters(&test).denied >= 3);
  bench_light_free(light);
  test_cluster_stop(&test);
}
END_TEST

/* In line for a governor, nobody is rejected. */
START_TEST(test_governed) {
  bench_light_options options;
  mskgov_governor *governor;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 2, 10);
  governor = test_governor_new(10);
  options = options_for(&test);
  options.governor = governor;
  light = start(&options);
  assert_all_connect(light);
  ck_assert_uint_eq(test_cluster_counters(&test).rejected, 0);
  ck_assert_uint_eq(test_cluster_counters(&test).attempts, 40);
  ck_assert_uint_le(test_cluster_counters(&test).peak_window, 10);
  ck_assert_uint_eq(
      test_metrics(governor, strrchr(options.bootstrap_servers, ',') + 1).open, 20);
  bench_light_free(light);
  ck_assert_uint_eq(
      test_metrics(governor, strrchr(options.bootstrap_servers, ',') + 1).open, 0);
  mskgov_governor_free(governor);
  test_cluster_stop(&test);
}
END_TEST

/* A broker goes and comes back: its pairs are dropped and connect again, in their turn. */
static void restart_a_broker(mskgov_governor *governor) {
  uint64_t stopped_ns;
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 2, 1000);
  options = options_for(&test);
  options.governor = governor;
  light = start(&options);
  assert_all_connect(light);

  stopped_ns = bench_now_ns();
  ck_assert_int_eq(mskgov_cluster_stop_broker(test.cluster, 1, NULL), 0);
  test_wait_until(bench_light_connected(light) == 20);
  ck_assert_uint_eq(bench_light_dropped(light), 20);
  for (uint32_t i = 0; i < 40; i++) {
    ck_assert_int_eq(bench_light_pair(light, i).up_ns != 0, i % 2 == 0);
    ck_assert_int_eq(bench_light_pair(light, i).wanted_ns >= stopped_ns, i % 2 == 1);
  }
  ck_assert_int_eq(mskgov_cluster_start_broker(test.cluster, 1, NULL), 0);
  assert_all_connect(light);
  ck_assert_uint_eq(bench_light_dropped(light), 20);
  ck_assert_uint_eq(test_cluster_counters(&test).accepted, 60);
  bench_light_free(light);
  test_cluster_stop(&test);
}

START_TEST(test_drop) {
  restart_a_broker(NULL);
}
END_TEST

START_TEST(test_governed_drop) {
  mskgov_governor *governor = test_governor_new(1000);

  restart_a_broker(governor);
  mskgov_governor_free(governor);
}
END_TEST

/* Each client sleeps up to 2 s, and wanted its connections before. */
START_TEST(test_spread) {
  uint64_t first_ns = UINT64_MAX, last_ns = 0;
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 1000);
  options = options_for(&test);
  options.spread_ns = 2 * BENCH_NS_PER_S;
  light = start(&options);
  assert_all_connect(light);
  for (uint32_t i = 0; i < 20; i++) {
    bench_pair pair = bench_light_pair(light, i);

    ck_assert_uint_eq(pair.wanted_ns, bench_light_pair(light, 0).wanted_ns);
    first_ns = pair.up_ns < first_ns ? pair.up_ns : first_ns;
    last_ns = pair.up_ns > last_ns ? pair.up_ns : last_ns;
  }
  ck_assert_uint_gt(last_ns - first_ns, BENCH_NS_PER_S / 2); /* by the seed */
  bench_light_free(light);
  test_cluster_stop(&test);
}
END_TEST

/* Freed while most of it waits. */
START_TEST(test_free_while_waiting) {
  bench_light_options options;
  mskgov_governor *governor;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 4);
  governor = test_governor_new(4);
  options = options_for(&test);
  options.governor = governor;
  light = start(&options);
  test_wait_until(bench_light_connected(light) >= 1);
  bench_light_free(light);
  ck_assert_uint_eq(test_metrics(governor, options.bootstrap_servers).waiting, 0);
  mskgov_governor_free(governor);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_governor_stops) {
  mskgov_error_info error = {0};
  bench_light_options options;
  mskgov_governor *governor;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 4);
  governor = test_governor_new(4);
  options = options_for(&test);
  options.governor = governor;
  light = start(&options);
  mskgov_governor_stop(governor);
  ck_assert_int_eq(bench_light_wait_connected(light, bench_now_ns() + PATIENCE_NS), 0);
  ck_assert_int_eq(bench_light_check(light, &error), MSKGOV_ERR_STOPPED);
  ck_assert_int_eq(error.code, MSKGOV_ERR_STOPPED);
  bench_light_free(light);
  mskgov_governor_free(governor);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_options_are_checked) {
  bench_light_options options;
  bench_light *light;
  test_cluster test;

  test_cluster_start(&test, 1, 4);
  for (int i = 0; i < 4; i++) {
    mskgov_error_info error = {0};

    options = options_for(&test);
    options.clients = i == 0 ? 0 : 1;
    options.backoff_base_ms = i == 1 ? 0 : 20;
    options.backoff_max_ms = i == 2 ? 19 : 20;
    options.ca_pem = i == 3 ? "" : options.ca_pem;
    ck_assert_int_eq(bench_light_new(&light, &options, &error), MSKGOV_ERR_INVALID);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
  }
  test_cluster_stop(&test);
}
END_TEST

/* Random settings of alarms; the agenda's first is compared to a search of all. */
START_TEST(test_agenda) {
  enum { ALARMS = 50 };
  uint64_t random = test_seed();
  bench_alarm alarms[ALARMS] = {0};
  bench_agenda agenda;

  ck_assert_int_eq(bench_agenda_init(&agenda, ALARMS), 0);
  for (int round = 0; round < 100000; round++) {
    bench_alarm *alarm, *first = NULL;

    random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    alarm = &alarms[(random >> 33) % ALARMS];
    if ((random >> 60) % 3 == 0)
      bench_agenda_clear(&agenda, alarm);
    else
      bench_agenda_set(&agenda, alarm, (random >> 40) % 1000);
    for (int i = 0; i < ALARMS; i++)
      if (alarms[i].place && (!first || alarms[i].at_ns < first->at_ns))
        first = &alarms[i];
    ck_assert_int_eq(bench_agenda_first(&agenda) != NULL, first != NULL);
    if (first)
      ck_assert_uint_eq(bench_agenda_first(&agenda)->at_ns, first->at_ns);
  }
  bench_agenda_fini(&agenda);
}
END_TEST

TEST_MAIN("light", TEST(test_ungoverned), TEST(test_crowd), TEST(test_refused_for_a_while),
          TEST(test_rejected_ones_try_again), TEST(test_backs_off), TEST(test_governed),
          TEST(test_drop), TEST(test_governed_drop), TEST(test_spread),
          TEST(test_free_while_waiting), TEST(test_governor_stops),
          TEST(test_options_are_checked), TEST(test_agenda))
