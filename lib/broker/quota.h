/*
 * The quota of one broker: which connection attempts are within it.
 *
 * MSK does not tell what kind of window it counts in, so there are two, one second long:
 * - fixed: whole seconds of the clock. An attempt is within the quota if fewer than
 *   `limit` were counted in the second that it falls into.
 * - sliding: every stretch of one second, [t, t + 1 s). An attempt at t is within the
 *   quota if fewer than `limit` were counted in (t - 1 s, t]; so one exactly a second
 *   later falls into the next stretch.
 * Attempts within the quota are counted; the others only with `count_rejected`.
 * A connection limit comes on top: with `max_connections` open no attempt is within the
 * quota.
 *
 * Invariant, sliding: no stretch of one second holds more than `limit` attempts that were
 * within the quota. It needs the times of the last `limit` counted attempts and no more:
 * the oldest of them is at least a second old if and only if there is room.
 *
 * Threads: the caller's lock. Time is an argument; one that runs backwards is taken as
 * standing still. No I/O; memory is taken at the start and by gov_quota_set_limit.
 */
#ifndef GOV_BROKER_QUOTA_H
#define GOV_BROKER_QUOTA_H

#include <mskgov/broker.h>

#include <stdbool.h>

typedef struct gov_quota {
  mskgov_window window;
  uint32_t limit;
  uint32_t max_connections;
  bool count_rejected;
  uint64_t now_ns; /* the latest time seen */
  /* fixed */
  uint64_t second;
  uint64_t counted;
  /* sliding: a ring of the last `capacity` counted attempts, the largest limit so far */
  uint64_t *times_ns;
  uint32_t capacity;
  uint32_t filled;
  uint32_t next; /* where the next one goes */
} gov_quota;

/* `limit` is at least 1. Returns 0 or MSKGOV_ERR_NO_MEMORY. */
int gov_quota_init(gov_quota *quota, mskgov_window window, uint32_t limit,
                   uint32_t max_connections, bool count_rejected);
void gov_quota_fini(gov_quota *quota);

/*
 * Another limit, at least 1, for the attempts to come; those of the last second stay
 * counted. Exact, but for a limit that is higher than all before it while rejected attempts
 * count: of those that were more than all limits nothing is known, for a second. Returns 0,
 * or MSKGOV_ERR_NO_MEMORY: the limit stays as it was.
 */
int gov_quota_set_limit(gov_quota *quota, uint32_t limit);

/* An attempt while `open` connections are open: true if it is within the quota. */
bool gov_quota_attempt(gov_quota *quota, uint64_t now_ns, uint32_t open);

#endif
