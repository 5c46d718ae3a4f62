/*
 * The profiles of the shared files. What is expected is what botocore 1.44 reads
 * (botocore.session.Session().full_config with AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE), but where a comment says otherwise: there the SDKs and
 * botocore differ, or botocore refuses the file.
 */
#include "credentials/profile_file.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"

static gov_profiles *load(const char *config, const char *credentials) {
  gov_profiles *profiles;
  mskgov_error_info error = {0};

  make_home(config, credentials);
  ck_assert_msg(gov_profiles_load(&profiles, NULL, NULL, &error) == 0, "%s", error.text);
  remove_home();

  return profiles;
}

static const struct {
  const char *config, *credentials;
  const char *profile, *name;
  bool has;
  const char *value;
} cases[] = {
    {"[default]\nregion=eu-west-1\n", NULL, "default", "region", true, "eu-west-1"},
    {"[default]\nregion=eu-west-1\n", NULL, "default", "output", true, NULL},
    {"[default]\nregion=\n", NULL, "default", "region", true, NULL},
    {"[profile a]\nx=1\n", NULL, "a", "x", true, "1"},
    {"[profile a]\nx=1\n", NULL, "A", "x", false, NULL},
    {"[profile a]\nx=1\n", NULL, "default", "x", false, NULL},
    {"[profile a]\n", NULL, "a", "x", true, NULL},
    {"[profile  \t a]\nx=1\n", NULL, "a", "x", true, "1"},
    {"[profile\ta ]\nx=1\n", NULL, "a", "x", true, "1"},
    {"[profile \"my profile\"]\nx=1\n", NULL, "my profile", "x", true, "1"},
    {"[profile 'my profile']\nx=1\n", NULL, "my profile", "x", true, "1"},
    {"[profile \"it's\"]\nx=1\n", NULL, "it's", "x", true, "1"},
    {"[profile \" a \"]\nx=1\n", NULL, " a ", "x", true, "1"},
    {"[profile \"a\"]\nx=1\n[profile b]\n", NULL, "\"a\"", "x", false, NULL},
    {"[profile a/b.c%d@e:f+g_h-i]\nx=1\n", NULL, "a/b.c%d@e:f+g_h-i", "x", true, "1"},
    {"[profile a\\b]\nx=1\n", NULL, "a\\b", "x", true, "1"}, /* SDKs; botocore: ab */

    /* no profiles */
    {"[a]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[Default]\nx=1\n", NULL, "default", "x", false, NULL},
    {"[profile a b]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[profile a b]\nx=1\n", NULL, "a b", "x", false, NULL},
    {"[profile a\tb]\nx=1\n", NULL, "a\tb", "x", false, NULL},
    {"[profile a\"b]\nx=1\n", NULL, "a\"b", "x", false, NULL},
    {"[profile a'b]\nx=1\n", NULL, "a'b", "x", false, NULL},
    {"[profile \"a\"b\"]\nx=1\n", NULL, "a\"b", "x", false, NULL},
    {"[profile \"a\"bc]\nx=1\n", NULL, "a\"b", "x", false, NULL},
    {"[profile]\nx=1\n", NULL, "", "x", false, NULL},
    {"[profile \"a]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[profile \"]\nx=1\n", NULL, "", "x", false, NULL},
    {"[profile \"\"]\nx=1\n", NULL, "", "x", false, NULL}, /* SDKs; botocore: "" */
    {"[profilea]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[profilea b]\nx=1\n", NULL, "b", "x", false, NULL}, /* SDKs; botocore: b */
    {"[Profile a]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[services a]\nx=1\n[plugins]\ny=1\n", NULL, "a", "x", false, NULL},
    {"[sso-session a]\nx=1\n", NULL, "a", "x", false, NULL},
    {"[default]\nx=1\n[a]\nx=2\n[services default]\nx=3\n", NULL, "default", "x", true,
     "1"},

    /* [profile default] and [default]: SDKs; in botocore the last one counts */
    {"[profile default]\nx=1\n", NULL, "default", "x", true, "1"},
    {"[default]\nx=1\ny=1\n[profile default]\nx=2\n", NULL, "default", "x", true, "2"},
    {"[default]\nx=1\ny=1\n[profile default]\nx=2\n", NULL, "default", "y", true, NULL},
    {"[profile default]\nx=2\n[default]\nx=1\ny=1\n", NULL, "default", "x", true, "2"},
    {"[profile default]\nx=2\n[default]\nx=1\ny=1\n", NULL, "default", "y", true, NULL},
    {"[profile default]\nx=2\n[default]\nx=1\n[profile default]\ny=3\n", NULL, "default",
     "x", true, "2"},
    {"[profile default]\nx=2\n[default]\nx=1\n[profile default]\ny=3\n", NULL, "default",
     "y", true, "3"},

    /* what comes again: SDKs; botocore refuses it */
    {"[profile a]\nx=1\ny=1\n[default]\n[profile a]\nx=2\n", NULL, "a", "x", true, "2"},
    {"[profile a]\nx=1\ny=1\n[default]\n[profile a]\nx=2\n", NULL, "a", "y", true, "1"},
    {"[profile a]\nx=1\nX=2\n", NULL, "a", "x", true, "2"},
    {"[profile a]\nx=1\nx=\n", NULL, "a", "x", true, NULL},

    /* the credentials file */
    {NULL, "[default]\nx=1\n", "default", "x", true, "1"},
    {NULL, "[a]\nx=1\n", "a", "x", true, "1"},
    {NULL, "[my profile]\nx=1\n", "my profile", "x", true, "1"},
    {NULL, "[profile a]\nx=1\n", "a", "x", false, NULL},
    {NULL, "[profile a]\nx=1\n", "profile a", "x", true, "1"},
    {NULL, "[\"a\"]\nx=1\n", "a", "x", false, NULL},
    {NULL, "[profile default]\nx=1\n", "default", "x", false, NULL},

    /* both */
    {"[profile a]\nx=1\ny=1\n", "[a]\nx=2\nz=2\n", "a", "x", true, "2"},
    {"[profile a]\nx=1\ny=1\n", "[a]\nx=2\nz=2\n", "a", "y", true, "1"},
    {"[profile a]\nx=1\ny=1\n", "[a]\nx=2\nz=2\n", "a", "z", true, "2"},
    {"[profile a]\nx=1\n", "[a]\nx=\n", "a", "x", true, NULL},
    {"[a]\nx=1\n", "[b]\n", "a", "x", false, NULL},
    {NULL, NULL, "default", "x", false, NULL},
    {"", "", "default", "x", false, NULL},

    /* as people have them */
    {"[default]\ns3 =\n  region = x\n  max_concurrent_requests = 20\nregion = y\n", NULL,
     "default", "region", true, "y"},
    {"[default]\ns3 =\n  region = x\n", NULL, "default", "region", true, NULL},
    {"[profile a]\ncredential_process = /bin/p --x \"a b\" --y=1\n", NULL, "a",
     "credential_process", true, "/bin/p --x \"a b\" --y=1"},
    {"[profile a]\ncredential_process = /bin/p\n  --x\n", NULL, "a", "credential_process",
     true, "/bin/p\n--x"},
    {NULL,
     "# keys\r\n[default]\r\nAWS_ACCESS_KEY_ID=" ID "\r\naws_secret_access_key = " SECRET
     "\r\naws_session_token: " SESSION "\r\n",
     "default", "aws_access_key_id", true, ID},
    {NULL, "[default]\naws_secret_access_key = " SECRET "\n", "default",
     "aws_secret_access_key", true, SECRET},
    {NULL, "[default]\naws_session_token = " SESSION, "default", "aws_session_token", true,
     SESSION},
};

