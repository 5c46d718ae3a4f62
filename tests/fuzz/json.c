/*
 * Credentials as JSON, in all shapes: what is read are the document's own values, by
 * another walk through it; what is refused sets nothing, and no error repeats a secret.
 */
#include "credentials/json.h"

#include "codec/time.h"
#include "credentials/credentials.h"
#include "fuzz.h"

#include <mskgov/error.h>

#include <jansson.h>

/* In the corpus's secrets, and in no word that an error may repeat. */
#define PART_OF_SECRET "FEMI/K7"

static const struct {
  const gov_credentials_shape *shape;
  const char *path[4]; /* the objects around the fields, NULL at the end */
  const char *fields[4];
  uint64_t unit_ns; /* of an expiration that is a number */
} shapes[] = {
    {&gov_credentials_shape_metadata,
     {NULL},
     {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
     0},
    {&gov_credentials_shape_process,
     {NULL},
     {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"},
     0},
    {&gov_credentials_shape_sso,
     {"roleCredentials"},
     {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"},
     1000000},
    {&gov_credentials_shape_sts_role,
     {"AssumeRoleResponse", "AssumeRoleResult", "Credentials"},
     {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"},
     1000000000},
    {&gov_credentials_shape_sts_web_identity,
     {"AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult",
      "Credentials"},
     {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"},
     1000000000},
};

/* `may_lack`: the process's shape does without. */
static void check_part(const char *value, const json_t *field, size_t max, bool may_lack) {
  if (!value) {
    FUZZ_CHECK(may_lack && (!field || json_is_null(field)));
    return;
  }
  FUZZ_CHECK(json_is_string(field) && strcmp(value, json_string_value(field)) == 0);
  FUZZ_CHECK(strlen(value) >= 1 && strlen(value) <= max);
  for (; *value; value++)
    FUZZ_CHECK(*value > ' ' && *value <= '~');
}

static void check_expiration(uint64_t ns, const json_t *field, uint64_t unit_ns,
                             bool may_lack) {
  uint64_t expected;
  long double exact;

  if (json_is_string(field)) {
    FUZZ_CHECK(gov_time_parse_iso8601(json_string_value(field), &expected) == 0);
    FUZZ_CHECK(ns == expected && unit_ns != 1000000);
  } else if (json_is_integer(field)) {
    FUZZ_CHECK(unit_ns && json_integer_value(field) >= 0);
    FUZZ_CHECK(ns == (uint64_t)json_integer_value(field) * unit_ns);
    FUZZ_CHECK(ns / unit_ns == (uint64_t)json_integer_value(field));
  } else if (json_is_real(field)) {
    exact = (long double)json_real_value(field) * (long double)unit_ns;
    FUZZ_CHECK(unit_ns && exact >= 0 && (long double)ns <= exact + 1);
    FUZZ_CHECK((long double)ns >= exact - 2);
  } else {
    FUZZ_CHECK(may_lack && ns == MSKGOV_NEVER && (!field || json_is_null(field)));
  }
}

static void check_values(size_t i, const mskgov_credentials *got, const char *text,
                         size_t length) {
  json_t *document = json_loadb(text, length, 0, NULL);
  const json_t *object = document, *field[4];
  bool may_lack = shapes[i].shape == &gov_credentials_shape_process;

  for (size_t step = 0; shapes[i].path[step]; step++)
    object = json_object_get(object, shapes[i].path[step]);
  FUZZ_CHECK(json_is_object(object));
  for (size_t j = 0; j < 4; j++)
    field[j] = json_object_get(object, shapes[i].fields[j]);

  check_part(mskgov_credentials_access_key_id(got), field[0], GOV_ACCESS_KEY_ID_MAX, false);
  check_part(mskgov_credentials_secret_access_key(got), field[1], GOV_SECRET_ACCESS_KEY_MAX,
             false);
  check_part(mskgov_credentials_session_token(got), field[2], GOV_SESSION_TOKEN_MAX,
             may_lack);
  check_expiration(mskgov_credentials_expires_at_ns(got), field[3], shapes[i].unit_ns,
                   may_lack);
  json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size ? (const char *)data : NULL;

  for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
    mskgov_credentials *got = (mskgov_credentials *)&shapes;
    mskgov_error_info error = {0};
    int rc = gov_credentials_json_read(shapes[i].shape, "it", text, size, &got, &error);

    FUZZ_CHECK(rc == error.code && (rc == 0) == (got != NULL));
    FUZZ_CHECK((rc == 0) == (error.text[0] == '\0'));
    FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL ||
               (rc == MSKGOV_ERR_REFUSED && i == 0));
    FUZZ_CHECK(!strstr(error.text, PART_OF_SECRET));
    if (!rc)
      check_values(i, got, text, size);
    mskgov_credentials_free(got);
  }

  return 0;
}
