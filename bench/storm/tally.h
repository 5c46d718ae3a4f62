/*
 * What the brokers of a cluster have counted since a mark.
 *
 * Threads: one.
 */
#ifndef STORM_TALLY_H
#define STORM_TALLY_H

#include "storm/result.h"

#include <mskgov/broker.h>

typedef struct storm_tally {
  mskgov_cluster *cluster; /* borrowed */
  uint32_t brokers;
  uint64_t marked_ns;
  mskgov_cluster_counters marks[MSKGOV_CLUSTER_BROKERS_MAX];
  /* since the mark, all brokers together */
  uint64_t attempts, rejected, dropped;
  uint64_t open;    /* now */
  uint32_t busiest; /* the broker with the most attempts */
} storm_tally;

/* Begins, now. */
void storm_tally_mark(storm_tally *tally, mskgov_cluster *cluster, uint32_t brokers);

/* Counts up to now. */
void storm_tally_count(storm_tally *tally);

/*
 * The most attempts that any broker saw in any second since the mark; of a mark that was
 * not the beginning as far as the cluster's log goes. Returns 0 or MSKGOV_ERR_NO_MEMORY.
 */
int storm_tally_peak(const storm_tally *tally, uint32_t *peak, mskgov_error_info *error);

/*
 * What the busiest broker saw in each of the first `count` seconds since the mark; `rates`
 * are zeros. Returns 0 or MSKGOV_ERR_NO_MEMORY.
 */
int storm_tally_rates(const storm_tally *tally, storm_rate *rates, size_t count,
                      mskgov_error_info *error);

#endif
