/*
 * The governor and its permits: what each call answers. Races are in
 * test_governor_threads.c, ends in test_governor_life.c, bad input in
 * test_governor_input.c.
 */
#include "governor_fixture.h"

#include <stdbool.h>
#include <time.h>

static uint64_t monotonic_ms(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

typedef struct ending {
  event happened;
  int rc;
  mskgov_permit *permit;
} ending;

static void note_ending(mskgov_permit *permit, int rc, void *user) {
  ending *e = user;

  e->permit = permit;
  e->rc = rc;
  event_happen(&e->happened);
}

static mskgov_permit *start_waiting(mskgov_governor *governor, uint64_t timeout_ms,
                                    ending *e) {
  mskgov_permit *permit = NULL;

  *e = (ending){.happened = EVENT_INITIALIZER, .rc = 1};
  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, timeout_ms,
                                               note_ending, e, &permit, NULL),
                   0);
  ck_assert_ptr_nonnull(permit);

  return permit;
}

static int try_acquire(mskgov_governor *governor, uint64_t timeout_ms) {
  mskgov_permit *permit = NULL;
  mskgov_error_info error;
  int rc = mskgov_permit_acquire(governor, BROKER, NULL, timeout_ms, &permit, &error);

  ck_assert_int_eq(error.code, rc);
  ck_assert_int_eq(error.text[0] != 0, rc != 0);
  if (rc == 0)
    mskgov_permit_release(permit);

  return rc;
}

START_TEST(test_the_life_of_a_permit) {
  mskgov_governor *governor = fast_governor();
  mskgov_permit *permit = must_acquire(governor);
  mskgov_broker_metrics metrics = metrics_of(governor, BROKER);

  ck_assert_uint_eq(metrics.granted, 1);
  ck_assert_uint_eq(metrics.connecting, 1);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL),
                   MSKGOV_ERR_STATE);
  ck_assert_uint_eq(metrics_of(governor, BROKER).open, 1);
  mskgov_permit_release(permit);

  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.requested, 1);
  ck_assert_uint_eq(metrics.connected, 1);
  ck_assert_uint_eq(metrics.waiting + metrics.connecting + metrics.open, 0);
  mskgov_governor_free(governor);
}
END_TEST

typedef struct long_call {
  event entered, go_on;
} long_call;

static void last_long(mskgov_permit *permit, int rc, void *user) {
  long_call *l = user;

  (void)permit, (void)rc;
  event_happen(&l->entered);
  event_wait(&l->go_on, 1);
}

/* While one is told the next is granted, and gives up before he hears of it: as if he had
   never been granted. */
START_TEST(test_a_grant_that_nobody_heard_of) {
  mskgov_governor *governor = fast_governor();
  long_call l = {EVENT_INITIALIZER, EVENT_INITIALIZER};
  mskgov_permit *first = NULL, *second;
  mskgov_broker_metrics metrics;
  uint64_t waits = 0;
  ending e;

  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER,
                                               last_long, &l, &first, NULL),
                   0);
  event_wait(&l.entered, 1);
  second = start_waiting(governor, MSKGOV_NEVER, &e);
  mskgov_permit_release(second); /* granted or not: the pacing thread is busy */
  event_happen(&l.go_on);
  metrics = metrics_of(governor, BROKER);
  for (size_t i = 0; i < MSKGOV_WAIT_BUCKETS; i++)
    waits += metrics.waits[i];
  ck_assert_uint_eq(metrics.requested, 2);
  ck_assert_uint_eq(metrics.granted, 1);
  ck_assert_uint_eq(waits, 1);
  ck_assert_uint_eq(metrics.canceled, 1);
  mskgov_permit_release(first);
  mskgov_governor_free(governor);
  ck_assert_uint_eq(event_count(&e.happened), 0);
}
END_TEST

