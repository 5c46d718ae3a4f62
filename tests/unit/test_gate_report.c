/*
 * The gate's books by hand, under a virtual clock: what it counts, estimates and tells,
 * and what another quota does to those who wait.
 */
#include "gate_rig.h"
#include "harness.h"
#include "policy/adaptive.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS GOV_NS_PER_MS
#define S GOV_NS_PER_S

static gov_gate_options gate_options(uint64_t backoff_ms) {
  return (gov_gate_options){
      .backoff = {MSKGOV_JITTER_EQUAL, backoff_ms * MS, backoff_ms * MS, false},
      .max_waiters = 1000,
      .near_quota_percent = 80,
  };
}

static gov_store_options store_options(uint32_t quota, uint64_t interval_ms) {
  return (gov_store_options){.pacing = gate_pacing(quota, 1000, interval_ms),
                             .max_connections = UINT32_MAX};
}

static gate_rig rig;
static gov_random jitter;

static void setup(gov_gate_options options, gov_store_options store) {
  gov_random_init(&jitter, 1);
  gate_rig_init(&rig, &options, &store);
}

static gov_place report(const char *client, gov_place place, mskgov_outcome outcome,
                        uint64_t now) {
  gov_gate_report(&rig.gate, client, &place, outcome, client, now, &jitter);

  return place;
}

/* Joins, and is granted at once. */
static gov_place must_pass(const char *client, uint64_t now) {
  gov_waiter waiter;
  gov_list ended;

  gov_list_init(&ended);
  gate_waiter_init(&waiter, client, MSKGOV_PRIORITY_NORMAL);
  ck_assert_int_eq(gov_gate_join(&rig.gate, &waiter, UINT64_MAX, now), 0);
  ck_assert_uint_eq(rig.gate.metrics.waiting, 1);
  gov_gate_advance(&rig.gate, now, &ended);
  ck_assert_ptr_eq(gov_list_pop_front(&ended), &waiter.node);
  ck_assert_int_eq(waiter.rc, 0);
  ck_assert_uint_eq(rig.gate.metrics.waiting, 0);

  return waiter.place;
}

/* `count` waiters "a", "b", … join at 0; the first is granted at 0. */
static void crowd(gov_waiter *waiters, int count, gov_list *ended) {
  static const char *const names[] = {"a", "b", "c", "d"};

  gov_list_init(ended);
  for (int i = 0; i < count; i++) {
    gate_waiter_init(&waiters[i], names[i], MSKGOV_PRIORITY_NORMAL);
    ck_assert_int_eq(gov_gate_join(&rig.gate, &waiters[i], UINT64_MAX, 0), 0);
  }
  gov_gate_advance(&rig.gate, 0, ended);
  ck_assert(waiters[0].ended);
  ck_assert(!waiters[1].ended);
}

static void set_quota(uint32_t quota, uint64_t interval_ms, uint32_t max_connections) {
  mskgov_pacing pacing = gate_pacing(quota, 1000, interval_ms);

  rig.store->ops->change(rig.store, &pacing, max_connections);
}

START_TEST(test_outcomes_are_counted) {
  static const mskgov_outcome outcomes[] = {
      MSKGOV_OUTCOME_QUOTA,     MSKGOV_OUTCOME_AUTHENTICATION, MSKGOV_OUTCOME_AUTHORIZATION,
      MSKGOV_OUTCOME_TRANSPORT, MSKGOV_OUTCOME_CONNECTED,
  };
  const mskgov_broker_metrics *metrics = &rig.gate.metrics;

  setup(gate_options(1000), store_options(1000, 100));
  for (uint64_t i = 0; i < COUNT(outcomes); i++) {
    char client[] = {(char)('a' + i), 0};
    gov_place place = must_pass(client, i * S);

    ck_assert_uint_eq(metrics->connecting, 1);
    report(client, place, outcomes[i], i * S);
    ck_assert_uint_eq(metrics->connecting, 0);
    ck_assert_uint_eq(metrics->open, outcomes[i] == MSKGOV_OUTCOME_CONNECTED);
  }
  ck_assert_uint_eq(metrics->granted, 5);
  ck_assert_uint_eq(metrics->failed_quota, 1);
  ck_assert_uint_eq(metrics->failed_authentication, 1);
  ck_assert_uint_eq(metrics->failed_authorization, 1);
  ck_assert_uint_eq(metrics->failed_transport, 1);
  ck_assert_uint_eq(metrics->connected, 1);
  ck_assert_str_eq(metrics->last_failure, "d");
  gate_rig_fini(&rig);
}
END_TEST

