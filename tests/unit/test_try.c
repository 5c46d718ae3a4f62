/*
 * Asking without waiting: the gate's answers under a virtual clock, and mskgov_broker_try.
 */
#include "gate_rig.h"
#include "governor_fixture.h"
#include "spans.h"
#include "threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define MS GOV_NS_PER_MS
#define S GOV_NS_PER_S

static gate_rig rig;
static gov_random jitter;

static void setup(uint32_t quota, uint64_t interval_ms, uint32_t max_connections) {
  const gov_gate_options options = {
      .backoff = {MSKGOV_JITTER_EQUAL, 4 * S, 4 * S, false},
      .max_waiters = 100,
      .near_quota_percent = 80,
  };
  const gov_store_options store = {.pacing = gate_pacing(quota, 1000, interval_ms),
                                   .max_connections = max_connections};

  gov_random_init(&jitter, 1);
  gate_rig_init(&rig, &options, &store);
}

static bool ask(const char *client, uint64_t now, gov_place *place, uint64_t *at) {
  return gov_gate_try(&rig.gate, client, now, place, at);
}

static void must_pass(uint64_t now, gov_place *place) {
  uint64_t at;

  ck_assert(ask("a", now, place, &at));
}

static void must_wait(const char *client, uint64_t now, uint64_t expected) {
  gov_place place;
  uint64_t at = 12345;

  ck_assert(!ask(client, now, &place, &at));
  ck_assert_uint_eq(at, expected);
}

/* Slots 100 ms apart, however often somebody asks; who does not get one is not counted. */
START_TEST(test_the_rate) {
  gov_place place;

  setup(1000, 100, UINT32_MAX);
  must_pass(S, &place);
  for (uint64_t now = S; now < 1100 * MS; now += 10 * MS)
    must_wait("a", now, 1100 * MS);
  must_pass(1100 * MS, &place);
  must_wait("b", 1100 * MS, 1200 * MS);
  ck_assert_uint_eq(rig.gate.metrics.requested, 2);
  ck_assert_uint_eq(rig.gate.metrics.granted, 2);
  ck_assert_uint_eq(rig.gate.metrics.canceled, 0);
  ck_assert_uint_eq(rig.gate.metrics.waits[0], 2);
  gate_rig_fini(&rig);
}
END_TEST

/* Two in a second, 1 ms apart: only a report can make room, and that a second later. */
START_TEST(test_the_window) {
  gov_place places[2];

  setup(2, 1, UINT32_MAX);
  must_pass(S, &places[0]);
  must_pass(S + MS, &places[1]);
  must_wait("a", 100 * S, UINT64_MAX);
  gov_gate_report(&rig.gate, "a", &places[0], MSKGOV_OUTCOME_CONNECTED, NULL, 100 * S,
                  &jitter);
  /* 100 s lie in the cell of 2^22 ns that ends at 23842 << 22 = 100.000595968 s */
  must_wait("a", 100 * S, UINT64_C(101000595968));
  must_pass(UINT64_C(101000595968), &places[0]);
  gate_rig_fini(&rig);
}
END_TEST

START_TEST(test_the_limit) {
  gov_place place;

  setup(1000, 1, 1);
  must_pass(S, &place);
  must_wait("a", 2 * S, UINT64_MAX);
  gov_gate_report(&rig.gate, "a", &place, MSKGOV_OUTCOME_CONNECTED, NULL, 2 * S, &jitter);
  must_wait("a", 3 * S, UINT64_MAX);
  gov_gate_hang_up(&rig.gate, &place, 4 * S);
  must_pass(4 * S, &place);
  gate_rig_fini(&rig);
}
END_TEST

/* a waits 2 to 4 s, equal jitter of 4 s; b does not. */
START_TEST(test_the_back_off) {
  gov_place place;
  uint64_t ready, at;

  setup(1000, 1, UINT32_MAX);
  must_pass(S, &place);
  gov_gate_report(&rig.gate, "a", &place, MSKGOV_OUTCOME_TRANSPORT, NULL, S, &jitter);
  ck_assert(!ask("a", 2 * S, &place, &ready));
  ck_assert(ready >= 3 * S && ready <= 5 * S);
  ck_assert(ask("b", 2 * S, &place, &at));
  must_wait("a", ready - 1, ready);
  ck_assert(ask("a", ready, &place, &at));
  gate_rig_fini(&rig);
}
END_TEST

