/*
 * Assuming a role at STS, with credentials or with a web identity token.
 *
 * Threads: any; blocking.
 */
#ifndef GOV_CREDENTIALS_ROLE_H
#define GOV_CREDENTIALS_ROLE_H

#include "credentials/sts.h"

#include <mskgov/sts.h>

/* A web identity token has at most so many bytes: the limit of STS. */
#define GOV_WEB_IDENTITY_TOKEN_MAX 20000

/* A role, as it is asked for; all borrowed for the call. */
typedef struct gov_role {
  const char *arn;
  const char *external_id;  /* NULL: none */
  const char *session_name; /* NULL: gov_session_name_default */
  uint32_t duration_s;      /* 0: STS's own, an hour */
} gov_role;

/*
 * Checks what is set of a role; the fields are named in the error as `names` says, in the
 * order of gov_role. Returns 0 or MSKGOV_ERR_INVALID.
 */
int gov_role_check(const gov_role *role, const char *const names[4],
                   mskgov_error_info *error);

/*
 * Assumes a role. Returns 0 and sets *credentials (owned: mskgov_credentials_free), or what
 * gov_sts_call and gov_sts_read_credentials return, or MSKGOV_ERR_INVALID for
 * AWS_ROLE_SESSION_NAME.
 */
int gov_role_assume(const gov_role *role, const char *region,
                    const gov_service_limits *limits, const mskgov_credentials *signer,
                    mskgov_credentials **credentials, mskgov_error_info *error);

/* The same by the web identity token in a file; MSKGOV_ERR_SYSTEM or MSKGOV_ERR_INVALID for
   a file that is not as it should be. */
int gov_role_assume_with_file(const gov_role *role, const char *region,
                              const gov_service_limits *limits, const char *token_file,
                              mskgov_credentials **credentials, mskgov_error_info *error);

#endif
