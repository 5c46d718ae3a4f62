/*
 * AWS regions by the grammar of partition.h. A slip of the finger does not pass, and is told
 * at the door instead of by a broker's "Access denied".
 *
 * Threads: any. Nothing here has state. mskgov_region_from_broker is part of this module.
 */
#ifndef GOV_SIGN_REGION_H
#define GOV_SIGN_REGION_H

#include <mskgov/error.h>

/* Longest region that is taken, its end not included: "us-isof-northeast-99" has 20. */
#define GOV_REGION_MAX 31

/* Checks a region; `field` names it in the error. Returns 0 or MSKGOV_ERR_INVALID. */
int gov_region_check(const char *field, const char *region, mskgov_error_info *error);

#endif