/* One waits for the slot at 1100; who asks comes after him, at 1200. When he has left the
   slot is free again. */
START_TEST(test_nobody_is_passed) {
  gov_waiter waiter;
  gov_place place;
  gov_list ended;

  setup(1000, 100, UINT32_MAX);
  must_pass(S, &place);
  gov_list_init(&ended);
  gate_waiter_init(&waiter, "w", MSKGOV_PRIORITY_NORMAL);
  ck_assert_int_eq(gov_gate_join(&rig.gate, &waiter, UINT64_MAX, S), 0);
  gov_gate_advance(&rig.gate, S, &ended);
  must_wait("a", 1100 * MS, 1200 * MS); /* due, and his */
  gov_gate_leave(&rig.gate, &waiter);
  gov_gate_advance(&rig.gate, 1050 * MS, &ended);
  must_wait("a", 1050 * MS, 1100 * MS);
  must_pass(1100 * MS, &place);
  gate_rig_fini(&rig);
}
END_TEST

static uint64_t now_ns(void) {
  return gov_clock_monotonic_ns(&gov_clock_system);
}

static mskgov_broker *broker_of(mskgov_governor *governor, const char *address) {
  mskgov_broker *broker = NULL;

  ck_assert_int_eq(mskgov_governor_broker(governor, address, &broker, NULL), 0);
  ck_assert_ptr_nonnull(broker);

  return broker;
}

static mskgov_permit *try_as(mskgov_broker *broker, const mskgov_client *client,
                             uint64_t *wait_ms) {
  mskgov_permit *permit = (mskgov_permit *)1;

  ck_assert_int_eq(mskgov_broker_try(broker, client, &permit, wait_ms), 0);

  return permit;
}

START_TEST(test_a_permit_without_waiting) {
  mskgov_governor *governor = fast_governor();
  mskgov_broker *broker = broker_of(governor, BROKER);
  uint64_t wait_ms = 77;
  mskgov_permit *permit = try_as(broker, NULL, &wait_ms);
  mskgov_broker_metrics metrics;

  ck_assert_ptr_nonnull(permit);
  ck_assert_uint_eq(wait_ms, 0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL),
                   MSKGOV_ERR_STATE);
  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.requested, 1);
  ck_assert_uint_eq(metrics.granted, 1);
  ck_assert_uint_eq(metrics.waits[0], 1);
  ck_assert_uint_eq(metrics.open, 1);
  mskgov_permit_release(permit);
  ck_assert_uint_eq(metrics_of(governor, BROKER).open, 0);

  ck_assert_ptr_eq(broker_of(governor, BROKER), broker);
  ck_assert_ptr_ne(broker_of(governor, "b-2.example:9098"), broker);
  mskgov_governor_free(governor);
}
END_TEST

/* One every 50 ms: never sooner, and in time if it is asked for when the answer says. */
START_TEST(test_when_to_ask_again) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_broker *broker;
  uint64_t granted_ns = 0, wait_ms;

  options.quota.connections_per_s = 20;
  governor = make_governor(options);
  broker = broker_of(governor, BROKER);
  for (int grants = 0, asked = 0; grants < 4;) {
    uint64_t before = now_ns();
    mskgov_permit *permit = try_as(broker, NULL, &wait_ms);

    if (permit) {
      /* by the coarse clock, which lags behind by 10 ms, or more on a host that stalls */
      ck_assert_uint_ge(now_ns() + 25 * MS, granted_ns + 50 * MS);
      mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
      mskgov_permit_release(permit);
      granted_ns = before;
      grants++;
      asked = 0;
      continue;
    }
    ck_assert_uint_gt(wait_ms, 0);
    ck_assert_uint_le(wait_ms, 50 + 10 + 1);
    ck_assert_int_le(++asked, 3);
    for (uint64_t until = now_ns() + wait_ms * MS; now_ns() < until;)
      sched_yield();
  }
  mskgov_governor_free(governor);
}
END_TEST

