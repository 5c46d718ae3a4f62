#include "credentials/authenticator.h"

#include "base/address.h"
#include "base/check.h"
#include "base/error.h"
#include "base/secret.h"
#include "codec/time.h"
#include "codec/uri.h"
#include "credentials/credentials.h"
#include "credentials/provider.h"
#include "credentials/skew.h"
#include "sign/msk_payload.h"
#include "sign/msk_token.h"

#include <mskgov/permit.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

struct mskgov_token {
  gov_buffer value;
  char *principal;
  char *source;
  uint64_t expires_at_ns;
};

void mskgov_authenticator_options_init(mskgov_authenticator_options *options) {
  *options = (mskgov_authenticator_options){.struct_size = sizeof(*options)};
}

static int check_options(const mskgov_authenticator_options *options,
                         mskgov_error_info *error) {
  size_t length;

  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_authenticator_options_init", error))
    return MSKGOV_ERR_INVALID;

  length = options->user_agent ? strlen(options->user_agent) : 0;
  if (length > GOV_USER_AGENT_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.user_agent has %zu bytes; allowed are 0 to %d", length,
                         GOV_USER_AGENT_MAX);

  return gov_region_check("options.region", options->region, error);
}

static int make_default(mskgov_credentials_provider **provider, const char *region,
                        mskgov_error_info *error) {
  mskgov_credentials_default_options options;

  mskgov_credentials_default_options_init(&options);
  options.region = region;

  return mskgov_credentials_provider_new_default(provider, &options, error);
}

int gov_authenticator_new_with_clock(mskgov_authenticator **out,
                                     const mskgov_authenticator_options *options,
                                     const gov_clock *clock, mskgov_error_info *error) {
  mskgov_authenticator *authenticator;
  int rc;

  *out = NULL;
  rc = check_options(options, error);
  if (rc)
    return rc;

  authenticator = gov_secret_zalloc(sizeof(*authenticator));
  if (!authenticator)
    return gov_error_no_memory(error);

  if (options->credentials)
    authenticator->provider = mskgov_credentials_provider_ref(options->credentials);
  else
    rc = make_default(&authenticator->provider, options->region, error);
  if (rc) {
    gov_secret_free(authenticator, sizeof(*authenticator));
    return rc;
  }

  authenticator->clock = clock;
  strcpy(authenticator->region, options->region);
  strcpy(authenticator->user_agent,
         options->user_agent ? options->user_agent : "mskgov/" MSKGOV_VERSION);
  pthread_mutex_init(&authenticator->mutex, NULL);
  gov_buffer_init(&authenticator->locked.encoded_session, 3 * GOV_SESSION_TOKEN_MAX);
  *out = authenticator;

  return 0;
}

int mskgov_authenticator_new(mskgov_authenticator **authenticator,
                             const mskgov_authenticator_options *options,
                             mskgov_error_info *error) {
  gov_error_reset(error);

  return gov_authenticator_new_with_clock(authenticator, options, &gov_clock_system, error);
}

void mskgov_authenticator_free(mskgov_authenticator *authenticator) {
  if (!authenticator)
    return;

  mskgov_credentials_free(authenticator->locked.credentials);
  gov_buffer_fini(&authenticator->locked.encoded_session);
  mskgov_credentials_provider_free(authenticator->provider);
  pthread_mutex_destroy(&authenticator->mutex);
  gov_secret_free(authenticator, sizeof(*authenticator));
}

const char *mskgov_authenticator_region(const mskgov_authenticator *authenticator) {
  return authenticator->region;
}

/* By value: the environment makes new ones at every get. */
static bool are_same(const mskgov_credentials *a, const mskgov_credentials *b) {
  const char *session_a, *session_b;

  if (a == b)
    return true;

  session_a = mskgov_credentials_session_token(a);
  session_b = mskgov_credentials_session_token(b);

  return strcmp(mskgov_credentials_secret_access_key(a),
                mskgov_credentials_secret_access_key(b)) == 0 &&
         strcmp(session_a ? session_a : "", session_b ? session_b : "") == 0;
}

static int find_key_locked(mskgov_authenticator *authenticator,
                           mskgov_credentials *credentials, uint64_t day,
                           const char *timestamp, mskgov_error_info *error) {
  const char *session = mskgov_credentials_session_token(credentials);
  gov_buffer *encoded = &authenticator->locked.encoded_session;
  char date[9];
  int rc;

  if (authenticator->locked.credentials && authenticator->locked.day == day &&
      are_same(authenticator->locked.credentials, credentials))
    return 0;

  mskgov_credentials_free(authenticator->locked.credentials);
  authenticator->locked.credentials = NULL;
  snprintf(date, sizeof(date), "%s", timestamp);
  rc = gov_sigv4_key(mskgov_credentials_secret_access_key(credentials), date,
                     authenticator->region, GOV_MSK_SERVICE, authenticator->locked.key,
                     error);
  gov_buffer_reset(encoded);
  if (session)
    gov_uri_encode(session, strlen(session), encoded);
  if (!rc && encoded->failed)
    rc = gov_error_no_memory(error);
  if (rc)
    return rc;

  authenticator->locked.credentials = mskgov_credentials_ref(credentials);
  authenticator->locked.day = day;

  return 0;
}

