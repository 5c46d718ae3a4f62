/*
 * Inside the governor: one mutex, one pacing thread, the gates by address, and an agenda of
 * when each gate has something to do. The thread sleeps until the first entry of the
 * agenda, so its work does not depend on how many wait.
 *
 * Waits end in two steps. A gate's decision puts the permit on the list `ended`; the pacing
 * thread then tells its owner, callbacks with the mutex given up. In between the permit can
 * still be released, and its slot then goes to the next.
 *
 * Lock order: the governor's mutex is the only one; no callback runs under it.
 */
#ifndef GOV_GOVERNOR_GOVERNOR_H
#define GOV_GOVERNOR_GOVERNOR_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "governor/gate.h"

#include <mskgov/governor.h>
#include <mskgov/permit.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct mskgov_governor {
  gov_gate_options gate_options;
  const gov_clock *clock;
  pid_t pid; /* of the process that made it */
  atomic_uint holds;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t agenda_changed; /* for the pacing thread */
  pthread_cond_t told;           /* a callback has returned, or the thread has ended */

  struct {
    gov_map gates;
    gov_heap agenda;
    gov_list ended;         /* permits whose owner is yet to be told */
    mskgov_permit *telling; /* the permit whose callback runs now */
    uint64_t sleeps_until_ns;
    gov_random random;
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
  mskgov_governor *governor; /* a hold */
  gov_gate *gate;
  gov_waiter waiter;
  gov_permit_state state;
  mskgov_permit_cb *callback; /* NULL: somebody waits on `wake` */
  void *user;
  pthread_cond_t *wake;
  char client[];
};

/* MSKGOV_ERR_FORKED in a process that did not make the governor. */
int gov_governor_check_process(const mskgov_governor *governor, mskgov_error_info *error);

/* Marks the permit as told, as waiter.rc says. */
void gov_governor_settle_locked(mskgov_permit *permit);

/*
 * The gate of an address, made if need be. Returns 0, MSKGOV_ERR_NO_MEMORY, or
 * MSKGOV_ERR_QUEUE_FULL: MSKGOV_BROKERS_MAX brokers are known already.
 */
int gov_governor_gate_locked(mskgov_governor *governor, const char *address,
                             gov_gate **gate, mskgov_error_info *error);

/* Wakes the thread if it sleeps past the agenda, or if somebody is to be told. */
void gov_governor_wake_locked(mskgov_governor *governor);

/* Advances a gate and puts its next time on the agenda. */
void gov_governor_advance_locked(mskgov_governor *governor, gov_gate *gate,
                                 uint64_t now_ns);

#endif
