/*
 * Token bucket for one broker: the generic cell rate algorithm (GCRA; ITU-T I.371, in its
 * "virtual scheduling" form), whole state one 64-bit word.
 *
 * The word is the theoretical arrival time (TAT): the moment at which the bucket is full
 * again. A slot moves it one interval on. It moves by compare-and-swap and only forward,
 * so any number of threads may reserve at once and none can be caught holding a lock.
 *
 * Invariant. Let slots be `interval` apart, with a burst of `b`. Grants whose attempts
 * reach the broker at most a spread of `J` after their slot put at most
 *
 *     b - 1 + ceil(r * (W + J))        with r = 1 / interval
 *
 * attempts into any window of length W, both its ends included. gov_bucket_rate_init picks
 * the smallest interval for which this is at most the quota Q:
 *
 *     interval = floor((W + J) / (Q - b + 1)) + 1 ns
 *
 * tests/unit/test_bucket.c checks it against a strict sliding window.
 *
 * Half of J is for whoever takes the slots: one that falls due while nobody looks, since a
 * thread wakes late or reads a coarse clock, can still be reserved up to `late_ns`
 * afterwards, and is then used at once. The other half is for the way to the broker. Slots
 * older than that have lapsed.
 *
 * Time is an argument, in nanoseconds of any clock that does not run backwards. If it does
 * all the same, the bucket stands still until the clock has caught up: no slot is handed
 * out twice. At the end of the 64-bit range the answer is GOV_BUCKET_NEVER.
 *
 * Threads: any; the rate is read-only. No I/O, no lock, no allocation.
 */
#ifndef GOV_POLICY_BUCKET_H
#define GOV_POLICY_BUCKET_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct gov_bucket {
  _Atomic uint64_t tat_ns;
} gov_bucket;

typedef struct gov_bucket_rate {
  uint64_t interval_ns;  /* between slots, at least 1 */
  uint64_t tolerance_ns; /* (burst - 1) * interval_ns: how far slots may run ahead */
  uint64_t late_ns;      /* how old a slot may be that is reserved: half of the spread */
} gov_bucket_rate;

typedef enum gov_bucket_answer {
  GOV_BUCKET_GRANTED,    /* a slot was reserved; it may be used from *at_ns on */
  GOV_BUCKET_NOT_BEFORE, /* nothing was reserved; the next slot is at *at_ns */
  GOV_BUCKET_NEVER       /* nothing was reserved; no slot fits into the range of time */
} gov_bucket_answer;

/*
 * The rate that keeps to `quota` attempts (at least 1) in every stretch of `window_ns` (1 to
 * 2^61), for a burst of 1 to `quota` and a spread of the grants on their way of `spread_ns`,
 * below 2^62.
 */
void gov_bucket_rate_init(gov_bucket_rate *rate, uint32_t quota, uint32_t burst,
                          uint64_t window_ns, uint64_t spread_ns);

/* A full bucket. */
void gov_bucket_init(gov_bucket *bucket);

/* When the next slot is, at least `now_ns` - late_ns; nothing is reserved. */
uint64_t gov_bucket_next_ns(const gov_bucket *bucket, const gov_bucket_rate *rate,
                            uint64_t now_ns);

/*
 * Reserves the next slot if it is at most `max_wait_ns` after `now_ns`. *at_ns is at least
 * `now_ns` - late_ns; on GOV_BUCKET_NEVER it is UINT64_MAX.
 */
gov_bucket_answer gov_bucket_reserve(gov_bucket *bucket, const gov_bucket_rate *rate,
                                     uint64_t now_ns, uint64_t max_wait_ns,
                                     uint64_t *at_ns);

/* The same for a bucket that the caller's lock keeps others from: without an atomic
   exchange, which is what most of the time would go to. */
gov_bucket_answer gov_bucket_reserve_alone(gov_bucket *bucket, const gov_bucket_rate *rate,
                                           uint64_t now_ns, uint64_t max_wait_ns,
                                           uint64_t *at_ns);

/*
 * Gives back the slot at `at_ns` that was reserved and will not be used. It does so only
 * if no later slot has been reserved since; otherwise the slot has lapsed.
 */
void gov_bucket_return(gov_bucket *bucket, const gov_bucket_rate *rate, uint64_t at_ns);

#endif
