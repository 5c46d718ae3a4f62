/*
 * One process's share of a bucket that several draw from: by the number of its waiters.
 *
 * All draw from one bucket, so the rate is kept whatever happens here; this decides who
 * comes to it when. A process with w of W waiters reserves its next slot W / w intervals
 * after it was last entitled to one. Entitlements do not drift with late wake-ups, so the
 * processes together ask for exactly the bucket's rate.
 *
 * W is hearsay: waiters of a process that was killed count until it is noticed. So a slot
 * that nobody has asked for by the time it is `idle` overdue is anybody's, and no slot is
 * lost to a wrong W for long.
 *
 * Threads: the caller's lock. Time is an argument. Pure, no failure.
 */
#ifndef GOV_POLICY_SHARE_H
#define GOV_POLICY_SHARE_H

#include <stdint.h>

typedef struct gov_share {
  uint64_t entitled_ns; /* when it was last entitled to a slot; 0: never */
} gov_share;

/*
 * When a process with `own` of `all` waiters (1 <= own <= all) may reserve a slot at the
 * latest. `free_ns`: when the bucket's next slot falls due.
 */
uint64_t gov_share_next_ns(const gov_share *share, uint64_t interval_ns, uint32_t own,
                           uint32_t all, uint64_t free_ns);

/* It has reserved a slot at `now_ns`. */
void gov_share_take(gov_share *share, uint64_t interval_ns, uint32_t own, uint32_t all,
                    uint64_t now_ns);

#endif
