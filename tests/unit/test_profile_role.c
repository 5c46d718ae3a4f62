/*
 * The roles of profiles, against a stand-in of STS (and of the services that a
 * credential_source names) on loopback: who signs which request.
 */
#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"
#include "sts_stub.h"

#include <mskgov/profile.h>

#define KEYS(id) "aws_access_key_id=" id "\naws_secret_access_key=" SECRET "\n"
#define ARN(name) "arn:aws:iam::123456789012:role/" name
#define ROLE(name, source) "role_arn=" ARN(name) "\nsource_profile=" source "\n"
#define GIVEN(id) STS_OK(STS_CREDENTIALS("AssumeRole", id, "s", "t" id, EXPIRATION))
#define BY_TOKEN                                                                           \
  STS_OK(STS_CREDENTIALS("AssumeRoleWithWebIdentity", "ASIA1", "s", "t", EXPIRATION))

static int get_with(const mskgov_profile_options *options, mskgov_credentials **got,
                    mskgov_error_info *error) {
  mskgov_credentials_provider *provider;
  int rc;

  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, options, error), 0);
  rc = mskgov_credentials_provider_get(provider, got, error);
  mskgov_credentials_provider_free(provider);

  return rc;
}

static int get(const char *profile, mskgov_credentials **got, mskgov_error_info *error) {
  mskgov_profile_options options;

  mskgov_profile_options_init(&options);
  options.profile = profile;

  return get_with(&options, got, error);
}

static void check_got(int rc, mskgov_credentials *got, const mskgov_error_info *error,
                      const char *id) {
  ck_assert_msg(rc == 0, "%d: %s", rc, error->text);
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), id);
  mskgov_credentials_free(got);
}

static void check_signer(size_t n, const char *id, const char *region) {
  char authorization[1024], expected[256];

  ck_assert_uint_lt(n, sts.request_count);
  ck_assert(request_header(sts.requests[n], "Authorization", authorization,
                           sizeof(authorization)));
  snprintf(expected, sizeof(expected), "Credential=%s/", id);
  ck_assert_msg(strstr(authorization, expected), "%s", authorization);
  snprintf(expected, sizeof(expected), "/%s/sts/", region);
  ck_assert_msg(strstr(authorization, expected), "%s", authorization);
}

/* Three roles in a chain, in both files; the region is that of the profile asked for. */
START_TEST(test_chain_of_three) {
  static const http_stub_answer told[] = {
      {GIVEN("ASIA1"), 0}, {GIVEN("ASIA2"), 0}, {GIVEN("ASIA3"), 0}};
  mskgov_credentials *got;
  mskgov_error_info error;
  char token[64];
  int rc;

  aws_environment_clear();
  make_home(
      "[profile top]\n" ROLE(
          "top",
          "middle") "region=ap-south-1\nrole_session_name=top-session\nexternal_id=top/id\n"
                    "[profile middle]\n" ROLE("middle", "low") "duration_seconds=900\n"
                                                               "region=eu-west-1\n",
      "[low]\n" ROLE("low", "keys") "role_session_name=low-session\n"
                                    "[keys]\n" KEYS("AKIDKEYS"));
  sts_start(told, 3);
  rc = get("top", &got, &error);
  http_stub_stop(&sts);
  remove_home();
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_str_eq(mskgov_credentials_source(got), "role " ARN("top"));
  check_got(rc, got, &error, "ASIA3");
  ck_assert_uint_eq(sts.request_count, 3);
  check_field(0, "RoleArn", ARN("low"));
  check_field(0, "RoleSessionName", "low-session");
  check_field(0, "DurationSeconds", NULL);
  check_signer(0, "AKIDKEYS", "ap-south-1");
  ck_assert(!request_header(sts.requests[0], "X-Amz-Security-Token", token, sizeof(token)));
  check_field(1, "RoleArn", ARN("middle"));
  check_field(1, "DurationSeconds", "900");
  check_field(1, "ExternalId", NULL);
  check_signer(1, "ASIA1", "ap-south-1");
  ck_assert(request_header(sts.requests[1], "X-Amz-Security-Token", token, sizeof(token)));
  ck_assert_str_eq(token, "tASIA1");
  check_field(2, "RoleArn", ARN("top"));
  check_field(2, "ExternalId", "top/id");
  check_field(2, "RoleSessionName", "top-session");
  check_signer(2, "ASIA2", "ap-south-1");
}
END_TEST

