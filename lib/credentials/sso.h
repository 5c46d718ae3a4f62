/*
 * Credentials by IAM Identity Center, for those who have its settings at hand.
 *
 * Threads: any; blocking.
 */
#ifndef GOV_CREDENTIALS_SSO_H
#define GOV_CREDENTIALS_SSO_H

#include "credentials/service.h"

#include <mskgov/profile.h>

/* The access token that a login left. */
#define GOV_SSO_TOKEN_MAX 16384

/*
 * Reads a token file: JSON with accessToken and expiresAt (ISO 8601). Returns 0, appends the
 * token and sets *expires_at_ns; or MSKGOV_ERR_PROTOCOL, MSKGOV_ERR_NO_MEMORY.
 */
int gov_sso_read_token(const char *text, size_t length, gov_buffer *token,
                       uint64_t *expires_at_ns, mskgov_error_info *error);

/* Checks that all is set that has to be; `field` is put before the names in the error
   ("options."). Returns 0 or MSKGOV_ERR_INVALID. */
int gov_sso_check(const char *field, const mskgov_sso_options *options,
                  mskgov_error_info *error);

/* A get of the provider, by options that are right. Errors as there. */
int gov_sso_get(const mskgov_sso_options *options, mskgov_credentials **credentials,
                mskgov_error_info *error);

#endif
