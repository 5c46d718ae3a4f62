#include "governor/governor.h"

#include "base/address.h"
#include "base/check.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPREAD_DEFAULT_MS 20
#define SPREAD_MAX_MS 10000
#define BACKOFF_BASE_DEFAULT_MS 100
#define BACKOFF_CAP_DEFAULT_MS 10000
#define BACKOFF_CAP_MAX_MS 3600000
#define WAITERS_DEFAULT 100000

void mskgov_governor_options_init(mskgov_governor_options *options) {
  *options = (mskgov_governor_options){
      .struct_size = sizeof(*options),
      .quota = mskgov_quota_standard(),
      .grant_spread_ms = SPREAD_DEFAULT_MS,
      .backoff_jitter = MSKGOV_JITTER_FULL,
      .backoff_base_ms = BACKOFF_BASE_DEFAULT_MS,
      .backoff_cap_ms = BACKOFF_CAP_DEFAULT_MS,
      .max_waiters = WAITERS_DEFAULT,
  };
}

static int check_quota(const char *rate_field, const char *limit_field,
                       const mskgov_quota *quota, mskgov_error_info *error) {
  int rc = gov_check_range(rate_field, quota->connections_per_s, 1, MSKGOV_QUOTA_RATE_MAX,
                           error);

  return rc ? rc
            : gov_check_range(limit_field, quota->max_connections, 1, UINT32_MAX, error);
}

static int check_options(const mskgov_governor_options *options, mskgov_error_info *error) {
  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_governor_options_init", error))
    return MSKGOV_ERR_INVALID;

  if (check_quota("options.quota.connections_per_s", "options.quota.max_connections",
                  &options->quota, error) ||
      gov_check_range("options.grant_spread_ms", options->grant_spread_ms, 0, SPREAD_MAX_MS,
                      error) ||
      gov_check_range("options.backoff_jitter", options->backoff_jitter, MSKGOV_JITTER_FULL,
                      MSKGOV_JITTER_DECORRELATED, error) ||
      gov_check_range("options.backoff_cap_ms", options->backoff_cap_ms, 1,
                      BACKOFF_CAP_MAX_MS, error) ||
      gov_check_range("options.backoff_base_ms", options->backoff_base_ms, 1,
                      options->backoff_cap_ms, error) ||
      gov_check_range("options.max_waiters", options->max_waiters, 1, UINT32_MAX, error))
    return MSKGOV_ERR_INVALID;

  return 0;
}

static void set_quota(gov_gate_options *gate, const mskgov_quota *quota) {
  gate->quota = *quota;
  /* No burst: paced grants reach the full rate soonest after a pause, since the burst
     comes off the rate (the invariant in policy/bucket.h). */
  gov_bucket_rate_init(&gate->rate, quota->connections_per_s, 1, gate->spread_ns);
}

static void set_gate_options(gov_gate_options *gate,
                             const mskgov_governor_options *options) {
  gate->spread_ns = options->grant_spread_ms * GOV_NS_PER_MS;
  set_quota(gate, &options->quota);
  gate->backoff = (gov_backoff_options){
      .jitter = options->backoff_jitter,
      .base_ns = options->backoff_base_ms * GOV_NS_PER_MS,
      .cap_ns = options->backoff_cap_ms * GOV_NS_PER_MS,
  };
  gate->max_waiters = options->max_waiters;
}

static void *pace(void *argument);

int mskgov_governor_new(mskgov_governor **out, const mskgov_governor_options *options,
                        mskgov_error_info *error) {
  mskgov_governor *governor;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = check_options(options, error);
  if (rc)
    return rc;

  governor = calloc(1, sizeof(*governor));
  if (!governor)
    return gov_error_no_memory(error);

  set_gate_options(&governor->gate_options, options);
  governor->clock = &gov_clock_system;
  governor->pid = getpid();
  atomic_init(&governor->holds, 2); /* the caller's and the thread's */
  pthread_mutex_init(&governor->mutex, NULL);
  gov_cond_init(&governor->agenda_changed);
  gov_cond_init(&governor->told);
  gov_map_init(&governor->locked.gates);
  gov_heap_init(&governor->locked.agenda);
  gov_list_init(&governor->locked.ended);
  gov_random_init_system(&governor->locked.random);

  rc = gov_thread_start(&governor->thread, "mskgov-pacing", pace, governor);
  if (rc) {
    pthread_cond_destroy(&governor->told);
    pthread_cond_destroy(&governor->agenda_changed);
    pthread_mutex_destroy(&governor->mutex);
    free(governor);
    return gov_error_set_errno(error, rc, "cannot start the pacing thread");
  }

  *out = governor;

  return 0;
}

