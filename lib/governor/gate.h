/*
 * The gate of one broker: who waits, and when the next may pass. A state machine; the
 * governor gives it a lock, a thread and a clock.
 *
 * A waiter passes the client's back-off, then the line of its priority (first come, first
 * served; between the lines policy/turns.h decides), then the broker's budget (budget.h),
 * which has the limit of open connections and the rate.
 *
 * Threads: the caller's lock. Time and randomness are arguments; time does not run
 * backwards. No I/O.
 */
#ifndef GOV_GOVERNOR_GATE_H
#define GOV_GOVERNOR_GATE_H

#include "base/heap.h"
#include "base/list.h"
#include "governor/budget.h"
#include "governor/events.h"
#include "governor/streaks.h"
#include "policy/backoff.h"
#include "policy/turns.h"

#include <mskgov/governor.h>
#include <mskgov/metrics.h>
#include <mskgov/permit.h>

#include <stdbool.h>

/* What the gates of a governor share; it does not change. */
typedef struct gov_gate_options {
  gov_backoff_options backoff;
  uint32_t max_waiters;
  uint32_t near_quota_percent;
  mskgov_at_limit at_limit;
  gov_events *events; /* borrowed; NULL: nobody listens */
} gov_gate_options;

/* What every request writes comes first, so that it lies together. */
typedef struct gov_gate {
  mskgov_broker_metrics metrics;
  gov_budget *budget; /* borrowed */
  gov_streaks streaks;
  const gov_gate_options *options;     /* borrowed */
  uint32_t in_line[MSKGOV_PRIORITIES]; /* lengths of: */
  const char *address;                 /* borrowed */
  gov_turns turns;
  gov_list lines[MSKGOV_PRIORITIES]; /* waiters past their back-off, in order */
  uint32_t told_line;                /* what the budget knows of the lines' length */
  gov_heap backing_off;              /* waiters in back-off, by its end */
  gov_heap deadlines;                /* waiters with a deadline */
  uint64_t near_seen_ns;             /* when the budget was last held against the quota */
  bool near_rate, near_connections, rate_is_cut;
} gov_gate;

/* Where a waiter is; a member of the permit. */
typedef struct gov_waiter {
  gov_place place;      /* once it is granted */
  const char *client;   /* borrowed */
  uint64_t wanted_ns;   /* since when it waits */
  uint8_t priority;     /* mskgov_priority */
  bool ended;           /* the wait is over, */
  int rc;               /* so: 0 or MSKGOV_ERR_… */
  uint64_t waited_ms;   /* if it was granted */
  gov_list_node node;   /* in a line, or in the caller's list once it has ended */
  gov_heap_node ready;  /* in backing_off */
  gov_heap_node expiry; /* in deadlines */
} gov_waiter;

/* A gate with nobody at it. All borrowed. */
void gov_gate_init(gov_gate *gate, const char *address, const gov_gate_options *options,
                   gov_budget *budget);

/* Gives back the memory of a gate that nobody waits at. */
void gov_gate_fini(gov_gate *gate);

/* Waiters of all priorities that are past their back-off. */
uint32_t gov_gate_line(const gov_gate *gate);

/*
 * Joins the line, or waits for the end of the client's back-off first. The caller has set
 * the waiter's client and priority. `deadline_ns` UINT64_MAX: none. Returns 0,
 * MSKGOV_ERR_QUEUE_FULL or MSKGOV_ERR_NO_MEMORY.
 */
int gov_gate_join(gov_gate *gate, gov_waiter *waiter, uint64_t deadline_ns,
                  uint64_t now_ns);

/* It could not be granted at once: it waits. */
void gov_gate_throttle(gov_gate *gate, const gov_waiter *waiter, uint64_t now_ns);

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

/*
 * A request that does not wait: true and *place if it is granted, else *at_ns is when it is
 * worth asking again (UINT64_MAX: when a connection is closed). It never passes a waiter.
 */
bool gov_gate_try(gov_gate *gate, const char *client, uint64_t now_ns, gov_place *place,
                  uint64_t *at_ns);

/* A waiter that could not wait at all has ended: it is not counted. */
void gov_gate_forget_try(gov_gate *gate);

/* When a request made now would be granted, if all goes well; see permit.h. */
uint64_t gov_gate_estimate_ns(gov_gate *gate, const char *client, mskgov_priority priority,
                              uint64_t now_ns);

/* The outcome of a granted attempt; an empty detail leaves the last one to be read. */
void gov_gate_report(gov_gate *gate, const char *client, gov_place *place,
                     mskgov_outcome outcome, const char *detail, uint64_t now_ns,
                     gov_random *random);

/*
 * A granted attempt will certainly not be made, and nobody has been told of it: its place
 * goes to the head of the line, who is appended to `ended`, or back to the budget.
 */
void gov_gate_revoke(gov_gate *gate, gov_place *place, uint64_t now_ns, gov_list *ended);

/* A connection that was open was closed. */
void gov_gate_hang_up(gov_gate *gate, gov_place *place, uint64_t now_ns);

/* The metrics as they stand; struct_size is the caller's. */
void gov_gate_read(gov_gate *gate, uint64_t now_ns, mskgov_broker_metrics *metrics);

/* The owner of a grant has been told: its wait counts. */
void gov_gate_count_wait(gov_gate *gate, uint64_t waited_ms);

/* Internal to the gate: counts a grant, and tells when the quota is nearly used. */
void gov_gate_count_grant(gov_gate *gate, const char *client, uint64_t waited_ms,
                          uint64_t now_ns);

#endif
