/*
 * The instance metadata service of EC2, version 2 only: a session token first, then what
 * is asked for with it.
 *
 * Threads: a provider as any; gov_imds_region any, blocking.
 */
#ifndef GOV_CREDENTIALS_IMDS_H
#define GOV_CREDENTIALS_IMDS_H

#include "base/buffer.h"
#include "base/clock.h"
#include "credentials/service.h"

#include <mskgov/credentials.h>

/* What the public constructor takes. */
extern const gov_service_limits gov_imds_limits;

/* mskgov_credentials_provider_new_imds with a clock (borrowed) and limits (copied). */
int gov_imds_new(mskgov_credentials_provider **provider, const gov_clock *clock,
                 const gov_service_limits *limits, mskgov_error_info *error);

/*
 * Appends the region that the instance is in, by its grammar a region. Returns 0 or what a
 * get of the provider returns.
 */
int gov_imds_region(gov_buffer *region, const gov_service_limits *limits,
                    mskgov_error_info *error);

#endif
