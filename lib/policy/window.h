/*
 * The arrival window: makes the quota exact without knowing how long attempts take.
 *
 * The bucket paces grants; the broker counts arrivals. Between the two lie TCP, TLS and
 * SASL, and on a loaded host they can take longer than the spread that the bucket's rate
 * allows for, so that attempts bunch up. The window closes that gap. An attempt arrives at
 * the broker at an unknown moment, but not before its grant and not after its outcome was
 * reported. So it holds a slot from its grant until one second after its report, and at
 * most Q slots are held at once.
 *
 * Invariant: no window of one second, both ends included, sees more than Q attempts. For
 * if Q + 1 arrivals lay within one second, at the grant of the last of them the Q others
 * had been granted, and none of them had been reported more than one second before; all
 * Q slots were held.
 *
 * The premise fails where the client itself breaks an attempt off (a time-out, its end):
 * what it had sent may still arrive, later than the report by the way to the broker. An
 * answer of the broker's, or a connection closed by it, comes after it counted.
 *
 * It costs nothing while handshakes are shorter than the bucket's spread, and slows down,
 * gracefully, as they grow longer: Q / (1 s + latency) attempts per second.
 *
 * Reports are counted in cells of about 4 ms, rounded up, so the memory is fixed.
 *
 * Threads: the caller's lock. Time is an argument; one that runs backwards is taken as
 * standing still. No I/O, no allocation.
 */
#ifndef GOV_POLICY_WINDOW_H
#define GOV_POLICY_WINDOW_H

#include <stdint.h>

/* One cell is 2^22 ns; a second and one cell more need 240 of them. */
#define GOV_WINDOW_CELL_SHIFT 22
#define GOV_WINDOW_CELLS 240

typedef struct gov_window {
  uint32_t limit;     /* Q */
  uint32_t in_flight; /* granted, not yet reported */
  uint32_t recent;    /* reported, and still holding their slot: the sum of the cells */
  uint64_t latest_ns; /* the latest time seen: the time, while a clock runs backwards */
  uint64_t newest;    /* number of the newest cell: time >> GOV_WINDOW_CELL_SHIFT */
  uint32_t cells[GOV_WINDOW_CELLS];
} gov_window;

void gov_window_init(gov_window *window, uint32_t limit);

/* Another limit, from now on; slots that are held beyond a lower one stay held. */
void gov_window_set_limit(gov_window *window, uint32_t limit);

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