#define JSON(id)                                                                           \
  HTTP_STUB_OK("application/json",                                                         \
               "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":"     \
               "\"" SECRET "\",\"Token\":\"" SESSION "\",\"Expiration\":\"" EXPIRATION     \
               "\"}")
#define PROCESS                                                                            \
  "credential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\","           \
  "\"SecretAccessKey\":\"" SECRET "\"}'\n"

/* Whose credentials assume the role of "demo". */
static const struct {
  const char *config;
  const char *answers[4];
  size_t count; /* of them; the last one is STS's */
  const char *signer;
} signers[] = {
    {"[profile demo]\n" ROLE("demo", "keys") "[profile keys]\n" KEYS("AKIDKEYS"),
     {GIVEN("ASIA1")},
     1,
     "AKIDKEYS"},
    {"[profile demo]\n" ROLE("demo", "p") "[profile p]\n" PROCESS,
     {GIVEN("ASIA1")},
     1,
     "AKIDPROCESS"},
    /* its own keys, by its own name */
    {"[profile demo]\n" ROLE("demo", "demo") KEYS("AKIDSELF"),
     {GIVEN("ASIA1")},
     1,
     "AKIDSELF"},
    /* a source with a role and keys is its keys, as for the AWS command line */
    {"[profile demo]\n" ROLE("demo", "both") "[profile both]\n" ROLE("both", "demo")
         KEYS("AKIDBOTH"),
     {GIVEN("ASIA1")},
     1,
     "AKIDBOTH"},
    {"[profile demo]\nrole_arn=" ARN("demo") "\ncredential_source=Environment\n",
     {GIVEN("ASIA1")},
     1,
     "AKIDENV"},
    {"[profile demo]\nrole_arn=" ARN("demo") "\ncredential_source=EcsContainer\n",
     {JSON("ASIAECS"), GIVEN("ASIA1")},
     2,
     "ASIAECS"},
    {"[profile demo]\nrole_arn=" ARN("demo") "\ncredential_source=Ec2InstanceMetadata\n",
     {HTTP_STUB_OK("text/plain", "token=="), HTTP_STUB_OK("text/plain", "role"),
      JSON("ASIAIMDS"), GIVEN("ASIA1")},
     4,
     "ASIAIMDS"},
    /* the role counts before keys, a process and IAM Identity Center of the same profile */
    {"[profile demo]\n" ROLE("demo", "keys") KEYS("AKIDOWN") PROCESS
     "sso_account_id=123456789012\nsso_role_name=x\n[profile keys]\n" KEYS("AKIDKEYS"),
     {GIVEN("ASIA1")},
     1,
     "AKIDKEYS"},
};

START_TEST(test_signers) {
  http_stub_answer told[4] = {0};
  mskgov_credentials *got;
  mskgov_error_info error;
  char url[128];
  int rc;

  aws_environment_clear();
  make_home(signers[_i].config, NULL);
  setenv("AWS_REGION", "eu-west-1", 1);
  setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
  setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
  for (size_t i = 0; i < 4; i++)
    told[i].text = signers[_i].answers[i];
  sts_start(told, signers[_i].count);
  unsetenv("AWS_EC2_METADATA_DISABLED");
  setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_stub_url(url, sts.port, ""), 1);
  setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", http_stub_url(url, sts.port, "/c"), 1);
  rc = get("demo", &got, &error);
  http_stub_stop(&sts);
  remove_home();
  check_got(rc, got, &error, "ASIA1");
  ck_assert_uint_eq(sts.request_count, signers[_i].count);
  check_field(signers[_i].count - 1, "RoleArn", ARN("demo"));
  check_signer(signers[_i].count - 1, signers[_i].signer, "eu-west-1");
}
END_TEST

START_TEST(test_web_identity) {
  static const http_stub_answer told = {BY_TOKEN, 0};
  mskgov_credentials *got;
  mskgov_error_info error;
  char path[128], value[64];
  int rc;

  aws_environment_clear();
  make_home(
      "[profile demo]\nrole_arn=" ARN(
          "demo") "\nweb_identity_token_file=~/token\n"
                  "role_session_name=pod\nregion=eu-west-1\nexternal_id=unused\n" KEYS("A"),
      NULL);
  snprintf(path, sizeof(path), "%s/token", home);
  write_file(path, "a.b.c\n", 6);
  sts_start(&told, 1);
  rc = get("demo", &got, &error);
  http_stub_stop(&sts);
  unlink(path);
  remove_home();
  check_got(rc, got, &error, "ASIA1");
  check_field(0, "Action", "AssumeRoleWithWebIdentity");
  check_field(0, "WebIdentityToken", "a.b.c");
  check_field(0, "RoleSessionName", "pod");
  ck_assert(!request_header(sts.requests[0], "Authorization", value, sizeof(value)));
}
END_TEST

