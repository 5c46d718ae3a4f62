/*
 * IAM Identity Center against a stand-in on loopback, with a token as "aws sso login" leaves
 * it in a home directory of the test's.
 */
#include "credentials/sso.h"

#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"
#include "sts_stub.h"

#define START_URL "https://demo.awsapps.com/start"
/* printf %s https://demo.awsapps.com/start | sha1sum; printf %s my-session | sha1sum */
#define URL_FILE "e4fbf2ca8766b8176cb643281dfab66ce6a6e66f.json"
#define SESSION_FILE "9e28173066ce536e277c5fb355efd9c64f398167.json"
#define BEARER "aoaAAAAbearer.token-_"
#define TOKEN(at)                                                                          \
  "{\"accessToken\":\"" BEARER "\",\"expiresAt\":\"" at "\",\"region\":\"x\"}"
#define GOOD_TOKEN TOKEN("2500-01-02T03:04:05Z")
#define GOOD                                                                               \
  HTTP_STUB_OK("application/json",                                                         \
               "{\"roleCredentials\":{\"accessKeyId\":\"" ID "\",\"secretAccessKey\":"     \
               "\"" SECRET "\",\"sessionToken\":\"" SESSION "\",\"expiration\":"           \
               "16725323045000}}")

static char token_path[192];

static void start(const char *config, const char *file, const char *token) {
  char path[128];

  aws_environment_clear();
  make_home(config, NULL);
  snprintf(path, sizeof(path), "%s/.aws/sso", home);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  strcat(path, "/cache");
  ck_assert_int_eq(mkdir(path, 0700), 0);
  snprintf(token_path, sizeof(token_path), "%s/%s", path, file);
  if (token)
    write_file(token_path, token, strlen(token));
}

static void start_service(const http_stub_answer *told, size_t count) {
  char url[128];

  http_stub_start(&sts, told, count);
  setenv("AWS_ENDPOINT_URL_SSO", http_stub_url(url, sts.port, ""), 1);
}

static void stop(void) {
  http_stub_stop(&sts);
  unlink(token_path);
  for (int i = 0; i < 2; i++) {
    *strrchr(token_path, '/') = '\0';
    ck_assert_int_eq(rmdir(token_path), 0);
  }
  remove_home();
}

static mskgov_sso_options make_options(const char *session) {
  mskgov_sso_options options;

  mskgov_sso_options_init(&options);
  options.session = session;
  options.start_url = START_URL;
  options.region = "eu-west-1";
  options.account_id = "012345678901";
  options.role_name = "Power User/x";

  return options;
}

static int get(const char *session, mskgov_credentials **got, mskgov_error_info *error) {
  mskgov_sso_options options = make_options(session);
  mskgov_credentials_provider *provider;
  int rc;

  ck_assert_int_eq(mskgov_credentials_provider_new_sso(&provider, &options, error), 0);
  rc = mskgov_credentials_provider_get(provider, got, error);
  mskgov_credentials_provider_free(provider);

  return rc;
}

/* "GetRoleCredentials", IAM Identity Center Portal API Reference. */
START_TEST(test_good) {
  static const http_stub_answer told = {GOOD, 0};
  mskgov_credentials *got;
  mskgov_error_info error;
  char bearer[64];
  int rc;

  start(NULL, _i ? SESSION_FILE : URL_FILE, GOOD_TOKEN);
  start_service(&told, 1);
  rc = get(_i ? "my-session" : NULL, &got, &error);
  stop();
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_str_eq(mskgov_credentials_source(got),
                   "SSO role Power User/x of account 012345678901");
  check_example(got);
  ck_assert_uint_eq(sts.request_count, 1);
  ck_assert_msg(strncmp(sts.requests[0],
                        "GET /federation/credentials?role_name=Power%20User%2Fx&"
                        "account_id=012345678901 HTTP/1.1\r\n",
                        86) == 0,
                "%s", sts.requests[0]);
  ck_assert(
      request_header(sts.requests[0], "x-amz-sso_bearer_token", bearer, sizeof(bearer)));
  ck_assert_str_eq(bearer, BEARER);
  ck_assert(!request_header(sts.requests[0], "Authorization", bearer, sizeof(bearer)));
}
END_TEST