/* Slots of 100 ms become slots of 10 ms: b need not wait for 100, and c comes 10 after. */
START_TEST(test_a_higher_quota_reaches_the_line) {
  gov_waiter waiters[3];
  gov_list ended;

  setup(gate_options(1000), store_options(10, 100));
  crowd(waiters, 3, &ended);
  set_quota(100, 10, UINT32_MAX);
  ck_assert_uint_eq(gov_gate_advance(&rig.gate, 50 * MS, &ended), 60 * MS);
  ck_assert(waiters[1].ended && !waiters[2].ended);
  gov_gate_advance(&rig.gate, 60 * MS, &ended);
  ck_assert(waiters[2].ended);
  gate_rig_fini(&rig);
}
END_TEST

/* One per second, and a was reported at 0: b passes one second after, in the cell of 4 ms
   that follows, and not with the slot of 100 ms that was reserved for it. */
START_TEST(test_a_lower_quota_reaches_the_line) {
  gov_waiter waiters[2];
  gov_list ended;
  uint64_t next_ns;

  setup(gate_options(1000), store_options(10, 100));
  crowd(waiters, 2, &ended);
  report("a", waiters[0].place, MSKGOV_OUTCOME_CONNECTED, 0);
  set_quota(1, 1000, UINT32_MAX);
  next_ns = gov_gate_advance(&rig.gate, 100 * MS, &ended);
  ck_assert(!waiters[1].ended);
  ck_assert_uint_gt(next_ns, 1000 * MS);
  ck_assert_uint_le(next_ns, 1005 * MS);
  gov_gate_advance(&rig.gate, next_ns, &ended);
  ck_assert(waiters[1].ended);
  gate_rig_fini(&rig);
}
END_TEST

/* One in 100 ms becomes one in 60 s while a is under way: b passes a minute after a's
   report, whatever the old window says, and though nobody asked in between. */
START_TEST(test_a_longer_window_holds_from_when_it_is_set) {
  mskgov_pacing longer = gate_pacing(1, 60000, 1);
  gov_store_options store = store_options(1, 1);
  gov_place place;

  store.pacing.window_ns = 100 * MS;
  setup(gate_options(1000), store);
  place = must_pass("a", 0);
  rig.store->ops->change(rig.store, &longer, UINT32_MAX);
  report("a", place, MSKGOV_OUTCOME_CONNECTED, 20 * MS);
  ck_assert(!gov_gate_try(&rig.gate, "b", 300 * MS, &place, &(uint64_t){0}));
  ck_assert(!gov_gate_try(&rig.gate, "b", 60 * S + 20 * MS, &place, &(uint64_t){0}));
  ck_assert(gov_gate_try(&rig.gate, "b", 61 * S, &place, &(uint64_t){0}));
  gate_rig_fini(&rig);
}
END_TEST

