/*
 * The pacing thread: does what is due at each broker, and tells whose wait is over.
 */
#include "governor/governor.h"

#include "base/thread.h"

/* Puts the gate's next time on the agenda and hands on what has ended. */
static void hand_on(mskgov_broker *broker, uint64_t next_ns, gov_list *ended) {
  mskgov_governor *governor = broker->governor;
  gov_list_node *node;

  /* nothing to say, and nothing on the agenda to take back */
  if (next_ns == UINT64_MAX && !broker->locked.on_agenda && gov_list_empty(ended) &&
      !gov_events_pending(governor->gate_options.events))
    return;

  broker->locked.on_agenda = next_ns != UINT64_MAX;
  pthread_mutex_lock(&governor->mutex);
  if (next_ns == UINT64_MAX)
    gov_heap_remove(&governor->locked.agenda, &broker->due);
  else
    gov_heap_update(&governor->locked.agenda, &broker->due, next_ns);
  while ((node = gov_list_pop_front(ended)))
    gov_list_push_back(&governor->locked.ended, node);
  if (gov_heap_first_ns(&governor->locked.agenda) < governor->locked.sleeps_until_ns ||
      !gov_list_empty(&governor->locked.ended) ||
      gov_events_pending(governor->gate_options.events))
    pthread_cond_signal(&governor->agenda_changed);
  pthread_mutex_unlock(&governor->mutex);
}

void gov_governor_wake_for_events(mskgov_governor *governor) {
  if (!gov_events_pending(governor->gate_options.events))
    return;

  pthread_mutex_lock(&governor->mutex);
  pthread_cond_signal(&governor->agenda_changed);
  pthread_mutex_unlock(&governor->mutex);
}

void gov_governor_advance_with_locked(mskgov_broker *broker, uint64_t now_ns,
                                      mskgov_permit *own, gov_list *ended) {
  uint64_t next_ns = gov_gate_advance(&broker->locked.gate, now_ns, ended);

  atomic_store_explicit(&broker->not_before_ns, 0, memory_order_relaxed);
  if (own && own->waiter.ended)
    gov_list_remove(&own->waiter.node);
  hand_on(broker, next_ns, ended);
}

void gov_governor_advance_locked(mskgov_broker *broker, uint64_t now_ns,
                                 mskgov_permit *own) {
  gov_list ended;

  gov_list_init(&ended);
  gov_governor_advance_with_locked(broker, now_ns, own, &ended);
}

void gov_permit_settle_locked(mskgov_permit *permit) {
  permit->state = permit->waiter.rc ? GOV_PERMIT_OVER : GOV_PERMIT_GRANTED;
  if (permit->state == GOV_PERMIT_GRANTED)
    gov_gate_count_wait(&permit->broker->locked.gate, permit->waiter.waited_ms);
}

/* Tells the owner that the wait is over. Gives up the mutex meanwhile. */
static void tell_unlocked(mskgov_permit *permit) {
  mskgov_broker *broker = permit->broker;
  mskgov_permit_cb *callback;
  void *user;
  int rc;

  gov_lock_acquire(&broker->lock);
  gov_permit_settle_locked(permit);
  callback = permit->callback;
  user = callback ? permit->user : NULL;
  rc = permit->waiter.rc;
  if (!callback && permit->wake)
    sem_post(permit->wake); /* from here on it is its owner's to free */
  gov_lock_release(&broker->lock);
  if (callback)
    callback(permit, rc, user);
}

static void tell_all_locked(mskgov_governor *governor) {
  gov_list_node *node;

  while ((node = gov_list_pop_front(&governor->locked.ended))) {
    gov_waiter *waiter = gov_container_of(node, gov_waiter, node);

    governor->locked.telling = gov_container_of(waiter, mskgov_permit, waiter);
    pthread_mutex_unlock(&governor->mutex);
    tell_unlocked(gov_container_of(waiter, mskgov_permit, waiter));
    pthread_mutex_lock(&governor->mutex);
    governor->locked.telling = NULL;
    pthread_cond_broadcast(&governor->told);
  }
}

/* Does what is due. Gives up the mutex meanwhile. */
static void advance_due_locked(mskgov_governor *governor) {
  uint64_t now_ns = gov_clock_monotonic_ns(governor->clock);
  gov_heap_node *node;

  while ((node = gov_heap_first(&governor->locked.agenda)) && node->at_ns <= now_ns) {
    mskgov_broker *broker = gov_container_of(node, mskgov_broker, due);

    pthread_mutex_unlock(&governor->mutex);
    gov_lock_acquire(&broker->lock);
    gov_governor_advance_locked(broker, gov_clock_monotonic_ns(governor->clock), NULL);
    gov_lock_release(&broker->lock);
    pthread_mutex_lock(&governor->mutex);
  }
}

static void tell_events_locked(mskgov_governor *governor) {
  if (!gov_events_pending(governor->gate_options.events))
    return;

  pthread_mutex_unlock(&governor->mutex);
  gov_events_tell(governor->gate_options.events);
  pthread_mutex_lock(&governor->mutex);
}

static void close_gates(mskgov_governor *governor) {
  for (mskgov_broker *broker = atomic_load(&governor->all); broker; broker = broker->next) {
    gov_list ended;

    gov_list_init(&ended);
    gov_lock_acquire(&broker->lock);
    broker->locked.stopped = true;
    atomic_store_explicit(&broker->not_before_ns, 0, memory_order_relaxed);
    gov_gate_close(&broker->locked.gate, MSKGOV_ERR_STOPPED, &ended);
    hand_on(broker, UINT64_MAX, &ended);
    gov_lock_release(&broker->lock);
  }
}

/* The last event: what the owners of ended waits did about it comes before. */
static void push_stopped(mskgov_governor *governor) {
  const mskgov_event stopped = {.kind = MSKGOV_EVENT_STOPPED,
                                .at_ns = gov_clock_monotonic_ns(governor->clock)};

  gov_events_push(governor->gate_options.events, &stopped);
}

static bool has_to_tell_locked(const mskgov_governor *governor) {
  return !gov_list_empty(&governor->locked.ended) ||
         gov_events_pending(governor->gate_options.events);
}

void *gov_governor_pace(void *argument) {
  mskgov_governor *governor = argument;

  pthread_mutex_lock(&governor->mutex);
  while (!governor->locked.stopping) {
    governor->locked.sleeps_until_ns = 0;
    advance_due_locked(governor);
    tell_all_locked(governor);
    tell_events_locked(governor);
    if (governor->locked.stopping || has_to_tell_locked(governor))
      continue;
    governor->locked.sleeps_until_ns = gov_heap_first_ns(&governor->locked.agenda);
    gov_cond_wait_until(&governor->agenda_changed, &governor->mutex,
                        governor->locked.sleeps_until_ns);
  }

  pthread_mutex_unlock(&governor->mutex);
  close_gates(governor);
  pthread_mutex_lock(&governor->mutex);
  tell_all_locked(governor);
  push_stopped(governor);
  tell_events_locked(governor);
  governor->locked.thread_ended = true;
  pthread_cond_broadcast(&governor->told);
  pthread_mutex_unlock(&governor->mutex);
  gov_governor_drop(governor);

  return NULL;
}
