/*
 * The inside of the cache: its clock and its patience can be given, for tests.
 */
#ifndef GOV_CREDENTIALS_CACHE_H
#define GOV_CREDENTIALS_CACHE_H

#include "base/clock.h"

#include <mskgov/credentials.h>

/* mskgov_credentials_provider_new_cached with a clock (borrowed), and how long a caller
   waits for a fetch. */
int gov_credentials_cache_new(mskgov_credentials_provider **provider,
                              mskgov_credentials_provider *source, const gov_clock *clock,
                              uint64_t patience_ns, mskgov_credentials_event_cb *on_event,
                              void *user, mskgov_error_info *error);

#endif