/* Three are open when the limit becomes one: all but one of them have to close. */
START_TEST(test_a_lower_limit_leaves_open_what_is_open) {
  gov_place places[3];
  gov_waiter waiter;
  gov_list ended;

  setup(gate_options(1000), store_options(1000, 1));
  for (uint64_t i = 0; i < 3; i++)
    places[i] = report("a", must_pass("a", i * MS), MSKGOV_OUTCOME_CONNECTED, i * MS);
  set_quota(1000, 1, 1);
  gov_list_init(&ended);
  gate_waiter_init(&waiter, "b", MSKGOV_PRIORITY_NORMAL);
  gov_gate_join(&rig.gate, &waiter, UINT64_MAX, 10 * MS);
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_eq(gov_gate_advance(&rig.gate, 10 * MS, &ended), UINT64_MAX);
    ck_assert(!waiter.ended);
    gov_gate_hang_up(&rig.gate, &places[i], 10 * MS);
  }
  gov_gate_advance(&rig.gate, 10 * MS, &ended);
  ck_assert(waiter.ended && waiter.rc == 0);
  gate_rig_fini(&rig);
}
END_TEST

static uint64_t estimate(const char *client, uint64_t now) {
  return gov_gate_estimate_ns(&rig.gate, client, MSKGOV_PRIORITY_NORMAL, now);
}

START_TEST(test_estimates) {
  gov_waiter waiters[3];
  gov_list ended;

  setup(gate_options(4000), store_options(10, 100));
  ck_assert_uint_eq(estimate("z", 7), 7); /* nobody is there */

  /* Slots at 0 (a), 100 (b), 200 (c): the next is at 300; at 150, with b granted, too. */
  crowd(waiters, 3, &ended);
  ck_assert_uint_eq(estimate("z", 0), 300 * MS);
  gov_gate_advance(&rig.gate, 100 * MS, &ended);
  ck_assert(waiters[1].ended);
  ck_assert_uint_eq(estimate("z", 150 * MS), 300 * MS);

  /* A client in back-off waits 2 to 4 s (equal jitter of 4 s), others do not. */
  report("a", waiters[0].place, MSKGOV_OUTCOME_TRANSPORT, 150 * MS);
  ck_assert_uint_ge(estimate("a", 150 * MS), 2150 * MS);
  ck_assert_uint_le(estimate("a", 150 * MS), 4150 * MS);
  ck_assert_uint_eq(estimate("z", 150 * MS), 300 * MS);
  gate_rig_fini(&rig);
}
END_TEST

/*
 * Five wait for the slots from 100 on: three normal, one critical, one background. Before
 * one more of a priority go those of its line, and of the other lines in proportion: 1 of
 * 21/16 for critical; for the others more than there are.
 */
START_TEST(test_estimates_by_priority) {
  static const mskgov_priority joining[] = {
      MSKGOV_PRIORITY_NORMAL,   MSKGOV_PRIORITY_NORMAL,     MSKGOV_PRIORITY_NORMAL,
      MSKGOV_PRIORITY_CRITICAL, MSKGOV_PRIORITY_BACKGROUND,
  };
  gov_waiter waiters[COUNT(joining)];
  gov_list ended;

  setup(gate_options(1000), store_options(1000, 100));
  must_pass("a", 0);
  gov_list_init(&ended);
  for (size_t i = 0; i < COUNT(joining); i++) {
    gate_waiter_init(&waiters[i], "b", joining[i]);
    gov_gate_join(&rig.gate, &waiters[i], UINT64_MAX, 0);
  }
  gov_gate_advance(&rig.gate, 0, &ended);
  ck_assert_uint_eq(gov_gate_estimate_ns(&rig.gate, "z", MSKGOV_PRIORITY_CRITICAL, 0),
                    200 * MS);
  ck_assert_uint_eq(gov_gate_estimate_ns(&rig.gate, "z", MSKGOV_PRIORITY_NORMAL, 0),
                    600 * MS);
  ck_assert_uint_eq(gov_gate_estimate_ns(&rig.gate, "z", MSKGOV_PRIORITY_BACKGROUND, 0),
                    600 * MS);
  gate_rig_fini(&rig);
}
END_TEST

