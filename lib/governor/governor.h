/*
 * Inside the governor: the brokers by address, each with a gate and a lock of its own; one
 * pacing thread; and an agenda of when each gate has something to do. The thread sleeps
 * until the first entry of the agenda, so its work does not depend on how many wait.
 *
 * Waits end in two steps. A gate's decision puts the permit on the list `ended`; the pacing
 * thread then tells its owner, callbacks with no lock held. In between the permit can
 * still be released, and its place then goes to the next.
 *
 * Lock order: a broker's lock, then the governor's mutex. A broker's lock guards its gate and
 * the permits of the gate. The governor's guards the agenda, the list `ended` and which
 * permit is being told. Events have a lock of their own below both. No callback runs under
 * any of them.
 */
#ifndef GOV_GOVERNOR_GOVERNOR_H
#define GOV_GOVERNOR_GOVERNOR_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/index.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/random.h"
#include "governor/gate.h"

#include <mskgov/governor.h>
#include <mskgov/permit.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct mskgov_broker {
  _Alignas(64) _Atomic uint64_t not_before_ns; /* no request that does not wait is granted
                                                  before */
  mskgov_governor *governor;
  gov_lock lock;
  struct {
    mskgov_permit *spare; /* released permits without a client's name, to use again */
    uint32_t permits;     /* not yet released; while there are, it holds the governor */
    uint8_t spares;
    bool holds_governor;
    bool stopped;
    bool on_agenda; /* `due` is in the agenda */
    gov_gate gate;
    gov_random random;
  } locked;
  gov_index_node by_address;
  mskgov_broker *next; /* all brokers of the governor, newest first */
  gov_heap_node due;   /* in the agenda: under the governor's mutex */
  char address[];
};

struct mskgov_governor {
  gov_gate_options gate_options;
  gov_store *store;
  mskgov_store store_kind;
  mskgov_quota_scope scope;
  char *cluster; /* whose name stands for all brokers, if the scope is the cluster */
  uint32_t headroom_percent;
  uint64_t grant_spread_ms;
  const gov_clock *clock;
  unsigned process;  /* the generation of the process that made it */
  atomic_uint users; /* the caller, and who has taken a hold besides */
  atomic_uint
      holds; /* one for the users, one of the thread's, one per broker with permits */
  atomic_bool freed; /* no user is left: brokers let go with their last permit */
  pthread_t thread;
  gov_index brokers; /* grows under the mutex */
  _Atomic(mskgov_broker *) all;
  pthread_mutex_t mutex;
  pthread_cond_t agenda_changed; /* for the pacing thread */
  pthread_cond_t told;           /* a callback has returned, or the thread has ended */

  struct {
    gov_heap agenda;
    gov_list ended;         /* permits whose owner is yet to be told */
    mskgov_permit *telling; /* the permit that is told now */
    uint64_t sleeps_until_ns;
    bool stopping;
    bool thread_ended;
    bool thread_joined;
  } locked;
};

typedef enum gov_permit_state {
  GOV_PERMIT_WAITING, /* until its owner is told; waiter.ended: it is on `ended` */
  GOV_PERMIT_GRANTED,
  GOV_PERMIT_OPEN,
  GOV_PERMIT_OVER /* failed, or never granted */
} gov_permit_state;

struct mskgov_permit {
  mskgov_broker *broker;
  mskgov_permit_cb *callback; /* NULL: somebody waits on `wake` */
  union {
    void *user;
    sem_t *wake;
    mskgov_permit *next_spare;
  };
  gov_permit_state state;
  bool has_name;
  gov_waiter waiter;
  char client[];
};

/* The pacing thread, given the governor. Ends once it is stopping. */
void *gov_governor_pace(void *governor);

/* MSKGOV_ERR_FORKED in a process that did not make the governor; INVALID for NULL. */
int gov_governor_check_process(const mskgov_governor *governor, mskgov_error_info *error);

/* Wakes the pacing thread if there are events to tell. */
void gov_governor_wake_for_events(mskgov_governor *governor);

/* The name of a client, "" for one without; 0 or MSKGOV_ERR_INVALID. */
const char *gov_client_name(const mskgov_client *client);
int gov_client_check(const mskgov_client *client, mskgov_error_info *error);

/* A permit that waits, in no line yet; while it is out the broker holds the governor. NULL:
   no memory. */
mskgov_permit *gov_permit_new_locked(mskgov_broker *broker, const mskgov_client *client);

/* From `now_ns` to `at_ns` in milliseconds, rounded up; MSKGOV_NEVER for UINT64_MAX. */
uint64_t gov_ms_until(uint64_t at_ns, uint64_t now_ns);

/* Marks the permit as told, as waiter.rc says. */
void gov_permit_settle_locked(mskgov_permit *permit);

/*
 * Whether the broker gives up its hold on the governor now: no user and no permit is left.
 * If so the caller, once it has let go of the broker's lock, ends with gov_governor_drop.
 */
bool gov_broker_lets_go_locked(mskgov_broker *broker);

/* Gives up a hold; the governor may be gone when it returns. */
void gov_governor_drop(mskgov_governor *governor);

/*
 * The broker of an address, made if need be. Returns 0, MSKGOV_ERR_INVALID (malformed),
 * MSKGOV_ERR_QUEUE_FULL (MSKGOV_BROKERS_MAX are known already), MSKGOV_ERR_STOPPED, and what
 * the store returns. broker.c
 */
int gov_governor_find(mskgov_governor *governor, const char *address,
                      mskgov_broker **broker, mskgov_error_info *error);

/*
 * Advances the gate, puts its next time on the agenda, hands the ended waits to the pacing
 * thread, and wakes that if need be. `own`, if not NULL: a permit whose end the caller sees
 * to itself; its waiter is not handed on. `ended`: waits that have ended before.
 */
void gov_governor_advance_with_locked(mskgov_broker *broker, uint64_t now_ns,
                                      mskgov_permit *own, gov_list *ended);

/* The same with nothing before. */
void gov_governor_advance_locked(mskgov_broker *broker, uint64_t now_ns,
                                 mskgov_permit *own);

#endif
