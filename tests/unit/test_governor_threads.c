/*
 * The governor under many threads: callbacks, races of release, stop with waiters, and the
 * quota itself in real time. Most useful under the thread sanitizer.
 */
#include "governor_fixture.h"
#include "spans.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdbool.h>

#define THREADS 8
#define BROKERS 3

static const char *const brokers[BROKERS] = {BROKER, "b-2.example:9098", "[::1]:9098"};

static uint64_t monotonic_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * SPANS_SECOND_NS + (uint64_t)now.tv_nsec;
}

typedef struct worker {
  mskgov_governor *governor;
  atomic_uint *open; /* per broker */
  unsigned number, rounds, most_open, failed;
} worker;

#define OPEN_MAX 4

static void *work(void *argument) {
  worker *w = argument;
  char client[8];

  snprintf(client, sizeof(client), "c%u", w->number);
  for (unsigned i = 0; i < w->rounds; i++) {
    size_t at = (w->number + i) % BROKERS;
    mskgov_outcome outcome = i % 8 ? MSKGOV_OUTCOME_CONNECTED : (mskgov_outcome)(i / 8 % 5);
    mskgov_permit *permit;
    unsigned open;

    w->failed +=
        mskgov_permit_acquire(w->governor, brokers[at], &(mskgov_client){.name = client},
                              MSKGOV_NEVER, &permit, NULL) != 0;
    open = atomic_fetch_add(&w->open[at], 1) + 1;
    w->most_open = open > w->most_open ? open : w->most_open;
    w->failed += mskgov_permit_report(permit, outcome, "detail") != 0;
    atomic_fetch_sub(&w->open[at], 1);
    mskgov_permit_release(permit);
  }

  return NULL;
}

START_TEST(test_many_threads) {
  mskgov_governor *governor = narrow_governor(OPEN_MAX);
  atomic_uint open[BROKERS] = {0};
  worker workers[THREADS];

  for (unsigned i = 0; i < THREADS; i++)
    workers[i] = (worker){governor, open, i, 240, 0, 0};
  test_threads_run(THREADS, work, workers, sizeof(*workers));

  for (size_t i = 0; i < THREADS; i++) {
    ck_assert_uint_eq(workers[i].failed, 0);
    ck_assert_uint_le(workers[i].most_open, OPEN_MAX);
  }
  for (size_t i = 0; i < BROKERS; i++) {
    mskgov_broker_metrics m = metrics_of(governor, brokers[i]);

    ck_assert_uint_eq(m.requested, THREADS * 240 / BROKERS);
    ck_assert_uint_eq(m.granted, m.requested);
    ck_assert_uint_eq(m.connected + m.failed_quota + m.failed_authentication +
                          m.failed_authorization + m.failed_transport,
                      m.granted);
    ck_assert_uint_eq(m.waiting + m.connecting + m.open + m.canceled, 0);
  }
  mskgov_governor_free(governor);
}
END_TEST

#define QUOTA 40
#define ATTEMPTS 20 /* per thread: 160 in all, four seconds */

typedef struct pacer {
  mskgov_governor *governor;
  span spans[ATTEMPTS];
} pacer;

static void *connect_often(void *argument) {
  pacer *p = argument;

  for (size_t i = 0; i < ATTEMPTS; i++) {
    mskgov_permit *permit = NULL;

    if (mskgov_permit_acquire(p->governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL))
      abort();
    p->spans[i].from_ns = monotonic_ns();
    p->spans[i].to_ns = monotonic_ns();
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(permit);
  }

  return NULL;
}

