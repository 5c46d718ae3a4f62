/*
 * sign_at: the authenticator by a clock that stands still. Reads objects of JSON, one a
 * line:
 *
 *   {"region": "eu-west-1", "access_key_id": "…", "secret_access_key": "…",
 *    "session_token": "…" or null, "unix_s": 1767323045, "broker": "host:port" or null,
 *    "user_agent": "…"}
 *
 * and answers each by one: {"value": the token, or for a broker the payload of
 * AWS_MSK_IAM, "principal": "…", "expires_at_ms": …}. Exit status: 0; 1 a line is wrong, or
 * there was no token.
 */
#include "credentials/authenticator.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct request {
  const char *region, *access_key_id, *secret_access_key, *user_agent;
  const char *session_token, *broker; /* NULL: none */
  json_int_t unix_s;
} request;

static uint64_t read_now(void *self) {
  return *(const uint64_t *)self;
}

static mskgov_credentials_provider *make_provider(const request *wanted,
                                                  mskgov_error_info *error) {
  mskgov_credentials_provider *provider = NULL;
  mskgov_credentials *credentials;

  if (mskgov_credentials_new(&credentials, wanted->access_key_id, wanted->secret_access_key,
                             wanted->session_token, MSKGOV_NEVER, error))
    return NULL;

  mskgov_credentials_provider_new_static(&provider, credentials, error);
  mskgov_credentials_free(credentials);

  return provider;
}

static mskgov_token *sign(const request *wanted, mskgov_error_info *error) {
  uint64_t now_ns = (uint64_t)wanted->unix_s * GOV_NS_PER_S;
  const gov_clock clock = {read_now, read_now, &now_ns, NULL};
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator = NULL;
  mskgov_token *token = NULL;

  mskgov_authenticator_options_init(&options);
  options.region = wanted->region;
  options.user_agent = wanted->user_agent;
  options.credentials = make_provider(wanted, error);
  if (!options.credentials)
    return NULL;

  if (!gov_authenticator_new_with_clock(&authenticator, &options, &clock, error)) {
    if (wanted->broker)
      mskgov_authenticator_payload(authenticator, wanted->broker, &token, error);
    else
      mskgov_authenticator_token(authenticator, &token, error);
  }
  mskgov_authenticator_free(authenticator);
  mskgov_credentials_provider_free(options.credentials);

  return token;
}

static void print(const mskgov_token *token) {
  json_t *answer =
      json_pack("{s:s, s:s, s:I}", "value", mskgov_token_value(token), "principal",
                mskgov_token_principal(token), "expires_at_ms",
                (json_int_t)(mskgov_token_expires_at_ns(token) / GOV_NS_PER_MS));

  json_dumpf(answer, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(answer);
}

static int answer(const char *line) {
  mskgov_error_info error = {0};
  json_error_t where;
  json_t *session_token, *broker;
  request wanted;
  mskgov_token *token;
  json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &where);

  if (!json) {
    fprintf(stderr, "sign_at: %s\n", where.text);
    return EXIT_FAILURE;
  }
  if (json_unpack_ex(json, &where, JSON_STRICT, "{s:s, s:s, s:s, s:o, s:I, s:o, s:s}",
                     "region", &wanted.region, "access_key_id", &wanted.access_key_id,
                     "secret_access_key", &wanted.secret_access_key, "session_token",
                     &session_token, "unix_s", &wanted.unix_s, "broker", &broker,
                     "user_agent", &wanted.user_agent)) {
    fprintf(stderr, "sign_at: %s\n", where.text);
    json_decref(json);
    return EXIT_FAILURE;
  }

  wanted.session_token = json_string_value(session_token); /* null: NULL */
  wanted.broker = json_string_value(broker);
  token = sign(&wanted, &error);
  if (token)
    print(token);
  else
    fprintf(stderr, "sign_at: %s\n", error.text);
  mskgov_token_free(token);
  json_decref(json);

  return token ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  int status = EXIT_SUCCESS;

  while (status == EXIT_SUCCESS && getline(&line, &size, stdin) >= 0)
    status = answer(line);
  free(line);

  return fflush(stdout) ? EXIT_FAILURE : status;
}
