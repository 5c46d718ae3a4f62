/*
 * The credentials of profiles: which settings count, and errors that name the profile and no
 * secret. Roles are in test_profile_role.c.
 */
#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"
#include "sts_stub.h"

#include <mskgov/profile.h>

#define KEYS(id) "aws_access_key_id=" id "\naws_secret_access_key=" SECRET "\n"
#define PROCESS                                                                            \
  "credential_process = printf '{\"Version\":1,\"AccessKeyId\":\"PROCESS\","               \
  "\"SecretAccessKey\":\"" SECRET "\"}'\n"
#define SSO                                                                                \
  "sso_account_id=123456789012\nsso_role_name=admin\nsso_region=eu-west-1\n"               \
  "sso_start_url=https://demo.awsapps.com/start\n"

static int get(const char *profile, mskgov_credentials **got, mskgov_error_info *error) {
  mskgov_credentials_provider *provider;
  mskgov_profile_options options;
  int rc;

  mskgov_profile_options_init(&options);
  options.profile = profile;
  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, &options, error), 0);
  rc = mskgov_credentials_provider_get(provider, got, error);
  mskgov_credentials_provider_free(provider);

  return rc;
}

static const struct {
  const char *config, *credentials, *profile, *variable;
  int rc;
  const char *expected; /* the access key id, or a part of the error */
} cases[] = {
    /* which profile */
    {NULL, "[default]\n" KEYS("D") "[demo]\n" KEYS("K"), NULL, NULL, 0, "D"},
    {NULL, "[default]\n" KEYS("D") "[demo]\n" KEYS("K"), NULL, "demo", 0, "K"},
    {NULL, "[default]\n" KEYS("D") "[demo]\n" KEYS("K"), NULL, "", 0, "D"},
    {NULL, "[default]\n" KEYS("D") "[demo]\n" KEYS("K"), "default", "demo", 0, "D"},
    {NULL, "[default]\n" KEYS("D") "[demo]\n" KEYS("K"), "demo", NULL, 0, "K"},
    {"[profile demo]\n" KEYS("C"), "[demo]\n" KEYS("K"), "demo", NULL, 0, "K"},
    {"[profile demo]\n" KEYS("C"), "[other]\n" KEYS("K"), "demo", NULL, 0, "C"},
    {"[profile demo]\n" PROCESS, NULL, "demo", NULL, 0, "PROCESS"},
    /* one that is not there */
    {NULL, NULL, NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS, "\"default\""},
    {"[profile x]\n" KEYS("X"), NULL, NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS, "\"default\""},
    {NULL, NULL, "demo", NULL, MSKGOV_ERR_INVALID, "\"demo\""},
    {NULL, NULL, NULL, "demo", MSKGOV_ERR_INVALID, "\"demo\""},
    {"[demo]\n" KEYS("X"), NULL, "demo", NULL, MSKGOV_ERR_INVALID, "\"demo\""},
    /* one without credentials */
    {"[default]\nregion=eu-west-1\n", NULL, NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS,
     "profile \"default\""},
    {"[profile demo]\nregion=eu-west-1\n", NULL, "demo", NULL, MSKGOV_ERR_NO_CREDENTIALS,
     "profile \"demo\""},
    {"[profile demo]\nrole_arn=\ncredential_process=\n", NULL, "demo", NULL,
     MSKGOV_ERR_NO_CREDENTIALS, "profile \"demo\""},
    /* half of them, or bad ones */
    {NULL, "[demo]\naws_access_key_id=AKIDHALF\n", "demo", NULL, MSKGOV_ERR_INVALID,
     "profile \"demo\": it has aws_access_key_id and no aws_secret_access_key"},
    {NULL, "[demo]\naws_secret_access_key=" SECRET "\n", "demo", NULL, MSKGOV_ERR_INVALID,
     "profile \"demo\": it has aws_secret_access_key and no aws_access_key_id"},
    {NULL, "[demo]\n" KEYS("A") "aws_session_token=IQoJb a\n", "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": session_token"},
    {NULL, "[demo]\naws_access_key_id=A\naws_secret_access_key=wJalr a\n", "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": secret_access_key"},
    /* keys before the process */
    {"[profile demo]\n" PROCESS KEYS("K"), NULL, "demo", NULL, 0, "K"},
    {"[profile demo]\n" PROCESS, "[demo]\n" KEYS("K"), "demo", NULL, 0, "K"},
    {"[profile demo]\n" PROCESS "aws_access_key_id=K\n", NULL, "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": it has aws_access_key_id"},
    /* IAM Identity Center before both; there is no token here */
    {"[profile demo]\n" SSO KEYS("K") PROCESS, NULL, "demo", NULL, MSKGOV_ERR_REFUSED,
     "profile \"demo\": there is no token of IAM Identity Center"},
    {"[profile demo]\nsso_account_id=123456789012\n" KEYS("K"), NULL, "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": sso_"},
    {"[profile demo]\nsso_role_name=admin\n" KEYS("K"), NULL, "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": sso_"},
    {"[profile demo]\n" SSO "sso_session=nowhere\n", NULL, "demo", NULL, MSKGOV_ERR_INVALID,
     "profile \"demo\": sso_"},
    {"[profile demo]\nsso_account_id=1234\nsso_role_name=a\nsso_region=eu-west-1\n"
     "sso_start_url=u\n",
     NULL, "demo", NULL, MSKGOV_ERR_INVALID, "sso_account_id is \"1234\""},
    {"[profile demo]\nsso_account_id=123456789012\nsso_role_name=a\nsso_region=mars\n"
     "sso_start_url=u\n",
     NULL, "demo", NULL, MSKGOV_ERR_INVALID, "sso_region is \"mars\""},
    /* a process that fails */
    {"[profile demo]\ncredential_process = false\n", NULL, "demo", NULL, MSKGOV_ERR_REFUSED,
     "profile \"demo\": "},
    {"[profile demo]\ncredential_process = echo " SECRET "\n", NULL, "demo", NULL,
     MSKGOV_ERR_PROTOCOL, "profile \"demo\": "},
    {"[profile demo]\ncredential_process = \"open\n", NULL, "demo", NULL,
     MSKGOV_ERR_INVALID, "profile \"demo\": "},
    /* a file that is not of the form */
    {"[profile demo\nregion=eu-west-1\n", NULL, "demo", NULL, MSKGOV_ERR_INVALID, "config"},
};

START_TEST(test_profiles) {
  static const char *const never[] = {"wJalr", "IQoJb", "AKIDHALF"};
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  make_home(cases[_i].config, cases[_i].credentials);
  if (cases[_i].variable)
    setenv("AWS_PROFILE", cases[_i].variable, 1);
  rc = get(cases[_i].profile, &got, &error);
  remove_home();
  ck_assert_msg(rc == cases[_i].rc && rc == error.code, "%d: %s", rc, error.text);
  if (rc)
    check_text_without(&error, cases[_i].expected, never, 3);
  else
    ck_assert_str_eq(mskgov_credentials_access_key_id(got), cases[_i].expected);
  mskgov_credentials_free(got);
}
END_TEST

START_TEST(test_parts) {
  mskgov_credentials *got;
  mskgov_error_info error;

  aws_environment_clear();
  make_home(NULL, "[my demo]\n" KEYS(ID) "aws_session_token=" SESSION "\n");
  ck_assert_int_eq(get("my demo", &got, &error), 0);
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), ID);
  ck_assert_str_eq(mskgov_credentials_secret_access_key(got), SECRET);
  ck_assert_str_eq(mskgov_credentials_session_token(got), SESSION);
  ck_assert_uint_eq(mskgov_credentials_expires_at_ns(got), MSKGOV_NEVER);
  ck_assert_str_eq(mskgov_credentials_source(got), "profile my demo");
  mskgov_credentials_free(got);
  remove_home();
}
END_TEST

/* The files of the options, else those of the variables, else those at home; as they are at
   each get. */
START_TEST(test_files) {
  char other[128];
  mskgov_credentials_provider *provider;
  mskgov_profile_options options;
  mskgov_credentials *got;

  aws_environment_clear();
  make_home(NULL, "[default]\n" KEYS("HOME1"));
  snprintf(other, sizeof(other), "%s/other", home);
  write_file(other, "[default]\n" KEYS("OTHER"), strlen("[default]\n" KEYS("OTHER")));
  mskgov_profile_options_init(&options);
  options.credentials_file = _i ? other : NULL;
  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, &options, NULL), 0);
  memset(&options, 0, sizeof(options));
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL), 0);
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), _i ? "OTHER" : "HOME1");
  mskgov_credentials_free(got);

  write_file(_i ? other : credentials_path, "[default]\n" KEYS("ANEW"),
             strlen("[default]\n" KEYS("ANEW")));
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL), 0);
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), "ANEW");
  mskgov_credentials_free(got);

  setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL),
                   _i ? 0 : MSKGOV_ERR_NO_CREDENTIALS);
  mskgov_credentials_free(got);
  mskgov_credentials_provider_free(provider);
  unlink(other);
  remove_home();
}
END_TEST

START_TEST(test_options) {
  static const struct {
    mskgov_profile_options options;
    const char *text;
  } bad[] = {
      {{.struct_size = sizeof(mskgov_profile_options), .profile = ""}, "options.profile"},
      {{.struct_size = sizeof(mskgov_profile_options), .region = "mars"},
       "options.region is \"mars\""},
      {{.struct_size = 1}, "mskgov_profile_options_init"},
  };
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ck_assert_int_eq(
        mskgov_credentials_provider_new_profile(&provider, &bad[i].options, &error),
        MSKGOV_ERR_INVALID);
    ck_assert_ptr_null(provider);
    ck_assert_msg(strstr(error.text, bad[i].text), "%s", error.text);
  }
  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, NULL, &error), 0);
  mskgov_credentials_provider_free(provider);
}
END_TEST

TEST_MAIN("profile", TEST_TABLE(test_profiles, cases), TEST(test_parts),
          TEST_LOOP(test_files, 2), TEST(test_options))
