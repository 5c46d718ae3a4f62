/*
 * The inside of the container provider: its limits can be given, for tests.
 */
#ifndef GOV_CREDENTIALS_CONTAINER_H
#define GOV_CREDENTIALS_CONTAINER_H

#include "credentials/service.h"

#include <mskgov/credentials.h>

#include <stdbool.h>

/* mskgov_credentials_provider_new_container with limits (copied). */
int gov_container_new(mskgov_credentials_provider **provider,
                      const gov_service_limits *limits, mskgov_error_info *error);

/* Whether the environment names a container's service. */
bool gov_container_is_named(void);

#endif
