/*
 * Randomness that a seed repeats: splitmix64 (Steele, Lea, Flood, 2014). Not for secrets
 * that matter.
 */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

static inline uint64_t bench_random_next(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);

  return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double bench_random_share(uint64_t *state) {
  return (double)(bench_random_next(state) >> 11) * 0x1p-53;
}

#endif