/* However long it is: ten seconds, less what has passed since the grant. */
START_TEST(test_a_long_wait_is_told) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_broker *broker;
  mskgov_permit *permit;
  uint64_t before = now_ns(), wait_ms = 0;

  options.quota.connections_per_s = 1;
  options.quota.window_ms = 60000;
  options.headroom_percent = 90; /* 6 in a minute, 10 s apart */
  governor = make_governor(options);
  broker = broker_of(governor, BROKER);
  permit = try_as(broker, NULL, NULL);
  ck_assert_ptr_nonnull(permit);
  for (int again = 0; again < 2; again++) {
    ck_assert_ptr_null(try_as(broker, NULL, &wait_ms));
    ck_assert_uint_le(wait_ms, 10000 + 10 + 1);
    ck_assert_uint_ge(wait_ms + (now_ns() - before) / MS + 1 + 25, 10000);
  }
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_at_the_limit_only_a_close_helps) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_broker *broker = broker_of(governor, BROKER);
  mskgov_permit *permit = try_as(broker, NULL, NULL);
  uint64_t wait_ms = 0;

  ck_assert_ptr_nonnull(permit);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  for (int again = 0; again < 3; again++) {
    ck_assert_ptr_null(try_as(broker, NULL, &wait_ms));
    ck_assert_uint_eq(wait_ms, MSKGOV_NEVER);
  }
  mskgov_permit_release(permit);
  permit = try_as(broker, NULL, NULL); /* at once: what was told before is forgotten */
  ck_assert_ptr_nonnull(permit);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

/* A client that has to wait for an hour does not make the others wait. */
START_TEST(test_a_clients_back_off_is_its_own) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_broker *broker;
  mskgov_permit *permit;

  options.backoff_jitter = MSKGOV_JITTER_EQUAL;
  options.backoff_base_ms = options.backoff_cap_ms = 3600000;
  governor = make_governor(options);
  broker = broker_of(governor, BROKER);
  permit = try_as(broker, CLIENT("a"), NULL);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL), 0);
  mskgov_permit_release(permit);
  for (int round = 0; round < 3; round++) {
    uint64_t wait_ms = 0;

    ck_assert_ptr_null(try_as(broker, CLIENT("a"), &wait_ms));
    ck_assert_uint_gt(wait_ms, 0);
    permit = try_as(broker, round ? CLIENT("b") : NULL, NULL);
    ck_assert_ptr_nonnull(permit);
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(permit);
  }
  mskgov_governor_free(governor);
}
END_TEST

static void note(mskgov_permit *permit, int rc, void *user) {
  (void)permit;
  ck_assert_int_eq(rc, 0);
  event_happen(user);
}