/* The promise in real time, by the harness's own clock between acquire and report. */
START_TEST(test_the_quota_is_kept) {
  static pacer pacers[THREADS];
  mskgov_governor_options options = fast_options();
  span all[THREADS * ATTEMPTS];

  options.quota.connections_per_s = QUOTA;
  options.grant_spread_ms = 20;
  pacers[0].governor = make_governor(options);
  for (size_t i = 1; i < THREADS; i++)
    pacers[i].governor = pacers[0].governor;
  test_threads_run(THREADS, connect_often, pacers, sizeof(*pacers));

  for (size_t i = 0; i < COUNT(all); i++)
    all[i] = pacers[i / ATTEMPTS].spans[i % ATTEMPTS];
  ck_assert_uint_le(spans_fullest_second(all, COUNT(all)), QUOTA);
  mskgov_governor_free(pacers[0].governor);
}
END_TEST

/* One request with a callback, and everything that may go wrong with one. */
typedef struct request {
  mskgov_governor *governor;
  mskgov_permit *permit;
  atomic_uint calls;
  atomic_int rc;
  atomic_bool released, late;
  event *ended;
} request;

static void note_call(mskgov_permit *permit, int rc, void *user) {
  request *r = user;

  (void)permit;
  if (atomic_load(&r->released))
    atomic_store(&r->late, true);
  atomic_store(&r->rc, rc);
  atomic_fetch_add(&r->calls, 1);
  event_happen(r->ended);
}

static void request_start(request *r, mskgov_governor *governor, mskgov_permit_cb *callback,
                          event *ended) {
  r->governor = governor;
  r->ended = ended;
  atomic_init(&r->calls, 0);
  atomic_init(&r->rc, 1);
  atomic_init(&r->released, false);
  atomic_init(&r->late, false);
  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER,
                                               callback, r, &r->permit, NULL),
                   0);
}

#define REQUESTS 64

static void start_all(request *requests, mskgov_governor *governor, event *ended) {
  for (size_t i = 0; i < REQUESTS; i++)
    request_start(&requests[i], governor, note_call, ended);
}

START_TEST(test_callbacks_come_once) {
  mskgov_governor *governor = fast_governor();
  event ended = EVENT_INITIALIZER;
  request requests[REQUESTS];

  start_all(requests, governor, &ended);
  event_wait(&ended, REQUESTS);
  for (size_t i = 0; i < REQUESTS; i++)
    mskgov_permit_release(requests[i].permit);
  mskgov_governor_free(governor);
  ck_assert_uint_eq(event_count(&ended), REQUESTS);
  for (size_t i = 0; i < REQUESTS; i++) {
    ck_assert_uint_eq(atomic_load(&requests[i].calls), 1);
    ck_assert_int_eq(atomic_load(&requests[i].rc), 0);
  }
}
END_TEST

static void *race_release(void *argument) {
  mskgov_governor *governor = argument;
  event ended = EVENT_INITIALIZER;

  for (unsigned round = 0; round < 300; round++) {
    request r;

    request_start(&r, governor, note_call, &ended);
    for (volatile unsigned spin = 0; spin < round % 50 * 40; spin++)
      ;
    mskgov_permit_release(r.permit);
    atomic_store(&r.released, true);
    if (atomic_load(&r.calls) > 1 || atomic_load(&r.late))
      abort();
  }

  return NULL;
}

/* Releasing while the grant is on its way; the request's memory is gone right after. */
START_TEST(test_release_races_with_the_grant) {
  mskgov_governor *governor = fast_governor();
  mskgov_broker_metrics metrics;
  test_threads threads;

  test_threads_start(&threads, THREADS, race_release, governor, 0);
  test_threads_join(&threads);
  metrics = metrics_of(governor, BROKER);
  ck_assert_uint_eq(metrics.requested, THREADS * 300);
  ck_assert_uint_eq(metrics.waiting + metrics.connecting + metrics.open, 0);
  mskgov_governor_free(governor);
}
END_TEST

/* A callback that lasts until it is told to go on, and a release that meets it. */
typedef struct long_call {
  event entered, go_on, released;
  atomic_bool over, met; /* the callback's end, and whether the release came before it */
  mskgov_permit *permit;
} long_call;

