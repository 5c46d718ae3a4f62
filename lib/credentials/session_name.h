/*
 * The name of a role's session. It is part of the principal, and a broker refuses a
 * connection that authenticates anew as another principal; so it has to be the same at every
 * refresh, and is best the same after a restart.
 *
 * Threads: any. Reads the environment.
 */
#ifndef GOV_CREDENTIALS_SESSION_NAME_H
#define GOV_CREDENTIALS_SESSION_NAME_H

#include <mskgov/error.h>

/* Limits of STS, "AssumeRole", AWS STS API Reference. */
#define GOV_SESSION_NAME_MIN 2
#define GOV_SESSION_NAME_MAX 64

/* Checks a name; `field` says whose it is in the error. Returns 0 or MSKGOV_ERR_INVALID. */
int gov_session_name_check(const char *field, const char *name, mskgov_error_info *error);

/*
 * The name where none is set: AWS_ROLE_SESSION_NAME, else "mskgov-<host name>" with what is
 * not allowed replaced by "-", cut at the limit. Returns 0, or MSKGOV_ERR_INVALID: the
 * variable has a name that is not allowed.
 */
int gov_session_name_default(char name[GOV_SESSION_NAME_MAX + 1], mskgov_error_info *error);

#endif
