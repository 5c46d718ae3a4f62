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

/* mskgov_credentials_provider_new for operations that any threads may call at once. */
int gov_credentials_provider_new_concurrent(mskgov_credentials_provider **provider,
                                            const mskgov_credentials_provider_ops *ops,
                                            void *self, mskgov_error_info *error);

#endif