static void last_long(mskgov_permit *permit, int rc, void *user) {
  long_call *l = user;

  (void)permit, (void)rc;
  event_happen(&l->entered);
  event_wait(&l->go_on, 1);
  atomic_store(&l->over, true);
}

static void *release_meanwhile(void *argument) {
  long_call *l = argument;

  mskgov_permit_release(l->permit);
  atomic_store(&l->met, !atomic_load(&l->over));
  event_happen(&l->released);

  return NULL;
}

START_TEST(test_release_waits_for_the_callback) {
  mskgov_governor *governor = fast_governor();
  long_call l = {
      EVENT_INITIALIZER, EVENT_INITIALIZER, EVENT_INITIALIZER, false, false, NULL};
  test_threads threads;

  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER,
                                               last_long, &l, &l.permit, NULL),
                   0);
  event_wait(&l.entered, 1);
  test_threads_start(&threads, 1, release_meanwhile, &l, 0);
  for (int i = 0; i < 10000 && !event_count(&l.released); i++)
    sched_yield(); /* the chance for a release that does not wait */
  event_happen(&l.go_on);
  test_threads_join(&threads);
  ck_assert(!atomic_load(&l.met));
  mskgov_governor_free(governor);
}
END_TEST

static void *look_from_outside(void *argument) {
  request *r = argument;
  mskgov_permit *permit;

  (void)metrics_of(r->governor, BROKER);
  if (mskgov_permit_acquire(r->governor, "b-2:9098", NULL, 0, &permit, NULL) == 0)
    mskgov_permit_release(permit);

  return NULL;
}

/* Every call that the header allows; another thread shows that no lock is held at all. */
static void call_back_in(mskgov_permit *permit, int rc, void *user) {
  const mskgov_client other_client = {.name = "other"};
  request *r = user;
  mskgov_permit *other = NULL;
  pthread_t thread;

  ck_assert_int_eq(rc, 0);
  ck_assert_int_eq(pthread_create(&thread, NULL, look_from_outside, r), 0);
  pthread_join(thread, NULL);
  (void)metrics_of(r->governor, BROKER);
  ck_assert_int_eq(
      mskgov_permit_acquire(r->governor, BROKER, &other_client, 0, &other, NULL),
      MSKGOV_ERR_DEADLINE); /* the only place is this permit's */
  ck_assert_int_eq(mskgov_permit_acquire_async(r->governor, BROKER, &other_client,
                                               MSKGOV_NEVER, note_call, r, &other, NULL),
                   0);
  mskgov_permit_release(other);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(permit);
  atomic_fetch_add(&r->calls, 1);
  event_happen(r->ended);
}

START_TEST(test_a_callback_may_call_back_in) {
  mskgov_governor *governor = narrow_governor(1);
  event ended = EVENT_INITIALIZER;
  request requests[4];

  for (size_t i = 0; i < COUNT(requests); i++)
    request_start(&requests[i], governor, call_back_in, &ended);
  event_wait(&ended, COUNT(requests));
  for (size_t i = 0; i < COUNT(requests); i++)
    ck_assert_uint_eq(atomic_load(&requests[i].calls), 1);
  ck_assert_uint_eq(metrics_of(governor, BROKER).open, 0);
  mskgov_governor_free(governor);
}
END_TEST

/* The first to be called releases all the others, and itself. */
static void release_all(mskgov_permit *permit, int rc, void *user) {
  request *requests = user;

  (void)permit, (void)rc;
  atomic_fetch_add(&requests->calls, 1);
  for (size_t i = 1; i < 4; i++)
    mskgov_permit_release(requests[i].permit);
  mskgov_permit_release(requests[0].permit);
  event_happen(requests->ended);
}

