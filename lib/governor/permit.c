#include <mskgov/permit.h>

#include "base/cold.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"
#include "governor/governor.h"

#include <stdlib.h>
#include <string.h>

/* Released permits that a broker keeps for the next. */
#define SPARES_MAX 64

const char *gov_client_name(const mskgov_client *client) {
  return client && client->name ? client->name : "";
}

static mskgov_priority priority_of(const mskgov_client *client) {
  return client ? client->priority : MSKGOV_PRIORITY_NORMAL;
}

int gov_client_check(const mskgov_client *client, mskgov_error_info *error) {
  if (!client)
    return 0;
  if (client->name && strlen(client->name) > MSKGOV_CLIENT_NAME_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "client.name is %zu bytes long; allowed are %d",
                         strlen(client->name), MSKGOV_CLIENT_NAME_MAX);
  if ((unsigned)client->priority >= MSKGOV_PRIORITIES)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "client.priority is %d; allowed are 0 to %d",
                         (int)client->priority, MSKGOV_PRIORITIES - 1);

  return 0;
}

static int check_request(mskgov_governor *governor, const char *address,
                         const mskgov_client *client, mskgov_broker **broker,
                         mskgov_error_info *error) {
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (!rc)
    rc = gov_client_check(client, error);
  if (!rc)
    rc = gov_governor_find(governor, address, broker, error);

  return rc;
}

GOV_COLD static mskgov_permit *make(mskgov_broker *broker, const char *name) {
  size_t size = strlen(name) + 1;
  mskgov_permit *permit = calloc(1, sizeof(*permit) + size);

  if (!permit)
    return NULL;

  permit->broker = broker;
  permit->has_name = size > 1;
  memcpy(permit->client, name, size);
  permit->waiter.client = permit->client;

  return permit;
}

GOV_COLD static void hold_governor_locked(mskgov_broker *broker) {
  broker->locked.holds_governor = true;
  atomic_fetch_add(&broker->governor->holds, 1);
}

mskgov_permit *gov_permit_new_locked(mskgov_broker *broker, const mskgov_client *client) {
  const char *name = gov_client_name(client);
  mskgov_permit *permit = broker->locked.spare;

  if (permit && !*name) {
    /* in no list and no heap, as it was left */
    broker->locked.spare = permit->next_spare;
    broker->locked.spares--;
  } else {
    permit = make(broker, name);
    if (!permit)
      return NULL;
  }

  permit->state = GOV_PERMIT_WAITING;
  permit->callback = NULL;
  permit->wake = NULL;
  permit->waiter.ended = false;
  permit->waiter.rc = 0;
  permit->waiter.priority = (uint8_t)priority_of(client);
  broker->locked.permits++;
  if (!broker->locked.holds_governor)
    hold_governor_locked(broker);

  return permit;
}

static void free_locked(mskgov_permit *permit) {
  mskgov_broker *broker = permit->broker;

  broker->locked.permits--;
  if (permit->has_name || broker->locked.spares >= SPARES_MAX) {
    free(permit);
    return;
  }
  permit->next_spare = broker->locked.spare;
  broker->locked.spare = permit;
  broker->locked.spares++;
}

/* After a permit has gone, which may have been what the governor was kept for. */
static void unlock_and_let_go(mskgov_broker *broker) {
  mskgov_governor *governor = broker->governor;
  bool lets_go = gov_broker_lets_go_locked(broker);

  if (gov_process_is(governor->process))
    gov_lock_release(&broker->lock);
  if (lets_go)
    gov_governor_drop(governor);
}

static int join_locked(mskgov_permit *permit, uint64_t timeout_ms, uint64_t now_ns,
                       mskgov_error_info *error) {
  gov_gate *gate = &permit->broker->locked.gate;
  int rc = gov_gate_join(gate, &permit->waiter,
                         gov_time_add(now_ns, gov_ms_to_ns(timeout_ms)), now_ns);

  if (rc == MSKGOV_ERR_QUEUE_FULL)
    return gov_error_set(error, rc, "%u wait for %s, as many as options.max_waiters allows",
                         gate->metrics.waiting, gate->address);

  return rc ? gov_error_no_memory(error) : 0;
}

/*
 * What both ways to acquire begin with: makes a permit that has joined the queue, and gives
 * it at once what is free. On success the broker is left locked.
 */
