/*
 * The quota of one broker: which connection attempts are within it.
 *
 * MSK does not tell what kind of window it counts in, so there are four:
 * - fixed: whole seconds of the clock. An attempt is within the quota if fewer than
 *   `limit` were counted in the second that it falls into.
 * - sliding: every stretch of one second, [t, t + 1 s). An attempt at t is within the
 *   quota if fewer than `limit` were counted in (t - 1 s, t]; so one exactly a second
 *   later falls into the next stretch.
 * - bucket: a token bucket, full at the start, of `burst` tokens, that gets `limit` of them
 *   per second. An attempt is within the quota if there is a whole token; one that is
 *   counted takes it. Those counted without one make a debt, of `burst` at the most.
 * - kafka: the rate that Apache Kafka itself measures, over about ten seconds
 *   (broker/samples.h).
 * Attempts within the quota are counted; the others only with `count_rejected`.
 * A connection limit comes on top: with `max_connections` open no attempt is within the
 * quota.
 *
 * Invariants. Sliding: no stretch of one second holds more than `limit` attempts that were
 * within the quota. It needs the times of the last `limit` counted attempts and no more:
 * the oldest of them is at least a second old if and only if there is room. Bucket: no
 * stretch of time T holds more than `burst + limit * T` of them. Its level is exact: it is
 * counted in units of which one attempt is 10^9, so that a nanosecond is worth `limit`.
 *
 * Threads: the caller's lock. Time is an argument; one that runs backwards is taken as
 * standing still. No I/O; memory is taken at the start and by gov_quota_set_limit.
 */
#ifndef GOV_BROKER_QUOTA_H
#define GOV_BROKER_QUOTA_H

#include "broker/samples.h"

#include <mskgov/broker.h>

#include <stdbool.h>

typedef struct gov_quota_terms {
  mskgov_window window;
  uint32_t limit; /* per second, at least 1 */
  uint32_t burst; /* bucket; 0: the limit, whatever that becomes */
  uint32_t max_connections;
  bool count_rejected;
} gov_quota_terms;

typedef struct gov_quota {
  gov_quota_terms terms;
  uint64_t now_ns; /* the latest time seen */
  /* fixed */
  uint64_t second;
  uint64_t counted;
  /* sliding: a ring of the last `capacity` counted attempts, the largest limit so far */
  uint64_t *times_ns;
  uint32_t capacity;
  uint32_t filled;
  uint32_t next; /* where the next one goes */
  /* bucket: what is missing from it, in units of which an attempt is 10^9 */
  uint64_t missing;
  /* kafka */
  gov_samples samples;
} gov_quota;

/* Returns 0 or MSKGOV_ERR_NO_MEMORY. */
int gov_quota_init(gov_quota *quota, const gov_quota_terms *terms);
void gov_quota_fini(gov_quota *quota);

/*
 * Another limit, at least 1, for the attempts to come; what was counted stays counted.
 * Exact, but for a limit of a sliding window that is higher than all before it while
 * rejected attempts count: of those that were more than all limits nothing is known, for a
 * second. Returns 0, or MSKGOV_ERR_NO_MEMORY: the limit stays as it was.
 */
int gov_quota_set_limit(gov_quota *quota, uint64_t now_ns, uint32_t limit);

/* An attempt while `open` connections are open: true if it is within the quota. */
bool gov_quota_attempt(gov_quota *quota, uint64_t now_ns, uint32_t open);

#endif
