/*
 * The wait after a failure: exponential, capped, jittered. The three jitters are those of
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015, and are
 * named in mskgov/governor.h.
 *
 * A fleet that was rejected together has to come back spread over a time that its quota
 * can serve, so the draw matters: the cap must not pull the draws onto one point.
 *
 * Threads: the caller's. Pure: randomness is an argument. No failure.
 */
#ifndef GOV_POLICY_BACKOFF_H
#define GOV_POLICY_BACKOFF_H

#include "base/random.h"

#include <mskgov/governor.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct gov_backoff_options {
  mskgov_jitter jitter;
  uint64_t base_ns; /* 1 to cap_ns */
  uint64_t cap_ns;  /* below 2^62 */
  bool cap_grows;   /* with rejections: see gov_backoff_cap_ns */
} gov_backoff_options;

/* However many rejections there are, the cap does not grow past an hour. */
#define GOV_BACKOFF_CAP_GROWN_MAX_NS UINT64_C(3600000000000)

/* A streak of failures; all zero: none yet. */
typedef struct gov_backoff {
  uint32_t failures;
  uint64_t previous_ns; /* the last wait drawn */
} gov_backoff;

void gov_backoff_init(gov_backoff *backoff);

/*
 * The cap for a client whose last failure was the quota. Clients that share nothing get
 * through N at a time against Q per second only if their mean wait is N / Q or more, so
 * with full jitter the cap has to be 2 N / Q. Nobody knows N, but it shows:
 *
 *   - `clients` of this process are in a streak of rejections, so N is at least that;
 *   - `failures` in a row, past those that took the wait to the cap, say that the cap is
 *     too low: it doubles with every second one.
 *
 * `quota` attempts fit into `window_ns`. At least the options' cap, which it is where the
 * cap does not grow.
 */
uint64_t gov_backoff_cap_ns(const gov_backoff_options *options, uint32_t failures,
                            uint32_t clients, uint32_t quota, uint64_t window_ns);

/* Notes one more failure and draws the wait after it, 0 to cap_ns. */
uint64_t gov_backoff_next(gov_backoff *backoff, const gov_backoff_options *options,
                          gov_random *random);

#endif
