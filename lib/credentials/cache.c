#include "credentials/cache.h"

#include "base/error.h"
#include "base/process.h"
#include "base/random.h"
#include "base/thread.h"
#include "credentials/credentials.h"
#include "credentials/provider.h"
#include "credentials/skew.h"
#include "policy/refresh.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define PATIENCE_NS (60 * GOV_NS_PER_S)

/*
 * One thread fetches, the callers take what it has left for them. It has a hold of its own
 * on the cache, so that whoever frees the cache does not wait for a fetch under way.
 */
typedef struct cache {
  atomic_uint holds; /* the provider's and the thread's */
  unsigned process;  /* its generation */
  mskgov_credentials_provider *source;
  const gov_clock *clock;
  uint64_t patience_ns;
  mskgov_credentials_event_cb *on_event; /* NULL: none */
  void *user;
  pthread_mutex_t mutex;
  pthread_cond_t due;     /* for the thread: there is something to do before next_ns */
  pthread_cond_t fetched; /* for the callers: a fetch has ended */
  struct {
    bool has_thread, stopping;
    pthread_t thread;                /* if it has one */
    bool expired;                    /* and it was told */
    mskgov_credentials *credentials; /* the last that were had; NULL: none yet */
    uint64_t next_ns;                /* when the thread fetches next; monotonic */
    uint64_t fetches;                /* that have ended */
    uint32_t failures;               /* in a row */
    mskgov_error_info error;         /* of the last failure */
    gov_random random;
  } locked;
} cache;

static void drop(cache *self) {
  if (atomic_fetch_sub(&self->holds, 1) != 1)
    return;

  mskgov_credentials_free(self->locked.credentials);
  mskgov_credentials_provider_free(self->source);
  pthread_cond_destroy(&self->fetched);
  pthread_cond_destroy(&self->due);
  pthread_mutex_destroy(&self->mutex);
  free(self);
}

static uint64_t life_ns(const cache *self, const mskgov_credentials *credentials) {
  uint64_t expires_at_ns = mskgov_credentials_expires_at_ns(credentials);
  uint64_t now_ns = gov_skew_unix_ns(&gov_skew_host, self->clock);

  if (expires_at_ns == MSKGOV_NEVER)
    return UINT64_MAX;

  return expires_at_ns > now_ns ? expires_at_ns - now_ns : 0;
}

/* Says since when they have expired; 0 if they live. */
static int check_life_locked(const cache *self, mskgov_error_info *error) {
  return gov_credentials_check_life(
      self->locked.credentials, gov_skew_unix_ns(&gov_skew_host, self->clock), 1, error);
}

static bool live_locked(const cache *self) {
  return self->locked.credentials && life_ns(self, self->locked.credentials) > 0;
}

static void note_success_locked(cache *self, mskgov_credentials *credentials) {
  mskgov_credentials_free(self->locked.credentials);
  self->locked.credentials = credentials;
  self->locked.failures = 0;
  self->locked.next_ns = gov_time_add(
      gov_clock_monotonic_ns(self->clock),
      gov_refresh_after_success_ns(life_ns(self, credentials), &self->locked.random));
}

/* What there is stays: it may work still. */
static void note_failure_locked(cache *self, const mskgov_error_info *error) {
  if (self->locked.failures < UINT32_MAX)
    self->locked.failures++;
  self->locked.error = *error;
  self->locked.next_ns =
      gov_clock_monotonic_ns(self->clock) +
      gov_refresh_after_failure_ns(self->locked.failures, &self->locked.random);
}

static void fetch_locked(cache *self) {
  mskgov_credentials *credentials;
  mskgov_error_info error;
  int rc;

  pthread_mutex_unlock(&self->mutex);
  gov_error_reset(&error);
  rc = gov_credentials_provider_get(self->source, self->clock, &credentials, &error);
  pthread_mutex_lock(&self->mutex);

  if (rc)
    note_failure_locked(self, &error);
  else
    note_success_locked(self, credentials);
  self->locked.fetches++;
  pthread_cond_broadcast(&self->fetched);
}

