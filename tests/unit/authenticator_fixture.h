/*
 * An authenticator whose clock and credentials the test holds, and what its tokens say.
 */
#ifndef TEST_AUTHENTICATOR_FIXTURE_H
#define TEST_AUTHENTICATOR_FIXTURE_H

#include "codec/base64.h"
#include "credentials/authenticator.h"
#include "official_token.h"

#include <mskgov/authenticator.h>

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define NOW (OFFICIAL_NOW_S * S)

/* A provider whose answer the test sets: a rotation. */
typedef struct source {
  const char *id, *secret, *session;
  uint64_t expires_at_ns;
  uint64_t takes_ns; /* how long a get takes on the clock below */
  int rc;
} source;

static uint64_t now_ns;

static uint64_t read_now(void *self) {
  (void)self;
  return now_ns;
}

static const gov_clock held = {read_now, read_now, NULL, NULL};

static int get(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  source *s = self;

  if (s->takes_ns) /* threads share the clock in one test: no needless write */
    now_ns += s->takes_ns;
  if (s->rc) {
    snprintf(error->text, sizeof(error->text), "the vault is shut");
    return s->rc;
  }

  return mskgov_credentials_new(credentials, s->id, s->secret, s->session, s->expires_at_ns,
                                error);
}

static const mskgov_credentials_provider_ops operations = {get, NULL};

static mskgov_authenticator *make(source *s) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;

  *s = (source){
      .id = "AKIDEXAMPLE", .secret = OFFICIAL_SECRET, .expires_at_ns = MSKGOV_NEVER};
  now_ns = NOW;
  mskgov_authenticator_options_init(&options);
  options.region = "eu-west-1";
  options.user_agent = OFFICIAL_USER_AGENT;
  ck_assert_int_eq(
      mskgov_credentials_provider_new(&options.credentials, &operations, s, NULL), 0);
  ck_assert_int_eq(gov_authenticator_new_with_clock(&authenticator, &options, &held, NULL),
                   0);
  mskgov_credentials_provider_free(options.credentials);

  return authenticator;
}

static mskgov_token *take(mskgov_authenticator *authenticator) {
  mskgov_error_info error;
  mskgov_token *token;

  ck_assert_msg(mskgov_authenticator_token(authenticator, &token, &error) == 0, "%s",
                error.text);
  ck_assert_int_eq(error.code, 0);

  return token;
}

/* Whether the token's URL has this part. */
static bool has(const mskgov_token *token, const char *part) {
  gov_buffer url;
  bool found;

  gov_buffer_init(&url, 100000);
  ck_assert_int_eq(gov_base64url_decode(mskgov_token_value(token),
                                        strlen(mskgov_token_value(token)), &url),
                   0);
  found = strstr(url.data, part) != NULL;
  gov_buffer_fini(&url);

  return found;
}

/* Takes a token and frees it; whether it has this part. */
static bool makes(mskgov_authenticator *authenticator, const char *part) {
  mskgov_token *token = take(authenticator);
  bool found = has(token, part);

  mskgov_token_free(token);

  return found;
}

#endif
