/*
 * Randomness for jitter: xoshiro256** (Blackman, Vigna, 2018), seeded once, one per user,
 * no lock. Not for secrets. A given seed gives a given sequence, so a test can repeat it.
 */
#ifndef GOV_BASE_RANDOM_H
#define GOV_BASE_RANDOM_H

#include <stdint.h>

typedef struct gov_random {
  uint64_t state[4];
} gov_random;

/* Seeds from a number, spread by splitmix64; every seed is good, 0 too. */
void gov_random_init(gov_random *random, uint64_t seed);

/* Seeds from the operating system, or from the clock where that has none to give. */
void gov_random_init_system(gov_random *random);

uint64_t gov_random_next(gov_random *random);

/* Uniform in [0, limit], both ends included. */
uint64_t gov_random_uniform(gov_random *random, uint64_t limit);

#endif
