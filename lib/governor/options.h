/*
 * The options of a governor: defaults, checks, and what they mean for its parts.
 */
#ifndef GOV_GOVERNOR_OPTIONS_H
#define GOV_GOVERNOR_OPTIONS_H

#include "governor/governor.h"

/* Checks all of them; fills what the store is made with. 0 or MSKGOV_ERR_INVALID. */
int gov_options_check(const mskgov_governor_options *options, gov_store_options *store,
                      mskgov_error_info *error);

/* What the gates are made with, but for the events. */
void gov_options_for_gates(const mskgov_governor_options *options, gov_gate_options *gates);

/* Checks another quota for a governor. 0 or MSKGOV_ERR_INVALID. */
int gov_options_check_quota(const mskgov_governor *governor, const mskgov_quota *quota,
                            mskgov_pacing *pacing, mskgov_error_info *error);

#endif
