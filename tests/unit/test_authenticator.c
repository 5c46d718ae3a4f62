/*
 * The authenticator by a clock that the test holds, against AWS's own signer
 * (official_token.h). Linked with --wrap=gov_secret_free, so that the test sees
 * that tokens are wiped.
 */
#include "authenticator_fixture.h"
#include "base/secret.h"
#include "harness.h"

#include <mskgov/authenticator.h>

#include <stdbool.h>
#include <string.h>

static _Thread_local char last_wiped[2000];

void __real_gov_secret_free(void *memory, size_t size);
void __wrap_gov_secret_free(void *memory, size_t size);

void __wrap_gov_secret_free(void *memory, size_t size) {
  snprintf(last_wiped, sizeof(last_wiped), "%s", memory ? (const char *)memory : "");
  __real_gov_secret_free(memory, size);
}

/* The signature is botocore's (test_msk_payload.c). */
START_TEST(test_payload) {
  source s;
  mskgov_authenticator *authenticator = make(&s);
  mskgov_token *payload;
  mskgov_error_info error;

  ck_assert_int_eq(
      mskgov_authenticator_payload(authenticator,
                                   "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098",
                                   &payload, &error),
      0);
  ck_assert_ptr_nonnull(
      strstr(mskgov_token_value(payload),
             "\"host\":\"b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com\""));
  ck_assert_ptr_nonnull(
      strstr(mskgov_token_value(payload),
             "68ed2469bf23b95e04be54be1ec810063e0ac86cb8c655b5029c009efdd68a1b"));
  ck_assert_str_eq(mskgov_token_principal(payload), "AKIDEXAMPLE");
  ck_assert_uint_eq(mskgov_token_expires_at_ns(payload), NOW + 900 * S);
  mskgov_token_free(payload);

  ck_assert_int_eq(mskgov_authenticator_payload(authenticator, "b-1", &payload, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(payload);
  ck_assert_ptr_nonnull(strstr(error.text, "the port is missing"));
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_token) {
  source s;
  mskgov_authenticator *authenticator = make(&s);
  mskgov_token *token = take(authenticator);

  ck_assert_str_eq(mskgov_token_value(token), OFFICIAL_TOKEN);
  ck_assert_str_eq(mskgov_token_principal(token), "AKIDEXAMPLE");
  ck_assert_uint_eq(mskgov_token_expires_at_ns(token), NOW + 900 * S);
  ck_assert_str_eq(mskgov_authenticator_region(authenticator), "eu-west-1");
  mskgov_authenticator_free(authenticator); /* the token stands on its own */
  ck_assert_str_eq(mskgov_token_value(token), OFFICIAL_TOKEN);
  mskgov_token_free(token);
  ck_assert_str_eq(last_wiped, OFFICIAL_TOKEN);
  mskgov_token_free(NULL);
  mskgov_authenticator_free(NULL);
}
END_TEST

START_TEST(test_the_day_changes_the_key) {
  source s;
  mskgov_authenticator *authenticator = make(&s);

  now_ns = OFFICIAL_MIDNIGHT_S * S - 1;
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE_BEFORE_MIDNIGHT));
  now_ns = OFFICIAL_MIDNIGHT_S * S;
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE_AT_MIDNIGHT));
  now_ns = NOW; /* the clock is set back */
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE));
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_other_credentials_change_the_key) {
  source s;
  mskgov_authenticator *authenticator = make(&s);
  mskgov_token *token;

  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE));
  s.id = OFFICIAL_ROTATED_ID;
  s.secret = OFFICIAL_ROTATED_SECRET;
  token = take(authenticator);
  ck_assert(has(token, OFFICIAL_ROTATED_SIGNATURE));
  ck_assert_str_eq(mskgov_token_principal(token), OFFICIAL_ROTATED_ID);
  mskgov_token_free(token);
  s.id = "AKIDEXAMPLE";
  s.secret = OFFICIAL_SECRET;
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE));
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_key_is_kept) {
  source s;
  mskgov_authenticator *authenticator = make(&s);

  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE));
  authenticator->locked.key[0] ^= 1; /* whoever uses it now signs wrong */
  ck_assert(!makes(authenticator, OFFICIAL_SIGNATURE));
  now_ns = OFFICIAL_MIDNIGHT_S * S;
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE_AT_MIDNIGHT));
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_lifetime_ends_with_the_credentials) {
  static const struct {
    uint64_t now_ns, credentials_end_ns, token_ends_ns;
  } cases[] = {
      {NOW, NOW + 10000 * S, NOW + 900 * S},
      {NOW, NOW + 900 * S, NOW + 900 * S},
      {NOW, NOW + 900 * S - 1, NOW + 899 * S},
      {NOW, NOW + 100 * S + S / 2, NOW + 100 * S},
      {NOW, NOW + S, NOW + S},
      /* X-Amz-Date has no fraction: the 900 s run from the whole second. */
      {NOW + S / 2, MSKGOV_NEVER, NOW + 900 * S},
      {NOW + S / 2, NOW + 100 * S, NOW + 99 * S},
  };
  source s;
  mskgov_authenticator *authenticator = make(&s);

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_token *token;

    now_ns = cases[i].now_ns;
    s.expires_at_ns = cases[i].credentials_end_ns;
    token = take(authenticator);
    ck_assert_uint_eq(mskgov_token_expires_at_ns(token), cases[i].token_ends_ns);
    /* What is signed stays at 900, or the signature would not be the official one. */
    ck_assert(has(token, "&X-Amz-Expires=900&"));
    ck_assert(has(token, OFFICIAL_SIGNATURE));
    mskgov_token_free(token);
  }
  mskgov_authenticator_free(authenticator);
}
END_TEST

