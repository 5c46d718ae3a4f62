#include "credentials/credentials.h"

#include "base/error.h"
#include "base/secret.h"
#include "codec/time.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_SIZE 160

/* One allocation, strings and all, so that the last free wipes everything at once. */
struct mskgov_credentials {
  atomic_uint holds;
  size_t size; /* of the allocation */
  uint64_t expires_at_ns;
  const char *access_key_id;
  const char *secret_access_key;
  const char *session_token; /* may be NULL */
  char source[SOURCE_SIZE];
  char strings[];
};

int gov_credentials_check_part(const char *field, const char *value, size_t max,
                               mskgov_error_info *error) {
  size_t length = value ? strnlen(value, max + 1) : 0;

  if (length == 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is %s; allowed are 1 to %zu bytes of visible ASCII", field,
                         value ? "empty" : "NULL", max);
  if (length > max)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is longer than %zu bytes; allowed are 1 to %zu bytes of "
                         "visible ASCII",
                         field, max, max);

  for (size_t i = 0; i < length; i++)
    if (value[i] < '!' || value[i] > '~')
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "%s has a byte that is not allowed at position %zu of %zu "
                           "(0x%02x); allowed is visible ASCII: no space, no line end",
                           field, i + 1, length, (unsigned)(unsigned char)value[i]);

  return 0;
}

int gov_credentials_check_life(const mskgov_credentials *credentials, uint64_t now_ns,
                               uint64_t least_ns, mskgov_error_info *error) {
  char expiry[GOV_TIME_ISO8601_SIZE], now[GOV_TIME_ISO8601_SIZE];
  uint64_t expires_at_ns = credentials->expires_at_ns;

  if (expires_at_ns > now_ns && expires_at_ns - now_ns >= least_ns)
    return 0;

  gov_time_format_iso8601(expires_at_ns, expiry);
  gov_time_format_iso8601(now_ns, now);

  return gov_error_set(error, MSKGOV_ERR_CREDENTIALS_EXPIRED,
                       "the credentials %s at %s, and it is %s now; put fresh ones where "
                       "the provider finds them (or set the clock)",
                       expires_at_ns > now_ns ? "expire" : "expired", expiry, now);
}

static const char *put(char **place, const char *string) {
  size_t size = strlen(string) + 1;
  char *copy = *place;

  memcpy(copy, string, size);
  *place += size;

  return copy;
}

int mskgov_credentials_new(mskgov_credentials **out, const char *access_key_id,
                           const char *secret_access_key, const char *session_token,
                           uint64_t expires_at_ns, mskgov_error_info *error) {
  mskgov_credentials *credentials;
  char *place;
  size_t size;

  gov_error_reset(error);
  *out = NULL;
  if (gov_credentials_check_part("access_key_id", access_key_id, GOV_ACCESS_KEY_ID_MAX,
                                 error) ||
      gov_credentials_check_part("secret_access_key", secret_access_key,
                                 GOV_SECRET_ACCESS_KEY_MAX, error) ||
      (session_token && gov_credentials_check_part("session_token", session_token,
                                                   GOV_SESSION_TOKEN_MAX, error)))
    return MSKGOV_ERR_INVALID;

  size = sizeof(*credentials) + strlen(access_key_id) + 1 + strlen(secret_access_key) + 1 +
         (session_token ? strlen(session_token) + 1 : 0);
  credentials = gov_secret_alloc(size);
  if (!credentials)
    return gov_error_no_memory(error);

  atomic_init(&credentials->holds, 1);
  credentials->size = size;
  credentials->expires_at_ns = expires_at_ns;
  strcpy(credentials->source, "application");
  place = credentials->strings;
  credentials->access_key_id = put(&place, access_key_id);
  credentials->secret_access_key = put(&place, secret_access_key);
  credentials->session_token = session_token ? put(&place, session_token) : NULL;
  *out = credentials;

  return 0;
}

int gov_credentials_new_answered(mskgov_credentials **credentials, const char *who,
                                 const char *access_key_id, const char *secret_access_key,
                                 const char *session_token, uint64_t expires_at_ns,
                                 mskgov_error_info *error) {
  mskgov_error_info detail;
  int rc = mskgov_credentials_new(credentials, access_key_id, secret_access_key,
                                  session_token, expires_at_ns, &detail);

  if (rc == MSKGOV_ERR_INVALID)
    rc = MSKGOV_ERR_PROTOCOL;

  return rc ? gov_error_set(error, rc, "%s answered with bad credentials: %.*s", who,
                            MSKGOV_ERROR_TEXT_MAX - 192, detail.text)
            : 0;
}

void gov_credentials_set_source(mskgov_credentials *credentials, const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(credentials->source, sizeof(credentials->source), format, arguments);
  va_end(arguments);
}

mskgov_credentials *mskgov_credentials_ref(mskgov_credentials *credentials) {
  atomic_fetch_add_explicit(&credentials->holds, 1, memory_order_relaxed);

  return credentials;
}

void mskgov_credentials_free(mskgov_credentials *credentials) {
  if (credentials &&
      atomic_fetch_sub_explicit(&credentials->holds, 1, memory_order_acq_rel) == 1)
    gov_secret_free(credentials, credentials->size);
}

const char *mskgov_credentials_access_key_id(const mskgov_credentials *credentials) {
  return credentials->access_key_id;
}

const char *mskgov_credentials_secret_access_key(const mskgov_credentials *credentials) {
  return credentials->secret_access_key;
}

const char *mskgov_credentials_session_token(const mskgov_credentials *credentials) {
  return credentials->session_token;
}

uint64_t mskgov_credentials_expires_at_ns(const mskgov_credentials *credentials) {
  return credentials->expires_at_ns;
}

const char *mskgov_credentials_source(const mskgov_credentials *credentials) {
  return credentials->source;
}
