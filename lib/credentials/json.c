#include "credentials/json.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "codec/json_wipe.h"
#include "codec/time.h"
#include "credentials/credentials.h"

#include <jansson.h>

#include <stdbool.h>
#include <string.h>

#define PATH_MAX_STEPS 3

struct gov_credentials_shape {
  const char *path[PATH_MAX_STEPS]; /* the objects around the parts, the outermost first */
  const char *access_key_id;
  const char *secret_access_key;
  const char *session_token;
  const char *expiration;
  bool may_last;          /* session token and expiration may be missing */
  bool expires_by_text;   /* ISO 8601 */
  uint64_t expires_by_ns; /* or a number, in units of this; 0: no number */
  int (*check)(const char *who, const json_t *object,
               mskgov_error_info *error); /* or NULL */
};

static int check_code(const char *who, const json_t *object, mskgov_error_info *error) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const json_t *code = json_object_get(object, "Code");
  const char *text = json_string_value(code);

  if (!code || (text && strcmp(text, "Success") == 0))
    return 0;

  /* A word, or it is not repeated. */
  if (!text || strlen(text) > 64 || text[strspn(text, letters)])
    text = "?";

  return gov_error_set(error, MSKGOV_ERR_REFUSED,
                       "%s has no credentials to give: its Code is \"%s\"", who, text);
}

static int check_version(const char *who, const json_t *object, mskgov_error_info *error) {
  const json_t *version = json_object_get(object, "Version");

  if (!json_is_integer(version))
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with JSON in which Version is missing or no integer; "
                         "allowed is 1",
                         who);
  if (json_integer_value(version) != 1)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with JSON in which Version is %" JSON_INTEGER_FORMAT
                         "; allowed is 1",
                         who, json_integer_value(version));

  return 0;
}

const gov_credentials_shape gov_credentials_shape_metadata = {
    .access_key_id = "AccessKeyId",
    .secret_access_key = "SecretAccessKey",
    .session_token = "Token",
    .expiration = "Expiration",
    .expires_by_text = true,
    .check = check_code,
};

const gov_credentials_shape gov_credentials_shape_process = {
    .access_key_id = "AccessKeyId",
    .secret_access_key = "SecretAccessKey",
    .session_token = "SessionToken",
    .expiration = "Expiration",
    .may_last = true,
    .expires_by_text = true,
    .check = check_version,
};

const gov_credentials_shape gov_credentials_shape_sso = {
    .path = {"roleCredentials"},
    .access_key_id = "accessKeyId",
    .secret_access_key = "secretAccessKey",
    .session_token = "sessionToken",
    .expiration = "expiration",
    .expires_by_ns = GOV_NS_PER_MS,
};

const gov_credentials_shape gov_credentials_shape_sts_role = {
    .path = {"AssumeRoleResponse", "AssumeRoleResult", "Credentials"},
    .access_key_id = "AccessKeyId",
    .secret_access_key = "SecretAccessKey",
    .session_token = "SessionToken",
    .expiration = "Expiration",
    .expires_by_text = true,
    .expires_by_ns = GOV_NS_PER_S,
};

const gov_credentials_shape gov_credentials_shape_sts_web_identity = {
    .path = {"AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult",
             "Credentials"},
    .access_key_id = "AccessKeyId",
    .secret_access_key = "SecretAccessKey",
    .session_token = "SessionToken",
    .expiration = "Expiration",
    .expires_by_text = true,
    .expires_by_ns = GOV_NS_PER_S,
};

static int bad_field(const char *who, const char *name, const char *expected,
                     mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       "%s answered with JSON in which %s is missing or no %s", who, name,
                       expected);
}

/* The field; NULL if it is missing, or null where it may be missing. */
static const json_t *find(const gov_credentials_shape *shape, const json_t *object,
                          const char *name) {
  const json_t *field = json_object_get(object, name);

  return shape->may_last && json_is_null(field) ? NULL : field;
}

/* *value: the text of a field, borrowed. */
static int read_text(const char *who, const json_t *object, const char *name,
                     const char **value, mskgov_error_info *error) {
  *value = json_string_value(json_object_get(object, name));

  return *value ? 0 : bad_field(who, name, "text", error);
}