static void check_refused(mskgov_authenticator *authenticator, int rc,
                          const char *expected) {
  mskgov_error_info error;
  mskgov_token *token;

  ck_assert_int_eq(mskgov_authenticator_token(authenticator, &token, &error), rc);
  ck_assert_ptr_null(token);
  ck_assert_int_eq(error.code, rc);
  ck_assert_msg(strstr(error.text, expected), "\"%s\" lacks \"%s\"", error.text, expected);
  ck_assert_ptr_null(strstr(error.text, "wJalr"));
  ck_assert_int_eq(mskgov_authenticator_token(authenticator, &token, NULL), rc);
}

START_TEST(test_no_token) {
  source s;
  mskgov_authenticator *authenticator = make(&s);

  s.expires_at_ns = NOW + S - 1;
  check_refused(authenticator, MSKGOV_ERR_CREDENTIALS_EXPIRED,
                "the credentials expire at 2026-01-02T03:04:05Z");
  s.expires_at_ns = NOW - 60 * S;
  check_refused(authenticator, MSKGOV_ERR_CREDENTIALS_EXPIRED,
                "the credentials expired at 2026-01-02T03:03:05Z");
  s.rc = MSKGOV_ERR_SYSTEM;
  check_refused(authenticator, MSKGOV_ERR_SYSTEM, "the vault is shut");
  s.rc = 0;
  s.secret = OFFICIAL_SECRET "\n";
  check_refused(authenticator, MSKGOV_ERR_INVALID, "secret_access_key has a byte");

  s.secret = OFFICIAL_SECRET;
  s.expires_at_ns = MSKGOV_NEVER;
  ck_assert(makes(authenticator, OFFICIAL_SIGNATURE)); /* none the worse for it */
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_a_slow_provider_does_not_date_the_token_back) {
  source s;
  mskgov_authenticator *authenticator = make(&s);
  mskgov_token *token;

  now_ns = NOW - 30 * S;
  s.takes_ns = 30 * S;
  token = take(authenticator);
  ck_assert(has(token, OFFICIAL_SIGNATURE));
  ck_assert_uint_eq(mskgov_token_expires_at_ns(token), NOW + 900 * S);
  mskgov_token_free(token);

  now_ns = NOW - 30 * S;
  s.expires_at_ns = NOW - S;
  s.takes_ns = 30 * S;
  check_refused(authenticator, MSKGOV_ERR_CREDENTIALS_EXPIRED, "expired at");
  mskgov_authenticator_free(authenticator);
}
END_TEST

