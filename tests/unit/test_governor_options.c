/*
 * What the options of a governor do: limits, headroom, windows, scopes, priorities.
 */
#include "governor_fixture.h"

#include <stdbool.h>

typedef struct ending {
  event *happened;
  unsigned number; /* in the order of the calls */
  int rc;
} ending;

static void note_ending(mskgov_permit *permit, int rc, void *user) {
  ending *e = user;

  (void)permit;
  e->rc = rc;
  e->number = event_count(e->happened);
  event_happen(e->happened);
}

static mskgov_permit *start_waiting(mskgov_governor *governor, const char *broker,
                                    const mskgov_client *client, ending *e) {
  mskgov_permit *permit = NULL;

  ck_assert_int_eq(mskgov_permit_acquire_async(governor, broker, client, MSKGOV_NEVER,
                                               note_ending, e, &permit, NULL),
                   0);

  return permit;
}

static int try_acquire(mskgov_governor *governor, const char *broker, uint64_t timeout_ms,
                       mskgov_permit **permit) {
  mskgov_error_info error;
  int rc = mskgov_permit_acquire(governor, broker, NULL, timeout_ms, permit, &error);

  ck_assert_int_eq(error.code, rc);
  if (rc == MSKGOV_ERR_LIMIT)
    ck_assert_ptr_nonnull(strstr(error.text, "max_connections"));
  ck_assert_int_eq(*permit != NULL, rc == 0);

  return rc;
}

/* By both ways to acquire, however long they would wait; and not the attempts themselves. */
START_TEST(test_to_fail_at_the_limit) {
  mskgov_governor_options options = fast_options();
  event happened = EVENT_INITIALIZER;
  ending e = {&happened, 0, 1};
  mskgov_permit *permits[2], *none;
  mskgov_governor *governor;

  options.quota.max_connections = 2;
  options.at_limit = MSKGOV_AT_LIMIT_FAIL;
  governor = make_governor(options);
  for (size_t i = 0; i < 2; i++)
    permits[i] = must_acquire(governor);
  ck_assert_int_eq(try_acquire(governor, BROKER, MSKGOV_NEVER, &none), MSKGOV_ERR_LIMIT);
  ck_assert_int_eq(try_acquire(governor, BROKER, 0, &none), MSKGOV_ERR_LIMIT);
  none = start_waiting(governor, BROKER, NULL, &e);
  event_wait(&happened, 1);
  ck_assert_int_eq(e.rc, MSKGOV_ERR_LIMIT);
  mskgov_permit_release(none);
  ck_assert_uint_eq(metrics_of(governor, BROKER).waiting, 0);

  mskgov_permit_report(permits[0], MSKGOV_OUTCOME_CONNECTED, NULL);
  ck_assert_int_eq(try_acquire(governor, BROKER, MSKGOV_NEVER, &none), MSKGOV_ERR_LIMIT);
  mskgov_permit_release(permits[0]);
  ck_assert_int_eq(try_acquire(governor, BROKER, MSKGOV_NEVER, &permits[0]), 0);
  for (size_t i = 0; i < 2; i++)
    mskgov_permit_release(permits[i]);
  mskgov_governor_free(governor);
}
END_TEST

/* 1000 in a second less 30 percent, and 20 less 30 percent. */
START_TEST(test_headroom) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_broker_metrics metrics;

  options.quota.connections_per_s = 1000;
  options.headroom_percent = 30;
  governor = make_governor(options);
  mskgov_permit_release(must_acquire(governor));
  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.window_limit, 700);
  ck_assert_uint_eq(metrics.window_used, 1);

  /* and of a quota that is set later */
  ck_assert_int_eq(
      mskgov_governor_set_quota(
          governor,
          &(mskgov_quota){.connections_per_s = 20, .max_connections = 5, .window_ms = 1000},
          NULL),
      0);
  ck_assert_uint_eq(metrics_of(governor, BROKER).window_limit, 14);
  ck_assert_uint_eq(metrics_of(governor, BROKER).connections_limit, 5);
  mskgov_governor_free(governor);
}
END_TEST

