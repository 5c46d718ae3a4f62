/*
 * The monotonic clock of the benchmarks: the same for all processes of a machine.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BENCH_NS_PER_S UINT64_C(1000000000)
#define BENCH_NS_PER_MS UINT64_C(1000000)

static inline uint64_t bench_now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * BENCH_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline double bench_seconds(uint64_t ns) {
  return (double)ns / 1e9;
}

static inline double bench_ms(uint64_t ns) {
  return (double)ns / 1e6;
}

#endif
