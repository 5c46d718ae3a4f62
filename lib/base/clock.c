#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t read_clock(clockid_t id) {
  struct timespec ts;

  clock_gettime(id, &ts);

  return (uint64_t)ts.tv_sec * GOV_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t monotonic_ns(void *self) {
  (void)self;
  return read_clock(CLOCK_MONOTONIC);
}

static uint64_t coarse_ns(void *self) {
  (void)self;
  return read_clock(CLOCK_MONOTONIC_COARSE);
}

static uint64_t unix_ns(void *self) {
  (void)self;
  return read_clock(CLOCK_REALTIME);
}

const gov_clock gov_clock_system = {monotonic_ns, unix_ns, NULL, coarse_ns};
