/*
 * What happened at one broker: the log of its connection attempts, and the most of them
 * in any one second, [t, t + 1 s), whatever the quota made of them. This is what a
 * benchmark is judged by, so it is exact.
 *
 * The log is kept in blocks that never move, up to MSKGOV_CLUSTER_LOG_MAX entries. The
 * peak has its own ring of the times of the last second, so it goes on after the log is
 * full; both cost O(1) per attempt, amortised.
 *
 * Threads: the caller's lock. Time is an argument; one that runs backwards is taken as
 * standing still.
 */
#ifndef GOV_BROKER_ATTEMPTS_H
#define GOV_BROKER_ATTEMPTS_H

#include <mskgov/broker.h>

#define GOV_ATTEMPTS_BLOCK 65536u /* entries */
#define GOV_ATTEMPTS_BLOCKS (MSKGOV_CLUSTER_LOG_MAX / GOV_ATTEMPTS_BLOCK)

typedef struct gov_attempts {
  mskgov_cluster_attempt *blocks[GOV_ATTEMPTS_BLOCKS];
  uint64_t logged;
  uint64_t total;
  uint64_t first_ns; /* 0: none yet */
  uint64_t last_ns;
  uint32_t peak;
  /* the ring of the last second; its capacity is a power of two */
  uint64_t *recent_ns;
  uint32_t capacity, head, count;
} gov_attempts;

void gov_attempts_init(gov_attempts *attempts);
void gov_attempts_fini(gov_attempts *attempts);

/*
 * Records an attempt. Returns its number, from 0, for gov_attempts_settle, or
 * MSKGOV_ERR_NO_MEMORY: nothing was recorded.
 */
int64_t gov_attempts_add(gov_attempts *attempts, uint32_t broker, uint64_t now_ns,
                         mskgov_verdict verdict);

/* The verdict on attempt `number` became known. */
void gov_attempts_settle(gov_attempts *attempts, int64_t number, mskgov_verdict verdict);

/* Copies entries from `first` on; returns how many, at most `capacity`. */
size_t gov_attempts_copy(const gov_attempts *attempts, uint64_t first,
                         mskgov_cluster_attempt *to, size_t capacity);

#endif