START_TEST(test_options) {
  static char long_agent[GOV_USER_AGENT_MAX + 2];
  static const struct {
    size_t struct_size;
    const char *region, *user_agent, *expected;
  } cases[] = {
      {0, "eu-west-1", NULL, "options.struct_size is 0"},
      {sizeof(mskgov_authenticator_options), NULL, NULL, "options.region is not set"},
      {sizeof(mskgov_authenticator_options), "", NULL, "options.region is \"\""},
      {sizeof(mskgov_authenticator_options), "eu-wst-1", NULL,
       "options.region is \"eu-wst-1\""},
      {sizeof(mskgov_authenticator_options), "eu-west-1", long_agent,
       "options.user_agent has 257 bytes; allowed are 0 to 256"},
  };
  mskgov_authenticator *authenticator;
  mskgov_error_info error;

  memset(long_agent, 'a', sizeof(long_agent) - 1);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_authenticator_options options;

    mskgov_authenticator_options_init(&options);
    options.struct_size = cases[i].struct_size;
    options.region = cases[i].region;
    options.user_agent = cases[i].user_agent;
    ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_ptr_null(authenticator);
    ck_assert_msg(strstr(error.text, cases[i].expected), "%s", error.text);
  }

  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, NULL, &error),
                   MSKGOV_ERR_INVALID);
}
END_TEST

START_TEST(test_defaults) {
  char region[] = "eu-west-1", user_agent[GOV_USER_AGENT_MAX + 1] = "mine";
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_token *token;

  setenv("AWS_ACCESS_KEY_ID", "AKIDFROMENVIRONMENT", 1);
  setenv("AWS_SECRET_ACCESS_KEY", OFFICIAL_SECRET, 1);
  setenv("AWS_SESSION_TOKEN", "a+b/c==", 1);
  unsetenv("AWS_CREDENTIAL_EXPIRATION");
  mskgov_authenticator_options_init(&options);
  ck_assert_uint_eq(options.struct_size, sizeof(options));
  options.region = region;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  memset(region, 'x', sizeof(region) - 1); /* it was copied */
  token = take(authenticator);
  ck_assert_str_eq(mskgov_token_principal(token), "AKIDFROMENVIRONMENT");
  ck_assert(has(token, "https://kafka.eu-west-1.amazonaws.com/?"));
  ck_assert(has(token, "&X-Amz-Security-Token=a%2Bb%2Fc%3D%3D&"));
  ck_assert(has(token, "&User-Agent=mskgov%2F" MSKGOV_VERSION));
  mskgov_token_free(token);

  /* They are kept: the environment is not asked again. */
  unsetenv("AWS_SECRET_ACCESS_KEY");
  mskgov_token_free(take(authenticator));
  mskgov_authenticator_free(authenticator);

  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL),
                   MSKGOV_ERR_INVALID);
  options.region = "eu-west-1";
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  check_refused(authenticator, MSKGOV_ERR_INVALID, "AWS_SECRET_ACCESS_KEY");
  mskgov_authenticator_free(authenticator);

  setenv("AWS_SECRET_ACCESS_KEY", OFFICIAL_SECRET, 1);
  memset(user_agent, '/', sizeof(user_agent) - 1);
  options.region = "us-east-1";
  options.user_agent = user_agent;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  memset(user_agent, 'x', sizeof(user_agent) - 1);
  ck_assert(makes(authenticator, "&User-Agent=%2F%2F%2F"));
  mskgov_authenticator_free(authenticator);
}
END_TEST

#define THREADS 4

static void *sign_often(void *argument) {
  mskgov_token *token;

  for (int i = 0; i < 50; i++) {
    if (mskgov_authenticator_token(argument, &token, NULL) ||
        strcmp(mskgov_token_value(token), OFFICIAL_TOKEN) != 0)
      return argument;
    mskgov_token_free(token);
  }

  return NULL;
}

START_TEST(test_threads_share_it) {
  source s;
  mskgov_authenticator *authenticator = make(&s);
  pthread_t threads[THREADS];
  void *result;

  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_often, authenticator), 0);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], &result), 0);
    ck_assert_ptr_null(result);
  }
  mskgov_authenticator_free(authenticator);
}
END_TEST

TEST_MAIN("authenticator", TEST(test_payload), TEST(test_token),
          TEST(test_the_day_changes_the_key), TEST(test_other_credentials_change_the_key),
          TEST(test_key_is_kept), TEST(test_lifetime_ends_with_the_credentials),
          TEST(test_no_token), TEST(test_a_slow_provider_does_not_date_the_token_back),
          TEST(test_options), TEST(test_defaults), TEST(test_threads_share_it))