static const struct {
  const char *config;
  int rc;
  const char *text;
} failures[] = {
    {"[profile demo]\n" ROLE("demo", "demo"), MSKGOV_ERR_INVALID, "leads back to itself"},
    {"[profile demo]\n" ROLE("demo", "b") "[profile b]\n" ROLE("b", "demo"),
     MSKGOV_ERR_INVALID, "profile \"b\": "},
    {"[profile demo]\n" ROLE("demo", "b") "[profile b]\n" ROLE(
         "b", "c") "[profile c]\n" ROLE("c", "b"),
     MSKGOV_ERR_INVALID, "leads back to itself"},
    {"[profile demo]\n" ROLE("demo", "nowhere"), MSKGOV_ERR_INVALID,
     "there is no profile \"nowhere\""},
    {"[profile demo]\n" ROLE("demo", "default"), MSKGOV_ERR_INVALID,
     "there is no profile \"default\""},
    {"[profile demo]\n" ROLE("demo", "b") "[profile b]\noutput=json\n", MSKGOV_ERR_INVALID,
     "profile \"b\": it has no credentials"},
    {"[profile demo]\n" ROLE("demo", "b") "[profile b]\naws_access_key_id=AKIDHALF\n",
     MSKGOV_ERR_INVALID, "profile \"b\": it has aws_access_key_id"},
    {"[profile demo]\nrole_arn=" ARN("demo") "\n", MSKGOV_ERR_INVALID, "source_profile"},
    {"[profile demo]\n" ROLE("demo", "b") "credential_source=Environment\n",
     MSKGOV_ERR_INVALID, "credential_source"},
    {"[profile demo]\nrole_arn=" ARN("demo") "\ncredential_source=environment\n",
     MSKGOV_ERR_INVALID, "credential_source is \"environment\""},
    {"[profile demo]\nrole_arn=demo\nsource_profile=b\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "role_arn is \"demo\""},
    {"[profile demo]\n" ROLE("demo", "b") "duration_seconds=899\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "duration_seconds is 899"},
    {"[profile demo]\n" ROLE("demo", "b") "duration_seconds=1h\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "duration_seconds is \"1h\""},
    {"[profile demo]\n" ROLE("demo",
                             "b") "duration_seconds=4294968196\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "duration_seconds is \"4294968196\""},
    {"[profile demo]\n" ROLE("demo", "b") "duration_seconds=0\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "duration_seconds is \"0\""},
    {"[profile demo]\n" ROLE("demo", "b") "role_session_name=a/b\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "role_session_name is \"a/b\""},
    {"[profile demo]\n" ROLE("demo", "b") "external_id=x\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "external_id"},
    {"[profile demo]\n" ROLE("demo", "b") "region=mars\n[profile b]\n" KEYS("A"),
     MSKGOV_ERR_INVALID, "region is \"mars\""},
    {"[profile demo]\n" ROLE("demo",
                             "b") "region=\n[profile b]\n" KEYS("A") "region=eu-west-1\n",
     MSKGOV_ERR_INVALID, "region"},
    {"[profile demo]\nregion=eu-west-1\nrole_arn=" ARN(
         "demo") "\nweb_identity_token_file=/tmp/mskgov-no-such-token\n",
     MSKGOV_ERR_SYSTEM, "/tmp/mskgov-no-such-token"},
    /* what it names has none: no reason to look for another principal elsewhere */
    {"[profile demo]\nregion=eu-west-1\nrole_arn=" ARN(
         "demo") "\ncredential_source=Environment\n",
     MSKGOV_ERR_REFUSED, "AWS_ACCESS_KEY_ID"},
    {"[profile demo]\nregion=eu-west-1\nrole_arn=" ARN(
         "demo") "\ncredential_source=Ec2InstanceMetadata\n",
     MSKGOV_ERR_REFUSED, "AWS_EC2_METADATA_DISABLED"},
    {"[profile demo]\nregion=eu-west-1\nrole_arn=" ARN(
         "demo") "\ncredential_source=EcsContainer\n",
     MSKGOV_ERR_REFUSED, "AWS_CONTAINER_CREDENTIALS"},
};

START_TEST(test_failures) {
  static const http_stub_answer told = {GIVEN("ASIA1"), 0};
  static const char *const never[] = {"wJalr", "AKIDHALF"};
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  make_home(failures[_i].config, NULL);
  if (!strstr(failures[_i].config, "region"))
    setenv("AWS_REGION", "eu-west-1", 1);
  sts_start(&told, 1);
  rc = get("demo", &got, &error);
  http_stub_stop(&sts);
  remove_home();
  ck_assert_msg(rc == failures[_i].rc && rc == error.code, "%d: %s", rc, error.text);
  check_text_without(&error, failures[_i].text, never, 2);
  ck_assert_msg(strstr(error.text, "profile \"demo\": "), "%s", error.text);
  ck_assert_uint_eq(sts.request_count, 0);
}
END_TEST

/* STS refuses the middle one of the chain. */
START_TEST(test_refusal) {
  static const http_stub_answer told[] = {
      {GIVEN("ASIA1"), 0}, {STS_REFUSAL("403 -", "AccessDenied", "not you"), 0}};
  static const char *const never[] = {"wJalr", "tASIA1"};
  mskgov_credentials *got;
  mskgov_error_info error;

  aws_environment_clear();
  setenv("AWS_REGION", "eu-west-1", 1);
  make_home("[profile top]\n" ROLE("top", "middle") "[profile middle]\n" ROLE(
                "middle",
                "low") "[profile low]\n" ROLE("low", "keys") "[profile keys]\n" KEYS("K"),
            NULL);
  sts_start(told, 2);
  ck_assert_int_eq(get("top", &got, &error), MSKGOV_ERR_REFUSED);
  http_stub_stop(&sts);
  remove_home();
  ck_assert_uint_eq(sts.request_count, 2);
  check_text_without(&error, "profile \"top\": profile \"middle\": STS refused", never, 2);
}
END_TEST

/* A chain of so many roles, the last of them assumed with keys or by a program. */
START_TEST(test_longest_chain) {
  static const http_stub_answer told = {GIVEN("ASIA1"), 0};
  static char config[8192];
  const char *end = _i % 2 ? PROCESS : KEYS("K");
  int roles = MSKGOV_PROFILE_CHAIN_MAX + _i / 2;
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  config[0] = '\0';
  for (int i = 0; i < roles; i++)
    sprintf(config + strlen(config), "[profile p%d]\n" ROLE("x", "p%d"), i, i + 1);
  sprintf(config + strlen(config), "[profile p%d]\n%s", roles, end);
  aws_environment_clear();
  setenv("AWS_REGION", "eu-west-1", 1);
  make_home(config, NULL);
  sts_start(&told, 1);
  rc = get("p0", &got, &error);
  http_stub_stop(&sts);
  remove_home();
  if (roles > MSKGOV_PROFILE_CHAIN_MAX) {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_uint_eq(sts.request_count, 0);
  } else {
    check_got(rc, got, &error, "ASIA1");
    ck_assert_uint_eq(sts.request_count, MSKGOV_PROFILE_CHAIN_MAX);
  }
}
END_TEST

/* options.region is the last place that is looked at. */
START_TEST(test_fallback_region) {
  static const http_stub_answer told = {GIVEN("ASIA1"), 0};
  mskgov_profile_options options;
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  make_home(
      _i ? "[profile demo]\nregion=us-east-2\n" ROLE("demo", "b") "[profile b]\n" KEYS("K")
         : "[profile demo]\n" ROLE("demo", "b") "[profile b]\n" KEYS("K"),
      NULL);
  mskgov_profile_options_init(&options);
  options.profile = "demo";
  options.region = "ap-south-1";
  sts_start(&told, 1);
  rc = get_with(&options, &got, &error);
  http_stub_stop(&sts);
  remove_home();
  check_got(rc, got, &error, "ASIA1");
  check_signer(0, "K", _i ? "us-east-2" : "ap-south-1");
}
END_TEST

TEST_MAIN("profile_role", TEST(test_chain_of_three), TEST_TABLE(test_signers, signers),
          TEST(test_web_identity), TEST_TABLE(test_failures, failures), TEST(test_refusal),
          TEST_LOOP(test_longest_chain, 4), TEST_LOOP(test_fallback_region, 2))
