/*
 * What the layer's files share about credentials.
 */
#ifndef GOV_CREDENTIALS_CREDENTIALS_H
#define GOV_CREDENTIALS_CREDENTIALS_H

#include <mskgov/credentials.h>

/*
 * Longest parts, bytes. IAM's access key ids have at most 128; its secrets have 40; STS
 * puts no limit on session tokens, and those seen are below 4 KiB.
 */
#define GOV_ACCESS_KEY_ID_MAX 128
#define GOV_SECRET_ACCESS_KEY_MAX 128
#define GOV_SESSION_TOKEN_MAX 16384

/*
 * Checks one part: 1 to `max` bytes of visible ASCII. `field` names it in the error,
 * which never holds the value. Returns 0 or MSKGOV_ERR_INVALID.
 */
int gov_credentials_check_part(const char *field, const char *value, size_t max,
                               mskgov_error_info *error);

/*
 * mskgov_credentials_new for what `who` answered: parts that are not allowed are the other
 * side's fault, MSKGOV_ERR_PROTOCOL. `session_token` NULL: none.
 */
int gov_credentials_new_answered(mskgov_credentials **credentials, const char *who,
                                 const char *access_key_id, const char *secret_access_key,
                                 const char *session_token, uint64_t expires_at_ns,
                                 mskgov_error_info *error);

/* Says where credentials come from, for mskgov_credentials_source; before others have them. */
void gov_credentials_set_source(mskgov_credentials *credentials, const char *format, ...)
    MSKGOV_PRINTF(2, 3);

/*
 * Checks that the credentials live for `least_ns` from `now_ns` (Unix) on. Returns 0 or
 * MSKGOV_ERR_CREDENTIALS_EXPIRED.
 */
int gov_credentials_check_life(const mskgov_credentials *credentials, uint64_t now_ns,
                               uint64_t least_ns, mskgov_error_info *error);

#endif
