/*
 * Asking a provider by a given clock.
 */
#ifndef GOV_CREDENTIALS_PROVIDER_H
#define GOV_CREDENTIALS_PROVIDER_H

#include "base/clock.h"

#include <mskgov/credentials.h>

/* mskgov_credentials_provider_get, the expiry judged by `clock`. */
int gov_credentials_provider_get(mskgov_credentials_provider *provider,
                                 const gov_clock *clock, mskgov_credentials **credentials,
                                 mskgov_error_info *error);

#endif
