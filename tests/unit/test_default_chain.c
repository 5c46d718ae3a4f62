/*
 * The default chain, against stand-ins on loopback: which place answers.
 */
#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"
#include "sts_stub.h"

#define KEYS(id) "aws_access_key_id=" id "\naws_secret_access_key=" SECRET "\n"
#define JSON(id)                                                                           \
  HTTP_STUB_OK("application/json",                                                         \
               "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":"     \
               "\"" SECRET "\",\"Token\":\"" SESSION "\",\"Expiration\":\"" EXPIRATION     \
               "\"}")
#define BY_TOKEN                                                                           \
  STS_OK(STS_CREDENTIALS("AssumeRoleWithWebIdentity", "WEB", "s", "t", EXPIRATION))

enum { ENVIRONMENT = 1, WEB = 2, CONTAINER = 4, INSTANCE = 8, HALF = 16 };

static const struct {
  unsigned places; /* that are set up, beside the profile */
  const char *credentials, *profile, *variable;
  const char *answers[3]; /* of whoever is asked */
  int rc;
  const char *expected; /* the access key id, or a part of the error */
  size_t requests;
} cases[] = {
    {ENVIRONMENT | WEB | CONTAINER | INSTANCE,
     "[default]\n" KEYS("PROFILE"),
     NULL,
     NULL,
     {""},
     0,
     "ENV",
     0},
    {ENVIRONMENT | WEB | CONTAINER | INSTANCE,
     "[demo]\n" KEYS("PROFILE"),
     NULL,
     "demo",
     {""},
     0,
     "ENV",
     0},
    /* a profile that is given beats the environment */
    {ENVIRONMENT | WEB | CONTAINER | INSTANCE,
     "[demo]\n" KEYS("PROFILE"),
     "demo",
     NULL,
     {""},
     0,
     "PROFILE",
     0},
    {ENVIRONMENT | WEB,
     NULL,
     "demo",
     NULL,
     {""},
     MSKGOV_ERR_INVALID,
     "profile: there is no profile \"demo\"",
     0},
    {WEB | CONTAINER | INSTANCE,
     "[default]\n" KEYS("PROFILE"),
     NULL,
     NULL,
     {""},
     0,
     "PROFILE",
     0},
    {WEB | CONTAINER | INSTANCE,
     "[default]\noutput=json\n",
     NULL,
     NULL,
     {BY_TOKEN},
     0,
     "WEB",
     1},
    {CONTAINER | INSTANCE, NULL, NULL, NULL, {JSON("CONTAINER")}, 0, "CONTAINER", 1},
    {INSTANCE,
     NULL,
     NULL,
     NULL,
     {HTTP_STUB_OK("a/b", "token="), HTTP_STUB_OK("a/b", "role"), JSON("INSTANCE")},
     0,
     "INSTANCE",
     3},
    /* a failure ends the search */
    {HALF | WEB | CONTAINER,
     "[default]\n" KEYS("PROFILE"),
     NULL,
     NULL,
     {""},
     MSKGOV_ERR_INVALID,
     "environment: ",
     0},
    {WEB | CONTAINER,
     "[default]\naws_access_key_id=A\n",
     NULL,
     NULL,
     {""},
     MSKGOV_ERR_INVALID,
     "profile: profile \"default\"",
     0},
    {WEB, NULL, NULL, "demo", {""}, MSKGOV_ERR_INVALID, "no profile \"demo\"", 0},
    {WEB | CONTAINER | INSTANCE,
     NULL,
     NULL,
     NULL,
     {STS_REFUSAL("403 -", "AccessDenied", "not you")},
     MSKGOV_ERR_REFUSED,
     "web identity: STS refused",
     1},
    /* a container's service that is named is asked, and then not the instance's */
    {CONTAINER | INSTANCE,
     NULL,
     NULL,
     NULL,
     {HTTP_STUB_STATUS("403 -", "a/b", "")},
     MSKGOV_ERR_REFUSED,
     "container: ",
     1},
    {CONTAINER | INSTANCE,
     NULL,
     NULL,
     NULL,
     {HTTP_STUB_STATUS("404 -", "a/b", "")},
     MSKGOV_ERR_REFUSED,
     "container: ",
     1},
    /* nothing anywhere: each says so */
    {0, NULL, NULL, NULL, {""}, MSKGOV_ERR_NO_CREDENTIALS, "environment: ", 0},
    {0, NULL, NULL, NULL, {""}, MSKGOV_ERR_NO_CREDENTIALS, "; profile: ", 0},
    {0, NULL, NULL, NULL, {""}, MSKGOV_ERR_NO_CREDENTIALS, "; web identity: ", 0},
    {0, NULL, NULL, NULL, {""}, MSKGOV_ERR_NO_CREDENTIALS, "; instance metadata: ", 0},
    {0, NULL, NULL, NULL, {""}, MSKGOV_ERR_NO_CREDENTIALS, "AWS_EC2_METADATA_DISABLED", 0},
};

