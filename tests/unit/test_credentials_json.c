/*
 * Credentials as JSON, in every shape. Times: date -u -d 2026-01-02T03:04:05Z +%s, and the
 * last whole second (millisecond) before UINT64_MAX nanoseconds. Linked with
 * --wrap=gov_secret_wipe, so that the test sees what is wiped.
 */
#include "credentials/json.h"
#include "example_credentials.h"
#include "harness.h"

#include <string.h>

#define WHO "the other side"
#define NS UINT64_C(1000000000)

#define METADATA &gov_credentials_shape_metadata
#define PROCESS &gov_credentials_shape_process
#define SSO &gov_credentials_shape_sso
#define ROLE &gov_credentials_shape_sts_role
#define WEB &gov_credentials_shape_sts_web_identity

#define KEYS "\"AccessKeyId\":\"" ID "\",\"SecretAccessKey\":\"" SECRET "\""
#define TOKEN(name) ",\"" name "\":\"" SESSION "\""
#define UNTIL(time) ",\"Expiration\":" time
#define LATE "\"" EXPIRATION "\""
#define DATA(rest) "{" KEYS TOKEN("Token") UNTIL(LATE) rest "}"
#define VERSION_1 "\"Version\":1,"
#define LOWER                                                                              \
  "\"accessKeyId\":\"" ID "\",\"secretAccessKey\":\"" SECRET                               \
  "\",\"sessionToken\":\"" SESSION "\""
#define SSO_AT(time) "{\"roleCredentials\":{" LOWER ",\"expiration\":" time "}}"
#define IN(action, inner)                                                                  \
  "{\"" action "Response\":{\"" action "Result\":{\"Credentials\":{" inner                 \
  "},\"AssumedRoleUser\":{\"Arn\":\"a\"}},\"ResponseMetadata\":{\"RequestId\":\"r\"}}}"
#define ROLE_AT(time) IN("AssumeRole", KEYS TOKEN("SessionToken") UNTIL(time))
#define WEB_AT(time) IN("AssumeRoleWithWebIdentity", KEYS TOKEN("SessionToken") UNTIL(time))

static int read_all(const gov_credentials_shape *shape, const char *text,
                    mskgov_credentials **got, mskgov_error_info *error) {
  *error = (mskgov_error_info){0};

  return gov_credentials_json_read(shape, WHO, text, strlen(text), got, error);
}

static const struct {
  const gov_credentials_shape *shape;
  const char *text;
  uint64_t expires_at_ns;
  bool is_long_term; /* no session token */
} good[] = {
    {METADATA, DATA(""), EXPIRATION_S *NS, false},
    {METADATA, DATA(",\"Code\":\"Success\",\"More\":[{\"a\":null}]"), EXPIRATION_S *NS,
     false},
    {METADATA, "{" KEYS TOKEN("Token") UNTIL("\"2026-01-02T05:04:05.5+02:00\"") "}",
     1767323045500000000, false},
    {METADATA, DATA(",\"Version\":7"), EXPIRATION_S *NS, false},
    {PROCESS, "{" VERSION_1 KEYS TOKEN("SessionToken") UNTIL(LATE) "}", EXPIRATION_S *NS,
     false},
    {PROCESS, "{" VERSION_1 KEYS TOKEN("SessionToken") "}", MSKGOV_NEVER, false},
    {PROCESS, "{" VERSION_1 KEYS UNTIL(LATE) "}", EXPIRATION_S *NS, true},
    {PROCESS, "\n{" VERSION_1 KEYS ",\"Code\":\"Failed\"}\n", MSKGOV_NEVER, true},
    {PROCESS, "{" VERSION_1 KEYS ",\"SessionToken\":null,\"Expiration\":null}",
     MSKGOV_NEVER, true},
    {SSO, SSO_AT("16725323045000"), EXPIRATION_S *NS, false},
    {SSO, SSO_AT("1767323045001"), 1767323045001000000, false},
    {SSO, SSO_AT("1767323045001.5"), 1767323045001500000, false},
    {SSO, SSO_AT("0"), 0, false},
    {SSO, SSO_AT("18446744073708"), UINT64_C(18446744073708000000), false},
    {ROLE, ROLE_AT("16725323045"), EXPIRATION_S *NS, false},
    {ROLE, ROLE_AT("1.6725323045E10"), EXPIRATION_S *NS, false},
    {ROLE, ROLE_AT("1767323045.25"), 1767323045250000000, false},
    {ROLE, ROLE_AT("18446744072"), UINT64_C(18446744072000000000), false},
    {ROLE, ROLE_AT("18446744072.5"), UINT64_C(18446744072500000000), false},
    {ROLE, ROLE_AT(LATE), EXPIRATION_S *NS, false},
    {WEB, WEB_AT("16725323045"), EXPIRATION_S *NS, false},
    {WEB, WEB_AT(LATE), EXPIRATION_S *NS, false},
};