static void destroy(mskgov_governor *governor) {
  gov_map_node *node;

  while ((node = gov_map_pop(&governor->locked.gates)))
    gov_gate_free(gov_container_of(node, gov_gate, by_address));
  gov_map_fini(&governor->locked.gates);
  gov_heap_fini(&governor->locked.agenda);

  /* After a fork the locks may be held by a thread that does not exist here. */
  if (governor->pid == getpid()) {
    if (!governor->locked.thread_joined)
      pthread_detach(governor->thread);
    pthread_cond_destroy(&governor->told);
    pthread_cond_destroy(&governor->agenda_changed);
    pthread_mutex_destroy(&governor->mutex);
  }
  free(governor);
}

int gov_governor_check_process(const mskgov_governor *governor, mskgov_error_info *error) {
  if (!governor)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "governor is NULL");
  if (governor->pid == getpid())
    return 0;

  return gov_error_set(error, MSKGOV_ERR_FORKED,
                       "the governor was made by process %d and this is process %d: make "
                       "a governor after the fork",
                       (int)governor->pid, (int)getpid());
}

int mskgov_governor_check(mskgov_governor *governor, mskgov_error_info *error) {
  bool stopping;
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;

  pthread_mutex_lock(&governor->mutex);
  stopping = governor->locked.stopping;
  pthread_mutex_unlock(&governor->mutex);

  return stopping
             ? gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped")
             : 0;
}

mskgov_governor *mskgov_governor_ref(mskgov_governor *governor) {
  atomic_fetch_add(&governor->holds, 1);

  return governor;
}

static void request_stop_locked(mskgov_governor *governor) {
  governor->locked.stopping = true;
  pthread_cond_signal(&governor->agenda_changed);
}

void mskgov_governor_unref(mskgov_governor *governor) {
  unsigned left;

  if (!governor)
    return;

  if (governor->pid != getpid()) {
    /* A thread that ran at the fork is not in this process to give up its hold. */
    if (atomic_fetch_sub(&governor->holds, 1) == (governor->locked.thread_ended ? 1 : 2))
      destroy(governor);
    return;
  }

  pthread_mutex_lock(&governor->mutex);
  left = atomic_fetch_sub(&governor->holds, 1) - 1;
  if (left == 1 && !governor->locked.thread_ended)
    request_stop_locked(governor); /* nobody else is left to do it */
  pthread_mutex_unlock(&governor->mutex);

  if (left == 0)
    destroy(governor);
}

void mskgov_governor_stop(mskgov_governor *governor) {
  if (governor->pid != getpid())
    return;

  pthread_mutex_lock(&governor->mutex);
  request_stop_locked(governor);
  while (!governor->locked.thread_ended && !pthread_equal(pthread_self(), governor->thread))
    pthread_cond_wait(&governor->told, &governor->mutex);
  pthread_mutex_unlock(&governor->mutex);
}

void mskgov_governor_free(mskgov_governor *governor) {
  if (!governor)
    return;

  mskgov_governor_stop(governor);
  if (governor->pid == getpid()) {
    pthread_join(governor->thread, NULL);
    governor->locked.thread_joined = true;
  }
  mskgov_governor_unref(governor);
}

int gov_governor_gate_locked(mskgov_governor *governor, const char *address, gov_gate **out,
                             mskgov_error_info *error) {
  gov_map_node *node = gov_map_find(&governor->locked.gates, address);
  gov_gate *gate;

  if (node) {
    *out = gov_container_of(node, gov_gate, by_address);
    return 0;
  }

  if (governor->locked.gates.count >= MSKGOV_BROKERS_MAX)
    return gov_error_set(error, MSKGOV_ERR_QUEUE_FULL,
                         "broker is \"%s\"; a governor knows %d brokers at most", address,
                         MSKGOV_BROKERS_MAX);

  gate = gov_gate_new(address, &governor->gate_options);
  if (!gate ||
      !gov_heap_reserve(&governor->locked.agenda, governor->locked.gates.count + 1) ||
      !gov_map_insert(&governor->locked.gates, &gate->by_address, gate->address)) {
    gov_gate_free(gate);
    return gov_error_no_memory(error);
  }
  *out = gate;

  return 0;
}

void gov_governor_advance_locked(mskgov_governor *governor, gov_gate *gate,
                                 uint64_t now_ns) {
  uint64_t next_ns = gov_gate_advance(gate, now_ns, &governor->locked.ended);

  if (next_ns == UINT64_MAX)
    gov_heap_remove(&governor->locked.agenda, &gate->due);
  else
    gov_heap_update(&governor->locked.agenda, &gate->due, next_ns);
}

