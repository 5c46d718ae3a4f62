/*
 * The gate of one broker: who waits, and when the next may pass. A pure state machine; the
 * governor gives it a lock, a thread and a clock.
 *
 * A waiter passes the client's back-off, then the line (first come, first served), then
 * the limit of open connections, then the rate: the bucket paces, the window makes the
 * quota exact (policy/bucket.h, policy/window.h). The bucket's next slot is reserved ahead
 * and held for whoever heads the line when it falls due, so a waiter that leaves takes
 * nothing with it.
 *
 * Threads: the caller's lock. Time and randomness are arguments; time does not run
 * backwards. No I/O.
 */
#ifndef GOV_GOVERNOR_GATE_H
#define GOV_GOVERNOR_GATE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "governor/streaks.h"
#include "policy/backoff.h"
#include "policy/bucket.h"
#include "policy/window.h"

#include <mskgov/governor.h>
#include <mskgov/permit.h>

#include <stdbool.h>

typedef struct gov_gate_options {
  mskgov_quota quota;
  uint64_t spread_ns; /* of the grants on their way, in `rate` */
  gov_bucket_rate rate;
  gov_backoff_options backoff;
  uint32_t max_waiters;
} gov_gate_options;

typedef struct gov_gate {
  gov_map_node by_address; /* the governor's index of gates */
  gov_heap_node due;       /* the governor's agenda */

  const gov_gate_options *options; /* borrowed */
  gov_bucket bucket;
  gov_window window;
  gov_streaks streaks;
  uint64_t slot_ns;     /* the reserved slot; UINT64_MAX: none */
  gov_list line;        /* waiters past their back-off, in order */
  gov_heap backing_off; /* waiters in back-off, by its end */
  gov_heap deadlines;   /* waiters with a deadline */
  mskgov_broker_metrics metrics;
  char address[];
} gov_gate;

/* Where a waiter is; a member of the permit. */
typedef struct gov_waiter {
  gov_list_node node;   /* in the gate's line, or in the caller's list once it has ended */
  gov_heap_node ready;  /* in backing_off */
  gov_heap_node expiry; /* in deadlines */
  bool ended;           /* the wait is over, */
  int rc;               /* so: 0 or MSKGOV_ERR_… */
} gov_waiter;

/* Makes a gate; the options are borrowed, the address is copied. NULL: no memory. */
gov_gate *gov_gate_new(const char *address, const gov_gate_options *options);

/* Frees a gate that nobody waits at. */
void gov_gate_free(gov_gate *gate);

/*
 * Joins the line, or waits for the end of the client's back-off first. `deadline_ns`
 * UINT64_MAX: none. Returns 0, MSKGOV_ERR_QUEUE_FULL or MSKGOV_ERR_NO_MEMORY.
 */
int gov_gate_join(gov_gate *gate, gov_waiter *waiter, const char *client,
                  uint64_t deadline_ns, uint64_t now_ns);

/* Leaves before the end of the wait. */
void gov_gate_leave(gov_gate *gate, gov_waiter *waiter);

/* Ends the waits of all with `rc`, appending them to `ended`. */
void gov_gate_close(gov_gate *gate, int rc, gov_list *ended);

/*
 * Does what is due at `now_ns`: ends of back-offs, deadlines, grants. Appends the waiters
 * whose wait has ended to `ended`, with their rc. Returns when something is due next;
 * UINT64_MAX: nothing is before another call of this header.
 */
uint64_t gov_gate_advance(gov_gate *gate, uint64_t now_ns, gov_list *ended);

/* A waiter that could not wait at all has ended: it is not counted. */
void gov_gate_forget_try(gov_gate *gate);

/*
 * The options have another quota and rate. The pace starts anew from the next advance, so
 * that who waits does not wait for a slot of the old rate; the window keeps what it holds,
 * and so the new quota exact.
 */
void gov_gate_options_changed(gov_gate *gate);

/* When a request made now would be granted, if all goes well; see permit.h. */
uint64_t gov_gate_estimate_ns(gov_gate *gate, const char *client, uint64_t now_ns);

/* The outcome of a granted attempt; an empty detail leaves the last one to be read. */
void gov_gate_report(gov_gate *gate, const char *client, mskgov_outcome outcome,
                     const char *detail, uint64_t now_ns, gov_random *random);

/*
 * A granted attempt will certainly not be made, and nobody has been told of it: the slot
 * goes to the head of the line, who is appended to `ended`.
 */
void gov_gate_revoke(gov_gate *gate, gov_list *ended);

/* A connection that was open was closed. */
void gov_gate_hang_up(gov_gate *gate);

#endif
