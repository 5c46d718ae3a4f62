#include "credentials/environment.h"

#include "base/error.h"
#include "codec/time.h"
#include "credentials/credentials.h"

#include <mskgov/credentials.h>

#include <stdlib.h>

#define ACCESS_KEY_ID "AWS_ACCESS_KEY_ID"
#define SECRET_ACCESS_KEY "AWS_SECRET_ACCESS_KEY"
#define SESSION_TOKEN "AWS_SESSION_TOKEN"
#define EXPIRATION "AWS_CREDENTIAL_EXPIRATION"

const char *gov_environment_variable(const char *name) {
  const char *value = getenv(name);

  return value && *value ? value : NULL;
}

static int missing(const char *id, const char *secret, mskgov_error_info *error) {
  if (!id && !secret)
    return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                         "the environment has no credentials: " ACCESS_KEY_ID
                         " and " SECRET_ACCESS_KEY
                         " are not set, or empty; set both (and " SESSION_TOKEN
                         " with temporary credentials), or use another "
                         "credentials provider");

  return gov_error_set(error, MSKGOV_ERR_INVALID,
                       "the environment has half of the credentials: %s is set and %s is "
                       "not, or empty; set both",
                       id ? ACCESS_KEY_ID : SECRET_ACCESS_KEY,
                       id ? SECRET_ACCESS_KEY : ACCESS_KEY_ID);
}

static int get(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  const char *id = gov_environment_variable(ACCESS_KEY_ID);
  const char *secret = gov_environment_variable(SECRET_ACCESS_KEY);
  const char *session_token = gov_environment_variable(SESSION_TOKEN);
  const char *expiration = gov_environment_variable(EXPIRATION);
  uint64_t expires_at_ns = MSKGOV_NEVER;
  int rc;

  (void)self;
  if (!id || !secret)
    return missing(id, secret, error);

  /* Checked here too, so that the error names the variable. */
  if (gov_credentials_check_part(ACCESS_KEY_ID, id, GOV_ACCESS_KEY_ID_MAX, error) ||
      gov_credentials_check_part(SECRET_ACCESS_KEY, secret, GOV_SECRET_ACCESS_KEY_MAX,
                                 error) ||
      (session_token && gov_credentials_check_part(SESSION_TOKEN, session_token,
                                                   GOV_SESSION_TOKEN_MAX, error)))
    return MSKGOV_ERR_INVALID;

  if (expiration && gov_time_parse_iso8601(expiration, &expires_at_ns))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         EXPIRATION " is \"%.64s\"; expected a time in ISO 8601, such as "
                                    "\"2026-01-02T03:04:05Z\"",
                         expiration);

  rc = mskgov_credentials_new(credentials, id, secret, session_token, expires_at_ns, error);
  if (!rc)
    gov_credentials_set_source(*credentials, "environment");

  return rc;
}

static const mskgov_credentials_provider_ops operations = {get, NULL};

int mskgov_credentials_provider_new_environment(mskgov_credentials_provider **provider,
                                                mskgov_error_info *error) {
  return mskgov_credentials_provider_new(provider, &operations, NULL, error);
}