START_TEST(test_failures_are_counted_by_kind) {
  static const mskgov_outcome outcomes[] = {
      MSKGOV_OUTCOME_QUOTA, MSKGOV_OUTCOME_AUTHENTICATION, MSKGOV_OUTCOME_AUTHORIZATION,
      MSKGOV_OUTCOME_TRANSPORT};
  mskgov_governor *governor = fast_governor();
  mskgov_broker_metrics metrics;
  char detail[2 * MSKGOV_FAILURE_TEXT_MAX];

  memset(detail, 'd', sizeof(detail) - 1);
  detail[sizeof(detail) - 1] = 0;
  for (size_t i = 0; i < COUNT(outcomes); i++) {
    mskgov_permit *permit = must_acquire(governor);

    ck_assert_int_eq(mskgov_permit_report(permit, outcomes[i], detail), 0);
    ck_assert_int_eq(mskgov_permit_report(permit, outcomes[i], detail), MSKGOV_ERR_STATE);
    mskgov_permit_release(permit);
  }
  mskgov_permit_release(must_acquire(governor)); /* not reported: a failed transport */

  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.failed_quota, 1);
  ck_assert_uint_eq(metrics.failed_authentication, 1);
  ck_assert_uint_eq(metrics.failed_authorization, 1);
  ck_assert_uint_eq(metrics.failed_transport, 2);
  ck_assert_uint_eq(metrics.connecting + metrics.open, 0);
  ck_assert_uint_lt(strlen(metrics.last_failure), MSKGOV_FAILURE_TEXT_MAX);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_a_long_detail_is_cut) {
  mskgov_governor *governor = fast_governor();
  mskgov_permit *permit = must_acquire(governor);
  char detail[2 * MSKGOV_FAILURE_TEXT_MAX] = {0};
  mskgov_broker_metrics metrics;

  memset(detail, 'd', sizeof(detail) - 1);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_QUOTA, detail), 0);
  mskgov_permit_release(permit);
  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(strlen(metrics.last_failure), MSKGOV_FAILURE_TEXT_MAX - 1);
  ck_assert_mem_eq(metrics.last_failure, detail, MSKGOV_FAILURE_TEXT_MAX - 1);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_brokers_are_apart) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *one = must_acquire(governor), *other;
  mskgov_broker_metrics metrics = metrics_of(governor, "never.asked:9098");

  ck_assert_uint_eq(metrics.requested + metrics.granted + metrics.waiting, 0);
  ck_assert_str_eq(metrics.last_failure, "");
  ck_assert_int_eq(try_acquire(governor, 0), MSKGOV_ERR_DEADLINE);
  ck_assert_int_eq(
      mskgov_permit_acquire(governor, "b-2.example:9098", NULL, 0, &other, NULL), 0);
  mskgov_permit_release(other);
  mskgov_permit_release(one);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_timeouts) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *holder = NULL;
  uint64_t start;
  ending e;

  ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, NULL, 0, &holder, NULL), 0);
  ck_assert_int_eq(try_acquire(governor, 0), MSKGOV_ERR_DEADLINE);

  start = monotonic_ms();
  ck_assert_int_eq(try_acquire(governor, 50), MSKGOV_ERR_DEADLINE);
  ck_assert_uint_ge(monotonic_ms() + 1, start + 50); /* never early */

  start = monotonic_ms();
  mskgov_permit_release(start_waiting(governor, 1, &e)); /* may end before or after */
  mskgov_permit *waiting = start_waiting(governor, 50, &e);
  event_wait(&e.happened, 1);
  ck_assert_uint_ge(monotonic_ms() + 1, start + 50);
  ck_assert_int_eq(e.rc, MSKGOV_ERR_DEADLINE);
  ck_assert_ptr_eq(e.permit, waiting);
  ck_assert_int_eq(mskgov_permit_report(waiting, MSKGOV_OUTCOME_CONNECTED, NULL),
                   MSKGOV_ERR_STATE);
  mskgov_permit_release(waiting);

  mskgov_permit_release(holder);
  ck_assert_uint_eq(metrics_of(governor, BROKER).waiting, 0);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_a_waiter_gets_what_is_given_back) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *holder = must_acquire(governor), *waiting;
  ending e;

  ck_assert_int_eq(mskgov_permit_report(holder, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  waiting = start_waiting(governor, MSKGOV_NEVER, &e);
  ck_assert_int_eq(mskgov_permit_report(waiting, MSKGOV_OUTCOME_CONNECTED, NULL),
                   MSKGOV_ERR_STATE);
  ck_assert_uint_eq(metrics_of(governor, BROKER).waiting, 1);
  ck_assert_uint_eq(event_count(&e.happened), 0);
  mskgov_permit_release(holder);
  event_wait(&e.happened, 1);
  ck_assert_int_eq(e.rc, 0);
  ck_assert_int_eq(mskgov_permit_report(waiting, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(waiting);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_the_queue_has_a_limit) {
  mskgov_governor_options options = fast_options();
  mskgov_permit *permits[3];
  mskgov_governor *governor;
  ending endings[3];

  options.quota.max_connections = 1;
  options.max_waiters = 2;
  governor = make_governor(options);
  permits[0] = must_acquire(governor);
  for (size_t i = 1; i < 3; i++)
    permits[i] = start_waiting(governor, MSKGOV_NEVER, &endings[i]);
  ck_assert_int_eq(try_acquire(governor, MSKGOV_NEVER), MSKGOV_ERR_QUEUE_FULL);
  mskgov_permit_release(permits[2]);
  permits[2] = start_waiting(governor, MSKGOV_NEVER, &endings[2]);
  ck_assert_uint_eq(metrics_of(governor, BROKER).waiting, 2);
  ck_assert_uint_eq(metrics_of(governor, BROKER).canceled, 1);
  for (size_t i = 3; i--;)
    mskgov_permit_release(permits[i]);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_back_off_is_the_clients_own) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  const mskgov_client a = {.name = "a"}, b = {.name = "b"};
  mskgov_permit *permit;

  options.backoff_jitter = MSKGOV_JITTER_EQUAL;
  options.backoff_base_ms = options.backoff_cap_ms = 3600000;
  governor = make_governor(options);
  ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, &a, MSKGOV_NEVER, &permit, NULL),
                   0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_AUTHENTICATION, NULL), 0);
  mskgov_permit_release(permit);

  ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, &a, 20, &permit, NULL),
                   MSKGOV_ERR_DEADLINE);
  ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, &b, MSKGOV_NEVER, &permit, NULL),
                   0);
  mskgov_permit_release(permit);
  ck_assert_int_eq(
      mskgov_permit_acquire(governor, "b-2:9098", &a, MSKGOV_NEVER, &permit, NULL), 0);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

