/*
 * The clocks. Only this module reads them; whatever decides by time takes `now_ns` or a
 * gov_clock, so that a test can hold the time in its hand.
 */
#ifndef GOV_BASE_CLOCK_H
#define GOV_BASE_CLOCK_H

#include <stdint.h>

#define GOV_NS_PER_S UINT64_C(1000000000)
#define GOV_NS_PER_MS UINT64_C(1000000)

typedef struct gov_clock {
  uint64_t (*monotonic_ns)(void *self);
  uint64_t (*unix_ns)(void *self);
  void *self;
  /* The monotonic clock, read cheaply: it lags, usually by no more than GOV_COARSE_LAG_NS,
     and is never ahead. NULL: there is none, and the other is read. */
  uint64_t (*coarse_ns)(void *self);
} gov_clock;

/* A tick of a kernel with CONFIG_HZ=100, the slowest in use. */
#define GOV_COARSE_LAG_NS UINT64_C(10000000)

/* CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE and CLOCK_REALTIME. */
extern const gov_clock gov_clock_system;

static inline uint64_t gov_clock_monotonic_ns(const gov_clock *clock) {
  return clock->monotonic_ns(clock->self);
}

static inline uint64_t gov_clock_coarse_ns(const gov_clock *clock) {
  return clock->coarse_ns ? clock->coarse_ns(clock->self)
                          : clock->monotonic_ns(clock->self);
}

static inline uint64_t gov_clock_unix_ns(const gov_clock *clock) {
  return clock->unix_ns(clock->self);
}

/* a + b, UINT64_MAX if it does not fit. UINT64_MAX is "never" and stays it. */
static inline uint64_t gov_time_add(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Milliseconds to nanoseconds, "never" staying "never". */
static inline uint64_t gov_ms_to_ns(uint64_t ms) {
  return ms > UINT64_MAX / GOV_NS_PER_MS ? UINT64_MAX : ms * GOV_NS_PER_MS;
}

#endif
