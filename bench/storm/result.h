/*
 * What one mode of a storm came to, and its form as JSON.
 */
#ifndef STORM_RESULT_H
#define STORM_RESULT_H

#include "storm/options.h"

#include <mskgov/error.h>

#include <stdbool.h>

/*
 * What is measured begins when the clients want their connections; in a rolling restart,
 * when the broker stops. All times and counts of a result are of that phase.
 */

/* How many pairs were connected at a time. */
typedef struct storm_sample {
  double at_s; /* since the beginning */
  uint32_t connected;
} storm_sample;

/* What the busiest broker saw in one whole second. */
typedef struct storm_rate {
  uint32_t accepted;
  uint32_t rejected;
} storm_rate;

typedef struct storm_result {
  const storm_mode *mode;
  uint32_t pairs;
  uint32_t connected; /* at the end */
  bool done;          /* all pairs were connected by the horizon */
  double duration_s;  /* how long it took */
  double connect_s;   /* if done: until the last pair was connected; from the first want,
                         or from the broker's return */
  double bound_s;     /* (clients - 1) / quota */
  uint64_t attempts;  /* that the brokers counted, all together */
  uint64_t rejected;
  uint32_t peak_window; /* most attempts that a broker saw in any second */
  uint64_t dropped;     /* connections lost after they were up, but not for the stop */
  size_t wait_count;    /* pairs that connected in this phase */
  double wait_p50_ms;   /* of those */
  double wait_p99_ms;
  double wait_max_ms;
  double jain;
  double cpu_s;     /* of the clients' processes, until all pairs were connected */
  double cpu_share; /* the same, in percent of one core over that time */
  double rss_mib;   /* their largest memory, summed */
  storm_sample *samples;
  size_t sample_count;
  storm_rate *rates; /* by second */
  size_t rate_count;
} storm_result;

/* Frees what the result holds; zeros are fine. */
void storm_result_fini(storm_result *result);

/* connect_s / bound_s, or a negative number: not done, or a bound of nothing. */
double storm_result_ratio(const storm_result *result);

/* Every pair connected, nothing rejected, no second over the quota. */
bool storm_result_kept_quota(const storm_result *result, uint32_t quota);

/*
 * What a governed mode promises: that it keeps the quota; without a store in common, where
 * the rate can only follow rejections, that every pair gets connected. Others promise
 * nothing, and that they keep.
 */
bool storm_result_kept_promise(const storm_result *result, uint32_t quota);

/*
 * All results as JSON text, "schema" 1; freed with free. A number that there is not, such
 * as the time of a mode that was not done, is null. NULL: no memory.
 */
char *storm_result_json(const storm_options *options, const storm_result *results,
                        int count);

#endif
