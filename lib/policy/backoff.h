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

#include <stdint.h>

typedef struct gov_backoff_options {
  mskgov_jitter jitter;
  uint64_t base_ns; /* 1 to cap_ns */
  uint64_t cap_ns;  /* below 2^62 */
} gov_backoff_options;

/* A streak of failures; all zero: none yet. */
typedef struct gov_backoff {
  uint32_t failures;
  uint64_t previous_ns; /* the last wait drawn */
} gov_backoff;

void gov_backoff_init(gov_backoff *backoff);

/* Notes one more failure and draws the wait after it, 0 to cap_ns. */
uint64_t gov_backoff_next(gov_backoff *backoff, const gov_backoff_options *options,
                          gov_random *random);

#endif