const char *mskgov_credentials_event_name(mskgov_credentials_event_kind kind) {
  static const char *const names[] = {"fetched", "failed", "expired", "recovered"};

  return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

/* Tells what became of a fetch, unless the cache was freed meanwhile: `user` may be gone
   then. Gives up the lock. */
static void tell_locked(cache *self, mskgov_credentials_event_kind kind,
                        uint32_t failures) {
  mskgov_error_info error = {0};
  mskgov_credentials *credentials = self->locked.credentials;
  uint64_t now_ns = gov_clock_monotonic_ns(self->clock), next_ns = self->locked.next_ns;
  mskgov_credentials_event event = {.kind = kind,
                                    .source = "",
                                    .next_ms = MSKGOV_NEVER,
                                    .failures = failures,
                                    .error = &error};

  if (!self->on_event || self->locked.stopping)
    return;

  if (credentials) {
    mskgov_credentials_ref(credentials);
    event.source = mskgov_credentials_source(credentials);
    event.expires_at_ns = mskgov_credentials_expires_at_ns(credentials);
  }
  if (next_ns != UINT64_MAX)
    event.next_ms = next_ns > now_ns ? (next_ns - now_ns) / GOV_NS_PER_MS : 0;
  if (self->locked.failures > 0)
    error = self->locked.error;

  pthread_mutex_unlock(&self->mutex);
  self->on_event(&event, self->user);
  mskgov_credentials_free(credentials);
  pthread_mutex_lock(&self->mutex);
}

static void fetch_and_tell_locked(cache *self) {
  uint32_t before = self->locked.failures;

  fetch_locked(self);
  if (self->locked.failures == 0) {
    self->locked.expired = false;
    tell_locked(self, before ? MSKGOV_CREDENTIALS_RECOVERED : MSKGOV_CREDENTIALS_FETCHED,
                before);
    return;
  }

  tell_locked(self, MSKGOV_CREDENTIALS_FAILED, self->locked.failures);
}

/* Tells that those in hand have expired. Returns when there is something to do next. */
static uint64_t watch_expiry_locked(cache *self) {
  uint64_t next_ns = self->locked.next_ns, end_ns;

  if (!self->locked.credentials || self->locked.expired || self->locked.failures == 0)
    return next_ns;

  if (!live_locked(self)) {
    self->locked.expired = true;
    tell_locked(self, MSKGOV_CREDENTIALS_EXPIRED, self->locked.failures);
    return next_ns;
  }
  end_ns = gov_time_add(gov_clock_monotonic_ns(self->clock),
                        life_ns(self, self->locked.credentials));

  return end_ns < next_ns ? end_ns : next_ns;
}

static void *run(void *argument) {
  cache *self = argument;

  pthread_mutex_lock(&self->mutex);
  while (!self->locked.stopping) {
    uint64_t until_ns = watch_expiry_locked(self);

    if (gov_clock_monotonic_ns(self->clock) >= self->locked.next_ns)
      fetch_and_tell_locked(self);
    else if (!self->locked.stopping)
      gov_cond_wait_until(&self->due, &self->mutex, until_ns);
  }
  pthread_mutex_unlock(&self->mutex);
  drop(self);

  return NULL;
}

static int start_locked(cache *self, mskgov_error_info *error) {
  pthread_t thread;
  int rc;

  if (self->locked.has_thread)
    return 0;

  atomic_fetch_add(&self->holds, 1);
  rc = gov_thread_start(&thread, "mskgov-creds", run, self);
  if (rc) {
    atomic_fetch_sub(&self->holds, 1);
    return gov_error_set_errno(error, rc, "cannot start the credentials' thread");
  }
  pthread_detach(thread);
  self->locked.thread = thread;
  self->locked.has_thread = true;

  return 0;
}

static int tell_failure_locked(const cache *self, uint64_t now_ns,
                               mskgov_error_info *error) {
  uint64_t next_ns = self->locked.next_ns;
  uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;

  if (self->locked.failures == 1)
    return gov_error_set(error, self->locked.error.code, "%.*s", MSKGOV_ERROR_TEXT_MAX - 1,
                         self->locked.error.text);

  return gov_error_set(error, self->locked.error.code,
                       "%.*s (failed %u times in a row; asked again in %llu s)",
                       MSKGOV_ERROR_TEXT_MAX - 80, self->locked.error.text,
                       self->locked.failures,
                       (unsigned long long)((wait_ns + GOV_NS_PER_S - 1) / GOV_NS_PER_S));
}

/* Waits for the end of the fetch that is under way, or about to be. */
static int await_locked(cache *self, uint64_t now_ns, mskgov_error_info *error) {
  uint64_t before = self->locked.fetches;
  uint64_t until_ns = gov_time_add(now_ns, self->patience_ns);

  if (self->locked.failures == 0 && self->locked.next_ns > now_ns) {
    self->locked.next_ns = now_ns; /* they ended early: a clock was set */
    pthread_cond_signal(&self->due);
  }
  while (self->locked.fetches == before) {
    if (gov_clock_monotonic_ns(self->clock) >= until_ns)
      return gov_error_set(error, MSKGOV_ERR_DEADLINE,
                           "the credentials provider has not answered for %llu s",
                           (unsigned long long)(self->patience_ns / GOV_NS_PER_S));
    gov_cond_wait_until(&self->fetched, &self->mutex, until_ns);
  }

  if (self->locked.failures > 0 && !live_locked(self))
    return tell_failure_locked(self, gov_clock_monotonic_ns(self->clock), error);

  return check_life_locked(self, error);
}

/* What a get answers where there is nothing that lives. On the cache's own thread, in a
   callback, it cannot wait: no fetch begins before that returns. */
static int get_none_locked(cache *self, mskgov_error_info *error) {
  uint64_t now_ns = gov_clock_monotonic_ns(self->clock);
  bool is_inside = pthread_equal(self->locked.thread, pthread_self());

  if (self->locked.failures > 0 && (is_inside || self->locked.next_ns > now_ns))
    return tell_failure_locked(self, now_ns, error);
  if (is_inside && self->locked.credentials)
    return check_life_locked(self, error);

  return await_locked(self, now_ns, error);
}

static int get_locked(cache *self, mskgov_credentials **credentials,
                      mskgov_error_info *error) {
  int rc = start_locked(self, error);

  if (!rc && !live_locked(self))
    rc = get_none_locked(self, error);
  if (rc)
    return rc;

  *credentials = mskgov_credentials_ref(self->locked.credentials);

  return 0;
}

static int get(void *argument, mskgov_credentials **credentials, mskgov_error_info *error) {
  cache *self = argument;
  int rc;

  if (!gov_process_is(self->process))
    return gov_error_set(error, MSKGOV_ERR_FORKED,
                         "the credentials' cache was made before this process was forked: "
                         "make a cache after the fork");

  pthread_mutex_lock(&self->mutex);
  rc = get_locked(self, credentials, error);
  pthread_mutex_unlock(&self->mutex);

  return rc;
}

static void release(void *argument) {
  cache *self = argument;

  if (!gov_process_is(self->process))
    return; /* its lock may be held by a thread that does not exist here */

  pthread_mutex_lock(&self->mutex);
  self->locked.stopping = true;
  pthread_cond_signal(&self->due);
  pthread_mutex_unlock(&self->mutex);
  drop(self);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int gov_credentials_cache_new(mskgov_credentials_provider **provider,
                              mskgov_credentials_provider *source, const gov_clock *clock,
                              uint64_t patience_ns, mskgov_credentials_event_cb *on_event,
                              void *user, mskgov_error_info *error) {
  cache *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  if (!source)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "source is NULL; a cache needs a provider to ask");

  self = calloc(1, sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  atomic_init(&self->holds, 1);
  self->process = gov_process_generation();
  self->source = mskgov_credentials_provider_ref(source);
  self->clock = clock;
  self->patience_ns = patience_ns;
  self->on_event = on_event;
  self->user = user;
  pthread_mutex_init(&self->mutex, NULL);
  gov_cond_init(&self->due);
  gov_cond_init(&self->fetched);
  gov_random_init_system(&self->locked.random);
  rc = gov_credentials_provider_new_concurrent(provider, &operations, self, error);
  if (rc)
    drop(self);

  return rc;
}

int mskgov_credentials_provider_new_cached(mskgov_credentials_provider **provider,
                                           mskgov_credentials_provider *source,
                                           mskgov_credentials_event_cb *on_event,
                                           void *user, mskgov_error_info *error) {
  return gov_credentials_cache_new(provider, source, &gov_clock_system, PATIENCE_NS,
                                   on_event, user, error);
}