/* 10 in a second are one in 100 ms and 600 in a minute. */
START_TEST(test_windows) {
  static const struct {
    uint32_t window_ms, limit;
  } cases[] = {{100, 1}, {1000, 10}, {60000, 600}};

  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_governor_options options = fast_options();
    mskgov_governor *governor;

    options.quota.connections_per_s = 10;
    options.quota.window_ms = cases[i].window_ms;
    governor = make_governor(options);
    mskgov_permit_release(must_acquire(governor));
    ck_assert_uint_eq(metrics_of(governor, BROKER).window_limit, cases[i].limit);
    mskgov_governor_free(governor);
  }
}
END_TEST

/* All brokers of a cluster share one limit and one line; the name is copied. */
START_TEST(test_the_scope_of_a_cluster) {
  mskgov_governor_options options = fast_options();
  event happened = EVENT_INITIALIZER;
  ending e = {&happened, 0, 1};
  char name[] = "mine";
  mskgov_broker *one, *other;
  mskgov_permit *permit, *none, *waiting;
  mskgov_governor *governor;

  options.quota.scope = MSKGOV_SCOPE_CLUSTER;
  options.quota.max_connections = 1;
  options.cluster = name;
  governor = make_governor(options);
  memset(name, 'x', sizeof(name) - 1);
  permit = must_acquire(governor);
  ck_assert_int_eq(try_acquire(governor, "b-2:9098", 0, &none), MSKGOV_ERR_DEADLINE);
  waiting = start_waiting(governor, "b-2:9098", NULL, &e);
  ck_assert_uint_eq(metrics_of(governor, BROKER).waiting, 1);
  ck_assert_uint_eq(metrics_of(governor, "b-3:9098").waiting, 1);
  ck_assert_int_eq(mskgov_governor_broker(governor, BROKER, &one, NULL), 0);
  ck_assert_int_eq(mskgov_governor_broker(governor, "b-3:9098", &other, NULL), 0);
  ck_assert_ptr_eq(one, other);
  /* an address is an address all the same */
  ck_assert_int_eq(try_acquire(governor, "mine", 0, &none), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(mskgov_governor_broker(governor, "mine", &other, NULL),
                   MSKGOV_ERR_INVALID);

  mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
  mskgov_permit_release(permit);
  event_wait(&happened, 1);
  ck_assert_int_eq(e.rc, 0);
  mskgov_permit_release(waiting);
  mskgov_governor_free(governor);
}
END_TEST

/* A failure at one broker of the cluster is the client's with all of them. */
START_TEST(test_back_off_in_a_cluster) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_permit *permit;

  options.quota.scope = MSKGOV_SCOPE_CLUSTER;
  options.backoff_jitter = MSKGOV_JITTER_EQUAL;
  options.backoff_base_ms = options.backoff_cap_ms = 3600000;
  governor = make_governor(options);
  permit = must_acquire(governor);
  mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL);
  mskgov_permit_release(permit);
  ck_assert_int_eq(try_acquire(governor, "b-2:9098", 0, &permit), MSKGOV_ERR_DEADLINE);
  mskgov_governor_free(governor);
}
END_TEST