/* Copies the key and the encoded session token. */
static int find_key(mskgov_authenticator *authenticator, mskgov_credentials *credentials,
                    uint64_t day, const char *timestamp,
                    unsigned char key[GOV_SIGV4_KEY_SIZE], gov_buffer *session,
                    mskgov_error_info *error) {
  const gov_buffer *encoded = &authenticator->locked.encoded_session;
  int rc;

  pthread_mutex_lock(&authenticator->mutex);
  rc = find_key_locked(authenticator, credentials, day, timestamp, error);
  if (!rc) {
    memcpy(key, authenticator->locked.key, GOV_SIGV4_KEY_SIZE);
    gov_buffer_append(session, encoded->data, encoded->length);
  }
  pthread_mutex_unlock(&authenticator->mutex);

  return !rc && session->failed ? gov_error_no_memory(error) : rc;
}

/* The token, or for a host (not NULL) the payload. */
static int make_token(mskgov_token **out, const gov_msk_parts *parts, const char *host,
                      const unsigned char key[GOV_SIGV4_KEY_SIZE], const char *source,
                      uint64_t expires_at_ns, mskgov_error_info *error) {
  mskgov_token *token = calloc(1, sizeof(*token));
  int rc;

  if (!token)
    return gov_error_no_memory(error);

  gov_buffer_init(&token->value, GOV_MSK_TOKEN_MAX);
  token->expires_at_ns = expires_at_ns;
  token->principal = strdup(parts->access_key_id);
  token->source = strdup(source);
  if (!token->principal || !token->source)
    rc = gov_error_no_memory(error);
  else if (host)
    rc = gov_msk_payload_sign(&token->value, parts, host, key, error);
  else
    rc = gov_msk_token_sign(&token->value, parts, key, error);

  if (rc)
    mskgov_token_free(token);
  else
    *out = token;

  return rc;
}

/* Signs with credentials that are known to live. */
static int sign(mskgov_authenticator *authenticator, mskgov_credentials *credentials,
                const char *host, uint64_t now_ns, mskgov_token **token,
                mskgov_error_info *error) {
  uint64_t now_s = now_ns / GOV_NS_PER_S;
  char timestamp[GOV_TIME_BASIC_SIZE];
  uint64_t lifetime_s =
      gov_msk_token_lifetime_s(now_ns, mskgov_credentials_expires_at_ns(credentials));
  gov_msk_parts parts = {
      .region = authenticator->region,
      .access_key_id = mskgov_credentials_access_key_id(credentials),
      .session_token = mskgov_credentials_session_token(credentials),
      .user_agent = authenticator->user_agent,
      .timestamp = timestamp,
  };
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  gov_buffer session;
  int rc;

  gov_time_format_basic(now_s, timestamp);
  gov_buffer_init(&session, 3 * GOV_SESSION_TOKEN_MAX);
  rc = find_key(authenticator, credentials, now_s / DAY_S, timestamp, key, &session, error);
  parts.encoded_session_token = parts.session_token ? session.data : NULL;
  if (!rc)
    rc = make_token(token, &parts, host, key, mskgov_credentials_source(credentials),
                    (now_s + lifetime_s) * GOV_NS_PER_S, error);
  gov_secret_wipe(key, sizeof(key));
  gov_buffer_fini(&session);

  return rc;
}

static int fetch_and_sign(mskgov_authenticator *authenticator, const char *host,
                          mskgov_token **token, mskgov_error_info *error) {
  mskgov_credentials *credentials;
  uint64_t now_ns;
  int rc;

  rc = gov_credentials_provider_get(authenticator->provider, authenticator->clock,
                                    &credentials, error);
  if (rc)
    return rc;

  /* Read after the provider, which may have taken its time. */
  now_ns = gov_skew_unix_ns(&gov_skew_host, authenticator->clock);
  rc = gov_credentials_check_life(credentials, now_ns, GOV_NS_PER_S, error);
  if (!rc)
    rc = sign(authenticator, credentials, host, now_ns, token, error);
  mskgov_credentials_free(credentials);

  return rc;
}

int mskgov_authenticator_refused(mskgov_authenticator *authenticator, const char *text) {
  return gov_skew_learn_refusal(&gov_skew_host, authenticator->clock, text);
}

int64_t mskgov_clock_skew_ns(void) {
  return gov_skew_ns(&gov_skew_host, &gov_clock_system);
}

int mskgov_authenticator_token(mskgov_authenticator *authenticator, mskgov_token **token,
                               mskgov_error_info *error) {
  gov_error_reset(error);
  *token = NULL;

  return fetch_and_sign(authenticator, NULL, token, error);
}

int mskgov_authenticator_payload(mskgov_authenticator *authenticator, const char *broker,
                                 mskgov_token **payload, mskgov_error_info *error) {
  char host[MSKGOV_BROKER_ADDRESS_MAX + 1];
  size_t length;
  int rc;

  gov_error_reset(error);
  *payload = NULL;
  rc = gov_address_check("broker", broker, &length, error);
  if (rc)
    return rc;

  memcpy(host, broker, length);
  host[length] = '\0';

  return fetch_and_sign(authenticator, host, payload, error);
}

void mskgov_token_free(mskgov_token *token) {
  if (!token)
    return;

  gov_buffer_fini(&token->value);
  free(token->principal);
  free(token->source);
  free(token);
}

const char *mskgov_token_value(const mskgov_token *token) {
  return token->value.data;
}

const char *mskgov_token_principal(const mskgov_token *token) {
  return token->principal;
}

const char *mskgov_token_source(const mskgov_token *token) {
  return token->source;
}

uint64_t mskgov_token_expires_at_ns(const mskgov_token *token) {
  return token->expires_at_ns;
}
