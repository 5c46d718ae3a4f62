/*
 * Credentials from the environment.
 */
#include "example_credentials.h"
#include "harness.h"

#include <mskgov/credentials.h>

#include <string.h>

#define S UINT64_C(1000000000)

static void check_text(const mskgov_error_info *error, const char *part) {
  static const char *const never[] = {"wJalr", "IQoJb"};

  check_text_without(error, part, never, 2);
}

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"};

/* Asks the environment with these values of the four; NULL: not set. */
static int ask_environment(const char *const values[4], mskgov_credentials **credentials,
                           mskgov_error_info *error) {
  mskgov_credentials_provider *provider;
  int rc;

  for (size_t i = 0; i < 4; i++)
    if (values[i])
      setenv(variables[i], values[i], 1);
    else
      unsetenv(variables[i]);

  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&provider, NULL), 0);
  rc = mskgov_credentials_provider_get(provider, credentials, error);
  mskgov_credentials_provider_free(provider);

  return rc;
}

START_TEST(test_environment) {
  static const struct {
    const char *values[4];
    const char *session;
    uint64_t expires_at_ns;
  } cases[] = {
      {{ID, SECRET, NULL, NULL}, NULL, MSKGOV_NEVER},
      {{ID, SECRET, "", ""}, NULL, MSKGOV_NEVER},
      {{ID, SECRET, SESSION, NULL}, SESSION, MSKGOV_NEVER},
      /* date -u -d '2500-01-02 03:04:05' +%s */
      {{ID, SECRET, SESSION, "2500-01-02T03:04:05Z"}, SESSION, 16725323045 * S},
      {{ID, SECRET, SESSION, "2500-01-02T05:04:05+02:00"}, SESSION, 16725323045 * S},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_credentials *got;
    mskgov_error_info error;

    ck_assert_msg(ask_environment(cases[i].values, &got, &error) == 0, "%s", error.text);
    ck_assert_str_eq(mskgov_credentials_access_key_id(got), ID);
    ck_assert_str_eq(mskgov_credentials_secret_access_key(got), SECRET);
    ck_assert_pstr_eq(mskgov_credentials_session_token(got), cases[i].session);
    ck_assert_uint_eq(mskgov_credentials_expires_at_ns(got), cases[i].expires_at_ns);
    mskgov_credentials_free(got);
  }
}
END_TEST

START_TEST(test_environment_that_does_not_do) {
  static const struct {
    const char *values[4];
    int rc;
    const char *expected[3];
  } cases[] = {
      {{NULL, NULL, NULL, NULL},
       MSKGOV_ERR_NO_CREDENTIALS,
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "set both"}},
      {{"", "", SESSION, NULL},
       MSKGOV_ERR_NO_CREDENTIALS,
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "set both"}},
      {{ID, NULL, NULL, NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_ACCESS_KEY_ID is set", "AWS_SECRET_ACCESS_KEY is not", "set both"}},
      {{ID, "", NULL, NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_ACCESS_KEY_ID is set", "AWS_SECRET_ACCESS_KEY is not", "set both"}},
      {{NULL, SECRET, NULL, NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_SECRET_ACCESS_KEY is set", "AWS_ACCESS_KEY_ID is not", "set both"}},
      {{ID " ", SECRET, NULL, NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_ACCESS_KEY_ID has a byte", "position 12", "(0x20)"}},
      {{ID, SECRET "\n", NULL, NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_SECRET_ACCESS_KEY has a byte", "position 41", "no line end"}},
      {{ID, SECRET, SESSION "\n", NULL},
       MSKGOV_ERR_INVALID,
       {"AWS_SESSION_TOKEN has a byte", "position 28", "no line end"}},
      {{ID, SECRET, SESSION, "tomorrow"},
       MSKGOV_ERR_INVALID,
       {"AWS_CREDENTIAL_EXPIRATION is \"tomorrow\"", "ISO 8601", "2026-01-02T03:04:05Z"}},
      {{ID, SECRET, SESSION, "2020-01-02T03:04:05Z"},
       MSKGOV_ERR_CREDENTIALS_EXPIRED,
       {"expired at 2020-01-02T03:04:05Z", "fresh", "clock"}},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_credentials *got;
    mskgov_error_info error;

    ck_assert_int_eq(ask_environment(cases[i].values, &got, &error), cases[i].rc);
    ck_assert_ptr_null(got);
    ck_assert_int_eq(error.code, cases[i].rc);
    for (size_t k = 0; k < 3; k++)
      check_text(&error, cases[i].expected[k]);
  }
}
END_TEST

TEST_MAIN("environment", TEST(test_environment), TEST(test_environment_that_does_not_do))
