/*
 * The partitions of AWS: which regions belong to each, and how its hosts are named. A
 * region is known by its grammar, not from a list: an area of the partition, a direction,
 * a number. Regions that open tomorrow pass.
 *
 * Threads: any. Nothing here has state.
 * Source: partitions.json of botocore 1.44.8.
 */
#ifndef GOV_SIGN_PARTITION_H
#define GOV_SIGN_PARTITION_H

#define GOV_PARTITION_COUNT 8
#define GOV_PARTITION_AREAS_MAX 9

typedef struct gov_partition {
  const char *name;                           /* as in an ARN: "aws" */
  const char *areas[GOV_PARTITION_AREAS_MAX]; /* that its regions begin with; then NULL */
  const char *dns_suffix;                     /* "amazonaws.com", without a dot before */
  const char *dual_stack_suffix;              /* "api.aws" */
} gov_partition;

extern const gov_partition gov_partitions[GOV_PARTITION_COUNT];

/* The partition of a region; static. NULL: the region is none. */
const gov_partition *gov_partition_of_region(const char *region);

#endif
