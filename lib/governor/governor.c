#include "governor/governor.h"

#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"
#include "governor/options.h"
#include "governor/store_host.h"
#include "governor/store_local.h"

#include <stdlib.h>
#include <string.h>

static int make_store(mskgov_governor *governor, const mskgov_governor_options *options,
                      const gov_store_options *store, mskgov_error_info *error) {
  if (options->store == MSKGOV_STORE_HOST)
    return gov_store_host_new(&governor->store, store, options->host_directory,
                              options->host_group, error);

  governor->store = gov_store_local_new(store);

  return governor->store ? 0 : gov_error_no_memory(error);
}

static int make_parts(mskgov_governor *governor, const mskgov_governor_options *options,
                      const gov_store_options *store, mskgov_error_info *error) {
  gov_options_for_gates(options, &governor->gate_options);
  governor->store_kind = options->store;
  governor->scope = options->quota.scope;
  governor->headroom_percent = options->headroom_percent;
  governor->grant_spread_ms = options->grant_spread_ms;
  if (options->event_cb) {
    governor->gate_options.events = gov_events_new(options->event_cb, options->event_user);
    if (!governor->gate_options.events)
      return gov_error_no_memory(error);
  }
  if (governor->scope == MSKGOV_SCOPE_CLUSTER) {
    governor->cluster = strdup(options->cluster);
    if (!governor->cluster)
      return gov_error_no_memory(error);
  }

  return make_store(governor, options, store, error);
}

/* Frees what is not shared between threads; for one that has no thread (any more). */
static void free_parts(mskgov_governor *governor) {
  if (governor->store)
    governor->store->ops->free(governor->store);
  gov_events_free(governor->gate_options.events);
  free(governor->cluster);
  gov_index_fini(&governor->brokers);
  gov_heap_fini(&governor->locked.agenda);
  free(governor);
}

int mskgov_governor_new(mskgov_governor **out, const mskgov_governor_options *options,
                        mskgov_error_info *error) {
  gov_store_options store_options;
  mskgov_governor *governor;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = gov_options_check(options, &store_options, error);
  if (rc)
    return rc;

  governor = calloc(1, sizeof(*governor));
  if (!governor)
    return gov_error_no_memory(error);

  governor->clock = &gov_clock_system;
  governor->process = gov_process_generation();
  atomic_init(&governor->users, 1);
  atomic_init(&governor->holds, 2); /* the users' and the thread's */
  gov_index_init(&governor->brokers);
  gov_heap_init(&governor->locked.agenda);
  gov_list_init(&governor->locked.ended);
  rc = make_parts(governor, options, &store_options, error);
  if (rc) {
    free_parts(governor);
    return rc;
  }

  pthread_mutex_init(&governor->mutex, NULL);
  gov_cond_init(&governor->agenda_changed);
  gov_cond_init(&governor->told);
  rc = gov_thread_start(&governor->thread, "mskgov-pacing", gov_governor_pace, governor);
  if (rc) {
    pthread_cond_destroy(&governor->told);
    pthread_cond_destroy(&governor->agenda_changed);
    pthread_mutex_destroy(&governor->mutex);
    free_parts(governor);
    return gov_error_set_errno(error, rc, "cannot start the pacing thread");
  }

  *out = governor;

  return 0;
}

static void free_broker(mskgov_broker *broker) {
  mskgov_permit *spare, *next;

  for (spare = broker->locked.spare; spare; spare = next) {
    next = spare->next_spare;
    free(spare);
  }
  gov_gate_fini(&broker->locked.gate);
  free(broker);
}

static void destroy(mskgov_governor *governor) {
  /* After a fork the locks may be held by a thread that does not exist here. */
  bool is_here = gov_process_is(governor->process);
  mskgov_broker *broker, *next;

  for (broker = atomic_load(&governor->all); broker; broker = next) {
    next = broker->next;
    free_broker(broker);
  }
  if (is_here) {
    if (!governor->locked.thread_joined)
      pthread_detach(governor->thread);
    pthread_cond_destroy(&governor->told);
    pthread_cond_destroy(&governor->agenda_changed);
    pthread_mutex_destroy(&governor->mutex);
  }
  free_parts(governor);
}