void gov_governor_wake_locked(mskgov_governor *governor) {
  if (gov_heap_first_ns(&governor->locked.agenda) < governor->locked.sleeps_until_ns ||
      !gov_list_empty(&governor->locked.ended))
    pthread_cond_signal(&governor->agenda_changed);
}

int mskgov_governor_set_quota(mskgov_governor *governor, const mskgov_quota *quota,
                              mskgov_error_info *error) {
  gov_map_node *node = NULL;
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;
  if (!quota)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "quota is NULL");
  rc = check_quota("quota.connections_per_s", "quota.max_connections", quota, error);
  if (rc)
    return rc;

  pthread_mutex_lock(&governor->mutex);
  set_quota(&governor->gate_options, quota);
  while ((node = gov_map_next(&governor->locked.gates, node))) {
    gov_gate *gate = gov_container_of(node, gov_gate, by_address);
    gov_gate_options_changed(gate);
    gov_governor_advance_locked(governor, gate, gov_clock_monotonic_ns(governor->clock));
  }
  gov_governor_wake_locked(governor);
  pthread_mutex_unlock(&governor->mutex);

  return 0;
}

static void close_gates_locked(mskgov_governor *governor) {
  gov_map_node *node = NULL;

  while ((node = gov_map_next(&governor->locked.gates, node)))
    gov_gate_close(gov_container_of(node, gov_gate, by_address), MSKGOV_ERR_STOPPED,
                   &governor->locked.ended);
}

void gov_governor_settle_locked(mskgov_permit *permit) {
  gov_list_remove(&permit->waiter.node);
  permit->state = permit->waiter.rc ? GOV_PERMIT_OVER : GOV_PERMIT_GRANTED;
}

/* Tells the owner that the wait is over; gives up the mutex for a callback. */
static void tell_locked(mskgov_governor *governor, mskgov_permit *permit) {
  gov_governor_settle_locked(permit);
  if (permit->wake) {
    pthread_cond_signal(permit->wake);
    return;
  }

  governor->locked.telling = permit;
  pthread_mutex_unlock(&governor->mutex);
  permit->callback(permit, permit->waiter.rc, permit->user);
  pthread_mutex_lock(&governor->mutex);
  governor->locked.telling = NULL;
  pthread_cond_broadcast(&governor->told);
}

static void tell_all_locked(mskgov_governor *governor) {
  gov_list_node *node;

  while ((node = gov_list_first(&governor->locked.ended))) {
    gov_waiter *waiter = gov_container_of(node, gov_waiter, node);
    tell_locked(governor, gov_container_of(waiter, mskgov_permit, waiter));
  }
}

static void advance_due_locked(mskgov_governor *governor) {
  uint64_t now_ns = gov_clock_monotonic_ns(governor->clock);
  gov_heap_node *node;

  while ((node = gov_heap_first(&governor->locked.agenda)) && node->at_ns <= now_ns)
    gov_governor_advance_locked(governor, gov_container_of(node, gov_gate, due), now_ns);
}

static void *pace(void *argument) {
  mskgov_governor *governor = argument;
  bool last;

  pthread_mutex_lock(&governor->mutex);
  while (!governor->locked.stopping) {
    governor->locked.sleeps_until_ns = 0;
    advance_due_locked(governor);
    tell_all_locked(governor);
    if (governor->locked.stopping || !gov_list_empty(&governor->locked.ended))
      continue;
    governor->locked.sleeps_until_ns = gov_heap_first_ns(&governor->locked.agenda);
    gov_cond_wait_until(&governor->agenda_changed, &governor->mutex,
                        governor->locked.sleeps_until_ns);
  }

  close_gates_locked(governor);
  tell_all_locked(governor);
  governor->locked.thread_ended = true;
  last = atomic_fetch_sub(&governor->holds, 1) == 1;
  pthread_cond_broadcast(&governor->told);
  pthread_mutex_unlock(&governor->mutex);
  if (last)
    destroy(governor);

  return NULL;
}

int mskgov_governor_broker_metrics(mskgov_governor *governor, const char *broker,
                                   mskgov_broker_metrics *metrics,
                                   mskgov_error_info *error) {
  gov_map_node *node;
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;
  rc = gov_address_check("broker", broker, NULL, error);
  if (rc)
    return rc;
  if (gov_check_struct("metrics", metrics, sizeof(*metrics),
                       "set it to sizeof(mskgov_broker_metrics)", error))
    return MSKGOV_ERR_INVALID;

  pthread_mutex_lock(&governor->mutex);
  node = gov_map_find(&governor->locked.gates, broker);
  *metrics = node ? gov_container_of(node, gov_gate, by_address)->metrics
                  : (mskgov_broker_metrics){0};
  pthread_mutex_unlock(&governor->mutex);
  metrics->struct_size = sizeof(*metrics);

  return 0;
}
