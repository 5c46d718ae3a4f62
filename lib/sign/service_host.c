#include "sign/service_host.h"

#include "base/error.h"
#include "sign/partition.h"
#include "sign/region.h"

#include <string.h>

/* The endpoints of us-gov are validated by FIPS 140 under their plain names. */
static bool is_fips_by_itself(const gov_partition *partition, bool dual_stack) {
  return !dual_stack && strcmp(partition->name, "aws-us-gov") == 0;
}

int gov_service_host(gov_buffer *out, const char *service, const char *region, bool fips,
                     bool dual_stack, mskgov_error_info *error) {
  const gov_partition *partition;

  if (gov_region_check("region", region, error))
    return MSKGOV_ERR_INVALID;

  partition = gov_partition_of_region(region);
  gov_buffer_append_string(out, service);
  gov_buffer_append_string(out, fips && !is_fips_by_itself(partition, dual_stack) ? "-fips."
                                                                                  : ".");
  gov_buffer_append_string(out, region);
  gov_buffer_append_string(out, ".");
  gov_buffer_append_string(out, dual_stack ? partition->dual_stack_suffix
                                           : partition->dns_suffix);

  return out->failed ? gov_error_no_memory(error) : 0;
}
