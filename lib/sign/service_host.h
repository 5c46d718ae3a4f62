/*
 * The hosts of AWS's services in a region.
 *
 * Threads: any. Nothing here has state.
 * Source: partitions.json and the endpoint-rule-set-1.json of sts/2011-06-15 and of
 * sso/2019-06-10 of botocore 1.44.8.
 * By them every partition has FIPS and dual-stack endpoints. AWS does not run every variant
 * in every region; a name that it does not know tells so.
 */
#ifndef GOV_SIGN_SERVICE_HOST_H
#define GOV_SIGN_SERVICE_HOST_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stdbool.h>

/* "portal.sso-fips.", a region, and the longest suffix, which has 27 bytes: a host at most. */
#define GOV_SERVICE_HOST_MAX 128

/*
 * Appends the host of a service ("sts", "portal.sso") in a region, never a global one; with
 * `fips` it is validated by FIPS 140, with `dual_stack` it has IPv6 too.
 * Returns 0, MSKGOV_ERR_INVALID (the region is none), or MSKGOV_ERR_NO_MEMORY.
 */
int gov_service_host(gov_buffer *out, const char *service, const char *region, bool fips,
                     bool dual_stack, mskgov_error_info *error);

#endif