/* The line stands behind a holder, so all of it waits before the first is called. */
START_TEST(test_a_callback_may_release_others) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *holder = must_acquire(governor);
  event ended = EVENT_INITIALIZER;
  request requests[4];

  request_start(&requests[0], governor, release_all, &ended);
  for (size_t i = 1; i < COUNT(requests); i++)
    request_start(&requests[i], governor, note_call, &ended);
  ck_assert_int_eq(mskgov_permit_report(holder, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(holder);
  event_wait(&ended, 1);
  mskgov_governor_free(governor);
  ck_assert_uint_eq(event_count(&ended), 1);
  ck_assert_uint_eq(atomic_load(&requests[0].calls), 1);
}
END_TEST

static void stop_from_within(mskgov_permit *permit, int rc, void *user) {
  request *r = user;

  mskgov_governor_stop(r->governor);
  note_call(permit, rc, user);
}

START_TEST(test_a_callback_may_stop) {
  mskgov_governor *governor = fast_governor();
  event ended = EVENT_INITIALIZER;
  request r;

  request_start(&r, governor, stop_from_within, &ended);
  event_wait(&ended, 1);
  ck_assert_int_eq(atomic_load(&r.rc), 0);
  mskgov_permit_release(r.permit);
  mskgov_governor_free(governor);
}
END_TEST

typedef struct blocked {
  mskgov_governor *governor;
  int rc;
} blocked;

static void *block(void *argument) {
  blocked *b = argument;
  mskgov_permit *permit;

  b->rc = mskgov_permit_acquire(b->governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL);

  return NULL;
}

/* Waiters of both kinds are told; a second stop at the same time does no harm. */
START_TEST(test_stop_with_waiters) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *holder = must_acquire(governor);
  event ended = EVENT_INITIALIZER;
  request requests[REQUESTS];
  blocked waiters[THREADS];
  test_threads threads;

  for (size_t i = 0; i < THREADS; i++)
    waiters[i] = (blocked){governor, 1};
  test_threads_start(&threads, THREADS, block, waiters, sizeof(*waiters));
  start_all(requests, governor, &ended);
  while (metrics_of(governor, BROKER).waiting < REQUESTS + THREADS)
    sched_yield();

  mskgov_governor_stop(governor);
  ck_assert_uint_eq(event_count(&ended), REQUESTS);
  test_threads_join(&threads);
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq(waiters[i].rc, MSKGOV_ERR_STOPPED);
  for (size_t i = 0; i < REQUESTS; i++) {
    ck_assert_int_eq(atomic_load(&requests[i].rc), MSKGOV_ERR_STOPPED);
    ck_assert_uint_eq(atomic_load(&requests[i].calls), 1);
    mskgov_permit_release(requests[i].permit);
  }
  ck_assert_uint_eq(metrics_of(governor, BROKER).canceled, REQUESTS + THREADS);
  mskgov_permit_release(holder);
  mskgov_governor_free(governor);
}
END_TEST

static void *stop(void *argument) {
  mskgov_governor_stop(argument);

  return NULL;
}

/* Stops race with grants: each request ends once, one way or the other. */
START_TEST(test_stop_races_with_grants) {
  for (int round = 0; round < 50; round++) {
    mskgov_governor *governor = fast_governor();
    event ended = EVENT_INITIALIZER;
    request requests[REQUESTS];
    test_threads threads;

    start_all(requests, governor, &ended);
    test_threads_start(&threads, 2, stop, governor, 0);
    test_threads_join(&threads);
    ck_assert_uint_eq(event_count(&ended), REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
      int rc = atomic_load(&requests[i].rc);

      ck_assert(rc == 0 || rc == MSKGOV_ERR_STOPPED);
      mskgov_permit_release(requests[i].permit);
    }
    mskgov_governor_free(governor);
  }
}
END_TEST

TEST_MAIN("governor threads", TEST(test_many_threads), TEST(test_the_quota_is_kept),
          TEST(test_callbacks_come_once), TEST(test_release_races_with_the_grant),
          TEST(test_release_waits_for_the_callback), TEST(test_a_callback_may_call_back_in),
          TEST(test_a_callback_may_release_others), TEST(test_a_callback_may_stop),
          TEST(test_stop_with_waiters), TEST(test_stop_races_with_grants))
