/*
 * Credentials as JSON: one reader, and a table of the shapes in which services and
 * programs hand them out.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CREDENTIALS_JSON_H
#define GOV_CREDENTIALS_JSON_H

#include "http/http.h"

#include <mskgov/credentials.h>

#include <stddef.h>

/* Where the parts are, and what has to be there. */
typedef struct gov_credentials_shape gov_credentials_shape;

/*
 * The services of containers and instances: AccessKeyId, SecretAccessKey, Token and
 * Expiration (ISO 8601), and a Code of "Success" if there is one.
 */
extern const gov_credentials_shape gov_credentials_shape_metadata;

/*
 * What a credential_process writes: a Version of 1, AccessKeyId, SecretAccessKey, and
 * SessionToken and Expiration (ISO 8601), each of which may be missing or null. Without an
 * Expiration they never expire. "Sourcing credentials with an external process", AWS CLI
 * User Guide.
 */
extern const gov_credentials_shape gov_credentials_shape_process;

/*
 * GetRoleCredentials of IAM Identity Center: roleCredentials with accessKeyId,
 * secretAccessKey, sessionToken and expiration (a number: milliseconds since 1970).
 */
extern const gov_credentials_shape gov_credentials_shape_sso;

/*
 * AssumeRole and AssumeRoleWithWebIdentity of STS, asked for JSON: AssumeRoleResponse,
 * AssumeRoleResult, Credentials (or AssumeRoleWithWebIdentityResponse and so on) with
 * AccessKeyId, SecretAccessKey, SessionToken and Expiration (a number: seconds since 1970,
 * with or without a fraction; or ISO 8601).
 */
extern const gov_credentials_shape gov_credentials_shape_sts_role;
extern const gov_credentials_shape gov_credentials_shape_sts_web_identity;

/*
 * Reads `length` bytes of text, which may be NULL if there are none. `who` says in an error
 * who answered: "the instance metadata service". Fields that the shape does not name are
 * passed over; a name that an object has twice is refused. The values read are wiped, those
 * passed over too; what jansson itself frees while it reads is not, nor is `text`.
 *
 * Returns 0 and sets *credentials (owned: mskgov_credentials_free), or
 * MSKGOV_ERR_PROTOCOL, MSKGOV_ERR_REFUSED (another Code), MSKGOV_ERR_NO_MEMORY.
 */
int gov_credentials_json_read(const gov_credentials_shape *shape, const char *who,
                              const char *text, size_t length,
                              mskgov_credentials **credentials, mskgov_error_info *error);

/* The same of a service's answer, which is given back (gov_http_answer_fini). */
int gov_credentials_json_take(const gov_credentials_shape *shape, const char *who,
                              gov_http_answer *answer, mskgov_credentials **credentials,
                              mskgov_error_info *error);

#endif