void gov_governor_drop(mskgov_governor *governor) {
  if (atomic_fetch_sub(&governor->holds, 1) == 1)
    destroy(governor);
}

int gov_governor_check_process(const mskgov_governor *governor, mskgov_error_info *error) {
  if (!governor)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "governor is NULL");
  if (gov_process_is(governor->process))
    return 0;

  return gov_error_set(error, MSKGOV_ERR_FORKED,
                       "the governor was made before this process was forked: make a "
                       "governor after the fork");
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
  atomic_fetch_add(&governor->users, 1);

  return governor;
}

static void request_stop(mskgov_governor *governor) {
  pthread_mutex_lock(&governor->mutex);
  governor->locked.stopping = true;
  pthread_cond_signal(&governor->agenda_changed);
  pthread_mutex_unlock(&governor->mutex);
}

bool gov_broker_lets_go_locked(mskgov_broker *broker) {
  if (!broker->locked.holds_governor || broker->locked.permits > 0 ||
      !atomic_load(&broker->governor->freed))
    return false;

  broker->locked.holds_governor = false;

  return true;
}

static void let_go(mskgov_broker *broker, bool is_here) {
  bool lets_go;

  if (is_here)
    gov_lock_acquire(&broker->lock);
  lets_go = gov_broker_lets_go_locked(broker);
  if (is_here)
    gov_lock_release(&broker->lock);
  if (lets_go)
    gov_governor_drop(broker->governor);
}

void mskgov_governor_unref(mskgov_governor *governor) {
  bool is_here;

  if (!governor || atomic_fetch_sub(&governor->users, 1) > 1)
    return;

  /* The last user: what is left are permits that are out, and the thread. */
  is_here = gov_process_is(governor->process);
  if (is_here)
    request_stop(governor);
  atomic_store(&governor->freed, true);
  for (mskgov_broker *broker = atomic_load(&governor->all), *next; broker; broker = next) {
    next = broker->next;
    let_go(broker, is_here);
  }
  /* A thread that ran at the fork is not in this process to give up its hold. */
  if (!is_here && !governor->locked.thread_ended)
    gov_governor_drop(governor);
  gov_governor_drop(governor);
}

void mskgov_governor_stop(mskgov_governor *governor) {
  if (!gov_process_is(governor->process))
    return;

  request_stop(governor);
  pthread_mutex_lock(&governor->mutex);
  while (!governor->locked.thread_ended && !pthread_equal(pthread_self(), governor->thread))
    pthread_cond_wait(&governor->told, &governor->mutex);
  pthread_mutex_unlock(&governor->mutex);
}

void mskgov_governor_free(mskgov_governor *governor) {
  if (!governor)
    return;

  mskgov_governor_stop(governor);
  if (gov_process_is(governor->process)) {
    pthread_join(governor->thread, NULL);
    governor->locked.thread_joined = true;
  }
  mskgov_governor_unref(governor);
}

int mskgov_governor_set_quota(mskgov_governor *governor, const mskgov_quota *quota,
                              mskgov_error_info *error) {
  mskgov_pacing pacing;
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;
  rc = gov_options_check_quota(governor, quota, &pacing, error);
  if (rc)
    return rc;

  pthread_mutex_lock(&governor->mutex);
  governor->store->ops->change(governor->store, &pacing, quota->max_connections);
  pthread_mutex_unlock(&governor->mutex);

  for (mskgov_broker *broker = atomic_load(&governor->all); broker; broker = broker->next) {
    gov_lock_acquire(&broker->lock);
    gov_governor_advance_locked(broker, gov_clock_monotonic_ns(governor->clock), NULL);
    gov_lock_release(&broker->lock);
  }

  return 0;
}