static int join_and_lock(mskgov_governor *governor, const char *address,
                         const mskgov_client *client, uint64_t timeout_ms,
                         mskgov_permit **out, mskgov_error_info *error) {
  mskgov_permit *permit = NULL;
  mskgov_broker *broker;
  uint64_t now_ns;
  int rc;

  *out = NULL;
  rc = check_request(governor, address, client, &broker, error);
  if (rc)
    return rc;

  gov_lock_acquire(&broker->lock);
  now_ns = gov_clock_monotonic_ns(governor->clock);
  if (broker->locked.stopped)
    rc = gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped");
  else if (!(permit = gov_permit_new_locked(broker, client)))
    rc = gov_error_no_memory(error);
  else
    rc = join_locked(permit, timeout_ms, now_ns, error);
  if (rc) {
    if (permit)
      free_locked(permit);
    unlock_and_let_go(broker);
    return rc;
  }

  gov_governor_advance_locked(broker, now_ns, permit);
  if (!permit->waiter.ended) {
    gov_gate_throttle(&broker->locked.gate, &permit->waiter, now_ns);
    gov_governor_wake_for_events(governor);
  }
  *out = permit;

  return 0;
}

/* Waits until the pacing thread says how the wait ended. */
static void sleep_locked(mskgov_permit *permit) {
  gov_lock *lock = &permit->broker->lock;
  sem_t wake;

  sem_init(&wake, 0, 0);
  permit->wake = &wake;
  while (permit->state == GOV_PERMIT_WAITING) {
    gov_lock_release(lock);
    while (sem_wait(&wake)) /* a signal was handled */
      ;
    gov_lock_acquire(lock);
  }
  permit->wake = NULL;
  sem_destroy(&wake);
}

static int describe_end_locked(const mskgov_permit *permit, uint64_t timeout_ms,
                               mskgov_error_info *error) {
  const gov_gate *gate = &permit->broker->locked.gate;

  switch (permit->waiter.rc) {
  case 0:
    return 0;
  case MSKGOV_ERR_DEADLINE:
    return gov_error_set(error, MSKGOV_ERR_DEADLINE,
                         "no permit for %s within %llu ms; %u others wait", gate->address,
                         (unsigned long long)timeout_ms, gate->metrics.waiting);
  case MSKGOV_ERR_LIMIT:
    return gov_error_set(error, MSKGOV_ERR_LIMIT,
                         "%s has as many connections as quota.max_connections allows",
                         gate->address);
  default:
    return gov_error_set(error, permit->waiter.rc, "%s",
                         mskgov_strerror(permit->waiter.rc));
  }
}

int mskgov_permit_acquire(mskgov_governor *governor, const char *broker,
                          const mskgov_client *client, uint64_t timeout_ms,
                          mskgov_permit **out, mskgov_error_info *error) {
  mskgov_broker *at;
  mskgov_permit *permit;
  int rc = join_and_lock(governor, broker, client, timeout_ms, out, error);

  if (rc)
    return rc;

  permit = *out;
  at = permit->broker;
  if (permit->waiter.ended)
    gov_permit_settle_locked(permit);
  else
    sleep_locked(permit);
  rc = describe_end_locked(permit, timeout_ms, error);
  if ((rc == MSKGOV_ERR_DEADLINE || rc == MSKGOV_ERR_LIMIT) && timeout_ms == 0)
    gov_gate_forget_try(&at->locked.gate);
  if (!rc) {
    gov_lock_release(&at->lock);
    return 0;
  }

  free_locked(permit);
  *out = NULL;
  unlock_and_let_go(at); /* the governor may have been freed meanwhile */

  return rc;
}

/* Hands a permit whose wait has ended already to the pacing thread, to be told. */
static void tell_later_locked(mskgov_permit *permit) {
  mskgov_governor *governor = permit->broker->governor;

  pthread_mutex_lock(&governor->mutex);
  gov_list_push_back(&governor->locked.ended, &permit->waiter.node);
  pthread_cond_signal(&governor->agenda_changed);
  pthread_mutex_unlock(&governor->mutex);
}

int mskgov_permit_acquire_async(mskgov_governor *governor, const char *broker,
                                const mskgov_client *client, uint64_t timeout_ms,
                                mskgov_permit_cb *callback, void *user, mskgov_permit **out,
                                mskgov_error_info *error) {
  mskgov_broker *at;
  int rc = join_and_lock(governor, broker, client, timeout_ms, out, error);

  if (rc)
    return rc;

  at = (*out)->broker;
  (*out)->callback = callback;
  (*out)->user = user;
  if ((*out)->waiter.ended)
    tell_later_locked(*out);
  gov_lock_release(&at->lock);

  return 0;
}

uint64_t gov_ms_until(uint64_t at_ns, uint64_t now_ns) {
  if (at_ns == UINT64_MAX)
    return MSKGOV_NEVER;

  return at_ns > now_ns ? (at_ns - now_ns - 1) / GOV_NS_PER_MS + 1 : 0;
}

