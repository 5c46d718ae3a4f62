/*
 * What the tests of the governor share. They use the public interface only, against the
 * shared library. No test depends on how fast the machine is: a broker with a quota of one
 * connection is as good as closed for a second or more, and one with a million is open.
 */
#ifndef TEST_GOVERNOR_FIXTURE_H
#define TEST_GOVERNOR_FIXTURE_H

#include "harness.h"

#include <mskgov/mskgov.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BROKER "b-1.example:9098"
/* A client of normal priority. */
#define CLIENT(text) (&(mskgov_client){.name = (text)})

static inline mskgov_governor_options fast_options(void) {
  mskgov_governor_options options;

  mskgov_governor_options_init(&options);
  options.quota = mskgov_quota_custom(MSKGOV_QUOTA_RATE_MAX, UINT32_MAX);
  options.grant_spread_ms = 0;
  options.backoff_base_ms = options.backoff_cap_ms = 1;
  options.backoff_cap_grows = 0;

  return options;
}

static inline mskgov_governor *make_governor(mskgov_governor_options options) {
  mskgov_governor *governor = NULL;
  mskgov_error_info error;

  ck_assert_msg(mskgov_governor_new(&governor, &options, &error) == 0, "%s", error.text);

  return governor;
}

static inline mskgov_governor *fast_governor(void) {
  return make_governor(fast_options());
}

/* A governor that lets `open` connections be open at once, and no more. */
static inline mskgov_governor *narrow_governor(uint32_t open) {
  mskgov_governor_options options = fast_options();

  options.quota.max_connections = open;

  return make_governor(options);
}

static inline mskgov_permit *must_acquire(mskgov_governor *governor) {
  mskgov_permit *permit = NULL;

  ck_assert_int_eq(
      mskgov_permit_acquire(governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL), 0);
  ck_assert_ptr_nonnull(permit);

  return permit;
}

static inline mskgov_broker_metrics metrics_of(mskgov_governor *governor,
                                               const char *broker) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};

  ck_assert_int_eq(mskgov_governor_broker_metrics(governor, broker, &metrics, NULL), 0);

  return metrics;
}

/* Something that happens on another thread: counted, and waited for. */
typedef struct event {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  unsigned count;
} event;

#define EVENT_INITIALIZER                                                                  \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

static inline void event_happen(event *e) {
  pthread_mutex_lock(&e->mutex);
  e->count++;
  pthread_cond_broadcast(&e->cond);
  pthread_mutex_unlock(&e->mutex);
}

/* The watchdog is the test's own time-out. */
static inline void event_wait(event *e, unsigned count) {
  pthread_mutex_lock(&e->mutex);
  while (e->count < count)
    pthread_cond_wait(&e->cond, &e->mutex);
  pthread_mutex_unlock(&e->mutex);
}

static inline unsigned event_count(event *e) {
  unsigned count;

  pthread_mutex_lock(&e->mutex);
  count = e->count;
  pthread_mutex_unlock(&e->mutex);

  return count;
}

#endif