/* By a profile, the new way and the old. */
START_TEST(test_profile) {
  static const http_stub_answer told = {GOOD, 0};
  static const char *const configs[] = {
      "[default]\nsso_start_url=" START_URL "\nsso_region=eu-west-1\n"
      "sso_account_id=012345678901\nsso_role_name=admin\n",
      "[default]\nsso_session=my-session\nsso_account_id=012345678901\n"
      "sso_role_name=admin\n[sso-session my-session]\nsso_start_url=" START_URL
      "\nsso_region=eu-west-1\n"};
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  start(configs[_i], _i ? SESSION_FILE : URL_FILE, GOOD_TOKEN);
  start_service(&told, 1);
  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, NULL, &error), 0);
  rc = mskgov_credentials_provider_get(provider, &got, &error);
  mskgov_credentials_provider_free(provider);
  stop();
  ck_assert_msg(rc == 0, "%s", error.text);
  check_example(got);
}
END_TEST

static const struct {
  const char *token;  /* NULL: there is no file */
  const char *answer; /* NULL: it is not asked */
  int rc;
  const char *text;
} failures[] = {
    {NULL, NULL, MSKGOV_ERR_REFUSED, "aws sso login"},
    {"", NULL, MSKGOV_ERR_REFUSED, "aws sso login"},
    {TOKEN("2015-08-30T12:36:00Z"), NULL, MSKGOV_ERR_REFUSED, "expired"},
    {TOKEN("tomorrow"), NULL, MSKGOV_ERR_PROTOCOL, "expiresAt"},
    {"{\"accessToken\":\"" BEARER "\"}", NULL, MSKGOV_ERR_PROTOCOL, "expiresAt"},
    {"{\"accessToken\":7,\"expiresAt\":\"2500-01-02T03:04:05Z\"}", NULL,
     MSKGOV_ERR_PROTOCOL, "accessToken"},
    {"{\"accessToken\":\"" BEARER " x\",\"expiresAt\":\"2500-01-02T03:04:05Z\"}", NULL,
     MSKGOV_ERR_PROTOCOL, "accessToken"},
    {"{\"accessToken\":\"" BEARER "\\r\\nX: y\",\"expiresAt\":\"2500-01-02T03:04:05Z\"}",
     NULL, MSKGOV_ERR_PROTOCOL, "accessToken"},
    {"{\"accessToken\":\"" BEARER "\\u0000x\",\"expiresAt\":\"2500-01-02T03:04:05Z\"}",
     NULL, MSKGOV_ERR_PROTOCOL, "JSON"},
    {"{\"accessToken\":\"\",\"expiresAt\":\"2500-01-02T03:04:05Z\"}", NULL,
     MSKGOV_ERR_PROTOCOL, "accessToken"},
    {BEARER, NULL, MSKGOV_ERR_PROTOCOL, "JSON"},
    {"[]", NULL, MSKGOV_ERR_PROTOCOL, "JSON"},
    {GOOD_TOKEN, HTTP_STUB_STATUS("401 -", "application/json", BEARER), MSKGOV_ERR_REFUSED,
     "aws sso login"},
    {GOOD_TOKEN, HTTP_STUB_STATUS("403 -", "application/json", BEARER), MSKGOV_ERR_REFUSED,
     "Power User/x"},
    {GOOD_TOKEN, HTTP_STUB_STATUS("404 -", "application/json", BEARER), MSKGOV_ERR_REFUSED,
     "status 404"},
    {GOOD_TOKEN, HTTP_STUB_STATUS("503 -", "application/json", BEARER),
     MSKGOV_ERR_TRANSPORT, "IAM Identity Center failed"},
    {GOOD_TOKEN, HTTP_STUB_OK("text/html", "<html>" SECRET), MSKGOV_ERR_PROTOCOL,
     "IAM Identity Center"},
    {GOOD_TOKEN, HTTP_STUB_OK("application/json", "{\"roleCredentials\":{}}"),
     MSKGOV_ERR_PROTOCOL, "IAM Identity Center"},
    {GOOD_TOKEN, HTTP_STUB_OK("application/json", ""), MSKGOV_ERR_PROTOCOL,
     "IAM Identity Center"},
};