/* At its limit of one open connection the gate would stay shut. */
START_TEST(test_a_changed_quota_reaches_waiters) {
  mskgov_quota open_wide = mskgov_quota_custom(MSKGOV_QUOTA_RATE_MAX, UINT32_MAX);
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *first = must_acquire(governor), *second;
  ending e;

  ck_assert_int_eq(mskgov_permit_report(first, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  second = start_waiting(governor, MSKGOV_NEVER, &e);
  ck_assert_int_eq(mskgov_governor_set_quota(governor, &open_wide, NULL), 0);
  event_wait(&e.happened, 1);
  ck_assert_int_eq(e.rc, 0);
  mskgov_permit_release(second);
  mskgov_permit_release(first);
  mskgov_governor_free(governor);
}
END_TEST

/* Slots 11 s apart: the second is somewhere within the next. */
START_TEST(test_estimate) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  uint64_t wait_ms = 1;

  options.quota.connections_per_s = 1;
  options.grant_spread_ms = 10000;
  governor = make_governor(options);
  ck_assert_int_eq(mskgov_permit_estimate(governor, BROKER, NULL, &wait_ms, NULL), 0);
  ck_assert_uint_eq(wait_ms, 0);
  mskgov_permit_release(must_acquire(governor));
  ck_assert_int_eq(mskgov_permit_estimate(governor, BROKER, NULL, &wait_ms, NULL), 0);
  ck_assert_uint_gt(wait_ms, 0);
  ck_assert_uint_le(wait_ms, 11001);
  ck_assert_int_eq(mskgov_permit_estimate(governor, "b-1", NULL, &wait_ms, NULL),
                   MSKGOV_ERR_INVALID);
  mskgov_governor_stop(governor);
  ck_assert_int_eq(mskgov_permit_estimate(governor, BROKER, NULL, &wait_ms, NULL),
                   MSKGOV_ERR_STOPPED);
  mskgov_governor_free(governor);
}
END_TEST

TEST_MAIN("governor", TEST(test_the_life_of_a_permit),
          TEST(test_a_grant_that_nobody_heard_of), TEST(test_failures_are_counted_by_kind),
          TEST(test_a_long_detail_is_cut), TEST(test_brokers_are_apart),
          TEST(test_timeouts), TEST(test_a_waiter_gets_what_is_given_back),
          TEST(test_the_queue_has_a_limit), TEST(test_back_off_is_the_clients_own),
          TEST(test_a_changed_quota_reaches_waiters), TEST(test_estimate))
