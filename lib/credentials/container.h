/*
 * The inside of the container provider: its limits can be given, for tests.
 */
#ifndef GOV_CREDENTIALS_CONTAINER_H
#define GOV_CREDENTIALS_CONTAINER_H

#include "credentials/metadata.h"

#include <mskgov/credentials.h>

/* mskgov_credentials_provider_new_container with limits (copied). */
int gov_container_new(mskgov_credentials_provider **provider,
                      const gov_metadata_limits *limits, mskgov_error_info *error);

#endif
