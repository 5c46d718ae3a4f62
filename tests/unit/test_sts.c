/*
 * STS's calls as they are sent, against a stand-in on loopback: the form, the signature
 * (computed here by OpenSSL from what arrived), and what is made of good and bad answers.
 */
#define HTTP_STUB_REQUEST_SIZE 65536

#include "base/clock.h"
#include "credentials/role.h"
#include "example_credentials.h"
#include "harness.h"
#include "sts_stub.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define ARN "arn:aws:iam::123456789012:role/path/demo"
#define GOOD STS_CREDENTIALS("AssumeRole", "ASIAGIVEN", "given/Secret", SESSION, EXPIRATION)
#define GOOD_BY_TOKEN                                                                      \
  STS_CREDENTIALS("AssumeRoleWithWebIdentity", "ASIAGIVEN", "given/Secret", SESSION,       \
                  EXPIRATION)

static mskgov_credentials *make_signer(const char *session_token) {
  mskgov_credentials *signer;

  ck_assert_int_eq(
      mskgov_credentials_new(&signer, ID, SECRET, session_token, MSKGOV_NEVER, NULL), 0);

  return signer;
}

static int assume(const gov_role *role, const char *session_token, mskgov_credentials **got,
                  mskgov_error_info *error) {
  mskgov_credentials *signer = make_signer(session_token);
  int rc;

  memset(error, 0, sizeof(*error));
  rc = gov_role_assume(role, "eu-west-1", &sts_brisk, signer, got, error);
  mskgov_credentials_free(signer);

  return rc;
}

static void hex_of(const unsigned char *bytes, size_t count, char *hex) {
  for (size_t i = 0; i < count; i++)
    sprintf(hex + 2 * i, "%02x", bytes[i]);
}

static void sha256_hex(const char *text, char hex[65]) {
  unsigned char digest[32];

  ck_assert(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL));
  hex_of(digest, sizeof(digest), hex);
}

static void hmac(const void *key, size_t key_length, const char *text,
                 unsigned char out[32]) {
  unsigned length;

  ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, (int)key_length,
                             (const unsigned char *)text, strlen(text), out, &length));
}

/* "Create a signed AWS API request", IAM User Guide, of the request as it arrived. */
static void expect_authorization(const char *request, const char *region, bool has_token,
                                 char out[1024]) {
  static const char *const names[] = {"content-type", "host", "x-amz-date",
                                      "x-amz-security-token"};
  const char *signed_headers = has_token ? "content-type;host;x-amz-date;"
                                           "x-amz-security-token"
                                         : "content-type;host;x-amz-date";
  char canonical[8192] = "POST\n/\n\n", value[4096], hash[65], scope[128], text[512];
  unsigned char key[32];
  char first[128];

  for (size_t i = 0; i < (has_token ? 4u : 3u); i++) {
    ck_assert(request_header(request, names[i], value, sizeof(value)));
    sprintf(canonical + strlen(canonical), "%s:%s\n", names[i], value);
  }
  sha256_hex(strstr(request, "\r\n\r\n") + 4, hash);
  sprintf(canonical + strlen(canonical), "\n%s\n%s", signed_headers, hash);

  ck_assert(request_header(request, "x-amz-date", value, sizeof(value)));
  snprintf(scope, sizeof(scope), "%.8s/%s/sts/aws4_request", value, region);
  sha256_hex(canonical, hash);
  snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%.64s\n%s\n%s", value, scope, hash);

  snprintf(first, sizeof(first), "AWS4" SECRET);
  value[8] = '\0';
  hmac(first, strlen(first), value, key);
  hmac(key, 32, region, key);
  hmac(key, 32, "sts", key);
  hmac(key, 32, "aws4_request", key);
  hmac(key, 32, text, key);
  hex_of(key, 32, hash);
  snprintf(out, 1024,
           "AWS4-HMAC-SHA256 Credential=" ID "/%s, SignedHeaders=%s, Signature=%s", scope,
           signed_headers, hash);
}

