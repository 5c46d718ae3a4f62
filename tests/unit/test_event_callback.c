/*
 * The callback for events, by the public interface: on its thread, with no lock held, in
 * order, and none after the governor has stopped.
 */
#include "event_listener.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdbool.h>

static listener heard;

static mskgov_governor *listened(mskgov_governor_options options, mskgov_event_cb *callback,
                                 void *user) {
  options.event_cb = callback;
  options.event_user = user;

  return make_governor(options);
}

/* The kinds in the order in which they were heard, as letters. */
static const char *spelled(void) {
  static const char letters[] = "GTFRrSNCcwL";
  static char text[HEARD_MAX + 1];

  for (size_t i = 0; i < heard.count; i++)
    text[i] = letters[heard.events[i].event.kind];
  text[heard.count] = 0;

  return text;
}

/* Fails, is granted again, recovers; then another client waits. */
START_TEST(test_in_the_order_of_what_happens) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_permit *permit, *second;

  options.quota.max_connections = 1;
  options.near_quota_percent = 100;
  options.backoff_cap_ms = options.backoff_base_ms = 1;
  governor = listened(options, listen, &heard);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(
        mskgov_permit_acquire(governor, BROKER, CLIENT("a"), MSKGOV_NEVER, &permit, NULL),
        0);
    ck_assert_int_eq(
        mskgov_permit_report(permit,
                             i ? MSKGOV_OUTCOME_CONNECTED : MSKGOV_OUTCOME_AUTHENTICATION,
                             "bad day"),
        0);
    if (i == 0)
      mskgov_permit_release(permit);
  }
  ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, NULL, 5, &second, NULL),
                   MSKGOV_ERR_DEADLINE);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);

  /* its back-off of up to a millisecond may be over at once, or let it wait; and whether
     a limit of one connection is near is looked at now and then */
  for (size_t i = 0, kept = 0; i < heard.count || ((heard.count = kept), false); i++) {
    mskgov_event_kind kind = heard.events[i].event.kind;
    bool maybe = kind == MSKGOV_EVENT_CONNECTIONS_NEAR_QUOTA ||
                 (kind == MSKGOV_EVENT_THROTTLED && !strcmp(heard.events[i].client, "a"));

    if (!maybe)
      heard.events[kept++] = heard.events[i];
  }
  ck_assert_str_eq(spelled(), "GFRGrTS");
  ck_assert_str_eq(heard.events[1].detail, "bad day");
  ck_assert_int_eq(heard.events[1].event.outcome, MSKGOV_OUTCOME_AUTHENTICATION);
  ck_assert_str_eq(heard.events[1].client, "a");
  ck_assert_str_eq(heard.events[1].broker, BROKER);
  ck_assert_str_eq(heard.events[5].client, "");
  ck_assert_str_eq(heard.events[6].broker, "");
  for (size_t i = 1; i < heard.count; i++)
    ck_assert_uint_ge(heard.events[i].event.at_ns, heard.events[i - 1].event.at_ns);
}
END_TEST

typedef struct caller {
  mskgov_governor *governor;
  mskgov_broker *broker;
  pthread_t first; /* that an event came on */
  unsigned granted;
  event done;
} caller;

static void *look_from_outside(void *argument) {
  caller *c = argument;

  (void)metrics_of(c->governor, BROKER);

  return NULL;
}

static void ignore(mskgov_permit *permit, int rc, void *user) {
  (void)permit, (void)rc, (void)user;
}

/* All that the header allows, at the first two grants (which these calls add to); another
   thread shows that no lock is held. */
static void call_back_in(const mskgov_event *told, void *user) {
  caller *c = user;
  mskgov_permit *permit = NULL;
  uint64_t wait_ms;
  pthread_t thread;

  ck_assert(!c->granted || pthread_equal(c->first, pthread_self()));
  c->first = pthread_self();
  if (told->kind != MSKGOV_EVENT_GRANTED || ++c->granted > 2)
    return;

  ck_assert_int_eq(pthread_create(&thread, NULL, look_from_outside, c), 0);
  pthread_join(thread, NULL);
  ck_assert_int_eq(mskgov_permit_acquire(c->governor, "b-2:9098", NULL, 0, &permit, NULL),
                   0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, "x"), 0);
  mskgov_permit_release(permit);
  ck_assert_int_eq(mskgov_permit_acquire_async(c->governor, "b-3:9098", NULL, MSKGOV_NEVER,
                                               ignore, NULL, &permit, NULL),
                   0);
  mskgov_permit_release(permit);
  ck_assert_int_eq(mskgov_broker_try(c->broker, NULL, &permit, &wait_ms), 0);
  mskgov_permit_release(permit);
  ck_assert_int_eq(mskgov_permit_estimate(c->governor, BROKER, NULL, &wait_ms, NULL), 0);
  (void)metrics_of(c->governor, BROKER);
  ck_assert_int_eq(mskgov_governor_check(c->governor, NULL), 0);
  event_happen(&c->done);
}

