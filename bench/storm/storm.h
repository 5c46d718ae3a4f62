/*
 * One mode of a storm, from a fresh cluster to its result.
 */
#ifndef STORM_STORM_H
#define STORM_STORM_H

#include "storm/result.h"

/*
 * Runs `mode` until every pair has been connected, and a second more to see that they
 * stay; or until the horizon. Returns 0 and fills *result (storm_result_fini), or
 * MSKGOV_ERR_CANCELED (a signal came) and what the cluster and the workers return.
 */
int storm_run(storm_result *result, const storm_options *options, const storm_mode *mode,
              mskgov_error_info *error);

#endif
