/*
 * The arrival window: makes the quota exact without knowing how long attempts take.
 *
 * The bucket paces grants; the broker counts arrivals. Between the two lie TCP, TLS and
 * SASL, and on a loaded host they can take longer than the spread that the bucket's rate
 * allows for, so that attempts bunch up. The window closes that gap. An attempt arrives at
 * the broker at an unknown moment, but not before its grant and not after its outcome was
 * reported. So it holds a slot from its grant until one window W after its report, and at
 * most Q slots are held at once.
 *
 * Invariant: no window of length W, both ends included, sees more than Q attempts. For if
 * Q + 1 arrivals lay within W, at the grant of the last of them the Q others had been
 * granted, and none of them had been reported more than W before; all Q slots were held.
 *
 * The premise fails where the client itself breaks an attempt off (a time-out, its end):
 * what it had sent may still arrive, later than the report by the way to the broker. An
 * answer of the broker's, or a connection closed by it, comes after it counted.
 *
 * It costs nothing while handshakes are shorter than the bucket's spread, and slows down,
 * gracefully, as they grow longer: Q attempts in W + latency.
 *
 * Reports are counted in cells of W / 239 or a little more (4 ms for a second), rounded up,
 * so the memory is fixed.
 *
 * Threads: the caller's lock. Time is an argument; one that runs backwards is taken as
 * standing still. No I/O, no allocation.
 */
#ifndef GOV_POLICY_WINDOW_H
#define GOV_POLICY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* A cell is 2^cell_shift ns; W and one cell more need this many of them. */
#define GOV_WINDOW_CELLS 240

typedef struct gov_window {
  uint32_t limit;     /* Q */
  uint32_t in_flight; /* granted, not yet reported */
  uint32_t recent;    /* reported, and still holding their slot: the sum of the cells */
  uint32_t cell_shift;
  uint64_t window_ns; /* W */
  uint64_t latest_ns; /* the latest time seen: the time, while a clock runs backwards */
  uint64_t newest;    /* number of the newest cell: time >> cell_shift */
  uint32_t cells[GOV_WINDOW_CELLS];
} gov_window;

/* `limit`: Q, at least 1. `window_ns`: W, 1 to 2^61. */
void gov_window_init(gov_window *window, uint32_t limit, uint64_t window_ns);

/*
 * Another quota, from now on. Slots that are held beyond a lower limit stay held; what was
 * reported before holds its slot for the new window from now on, which is longer than need
 * be and never shorter.
 */
void gov_window_change(gov_window *window, uint32_t limit, uint64_t window_ns,
                       uint64_t now_ns);

/* Whether there is room whatever the time is: what is held can only become less. */
static inline bool gov_window_has_room(const gov_window *window) {
  return window->in_flight + window->recent < window->limit;
}

/*
 * When the next grant is possible: `now_ns` or earlier if now; UINT64_MAX if only a report
 * can free a slot.
 */
uint64_t gov_window_next_ns(gov_window *window, uint64_t now_ns);

/* A grant; the window must have allowed it. */
void gov_window_grant(gov_window *window);

/* The outcome of a granted attempt became known. */
void gov_window_report(gov_window *window, uint64_t now_ns);

/* A granted attempt will certainly not be made: its slot is free at once. */
void gov_window_revoke(gov_window *window);

#endif
