/*
 * A broker at its strictest: no more than a quota of attempts in any second, both ends
 * included, and those that it rejects count as well.
 */
#ifndef TEST_STRICT_BROKER_H
#define TEST_STRICT_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRICT_QUOTA 20
#define STRICT_WINDOW_NS UINT64_C(1000000000)

typedef struct strict_broker {
  uint64_t times[STRICT_QUOTA]; /* of the last attempts, in a ring */
  size_t attempts, rejected;
} strict_broker;

/* Whether it accepts an attempt at `now_ns`; attempts come in the order of time. */
static inline bool strict_broker_accepts(strict_broker *broker, uint64_t now_ns) {
  uint64_t *oldest = &broker->times[broker->attempts % STRICT_QUOTA];
  bool full = broker->attempts >= STRICT_QUOTA && now_ns - *oldest <= STRICT_WINDOW_NS;

  *oldest = now_ns;
  broker->attempts++;
  broker->rejected += full;

  return !full;
}

#endif