START_TEST(test_failures) {
  static const char *const never[] = {"wJalr", "IQoJb", "aoaAAAA"};
  const http_stub_answer told = {failures[_i].answer ? failures[_i].answer : GOOD, 0};
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  start(NULL, URL_FILE, failures[_i].token);
  start_service(&told, 1);
  rc = get(NULL, &got, &error);
  stop();
  ck_assert_msg(rc == failures[_i].rc && rc == error.code, "%d: %s", rc, error.text);
  check_text_without(&error, failures[_i].text, never, 3);
  ck_assert_int_eq(sts.request_count > 0, failures[_i].answer != NULL);
}
END_TEST

static const struct {
  size_t offset;
  const char *value, *text; /* NULL: it is taken */
} options_cases[] = {
#define FIELD(field) offsetof(mskgov_sso_options, field)
    {FIELD(session), NULL, NULL},
    {FIELD(start_url), NULL, "options.start_url"},
    {FIELD(start_url), "", "options.start_url"},
    {FIELD(region), NULL, "options.region"},
    {FIELD(region), "mars", "options.region is \"mars\""},
    {FIELD(account_id), NULL, "options.account_id"},
    {FIELD(account_id), "12345678901", "options.account_id is \"12345678901\""},
    {FIELD(account_id), "1234567890123", "options.account_id"},
    {FIELD(account_id), "12345678901x", "options.account_id"},
    {FIELD(account_id), "000000000000", NULL},
    {FIELD(role_name), NULL, "options.role_name"},
};

START_TEST(test_options) {
  mskgov_sso_options options = make_options("my-session");
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  int rc;

  memcpy((char *)&options + options_cases[_i].offset, &options_cases[_i].value,
         sizeof(void *));
  rc = mskgov_credentials_provider_new_sso(&provider, &options, &error);
  if (!options_cases[_i].text) {
    ck_assert_msg(rc == 0, "%s", error.text);
  } else {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_msg(strstr(error.text, options_cases[_i].text), "%s", error.text);
    ck_assert_ptr_null(provider);
  }
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_read_token) {
  static const char text[] = TOKEN("2500-01-02T04:04:05+01:00") "trailing";
  uint64_t expires_at_ns = 0;
  gov_buffer token;

  gov_buffer_init(&token, GOV_SSO_TOKEN_MAX);
  ck_assert_int_eq(gov_sso_read_token(text, strlen(text) - 8, &token, &expires_at_ns, NULL),
                   0);
  ck_assert_str_eq(token.data, BEARER);
  ck_assert_uint_eq(expires_at_ns, EXPIRATION_S * GOV_NS_PER_S);
  gov_buffer_reset(&token);
  ck_assert_int_eq(gov_sso_read_token(text, strlen(text), &token, &expires_at_ns, NULL),
                   MSKGOV_ERR_PROTOCOL);
  ck_assert_int_eq(gov_sso_read_token(NULL, 0, &token, &expires_at_ns, NULL),
                   MSKGOV_ERR_PROTOCOL);
  gov_buffer_fini(&token);
}
END_TEST

TEST_MAIN("sso", TEST_LOOP(test_good, 2), TEST_LOOP(test_profile, 2),
          TEST_TABLE(test_failures, failures), TEST_TABLE(test_options, options_cases),
          TEST(test_read_token))