START_TEST(test_waiters_come_first) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_broker *broker = broker_of(governor, BROKER);
  mskgov_permit *holder = try_as(broker, NULL, NULL), *waiter;
  event granted = EVENT_INITIALIZER;

  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER, note,
                                               &granted, &waiter, NULL),
                   0);
  ck_assert_ptr_null(try_as(broker, NULL, NULL));
  ck_assert_int_eq(mskgov_permit_report(holder, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(holder); /* from here on the place is the waiter's */
  ck_assert_ptr_null(try_as(broker, NULL, NULL));
  event_wait(&granted, 1);
  ck_assert_ptr_null(try_as(broker, NULL, NULL));
  mskgov_permit_release(waiter);
  mskgov_governor_free(governor);
}
END_TEST

/* A permit that was tried for holds the governor as any other does. */
START_TEST(test_stop_and_free) {
  mskgov_governor *governor = fast_governor();
  mskgov_broker *broker = broker_of(governor, BROKER);
  mskgov_permit *permit = try_as(broker, NULL, NULL), *none = (mskgov_permit *)1;

  mskgov_governor_stop(governor);
  ck_assert_int_eq(mskgov_broker_try(broker, NULL, &none, NULL), MSKGOV_ERR_STOPPED);
  ck_assert_ptr_null(none);
  mskgov_governor_free(governor);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(permit);
}
END_TEST

#define PERMITS 8

/* Permits without a name are used again, and work as new ones do. */
START_TEST(test_released_permits_are_used_again) {
  mskgov_governor *governor = fast_governor();
  mskgov_broker *broker = broker_of(governor, BROKER);
  mskgov_permit *permits[PERMITS], *again[PERMITS];

  for (size_t i = 0; i < PERMITS; i++)
    permits[i] = try_as(broker, NULL, NULL);
  for (size_t i = 0; i < PERMITS; i++) {
    mskgov_permit_report(permits[i], MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(permits[i]);
  }
  for (size_t i = 0; i < PERMITS; i++) {
    bool known = false;

    again[i] = i % 2 ? try_as(broker, NULL, NULL) : must_acquire(governor);
    for (size_t k = 0; k < PERMITS; k++)
      known = known || again[i] == permits[k];
    ck_assert(known);
    for (size_t k = 0; k < i; k++)
      ck_assert_ptr_ne(again[i], again[k]);
    ck_assert_int_eq(mskgov_permit_report(again[i], MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  }
  ck_assert_uint_eq(metrics_of(governor, BROKER).open, PERMITS);
  for (size_t i = 0; i < PERMITS; i++)
    mskgov_permit_release(again[i]);
  ck_assert_uint_eq(metrics_of(governor, BROKER).open, 0);
  mskgov_governor_free(governor);
}
END_TEST

#define THREADS 8
#define ATTEMPTS 100 /* per thread */
#define WINDOW_QUOTA 100
#define OPEN_MAX 4

typedef struct trier {
  mskgov_broker *broker;
  atomic_uint *open;
  unsigned most_open, failed;
  span spans[ATTEMPTS];
} trier;

static void *try_often(void *argument) {
  trier *t = argument;

  for (size_t i = 0; i < ATTEMPTS;) {
    mskgov_permit *permit;
    unsigned open;

    t->failed +=
        mskgov_broker_try(t->broker, i % 2 ? CLIENT("c") : NULL, &permit, NULL) != 0;
    if (!permit) {
      sched_yield();
      continue;
    }
    t->spans[i].from_ns = now_ns();
    open = atomic_fetch_add(t->open, 1) + 1;
    t->most_open = open > t->most_open ? open : t->most_open;
    atomic_fetch_sub(t->open, 1);
    t->spans[i++].to_ns = now_ns();
    t->failed += mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL) != 0;
    mskgov_permit_release(permit);
  }

  return NULL;
}

/* 800 attempts, 100 in any 100 ms, by the test's own clock between try and report. */
START_TEST(test_many_threads) {
  static trier triers[THREADS];
  static span all[THREADS * ATTEMPTS];
  mskgov_governor_options options = fast_options();
  atomic_uint open = 0;
  mskgov_governor *governor;
  mskgov_broker_metrics metrics;

  options.quota = mskgov_quota_custom(10 * WINDOW_QUOTA, OPEN_MAX);
  options.quota.window_ms = 100;
  governor = make_governor(options);
  for (size_t i = 0; i < THREADS; i++)
    triers[i] = (trier){.broker = broker_of(governor, BROKER), .open = &open};
  test_threads_run(THREADS, try_often, triers, sizeof(*triers));

  for (size_t i = 0; i < THREADS; i++) {
    ck_assert_uint_eq(triers[i].failed, 0);
    ck_assert_uint_le(triers[i].most_open, OPEN_MAX);
    memcpy(&all[i * ATTEMPTS], triers[i].spans, sizeof(triers[i].spans));
  }
  ck_assert_uint_le(spans_fullest(all, COUNT(all), 100 * MS), WINDOW_QUOTA);
  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.requested, THREADS * ATTEMPTS);
  ck_assert_uint_eq(metrics.granted, THREADS * ATTEMPTS);
  ck_assert_uint_eq(metrics.connected, THREADS * ATTEMPTS);
  ck_assert_uint_eq(metrics.waiting + metrics.connecting + metrics.open, 0);
  mskgov_governor_free(governor);
}
END_TEST

TEST_MAIN("try", TEST(test_the_rate), TEST(test_the_window), TEST(test_the_limit),
          TEST(test_the_back_off), TEST(test_nobody_is_passed),
          TEST(test_a_permit_without_waiting), TEST(test_when_to_ask_again),
          TEST(test_a_long_wait_is_told), TEST(test_at_the_limit_only_a_close_helps),
          TEST(test_a_clients_back_off_is_its_own), TEST(test_waiters_come_first),
          TEST(test_stop_and_free), TEST(test_released_permits_are_used_again),
          TEST(test_many_threads))
