/*
 * When to fetch credentials anew: some time before they end, spread so that a fleet that
 * began together does not ask together; and after a failure soon at first, then at a slow
 * and steady pace, so that an outage of hours is not made worse.
 *
 * The times are those of the AWS SDKs: botocore refreshes 15 min before the end, and has to
 * 10 min before; aws-msk-iam-auth retries three times with full jitter from 500 ms, 5 s at
 * most.
 *
 * Threads: the caller's. Pure: randomness is an argument. No failure.
 */
#ifndef GOV_POLICY_REFRESH_H
#define GOV_POLICY_REFRESH_H

#include "base/random.h"

#include <stdint.h>

/*
 * How long to wait after a success, given how long the credentials live (UINT64_MAX: for
 * ever, and so is the wait). The refresh is 15 to 10 min before the end; with short ones a
 * half to a third of their life before it.
 */
uint64_t gov_refresh_after_success_ns(uint64_t life_ns, gov_random *random);

/*
 * How long to wait after so many failures in a row, 1 or more: for the first three uniform
 * in 0 to 0.5, 1 and 2 s, then in 30 to 60 s.
 */
uint64_t gov_refresh_after_failure_ns(uint32_t failures, gov_random *random);

#endif
