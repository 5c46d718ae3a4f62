/*
 * The skew of this host's clock: how far it is off the time of the services it talks to.
 * AWS refuses signatures that are more than 5 min off, and does not say why ("Access
 * denied"); so signing goes by the corrected time.
 *
 * It is learnt from the Date headers of services, which give whole seconds. What is below
 * half a minute is taken for the time that the answer took, and not corrected. If the clock
 * is set afterwards, what was learnt holds no more: that shows against the monotonic clock,
 * and the skew is 0 until it is learnt anew.
 *
 * Threads: any.
 */
#ifndef GOV_CREDENTIALS_SKEW_H
#define GOV_CREDENTIALS_SKEW_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Less is not corrected, and a jump of the clock by less is none. */
#define GOV_SKEW_LEAST_NS (30 * GOV_NS_PER_S)

typedef struct gov_skew {
  /* Whole seconds, so that a lock is not needed: the services' time against the clock's (24
     bits, 0: none is known), and the clock against the monotonic one when that was learnt
     (40 bits). */
  atomic_uint_least64_t word;
} gov_skew;

/* The clock of a host is one for all who sign on it. */
extern gov_skew gov_skew_host;

/* A service's clock said `date_ns` (Unix) within the last `took_ns`. */
void gov_skew_learn(gov_skew *skew, const gov_clock *clock, uint64_t date_ns,
                    uint64_t took_ns);

/*
 * A broker or service refused with this text. If it says that the signature expired or is
 * not yet current, as AWS words it, it holds the time by which it was judged
 * ("… (20260102T030405Z - 5 min.)"), which is learnt. Returns whether it was.
 */
bool gov_skew_learn_refusal(gov_skew *skew, const gov_clock *clock, const char *text);

/* Nanoseconds by which the clock is behind (below 0: ahead of) the services' time; 0 if
   that is not known, or is less than GOV_SKEW_LEAST_NS. */
int64_t gov_skew_ns(gov_skew *skew, const gov_clock *clock);

/* The clock's Unix time, corrected. */
uint64_t gov_skew_unix_ns(gov_skew *skew, const gov_clock *clock);

#endif