START_TEST(test_waits_are_sorted_by_length) {
  static const struct {
    uint64_t wait_ms;
    size_t bucket;
  } cases[] = {
      {0, 0},
      {1, 0},
      {2, 1},
      {10, 1},
      {11, 2},
      {100, 2},
      {250, 3},
      {500, 4},
      {1000, 5},
      {2500, 6},
      {5000, 7},
      {10000, 8},
      {10001, 9},
      {30000, 9},
      {60000, 10},
      {60001, 11},
      {UINT64_MAX / MS, 11},
  };
  uint64_t sum = 0;

  setup(gate_options(1000), store_options(1000, 1));
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint64_t before = rig.gate.metrics.waits[cases[i].bucket];

    gov_gate_count_wait(&rig.gate, cases[i].wait_ms);
    ck_assert_uint_eq(rig.gate.metrics.waits[cases[i].bucket], before + 1);
    sum += cases[i].wait_ms;
    ck_assert_uint_eq(rig.gate.metrics.wait_sum_ms, sum);
  }
  gate_rig_fini(&rig);
}
END_TEST

/* From the join to the grant; none if the clock has stepped back. */
START_TEST(test_waits_are_measured) {
  static const struct {
    uint64_t from, to, waited_ms;
  } cases[] = {
      {S, S, 0},     {S, S + MS - 1, 0}, {S, S + 2 * MS, 2}, {2 * S, 3 * S + 999999, 1000},
      {2 * S, S, 0},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    gov_waiter waiter;
    gov_list ended;

    setup(gate_options(1000), store_options(1000, 1));
    gov_list_init(&ended);
    gate_waiter_init(&waiter, "a", MSKGOV_PRIORITY_NORMAL);
    gov_gate_join(&rig.gate, &waiter, UINT64_MAX, cases[i].from);
    gov_gate_advance(&rig.gate, cases[i].to, &ended);
    ck_assert(waiter.ended);
    ck_assert_uint_eq(waiter.waited_ms, cases[i].waited_ms);
    gate_rig_fini(&rig);
  }
}
END_TEST

/* Who was granted and never told is not counted among those who were granted. */
START_TEST(test_a_revoked_grant_is_not_counted) {
  const mskgov_broker_metrics *metrics = &rig.gate.metrics;
  gov_waiter waiters[2];
  uint64_t waits = 0;
  gov_list ended;

  setup(gate_options(1000), store_options(1000, 100));
  crowd(waiters, 2, &ended);
  gov_list_init(&ended);
  gov_gate_revoke(&rig.gate, &waiters[0].place, 20 * MS, &ended);
  ck_assert(waiters[1].ended);
  gov_gate_revoke(&rig.gate, &waiters[1].place, 30 * MS, &ended);
  ck_assert_uint_eq(metrics->requested, 2);
  ck_assert_uint_eq(metrics->granted, 0);
  ck_assert_uint_eq(metrics->canceled, 2);
  ck_assert_uint_eq(metrics->connecting, 0);
  for (size_t i = 0; i < MSKGOV_WAIT_BUCKETS; i++)
    waits += metrics->waits[i];
  ck_assert_uint_eq(waits, 0);
  ck_assert_uint_eq(metrics->wait_sum_ms, 0);
  gate_rig_fini(&rig);
}
END_TEST

static mskgov_broker_metrics read_at(uint64_t now) {
  mskgov_broker_metrics metrics = {.struct_size = 77};

  gov_gate_read(&rig.gate, now, &metrics);
  ck_assert_uint_eq(metrics.struct_size, 77); /* the caller's */

  return metrics;
}

