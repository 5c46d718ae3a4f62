#include <mskgov/permit.h>

#include "base/address.h"
#include "base/error.h"
#include "base/thread.h"
#include "governor/governor.h"

#include <stdlib.h>
#include <string.h>

static int check_request(const mskgov_governor *governor, const char *broker,
                         const char *client, mskgov_error_info *error) {
  int rc = gov_governor_check_process(governor, error);

  if (rc)
    return rc;
  rc = gov_address_check("broker", broker, NULL, error);
  if (rc)
    return rc;
  if (client && strlen(client) > MSKGOV_CLIENT_NAME_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "client is %zu bytes long; allowed are %d", strlen(client),
                         MSKGOV_CLIENT_NAME_MAX);

  return 0;
}

static mskgov_permit *permit_new(mskgov_governor *governor, const char *client) {
  size_t size = strlen(client) + 1;
  mskgov_permit *permit = calloc(1, sizeof(*permit) + size);

  if (!permit)
    return NULL;

  permit->governor = mskgov_governor_ref(governor);
  memcpy(permit->client, client, size);

  return permit;
}

static void permit_free(mskgov_permit *permit) {
  mskgov_governor *governor = permit->governor;

  free(permit);
  mskgov_governor_unref(governor);
}

static int join_locked(mskgov_permit *permit, const char *broker, uint64_t timeout_ms,
                       uint64_t now_ns, mskgov_error_info *error) {
  mskgov_governor *governor = permit->governor;
  int rc;

  if (governor->locked.stopping)
    return gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped");

  rc = gov_governor_gate_locked(governor, broker, &permit->gate, error);
  if (rc)
    return rc;

  rc = gov_gate_join(permit->gate, &permit->waiter, permit->client,
                     gov_time_add(now_ns, gov_ms_to_ns(timeout_ms)), now_ns);
  if (rc == MSKGOV_ERR_QUEUE_FULL)
    return gov_error_set(error, rc, "%u wait for %s, as many as options.max_waiters allows",
                         permit->gate->metrics.waiting, broker);

  return rc ? gov_error_no_memory(error) : 0;
}

/* Waits until the pacing thread says how the wait ended. */
static void sleep_locked(mskgov_permit *permit) {
  pthread_cond_t wake;

  gov_cond_init(&wake);
  permit->wake = &wake;
  while (permit->state == GOV_PERMIT_WAITING)
    pthread_cond_wait(&wake, &permit->governor->mutex);
  permit->wake = NULL;
  pthread_cond_destroy(&wake);
}

static int describe_end_locked(const mskgov_permit *permit, uint64_t timeout_ms,
                               mskgov_error_info *error) {
  switch (permit->waiter.rc) {
  case 0:
    return 0;
  case MSKGOV_ERR_DEADLINE:
    return gov_error_set(error, MSKGOV_ERR_DEADLINE,
                         "no permit for %s within %llu ms; %u others wait",
                         permit->gate->address, (unsigned long long)timeout_ms,
                         permit->gate->metrics.waiting);
  default:
    return gov_error_set(error, permit->waiter.rc, "%s",
                         mskgov_strerror(permit->waiter.rc));
  }
}

/*
 * What both ways to acquire begin with: makes a permit that has joined the queue, and gives
 * it at once what is free. On success the governor's mutex is left locked.
 */
static int join_and_lock(mskgov_governor *governor, const char *broker, const char *client,
                         uint64_t timeout_ms, mskgov_permit **out,
                         mskgov_error_info *error) {
  mskgov_permit *permit;
  uint64_t now_ns;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = check_request(governor, broker, client, error);
  if (rc)
    return rc;

  permit = permit_new(governor, client ? client : "");
  if (!permit)
    return gov_error_no_memory(error);

  pthread_mutex_lock(&governor->mutex);
  now_ns = gov_clock_monotonic_ns(governor->clock);
  rc = join_locked(permit, broker, timeout_ms, now_ns, error);
  if (rc) {
    pthread_mutex_unlock(&governor->mutex);
    permit_free(permit);
    return rc;
  }

  gov_governor_advance_locked(governor, permit->gate, now_ns);
  *out = permit;

  return 0;
}

int mskgov_permit_acquire(mskgov_governor *governor, const char *broker, const char *client,
                          uint64_t timeout_ms, mskgov_permit **out,
                          mskgov_error_info *error) {
  mskgov_permit *permit;
  int rc = join_and_lock(governor, broker, client, timeout_ms, out, error);

  if (rc)
    return rc;

  permit = *out;
  if (permit->waiter.ended)
    gov_governor_settle_locked(permit);
  gov_governor_wake_locked(governor);
  if (permit->state == GOV_PERMIT_WAITING)
    sleep_locked(permit);
  rc = describe_end_locked(permit, timeout_ms, error);
  if (rc == MSKGOV_ERR_DEADLINE && timeout_ms == 0)
    gov_gate_forget_try(permit->gate);
  pthread_mutex_unlock(&governor->mutex);

  if (rc) {
    permit_free(permit);
    *out = NULL;
  }

  return rc;
}

