/*
 * One mode of a storm, from a fresh cluster to its result.
 *
 * cold: the clients want all their connections at once, under the quota.
 * rolling: the clients connect first, with nothing measured. For that the brokers take any
 * number of connections, so that those who keep to no quota are soon there; the governors
 * have the real quota all the time, and take the time that it takes. Then the brokers get
 * the real quota, and one of them stops for STORM_AWAY_S: from here on it is measured.
 */
#ifndef STORM_STORM_H
#define STORM_STORM_H

#include "storm/result.h"

/*
 * Runs `mode` until every pair is connected, and a second more to see that they stay; or
 * until the horizon. Returns 0 and fills *result (storm_result_fini), or
 * MSKGOV_ERR_CANCELED (a signal came), MSKGOV_ERR_DEADLINE (rolling: the clients did not
 * even connect first) and what the cluster and the workers return.
 */
int storm_run(storm_result *result, const storm_options *options, const storm_mode *mode,
              mskgov_error_info *error);

#endif