int mskgov_permit_estimate(mskgov_governor *governor, const char *address,
                           const mskgov_client *client, uint64_t *wait_ms,
                           mskgov_error_info *error) {
  mskgov_broker *broker;
  uint64_t now_ns;
  int rc = check_request(governor, address, client, &broker, error);

  if (rc)
    return rc;

  gov_lock_acquire(&broker->lock);
  now_ns = gov_clock_monotonic_ns(governor->clock);
  if (broker->locked.stopped)
    rc = gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped");
  else
    *wait_ms =
        gov_ms_until(gov_gate_estimate_ns(&broker->locked.gate, gov_client_name(client),
                                          priority_of(client), now_ns),
                     now_ns);
  gov_lock_release(&broker->lock);

  return rc;
}

int mskgov_permit_report(mskgov_permit *permit, mskgov_outcome outcome,
                         const char *detail) {
  mskgov_broker *broker = permit->broker;
  uint64_t now_ns;

  if (!gov_process_is(broker->governor->process))
    return MSKGOV_ERR_FORKED;
  if (outcome < MSKGOV_OUTCOME_CONNECTED || outcome > MSKGOV_OUTCOME_TRANSPORT)
    return MSKGOV_ERR_INVALID;

  gov_lock_acquire(&broker->lock);
  if (permit->state != GOV_PERMIT_GRANTED) {
    gov_lock_release(&broker->lock);
    return MSKGOV_ERR_STATE;
  }

  now_ns = gov_clock_monotonic_ns(broker->governor->clock);
  gov_gate_report(&broker->locked.gate, permit->client, &permit->waiter.place, outcome,
                  detail, now_ns, &broker->locked.random);
  permit->state = outcome == MSKGOV_OUTCOME_CONNECTED ? GOV_PERMIT_OPEN : GOV_PERMIT_OVER;
  gov_governor_advance_locked(broker, now_ns, NULL);
  gov_lock_release(&broker->lock);

  return 0;
}

/*
 * Locks the broker with the permit in nobody else's hands: not on the list of those to be
 * told, and not being told, unless by this thread.
 */
static void lock_for_release(mskgov_permit *permit) {
  mskgov_broker *broker = permit->broker;
  mskgov_governor *governor = broker->governor;
  bool told_here = pthread_equal(pthread_self(), governor->thread), busy;

  for (;;) {
    gov_lock_acquire(&broker->lock);
    if (!permit->callback)
      return;

    pthread_mutex_lock(&governor->mutex);
    busy = governor->locked.telling == permit && !told_here;
    if (busy) {
      gov_lock_release(&broker->lock);
      pthread_cond_wait(&governor->told, &governor->mutex);
    } else {
      /* from within its own callback: the next permit may get the same memory */
      if (governor->locked.telling == permit)
        governor->locked.telling = NULL;
      if (permit->waiter.ended)
        gov_list_remove(&permit->waiter.node);
    }
    pthread_mutex_unlock(&governor->mutex);
    if (!busy)
      return;
  }
}

static void give_up_locked(mskgov_permit *permit) {
  mskgov_broker *broker = permit->broker;
  uint64_t now_ns = gov_clock_monotonic_ns(broker->governor->clock);
  gov_gate *gate = &broker->locked.gate;
  gov_list ended;

  gov_list_init(&ended);
  switch (permit->state) {
  case GOV_PERMIT_WAITING:
    if (!permit->waiter.ended)
      gov_gate_leave(gate, &permit->waiter);
    else if (permit->waiter.rc == 0)
      gov_gate_revoke(gate, &permit->waiter.place, now_ns, &ended);
    break;
  case GOV_PERMIT_GRANTED:
    gov_gate_report(gate, permit->client, &permit->waiter.place, MSKGOV_OUTCOME_TRANSPORT,
                    "released without a report", now_ns, &broker->locked.random);
    break;
  case GOV_PERMIT_OPEN:
    gov_gate_hang_up(gate, &permit->waiter.place, now_ns);
    break;
  case GOV_PERMIT_OVER:
    break;
  }
  gov_governor_advance_with_locked(broker, now_ns, NULL, &ended);
}

void mskgov_permit_release(mskgov_permit *permit) {
  mskgov_broker *broker;

  if (!permit)
    return;

  broker = permit->broker;
  if (gov_process_is(broker->governor->process)) {
    lock_for_release(permit);
    give_up_locked(permit);
  }
  free_locked(permit);
  unlock_and_let_go(broker);
}