int mskgov_permit_acquire_async(mskgov_governor *governor, const char *broker,
                                const char *client, uint64_t timeout_ms,
                                mskgov_permit_cb *callback, void *user, mskgov_permit **out,
                                mskgov_error_info *error) {
  int rc = join_and_lock(governor, broker, client, timeout_ms, out, error);

  if (rc)
    return rc;

  (*out)->callback = callback;
  (*out)->user = user;
  gov_governor_wake_locked(governor);
  pthread_mutex_unlock(&governor->mutex);

  return 0;
}

int mskgov_permit_estimate(mskgov_governor *governor, const char *broker,
                           const char *client, uint64_t *wait_ms,
                           mskgov_error_info *error) {
  uint64_t now_ns, at_ns;
  gov_gate *gate;
  int rc;

  gov_error_reset(error);
  rc = check_request(governor, broker, client, error);
  if (rc)
    return rc;

  pthread_mutex_lock(&governor->mutex);
  rc = governor->locked.stopping
           ? gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped")
           : gov_governor_gate_locked(governor, broker, &gate, error);
  if (rc == 0) {
    now_ns = gov_clock_monotonic_ns(governor->clock);
    at_ns = gov_gate_estimate_ns(gate, client ? client : "", now_ns);
    *wait_ms = at_ns > now_ns ? (at_ns - now_ns - 1) / GOV_NS_PER_MS + 1 : 0;
  }
  pthread_mutex_unlock(&governor->mutex);

  return rc;
}

int mskgov_permit_report(mskgov_permit *permit, mskgov_outcome outcome,
                         const char *detail) {
  mskgov_governor *governor = permit->governor;
  uint64_t now_ns;
  int rc = gov_governor_check_process(governor, NULL);

  if (rc)
    return rc;
  if (outcome < MSKGOV_OUTCOME_CONNECTED || outcome > MSKGOV_OUTCOME_TRANSPORT)
    return MSKGOV_ERR_INVALID;

  pthread_mutex_lock(&governor->mutex);
  if (permit->state != GOV_PERMIT_GRANTED) {
    pthread_mutex_unlock(&governor->mutex);
    return MSKGOV_ERR_STATE;
  }

  now_ns = gov_clock_monotonic_ns(governor->clock);
  gov_gate_report(permit->gate, permit->client, outcome, detail, now_ns,
                  &governor->locked.random);
  permit->state = outcome == MSKGOV_OUTCOME_CONNECTED ? GOV_PERMIT_OPEN : GOV_PERMIT_OVER;
  gov_governor_advance_locked(governor, permit->gate, now_ns);
  gov_governor_wake_locked(governor);
  pthread_mutex_unlock(&governor->mutex);

  return 0;
}

static void give_up_locked(mskgov_permit *permit) {
  mskgov_governor *governor = permit->governor;
  uint64_t now_ns = gov_clock_monotonic_ns(governor->clock);
  gov_gate *gate = permit->gate;

  switch (permit->state) {
  case GOV_PERMIT_WAITING:
    if (!permit->waiter.ended) {
      gov_gate_leave(gate, &permit->waiter);
    } else {
      gov_list_remove(&permit->waiter.node);
      if (permit->waiter.rc == 0)
        gov_gate_revoke(gate, &governor->locked.ended);
    }
    break;
  case GOV_PERMIT_GRANTED:
    gov_gate_report(gate, permit->client, MSKGOV_OUTCOME_TRANSPORT,
                    "released without a report", now_ns, &governor->locked.random);
    break;
  case GOV_PERMIT_OPEN:
    gov_gate_hang_up(gate);
    break;
  case GOV_PERMIT_OVER:
    break;
  }

  gov_governor_advance_locked(governor, gate, now_ns);
  gov_governor_wake_locked(governor);
}

void mskgov_permit_release(mskgov_permit *permit) {
  mskgov_governor *governor;

  if (!permit)
    return;

  governor = permit->governor;
  if (gov_governor_check_process(governor, NULL) == 0) {
    pthread_mutex_lock(&governor->mutex);
    while (governor->locked.telling == permit &&
           !pthread_equal(pthread_self(), governor->thread))
      pthread_cond_wait(&governor->told, &governor->mutex);
    /* From within its own callback: the next permit may get the same memory. */
    if (governor->locked.telling == permit)
      governor->locked.telling = NULL;
    give_up_locked(permit);
    pthread_mutex_unlock(&governor->mutex);
  }
  permit_free(permit);
}