/* a has failed and waits at its back-off, b is open, c is connecting, d is in line. */
START_TEST(test_metrics_as_they_stand) {
  gov_store_options store = store_options(8, 100);
  mskgov_broker_metrics metrics;
  gov_waiter waiters[2];
  gov_list ended;

  store.max_connections = 9;
  store.adaptive = MSKGOV_ADAPTIVE_ON;
  setup(gate_options(60000), store);
  report("a", must_pass("a", 0), MSKGOV_OUTCOME_QUOTA, 0); /* cut to 0.7 */
  report("b", must_pass("b", 200 * MS), MSKGOV_OUTCOME_CONNECTED, 300 * MS);
  must_pass("c", 400 * MS);
  gov_list_init(&ended);
  for (size_t i = 0; i < 2; i++) {
    gate_waiter_init(&waiters[i], i ? "d" : "a", MSKGOV_PRIORITY_NORMAL);
    gov_gate_join(&rig.gate, &waiters[i], UINT64_MAX, 400 * MS);
  }
  gov_gate_advance(&rig.gate, 400 * MS, &ended);

  metrics = read_at(400 * MS);
  ck_assert_uint_eq(metrics.waiting, 2);
  ck_assert_uint_eq(metrics.backing_off, 1);
  ck_assert_uint_eq(metrics.line, 1);
  ck_assert_uint_eq(metrics.connecting, 1);
  ck_assert_uint_eq(metrics.open, 1);
  ck_assert_uint_eq(metrics.window_used, 3);
  ck_assert_uint_eq(metrics.window_limit, 8);
  ck_assert_uint_eq(metrics.connections_used, 2);
  ck_assert_uint_eq(metrics.connections_limit, 9);
  ck_assert_uint_eq(metrics.rate_percent, 69);          /* 45871 of 65535 */
  ck_assert_uint_eq(read_at(1100 * MS).window_used, 2); /* a was reported at 0 */
  gate_rig_fini(&rig);
}
END_TEST

/*
 * 100 clients in a streak against 10 a second: a cap of 2 * 100 / 10 = 20 s. After its
 * sixth failure in a row 1 s has doubled to 32 s, which that cap cuts to 20.
 */
START_TEST(test_the_cap_grows_with_rejections_for_the_quota) {
  for (int grows = 0; grows <= 1; grows++) {
    gov_gate_options options = gate_options(1000);
    gov_place place = {0};
    char client[8];

    options.backoff.cap_grows = grows;
    setup(options, store_options(10, 1));
    for (int i = 0; i < 105; i++) {
      snprintf(client, sizeof(client), "%d", i < 100 ? i : 0);
      rig.gate.budget->ops->take(rig.gate.budget, 0, (uint64_t)i * S, &place,
                                 &(uint64_t){0});
      gov_gate_report(&rig.gate, client, &place, MSKGOV_OUTCOME_QUOTA, NULL,
                      (uint64_t)i * S, &jitter);
    }
    ck_assert_uint_ge(gov_streaks_not_before_ns(&rig.gate.streaks, "0"),
                      104 * S + (grows ? 10 * S : S / 2));
    ck_assert_uint_le(gov_streaks_not_before_ns(&rig.gate.streaks, "0"),
                      104 * S + (grows ? 20 * S : S));

    rig.gate.budget->ops->take(rig.gate.budget, 0, 105 * S, &place, &(uint64_t){0});
    gov_gate_report(&rig.gate, "0", &place, MSKGOV_OUTCOME_TRANSPORT, NULL, 105 * S,
                    &jitter); /* which says nothing of the quota */
    ck_assert_uint_le(gov_streaks_not_before_ns(&rig.gate.streaks, "0"), 106 * S);
    gate_rig_fini(&rig);
  }
}
END_TEST

TEST_MAIN("gate report", TEST(test_outcomes_are_counted),
          TEST(test_a_higher_quota_reaches_the_line),
          TEST(test_a_lower_quota_reaches_the_line),
          TEST(test_a_longer_window_holds_from_when_it_is_set),
          TEST(test_a_lower_limit_leaves_open_what_is_open), TEST(test_estimates),
          TEST(test_estimates_by_priority), TEST(test_waits_are_sorted_by_length),
          TEST(test_waits_are_measured), TEST(test_a_revoked_grant_is_not_counted),
          TEST(test_metrics_as_they_stand),
          TEST(test_the_cap_grows_with_rejections_for_the_quota))
