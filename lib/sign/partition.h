/*
 * The partitions of AWS: which regions belong to each, and how its hosts are named. A
 * region is known by its grammar, not from a list: an area of the partition, a direction,
 * a number. Regions that open tomorrow pass.
 *
 * Threads: any. Nothing here has state.
 * Source: partitions.json and sts/2011-06-15/endpoint-rule-set-1.json of botocore 1.44.8.
 * By them every partition has FIPS and dual-stack endpoints.
 */
#ifndef GOV_SIGN_PARTITION_H
#define GOV_SIGN_PARTITION_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stdbool.h>

#define GOV_PARTITION_COUNT 8
#define GOV_PARTITION_AREAS_MAX 9

/* "sts-fips.", a region, and the longest suffix, which has 27 bytes: a host at most. */
#define GOV_STS_HOST_MAX 128

typedef struct gov_partition {
  const char *name;                           /* as in an ARN: "aws" */
  const char *areas[GOV_PARTITION_AREAS_MAX]; /* that its regions begin with; then NULL */
  const char *dns_suffix;                     /* "amazonaws.com", without a dot before */
  const char *dual_stack_suffix;              /* "api.aws" */
} gov_partition;

extern const gov_partition gov_partitions[GOV_PARTITION_COUNT];

/* The partition of a region; static. NULL: the region is none. */
const gov_partition *gov_partition_of_region(const char *region);

/*
 * Appends the host of STS in a region, never the global one; with `fips` it is validated
 * by FIPS 140, with `dual_stack` it has IPv6 too. AWS does not run every variant in every
 * region; a name that it does not know tells so.
 * Returns 0, MSKGOV_ERR_INVALID (the region is none), or MSKGOV_ERR_NO_MEMORY.
 */
int gov_sts_host(gov_buffer *out, const char *region, bool fips, bool dual_stack,
                 mskgov_error_info *error);

#endif