START_TEST(test_good) {
  mskgov_credentials *got;
  mskgov_error_info error;

  ck_assert_msg(read_all(good[_i].shape, good[_i].text, &got, &error) == 0, "%s",
                error.text);
  ck_assert_int_eq(error.code, 0);
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), ID);
  ck_assert_str_eq(mskgov_credentials_secret_access_key(got), SECRET);
  ck_assert_pstr_eq(mskgov_credentials_session_token(got),
                    good[_i].is_long_term ? NULL : SESSION);
  ck_assert_uint_eq(mskgov_credentials_expires_at_ns(got), good[_i].expires_at_ns);
  mskgov_credentials_free(got);
}
END_TEST

#define NO_JSON "something else than an object in JSON"
#define MISSING(name, expected) "in which " name " is missing or no " expected
#define RANGE(unit) "out of range; allowed are times from 1970 to July 2554, in " unit

static const struct {
  const gov_credentials_shape *shape;
  const char *text;
  int rc;
  const char *expected;
} bad[] = {
    {METADATA, "", MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, "null", MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, "[" DATA("") "]", MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, "\"" SECRET "\"", MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, "{" KEYS, MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, DATA("") "x", MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, DATA(",\"a\":\"\\u0000\""), MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, DATA(",\"a\":NaN"), MSKGOV_ERR_PROTOCOL, NO_JSON},
    {METADATA, DATA(",\"Token\":\"" SESSION "\""), MSKGOV_ERR_PROTOCOL, "has a name twice"},
    {METADATA, DATA(",\"a\":[{\"" SECRET "\":1,\"" SECRET "\":2}]"), MSKGOV_ERR_PROTOCOL,
     "has a name twice"},
    {METADATA, DATA(",\"Code\":\"Failed\""), MSKGOV_ERR_REFUSED,
     "its Code is \"Failed\""},
    {METADATA, DATA(",\"Code\":\"" SECRET "\""), MSKGOV_ERR_REFUSED,
     "its Code is \"?\""},
    {METADATA, DATA(",\"Code\":1"), MSKGOV_ERR_REFUSED, "its Code is \"?\""},
    {METADATA, "{" KEYS UNTIL(LATE) "}", MSKGOV_ERR_PROTOCOL, MISSING("Token", "text")},
    {METADATA, "{" KEYS TOKEN("Token") "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Expiration", "text")},
    {METADATA, "{" KEYS TOKEN("Token") UNTIL("null") "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Expiration", "text")},
    {METADATA, "{" KEYS TOKEN("Token") UNTIL("1767323045") "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Expiration", "text")},
    {METADATA, "{" KEYS TOKEN("Token") UNTIL("\"" SECRET "\"") "}", MSKGOV_ERR_PROTOCOL,
     "an Expiration that is no time in ISO 8601"},
    {METADATA, "{\"AccessKeyId\":\"" ID "\"}", MSKGOV_ERR_PROTOCOL,
     MISSING("SecretAccessKey", "text")},
    {METADATA, "{\"AccessKeyId\":[\"" ID "\"]}", MSKGOV_ERR_PROTOCOL,
     MISSING("AccessKeyId", "text")},
    {METADATA,
     "{\"AccessKeyId\":\"" ID "\",\"SecretAccessKey\":\"" SECRET "\\n\"" TOKEN("Token")
         UNTIL(LATE) "}",
     MSKGOV_ERR_PROTOCOL, "bad credentials: secret_access_key has a byte"},
    {METADATA, SSO_AT("16725323045000"), MSKGOV_ERR_PROTOCOL,
     MISSING("AccessKeyId", "text")},

    {PROCESS, "{" KEYS "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Version", "integer; allowed is 1")},
    {PROCESS, "{\"Version\":\"1\"," KEYS "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Version", "integer")},
    {PROCESS, "{\"Version\":1.0," KEYS "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Version", "integer")},
    {PROCESS, "{\"Version\":2," KEYS "}", MSKGOV_ERR_PROTOCOL,
     "Version is 2; allowed is 1"},
    {PROCESS, "{" VERSION_1 "\"AccessKeyId\":null}", MSKGOV_ERR_PROTOCOL,
     MISSING("AccessKeyId", "text")},
    {PROCESS, "{" VERSION_1 KEYS ",\"SessionToken\":1}", MSKGOV_ERR_PROTOCOL,
     MISSING("SessionToken", "text")},
    {PROCESS, "{" VERSION_1 KEYS UNTIL("1767323045") "}", MSKGOV_ERR_PROTOCOL,
     MISSING("Expiration", "text")},
    {PROCESS, "{" VERSION_1 KEYS UNTIL("\"\"") "}", MSKGOV_ERR_PROTOCOL,
     "no time in ISO 8601"},
    {PROCESS, "{" VERSION_1 KEYS ",\"SessionToken\":\"\"}", MSKGOV_ERR_PROTOCOL,
     "session_token is empty"},

    {SSO, "{" LOWER "}", MSKGOV_ERR_PROTOCOL, MISSING("roleCredentials", "object")},
    {SSO, "{\"roleCredentials\":[]}", MSKGOV_ERR_PROTOCOL,
     MISSING("roleCredentials", "object")},
    {SSO, "{\"roleCredentials\":{" LOWER "}}", MSKGOV_ERR_PROTOCOL,
     MISSING("expiration", "number")},
    {SSO, SSO_AT(LATE), MSKGOV_ERR_PROTOCOL, MISSING("expiration", "number")},
    {SSO, SSO_AT("null"), MSKGOV_ERR_PROTOCOL, MISSING("expiration", "number")},
    {SSO, SSO_AT("-1"), MSKGOV_ERR_PROTOCOL, RANGE("milliseconds")},
    {SSO, SSO_AT("18446744073709"), MSKGOV_ERR_PROTOCOL, RANGE("milliseconds")},
    {SSO, SSO_AT("9223372036854775807"), MSKGOV_ERR_PROTOCOL, RANGE("milliseconds")},
    {SSO, SSO_AT("99999999999999999999"), MSKGOV_ERR_PROTOCOL, "a number is out of range"},

    {ROLE, ROLE_AT("-0.5"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("-1"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("18446744073"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("18446744073.0"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("1767323045000000000"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("1e300"), MSKGOV_ERR_PROTOCOL, RANGE("seconds")},
    {ROLE, ROLE_AT("1e999"), MSKGOV_ERR_PROTOCOL, "a number is out of range"},
    {ROLE, ROLE_AT("true"), MSKGOV_ERR_PROTOCOL, MISSING("Expiration", "number or text")},
    {ROLE, ROLE_AT("\"1767323045\""), MSKGOV_ERR_PROTOCOL, "no time in ISO 8601"},
    {ROLE, WEB_AT("16725323045"), MSKGOV_ERR_PROTOCOL,
     MISSING("AssumeRoleResponse", "object")},
    {ROLE, "{\"AssumeRoleResponse\":{}}", MSKGOV_ERR_PROTOCOL,
     MISSING("AssumeRoleResult", "object")},
    {ROLE, "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{" KEYS "}}}",
     MSKGOV_ERR_PROTOCOL, MISSING("Credentials", "object")},
    {ROLE, IN("AssumeRole", KEYS UNTIL(LATE)), MSKGOV_ERR_PROTOCOL,
     MISSING("SessionToken", "text")},
    {WEB, ROLE_AT("16725323045"), MSKGOV_ERR_PROTOCOL,
     MISSING("AssumeRoleWithWebIdentityResponse", "object")},
};

static void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"wJalr", "IQoJb", ID};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

START_TEST(test_bad) {
  mskgov_credentials *got;
  mskgov_error_info error;

  ck_assert_int_eq(read_all(bad[_i].shape, bad[_i].text, &got, &error), bad[_i].rc);
  ck_assert_int_eq(error.code, bad[_i].rc);
  check_text(&error, bad[_i].expected);
  check_text(&error, WHO);
  ck_assert_ptr_null(got);
}
END_TEST

START_TEST(test_length_counts) {
  static const char text[] = DATA("") "garbage";
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  ck_assert_int_eq(
      gov_credentials_json_read(METADATA, WHO, text, strlen(DATA("")), &got, &error), 0);
  check_example(got);
  ck_assert_int_eq(
      gov_credentials_json_read(METADATA, WHO, text, strlen(DATA("")) + 1, &got, &error),
      MSKGOV_ERR_PROTOCOL);
  error = (mskgov_error_info){0};
  ck_assert_int_eq(gov_credentials_json_read(METADATA, WHO, NULL, 0, &got, &error),
                   MSKGOV_ERR_PROTOCOL);
  check_text(&error, NO_JSON);
}
END_TEST

/* Which of the texts was wiped, and as a whole. */
static const char *const marks[] = {ID,       SECRET,   SESSION, EXPIRATION,
                                    "mark-1", "mark-2", "mark-3"};
#define MARKS (sizeof(marks) / sizeof(marks[0]))
static size_t wiped[MARKS];

void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  for (size_t i = 0; i < MARKS; i++)
    if (length == strlen(marks[i]) && memcmp(memory, marks[i], length) == 0)
      wiped[i]++;
  __real_gov_secret_wipe(memory, length);
}

static void check_wiped(const char *text, int rc) {
  mskgov_credentials *got;
  mskgov_error_info error;

  memset(wiped, 0, sizeof(wiped));
  ck_assert_int_eq(read_all(METADATA, text, &got, &error), rc);
  mskgov_credentials_free(got);
  for (size_t i = 0; i < MARKS; i++)
    ck_assert_msg(wiped[i] == 1, "%s was wiped %zu times, in %s", marks[i], wiped[i], text);
}

#define MORE                                                                               \
  ",\"a\":\"mark-1\",\"b\":{\"c\":[1,[],[\"mark-2\"]]},\"d\":[[{\"e\":{\"f\":\"mark-3\"}}" \
  "]]"

START_TEST(test_all_is_wiped) {
  check_wiped(DATA(MORE), 0);
  check_wiped(DATA(MORE ",\"Code\":\"No\""), MSKGOV_ERR_REFUSED);
  check_wiped("[" DATA(MORE) "]", MSKGOV_ERR_PROTOCOL);
  check_wiped("{\"z\":" DATA(MORE) "}", MSKGOV_ERR_PROTOCOL);
}
END_TEST

/* So many arrays in one another, and a text in the innermost. */
static int read_nested(size_t depth, mskgov_credentials **got, mskgov_error_info *error) {
  static char text[20000];
  char *end = stpcpy(text, "{" KEYS TOKEN("Token") UNTIL(LATE) ",\"a\":");

  memset(end, '[', depth);
  end = stpcpy(end + depth, "\"mark-1\"");
  memset(end, ']', depth);
  strcpy(end + depth, "}");

  return read_all(METADATA, text, got, error);
}

/* jansson reads to a depth of 2048 (JSON_PARSER_MAX_DEPTH), the object and the text in it. */
START_TEST(test_depth) {
  mskgov_credentials *got;
  mskgov_error_info error;

  memset(wiped, 0, sizeof(wiped));
  ck_assert_msg(read_nested(2046, &got, &error) == 0, "%s", error.text);
  check_example(got);
  ck_assert_uint_eq(wiped[4], 1);

  ck_assert_int_eq(read_nested(2047, &got, &error), MSKGOV_ERR_PROTOCOL);
  check_text(&error, NO_JSON);
  ck_assert_int_eq(read_nested(9000, &got, &error), MSKGOV_ERR_PROTOCOL);
}
END_TEST

TEST_MAIN("credentials_json", TEST_TABLE(test_good, good), TEST_TABLE(test_bad, bad),
          TEST(test_length_counts), TEST(test_all_is_wiped), TEST(test_depth))