/* Sets the time, or returns false: it is below 0, or where nanoseconds have ended. */
static bool read_number(const json_t *number, uint64_t unit_ns, uint64_t *expires_at_ns) {
  uint64_t end = UINT64_MAX / unit_ns; /* a whole unit before the last nanosecond */

  if (json_is_integer(number)) {
    json_int_t value = json_integer_value(number);

    if (value < 0 || (uint64_t)value >= end)
      return false;
    *expires_at_ns = (uint64_t)value * unit_ns;
  } else {
    double value = json_real_value(number);

    if (!(value >= 0 && value < (double)end))
      return false;
    *expires_at_ns = (uint64_t)value * unit_ns; /* exact, whatever the fraction is */
    *expires_at_ns += (uint64_t)((value - (double)(uint64_t)value) * (double)unit_ns);
  }

  return true;
}

static int read_expiration(const gov_credentials_shape *shape, const char *who,
                           const json_t *object, uint64_t *expires_at_ns,
                           mskgov_error_info *error) {
  const char *name = shape->expiration;
  const json_t *field = find(shape, object, name);

  *expires_at_ns = MSKGOV_NEVER;
  if (!field && shape->may_last)
    return 0;

  if (shape->expires_by_text && json_is_string(field))
    return gov_time_parse_iso8601(json_string_value(field), expires_at_ns)
               ? gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                               "%s answered with an %s that is no time in ISO 8601", who,
                               name)
               : 0;

  if (shape->expires_by_ns && json_is_number(field))
    return read_number(field, shape->expires_by_ns, expires_at_ns)
               ? 0
               : gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                               "%s answered with an %s that is out of range; allowed are "
                               "times from 1970 to July 2554, in %s",
                               who, name,
                               shape->expires_by_ns == GOV_NS_PER_S ? "seconds"
                                                                    : "milliseconds");

  return bad_field(who, name,
                   !shape->expires_by_ns     ? "text"
                   : !shape->expires_by_text ? "number"
                                             : "number or text",
                   error);
}

static int read_object(const gov_credentials_shape *shape, const char *who,
                       const json_t *object, mskgov_credentials **credentials,
                       mskgov_error_info *error) {
  const char *id, *secret, *token = NULL;
  uint64_t expires_at_ns;
  int rc;

  for (size_t i = 0; i < PATH_MAX_STEPS && shape->path[i]; i++) {
    object = json_object_get(object, shape->path[i]);
    if (!json_is_object(object))
      return bad_field(who, shape->path[i], "object", error);
  }

  if (shape->check && (rc = shape->check(who, object, error)))
    return rc;
  if ((rc = read_text(who, object, shape->access_key_id, &id, error)) ||
      (rc = read_text(who, object, shape->secret_access_key, &secret, error)))
    return rc;
  if (!shape->may_last || find(shape, object, shape->session_token)) {
    rc = read_text(who, object, shape->session_token, &token, error);
    if (rc)
      return rc;
  }
  rc = read_expiration(shape, who, object, &expires_at_ns, error);
  if (rc)
    return rc;

  return gov_credentials_new_answered(credentials, who, id, secret, token, expires_at_ns,
                                      error);
}

/* Why there is nothing to read; jansson's own text repeats some of what it read. */
static int refuse(const char *who, enum json_error_code reason, mskgov_error_info *error) {
  if (reason == json_error_out_of_memory)
    return gov_error_no_memory(error);
  if (reason == json_error_duplicate_key)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with JSON in which an object has a name twice", who);
  if (reason == json_error_numeric_overflow)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with JSON in which a number is out of range", who);

  return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       "%s answered with something else than an object in JSON", who);
}

int gov_credentials_json_read(const gov_credentials_shape *shape, const char *who,
                              const char *text, size_t length,
                              mskgov_credentials **credentials, mskgov_error_info *error) {
  json_error_t detail = {0};
  json_t *object;
  int rc;

  *credentials = NULL;
  /* NULL is refused there. */
  object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &detail);
  if (json_is_object(object))
    rc = read_object(shape, who, object, credentials, error);
  else
    rc = refuse(who, object ? json_error_unknown : json_error_code(&detail), error);

  gov_secret_wipe(&detail, sizeof(detail));
  gov_json_wipe(object);

  return rc;
}

int gov_credentials_json_take(const gov_credentials_shape *shape, const char *who,
                              gov_http_answer *answer, mskgov_credentials **credentials,
                              mskgov_error_info *error) {
  int rc = gov_credentials_json_read(shape, who, answer->body.data, answer->body.length,
                                     credentials, error);

  gov_http_answer_fini(answer);

  return rc;
}
