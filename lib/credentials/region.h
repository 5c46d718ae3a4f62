/*
 * Where the region is set: the environment and the profile.
 *
 * Threads: any. Reads the environment.
 */
#ifndef GOV_CREDENTIALS_REGION_H
#define GOV_CREDENTIALS_REGION_H

#include "credentials/profile_file.h"
#include "credentials/service.h"
#include "sign/region.h"

#include <mskgov/region.h>

/*
 * The region that is set: `given`, AWS_REGION, AWS_DEFAULT_REGION, or the profile's; `field`
 * names the first in an error. `profiles` may be NULL (then there is no profile's).
 *
 * Returns 0 and sets *region (borrowed from the arguments or the environment; NULL: none is
 * set) and *source (static; NULL: none); or MSKGOV_ERR_INVALID: it is no region.
 */
int gov_region_set(const char *field, const char *given, const gov_profiles *profiles,
                   const char *profile, const char **region, const char **source,
                   mskgov_error_info *error);

/* The same for STS: what is set, else `fallback`, else MSKGOV_ERR_INVALID. */
int gov_region_of_sts(const char *field, const char *given, const gov_profiles *profiles,
                      const char *profile, const char *fallback, const char **region,
                      mskgov_error_info *error);

/* gov_region_of_sts with the shared files as they are now; `profile` NULL: the default one.
   The region is copied. Also what gov_profiles_load returns. */
int gov_region_for_sts(const char *field, const char *given, const char *profile,
                       const char *fallback, char region[MSKGOV_REGION_SIZE],
                       mskgov_error_info *error);

/* The profile that is meant where none is given: AWS_PROFILE, else "default". */
const char *gov_profile_default_name(void);

/* mskgov_region_find with limits for the instance's service. */
int gov_region_find(const mskgov_region_options *options,
                    const gov_service_limits *instance_limits,
                    char region[MSKGOV_REGION_SIZE], const char **source,
                    mskgov_error_info *error);

#endif