static void set_up(unsigned places, const char *token_path) {
  char url[128];

  if (places & (ENVIRONMENT | HALF))
    setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
  if (places & ENVIRONMENT)
    setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
  if (places & WEB) {
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_path, 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/demo", 1);
  }
  if (places & CONTAINER)
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", http_stub_url(url, sts.port, "/c"), 1);
  if (places & INSTANCE) {
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_stub_url(url, sts.port, ""), 1);
    unsetenv("AWS_EC2_METADATA_DISABLED");
  }
}

START_TEST(test_places) {
  static const char *const never[] = {"wJalr", "IQoJb"};
  mskgov_credentials_default_options options;
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;
  mskgov_error_info error;
  http_stub_answer told[3] = {0};
  char token_path[128];
  int rc;

  aws_environment_clear();
  make_home(NULL, cases[_i].credentials);
  snprintf(token_path, sizeof(token_path), "%s/token", home);
  write_file(token_path, "a.b.c", 5);
  for (size_t i = 0; i < 3; i++)
    told[i].text = cases[_i].answers[i];
  sts_start(told, 3);
  set_up(cases[_i].places, token_path);
  if (cases[_i].variable)
    setenv("AWS_PROFILE", cases[_i].variable, 1);
  mskgov_credentials_default_options_init(&options);
  options.profile = cases[_i].profile;
  options.region = "eu-west-1";
  ck_assert_int_eq(mskgov_credentials_provider_new_default(&provider, &options, &error), 0);
  rc = mskgov_credentials_provider_get(provider, &got, &error);
  mskgov_credentials_provider_free(provider);
  http_stub_stop(&sts);
  unlink(token_path);
  remove_home();
  ck_assert_msg(rc == cases[_i].rc && rc == error.code, "%d: %s", rc, error.text);
  if (rc)
    check_text_without(&error, cases[_i].expected, never, 2);
  else
    ck_assert_str_eq(mskgov_credentials_access_key_id(got), cases[_i].expected);
  ck_assert_uint_eq(sts.request_count, cases[_i].requests);
  mskgov_credentials_free(got);
}
END_TEST

/* It is a cache: a thousand gets are one request. */
START_TEST(test_cached) {
  static const http_stub_answer told = {JSON("CONTAINER"), 0};
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;

  aws_environment_clear();
  sts_start(&told, 1);
  set_up(CONTAINER, NULL);
  ck_assert_int_eq(mskgov_credentials_provider_new_default(&provider, NULL, NULL), 0);
  for (int i = 0; i < 1000; i++) {
    ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL), 0);
    mskgov_credentials_free(got);
  }
  mskgov_credentials_provider_free(provider);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 1);
}
END_TEST

START_TEST(test_options) {
  static const struct {
    mskgov_credentials_default_options options;
    const char *text;
  } bad[] = {
      {{.struct_size = 1}, "mskgov_credentials_default_options_init"},
      {{.struct_size = sizeof(mskgov_credentials_default_options), .region = "mars"},
       "options.region is \"mars\""},
      {{.struct_size = sizeof(mskgov_credentials_default_options), .profile = ""},
       "options.profile"},
  };
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  aws_environment_clear();
  ck_assert_int_eq(
      mskgov_credentials_provider_new_default(&provider, &bad[_i].options, &error),
      MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(provider);
  ck_assert_msg(strstr(error.text, bad[_i].text), "%s", error.text);
}
END_TEST

TEST_MAIN("default_chain", TEST_TABLE(test_places, cases), TEST(test_cached),
          TEST_LOOP(test_options, 3))