START_TEST(test_a_callback_may_call_back_in) {
  static caller c = {.done = EVENT_INITIALIZER};
  mskgov_permit *permit;

  c.governor = listened(fast_options(), call_back_in, &c);
  ck_assert_int_eq(mskgov_governor_broker(c.governor, "b-4:9098", &c.broker, NULL), 0);
  permit = must_acquire(c.governor);
  event_wait(&c.done, 2);
  mskgov_permit_release(permit);
  mskgov_governor_free(c.governor);
  ck_assert(!pthread_equal(c.first, pthread_self()));
}
END_TEST

typedef struct holder {
  event entered, go_on;
  uint64_t granted, lost;
} holder;

/* The first event holds the callback, and with it all that come after. */
static void hold_first(const mskgov_event *told, void *user) {
  holder *h = user;

  if (told->kind == MSKGOV_EVENT_GRANTED && h->granted++ == 0) {
    event_happen(&h->entered);
    event_wait(&h->go_on, 1);
  }
  if (told->kind == MSKGOV_EVENT_LOST)
    h->lost += told->value;
}

#define GRANTS (MSKGOV_EVENTS_PENDING_MAX + 1000)

/* What was not told is told to be lost: no more wait than the header says. */
START_TEST(test_events_that_nobody_takes) {
  static holder h = {.entered = EVENT_INITIALIZER, .go_on = EVENT_INITIALIZER};
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_broker *broker;

  options.near_quota_percent = 100;
  governor = listened(options, hold_first, &h);
  ck_assert_int_eq(mskgov_governor_broker(governor, BROKER, &broker, NULL), 0);
  for (int granted = 0; granted < GRANTS;) {
    mskgov_permit *permit;

    ck_assert_int_eq(mskgov_broker_try(broker, NULL, &permit, NULL), 0);
    if (!permit)
      continue;
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(permit);
    if (granted++ == 0)
      event_wait(&h.entered, 1);
  }
  event_happen(&h.go_on);
  mskgov_governor_free(governor);
  ck_assert_uint_eq(h.granted, MSKGOV_EVENTS_PENDING_MAX + 1);
  ck_assert_uint_ge(h.granted + h.lost, GRANTS); /* STOPPED may be lost as well */
  ck_assert_uint_le(h.granted + h.lost, GRANTS + 1);
}
END_TEST

static mskgov_permit *granted;

/* Told that the governor stops, the owner gives up what he has. */
static void give_up(mskgov_permit *permit, int rc, void *user) {
  (void)permit;
  if (rc == MSKGOV_ERR_STOPPED) {
    mskgov_permit_release(granted); /* not reported: it failed */
    event_happen(user);
  }
}

START_TEST(test_stopped_is_the_last) {
  mskgov_governor_options options = fast_options();
  event stopped = EVENT_INITIALIZER;
  mskgov_governor *governor;
  mskgov_permit *waiting;

  options.quota.max_connections = 1;
  governor = listened(options, listen, &heard);
  granted = must_acquire(governor);
  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER,
                                               give_up, &stopped, &waiting, NULL),
                   0);
  mskgov_governor_stop(governor);
  ck_assert_uint_eq(event_count(&stopped), 1);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_FAILED), 1);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_STOPPED), 1);
  ck_assert_int_eq(heard.events[heard.count - 1].event.kind, MSKGOV_EVENT_STOPPED);
  mskgov_permit_release(waiting);
  mskgov_governor_free(governor);
  ck_assert_int_eq(heard.events[heard.count - 1].event.kind, MSKGOV_EVENT_STOPPED);
}
END_TEST

#define THREADS 8
#define ROUNDS 150

static void *fail_and_recover(void *argument) {
  mskgov_governor *governor = argument;

  for (int i = 0; i < ROUNDS; i++) {
    mskgov_permit *permit = must_acquire(governor);

    mskgov_permit_report(permit,
                         i % 2 ? MSKGOV_OUTCOME_CONNECTED : MSKGOV_OUTCOME_TRANSPORT, "x");
    mskgov_permit_release(permit);
  }

  return NULL;
}

/* As many are told as are counted. */
START_TEST(test_many_threads) {
  mskgov_governor_options options = fast_options();
  mskgov_broker_metrics metrics;
  mskgov_governor *governor;
  test_threads threads;

  options.near_quota_percent = 100;
  governor = listened(options, listen, &heard);
  test_threads_start(&threads, THREADS, fail_and_recover, governor, 0);
  test_threads_join(&threads);
  metrics = metrics_of(governor, BROKER);
  mskgov_governor_free(governor);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_LOST), 0);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_GRANTED), THREADS * ROUNDS);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_FAILED), THREADS * ROUNDS / 2);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_RETRYING), THREADS * ROUNDS / 2);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_THROTTLED), metrics.throttled);
  ck_assert_uint_eq(heard_of(&heard, MSKGOV_EVENT_STOPPED), 1);
}
END_TEST

TEST_MAIN("event callback", TEST(test_in_the_order_of_what_happens),
          TEST(test_a_callback_may_call_back_in), TEST(test_events_that_nobody_takes),
          TEST(test_stopped_is_the_last), TEST(test_many_threads))
