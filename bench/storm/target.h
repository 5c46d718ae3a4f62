/*
 * The cluster that a storm is aimed at, with room for every connection of it.
 */
#ifndef STORM_TARGET_H
#define STORM_TARGET_H

#include "storm/options.h"

/*
 * Starts it, and raises the limit of open files as far as it needs. Its quota is
 * `connections_per_s`, whatever the options say. Returns 0 and sets *cluster (owned:
 * mskgov_cluster_free), MSKGOV_ERR_SYSTEM (the limit cannot be raised that far), or what
 * mskgov_cluster_new returns.
 */
int storm_target_new(mskgov_cluster **cluster, const storm_options *options,
                     uint32_t connections_per_s, mskgov_credentials *credentials,
                     mskgov_error_info *error);

#endif