static void check_signature(size_t n, bool has_token) {
  char expected[1024], got[1024];

  ck_assert_uint_lt(n, sts.request_count);
  expect_authorization(sts.requests[n], "eu-west-1", has_token, expected);
  ck_assert(request_header(sts.requests[n], "Authorization", got, sizeof(got)));
  ck_assert_str_eq(got, expected);
  ck_assert_int_eq(
      request_header(sts.requests[n], "X-Amz-Security-Token", got, sizeof(got)), has_token);
  if (has_token)
    ck_assert_str_eq(got, SESSION);
}

static int64_t signed_s(size_t n) {
  char date[64];
  struct tm at = {0};

  ck_assert_uint_lt(n, sts.request_count);
  ck_assert(request_header(sts.requests[n], "X-Amz-Date", date, sizeof(date)));
  ck_assert_ptr_nonnull(strptime(date, "%Y%m%dT%H%M%SZ", &at));

  return timegm(&at);
}

static void check_given(mskgov_credentials *got, const char *source) {
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), "ASIAGIVEN");
  ck_assert_str_eq(mskgov_credentials_secret_access_key(got), "given/Secret");
  ck_assert_str_eq(mskgov_credentials_session_token(got), SESSION);
  ck_assert_uint_eq(mskgov_credentials_expires_at_ns(got), EXPIRATION_S * GOV_NS_PER_S);
  ck_assert_str_eq(mskgov_credentials_source(got), source);
  mskgov_credentials_free(got);
}

static const struct {
  const char *session_token, *external_id, *name;
  uint32_t duration_s;
  const char *duration; /* in the form */
} roles[] = {
    {NULL, NULL, "plain", 0, NULL},
    {SESSION, "ab:/=+,.@-_9", "a+b=c,d.e@f-_", 900, "900"},
    {SESSION, NULL, "long", 43200, "43200"},
};

START_TEST(test_assume_role) {
  static const http_stub_answer told = {STS_OK(GOOD), 0};
  gov_role role = {.arn = ARN,
                   .external_id = roles[_i].external_id,
                   .session_name = roles[_i].name,
                   .duration_s = roles[_i].duration_s};
  mskgov_credentials *got;
  mskgov_error_info error;
  char value[128];

  aws_environment_clear();
  sts_start(&told, 1);
  ck_assert_msg(assume(&role, roles[_i].session_token, &got, &error) == 0, "%s",
                error.text);
  http_stub_stop(&sts);
  check_given(got, "role " ARN);
  ck_assert_uint_eq(sts.request_count, 1);
  ck_assert(strncmp(sts.requests[0], "POST / HTTP/1.1\r\n", 17) == 0);
  ck_assert(request_header(sts.requests[0], "Content-Type", value, sizeof(value)));
  ck_assert(strncmp(value, "application/x-www-form-urlencoded", 33) == 0);
  check_field(0, "Action", "AssumeRole");
  check_field(0, "Version", "2011-06-15");
  check_field(0, "RoleArn", ARN);
  check_field(0, "RoleSessionName", roles[_i].name);
  check_field(0, "ExternalId", roles[_i].external_id);
  check_field(0, "DurationSeconds", roles[_i].duration);
  check_field(0, "WebIdentityToken", NULL);
  check_signature(0, roles[_i].session_token != NULL);
  ck_assert_int_le(llabs(signed_s(0) - time(NULL)), 60);
}
END_TEST