START_TEST(test_cases) {
  gov_profiles *profiles = load(cases[_i].config, cases[_i].credentials);
  const char *value = gov_profiles_get(profiles, cases[_i].profile, cases[_i].name);

  ck_assert(gov_profiles_has(profiles, cases[_i].profile) == cases[_i].has);
  if (cases[_i].value) {
    ck_assert_ptr_nonnull(value);
    ck_assert_str_eq(value, cases[_i].value);
  } else {
    ck_assert_msg(!value, "%s", value);
  }
  gov_profiles_free(profiles);
}
END_TEST

START_TEST(test_sessions) {
  gov_profiles *profiles = load(
      "[sso-session s]\nsso_region=eu-west-1\nempty=\n[profile s]\nsso_region=no\n"
      "[sso-session 'my s']\nsso_start_url = https://d-1.awsapps.com/start#/ # mine\n"
      "[sso-session s]\nsso_start_url=https://h/\n[sso-sessions t]\nx=1\n[sso-session]\n"
      "x=1\n",
      "[sso-session c]\nx=1\n[s]\nx=1\n");

  ck_assert_str_eq(gov_profiles_get_session(profiles, "s", "sso_region"), "eu-west-1");
  ck_assert_str_eq(gov_profiles_get_session(profiles, "s", "sso_start_url"), "https://h/");
  ck_assert_str_eq(gov_profiles_get_session(profiles, "my s", "sso_start_url"),
                   "https://d-1.awsapps.com/start#/");
  ck_assert_ptr_null(gov_profiles_get_session(profiles, "s", "empty"));
  ck_assert_ptr_null(gov_profiles_get_session(profiles, "s", "x"));
  ck_assert_ptr_null(gov_profiles_get_session(profiles, "t", "x"));
  ck_assert_ptr_null(gov_profiles_get_session(profiles, "c", "x"));
  ck_assert_ptr_null(gov_profiles_get_session(profiles, "", "x"));
  ck_assert_str_eq(gov_profiles_get(profiles, "s", "sso_region"), "no");
  gov_profiles_free(profiles);
}
END_TEST

TEST_MAIN("profile_file", TEST_TABLE(test_cases, cases), TEST(test_sessions))