/* A broker is known by its text: asking again, or for a handle, does not end a streak. */
START_TEST(test_a_streak_outlasts_another_look_at_the_name) {
  mskgov_governor_options options = fast_options();
  char again[] = BROKER;
  mskgov_governor *governor;
  mskgov_broker *broker;
  mskgov_permit *permit;
  uint64_t wait_ms;

  options.backoff_jitter = MSKGOV_JITTER_EQUAL;
  options.backoff_base_ms = options.backoff_cap_ms = 3600000;
  governor = make_governor(options);
  permit = must_acquire(governor);
  mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL);
  mskgov_permit_release(permit);
  ck_assert_int_eq(try_acquire(governor, again, 0, &permit), MSKGOV_ERR_DEADLINE);
  ck_assert_int_eq(mskgov_governor_broker(governor, again, &broker, NULL), 0);
  ck_assert_int_eq(mskgov_broker_try(broker, NULL, &permit, NULL), 0);
  ck_assert_ptr_null(permit);
  ck_assert_int_eq(mskgov_permit_estimate(governor, again, NULL, &wait_ms, NULL), 0);
  ck_assert_uint_gt(wait_ms, 1700000); /* half an hour, less what has passed */
  /* but another spelling is another broker */
  ck_assert_int_eq(try_acquire(governor, "B-1.example:9098", 0, &permit), 0);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

#define WAITERS 5

/* All wait behind a holder, and go one by one: each gives its place to the next. */
START_TEST(test_priorities) {
  static const mskgov_priority joining[WAITERS] = {
      MSKGOV_PRIORITY_BACKGROUND, MSKGOV_PRIORITY_NORMAL, MSKGOV_PRIORITY_CRITICAL,
      MSKGOV_PRIORITY_NORMAL, MSKGOV_PRIORITY_CRITICAL};
  /* critical, critical; then normal before background (policy/turns.h) */
  static const unsigned numbers[WAITERS] = {4, 2, 0, 3, 1};
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *holder = must_acquire(governor), *permits[WAITERS];
  event happened = EVENT_INITIALIZER;
  ending endings[WAITERS];

  for (size_t i = 0; i < WAITERS; i++) {
    mskgov_client client = {.priority = joining[i]};

    endings[i] = (ending){&happened, 0, 1};
    permits[i] = start_waiting(governor, BROKER, &client, &endings[i]);
  }
  mskgov_permit_report(holder, MSKGOV_OUTCOME_CONNECTED, NULL);
  mskgov_permit_release(holder);
  for (unsigned done = 0; done < WAITERS; done++) {
    event_wait(&happened, done + 1);
    for (size_t i = 0; i < WAITERS; i++)
      if (numbers[i] == done) {
        ck_assert_int_eq(endings[i].rc, 0);
        ck_assert_uint_eq(endings[i].number, done);
        mskgov_permit_report(permits[i], MSKGOV_OUTCOME_CONNECTED, NULL);
        mskgov_permit_release(permits[i]);
      }
  }
  mskgov_governor_free(governor);
}
END_TEST

/* A try that fails is not a request, whatever it fails for. */
START_TEST(test_tries_that_fail_are_not_counted) {
  for (int at_limit = 0; at_limit <= 1; at_limit++) {
    mskgov_governor_options options = fast_options();
    mskgov_broker_metrics metrics;
    mskgov_permit *permit, *none;
    mskgov_governor *governor;

    options.quota.max_connections = 1;
    options.at_limit = (mskgov_at_limit)at_limit;
    governor = make_governor(options);
    permit = must_acquire(governor);
    ck_assert_int_eq(try_acquire(governor, BROKER, 0, &none),
                     at_limit ? MSKGOV_ERR_LIMIT : MSKGOV_ERR_DEADLINE);
    metrics = metrics_of(governor, BROKER);
    ck_assert_uint_eq(metrics.requested, 1);
    ck_assert_uint_eq(metrics.canceled, 0);
    ck_assert_uint_eq(metrics.throttled, 0);
    mskgov_permit_release(permit);
    mskgov_governor_free(governor);
  }
}
END_TEST

TEST_MAIN("governor options", TEST(test_to_fail_at_the_limit), TEST(test_headroom),
          TEST(test_windows), TEST(test_the_scope_of_a_cluster),
          TEST(test_back_off_in_a_cluster),
          TEST(test_a_streak_outlasts_another_look_at_the_name), TEST(test_priorities),
          TEST(test_tries_that_fail_are_not_counted))