/* A form of STS: unsigned, and the token may be of 20,000 bytes that are all encoded. */
START_TEST(test_web_identity) {
  static const http_stub_answer told = {STS_OK(GOOD_BY_TOKEN), 0};
  gov_role role = {.arn = ARN, .external_id = "unused", .session_name = "pod"};
  static char token[GOV_WEB_IDENTITY_TOKEN_MAX + 1];
  char path[] = "/tmp/mskgov-sts-XXXXXX", value[64];
  int fd = mkstemp(path);
  mskgov_credentials *got;
  mskgov_error_info error = {0};
  int rc;

  ck_assert_int_ge(fd, 0);
  memset(token, _i ? '/' : 'e', sizeof(token) - 1);
  ck_assert_int_eq(write(fd, token, sizeof(token) - 1), sizeof(token) - 1);
  ck_assert_int_eq(write(fd, "\r\n", (size_t)_i), _i);
  close(fd);
  aws_environment_clear();
  sts_start(&told, 1);
  rc = gov_role_assume_with_file(&role, "eu-west-1", &sts_brisk, path, &got, &error);
  http_stub_stop(&sts);
  unlink(path);
  ck_assert_msg(rc == 0, "%s", error.text);
  check_given(got, "web identity " ARN);
  check_field(0, "Action", "AssumeRoleWithWebIdentity");
  check_field(0, "RoleArn", ARN);
  check_field(0, "RoleSessionName", "pod");
  check_field(0, "ExternalId", NULL);
  if (_i == 0)
    check_field(0, "WebIdentityToken", token);
  ck_assert(!request_header(sts.requests[0], "Authorization", value, sizeof(value)));
  ck_assert(!request_header(sts.requests[0], "X-Amz-Security-Token", value, sizeof(value)));
}
END_TEST

#define CALLER(arn)                                                                        \
  "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"        \
  "<GetCallerIdentityResult><Arn>" arn "</Arn><UserId>AROA1:me</UserId><Account>"          \
  "123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"

START_TEST(test_caller) {
  static const http_stub_answer told[] = {
      {STS_OK(CALLER("arn:aws:sts::123456789012:assumed-role/demo/me")), 0},
      {STS_OK(CALLER("")), 0}};
  mskgov_credentials *signer = make_signer(SESSION);
  mskgov_error_info error;
  mskgov_caller caller;
  int rc, rc_of_empty;

  aws_environment_clear();
  sts_start(told, 2);
  rc = mskgov_caller_fetch(&caller, signer, "eu-west-1", &error);
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_str_eq(caller.arn, "arn:aws:sts::123456789012:assumed-role/demo/me");
  ck_assert_str_eq(caller.account, "123456789012");
  ck_assert_str_eq(caller.user_id, "AROA1:me");
  rc_of_empty = mskgov_caller_fetch(&caller, signer, "eu-west-1", &error);
  ck_assert_int_eq(rc_of_empty, MSKGOV_ERR_PROTOCOL);
  ck_assert_int_eq(error.code, MSKGOV_ERR_PROTOCOL);
  http_stub_stop(&sts);
  mskgov_credentials_free(signer);
  check_field(0, "Action", "GetCallerIdentity");
  check_field(0, "Version", "2011-06-15");
  check_signature(0, true);
}
END_TEST

/* It needs a region, and takes the environment's. */
START_TEST(test_region_of_caller) {
  mskgov_credentials *signer = make_signer(NULL);
  mskgov_error_info error;
  mskgov_caller caller;

  aws_environment_clear();
  ck_assert_int_eq(mskgov_caller_fetch(&caller, signer, NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "AWS_REGION"));
  setenv("AWS_REGION", "eu-west-l", 1);
  ck_assert_int_eq(mskgov_caller_fetch(&caller, signer, NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "AWS_REGION is \"eu-west-l\""));
  mskgov_credentials_free(signer);
}
END_TEST

#define WITH(id, secret, token, at)                                                        \
  STS_OK(STS_CREDENTIALS("AssumeRole", id, secret, token, at))

static const struct {
  const char *answer;
  int code;
  const char *text;
} answers[] = {
    {STS_OK(""), MSKGOV_ERR_PROTOCOL, "STS"},
    {HTTP_STUB_OK("application/json",
                  "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":"
                  "{\"SecretAccessKey\":\"" SECRET "\"}}}}"),
     MSKGOV_ERR_PROTOCOL, "STS"},
    {HTTP_STUB_OK("text/html",
                  "<!DOCTYPE html><html><body>Log in: " SECRET "</body></html>"),
     MSKGOV_ERR_PROTOCOL, "STS"},
    {STS_OK("<html><body/></html>"), MSKGOV_ERR_PROTOCOL, "STS"},
    {STS_OK(GOOD_BY_TOKEN), MSKGOV_ERR_PROTOCOL, "STS"}, /* of another action */
    {STS_OK(GOOD GOOD), MSKGOV_ERR_PROTOCOL, "STS"},
    {STS_OK("<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A"
            "</AccessKeyId><SecretAccessKey>" SECRET "</SecretAccessKey><SessionToken>"),
     MSKGOV_ERR_PROTOCOL, "STS"}, /* cut off, but the connection ends as it has to */
    {STS_OK("<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A"
            "</AccessKeyId><SecretAccessKey>" SECRET
            "</SecretAccessKey><Expiration>" EXPIRATION
            "</Expiration></Credentials></AssumeRoleResult>"
            "</AssumeRoleResponse>"),
     MSKGOV_ERR_PROTOCOL, "SessionToken"},
    {WITH("A", SECRET, SESSION, "tomorrow"), MSKGOV_ERR_PROTOCOL, "Expiration"},
    {WITH("A", SECRET, SESSION, ""), MSKGOV_ERR_PROTOCOL, "Expiration"},
    {WITH("A", SECRET, "", EXPIRATION), MSKGOV_ERR_PROTOCOL, "session_token"},
    {WITH("", SECRET, SESSION, EXPIRATION), MSKGOV_ERR_PROTOCOL, "access_key_id"},
    {WITH("A", "wJalr a space", SESSION, EXPIRATION), MSKGOV_ERR_PROTOCOL,
     "secret_access_key"},
    /* well-formed XML under another content type is taken for what it is */
    {HTTP_STUB_OK("application/octet-stream", GOOD), 0, NULL},
    {STS_OK("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" GOOD "\n"), 0, NULL},
};

START_TEST(test_answers) {
  const http_stub_answer told = {answers[_i].answer, 0};
  gov_role role = {.arn = ARN, .session_name = "me"};
  static const char *const never[] = {"wJalr", "IQoJb", "given"};
  mskgov_credentials *got = NULL;
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  sts_start(&told, 1);
  rc = assume(&role, SESSION, &got, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == answers[_i].code && rc == error.code, "%d: %s", rc, error.text);
  ck_assert_uint_eq(sts.request_count, 1); /* another try would get the same */
  if (rc) {
    ck_assert_ptr_null(got);
    check_text_without(&error, answers[_i].text, never, 3);
  } else {
    check_given(got, "role " ARN);
  }
}
END_TEST

/* Whoever asks a provider for them is told so; the call itself hands out what it got. */
START_TEST(test_credentials_that_have_ended) {
  static const http_stub_answer told = {WITH("A", "b", "c", "2015-08-30T12:36:00Z"), 0};
  mskgov_credentials_provider *provider, *keys;
  mskgov_credentials *signer = make_signer(NULL), *got;
  mskgov_role_options options;
  mskgov_error_info error;

  aws_environment_clear();
  mskgov_role_options_init(&options);
  options.aws_role_arn = ARN;
  options.aws_sts_region = "eu-west-1";
  setenv("AWS_ACCESS_KEY_ID", ID, 1);
  setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&keys, NULL), 0);
  options.source = keys;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, NULL), 0);
  sts_start(&told, 1);
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_CREDENTIALS_EXPIRED);
  ck_assert_ptr_null(got);
  http_stub_stop(&sts);
  mskgov_credentials_provider_free(provider);
  mskgov_credentials_provider_free(keys);
  mskgov_credentials_free(signer);
}
END_TEST

TEST_MAIN("sts", TEST_TABLE(test_assume_role, roles), TEST_LOOP(test_web_identity, 3),
          TEST(test_caller), TEST(test_region_of_caller), TEST_TABLE(test_answers, answers),
          TEST(test_credentials_that_have_ended))
