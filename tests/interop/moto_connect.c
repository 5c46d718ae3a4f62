#include "moto_connect.h"

#include <mskgov/broker.h>
#include <mskgov/connection.h>

#include <poll.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define SECRET_MAX 129 /* a secret key, its end included */

json_t *moto_failure(const mskgov_error_info *error) {
  return json_pack("{s:s, s:s}", "error", error->text, "code",
                   mskgov_error_name(error->code));
}

mskgov_credentials_provider *moto_make_static(const char *key, const char *secret,
                                              const char *token, uint64_t expires_at_ns,
                                              mskgov_error_info *error) {
  mskgov_credentials_provider *provider = NULL;
  mskgov_credentials *credentials;

  if (mskgov_credentials_new(&credentials, key, secret, token, expires_at_ns, error))
    return NULL;
  mskgov_credentials_provider_new_static(&provider, credentials, error);
  mskgov_credentials_free(credentials);

  return provider;
}

static uint64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Until it is ready (0) or has failed. */
static int drive(mskgov_connection *connection, mskgov_error_info *error) {
  int rc = MSKGOV_CONNECTION_CONNECTING;

  while (rc == MSKGOV_CONNECTION_CONNECTING) {
    struct pollfd socket = {.fd = mskgov_connection_fd(connection),
                            .events = mskgov_connection_events(connection)};
    uint64_t deadline_ns = mskgov_connection_deadline_ns(connection), at_ns = now_ns();

    poll(&socket, 1,
         deadline_ns > at_ns ? (int)((deadline_ns - at_ns) / NS_PER_MS) + 1 : 0);
    rc = mskgov_connection_advance(connection, now_ns(), error);
  }

  return rc == MSKGOV_CONNECTION_READY ? 0 : rc;
}

/* Connects by a token; 0 if the broker accepts it. */
static int connect_by(mskgov_cluster *cluster, const mskgov_token *token,
                      mskgov_error_info *error) {
  mskgov_connector_options options;
  mskgov_connector *connector;
  mskgov_connection *connection = NULL;
  int rc;

  mskgov_connector_options_init(&options);
  options.ca_pem = mskgov_cluster_ca_pem(cluster);
  rc = mskgov_connector_new(&connector, &options, error);
  if (rc)
    return rc;

  rc = mskgov_connection_new(&connection, connector,
                             mskgov_cluster_bootstrap_servers(cluster),
                             mskgov_token_value(token), error);
  if (!rc)
    rc = drive(connection, error);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);

  return rc;
}

/* Shows the broker a token by the provider's credentials. *used: the token; owned, and
   NULL if there is none. */
static int show(mskgov_cluster *cluster, mskgov_credentials_provider *provider,
                const char *region, mskgov_token **used, mskgov_error_info *error) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  int rc;

  *used = NULL;
  mskgov_authenticator_options_init(&options);
  options.region = region;
  options.credentials = provider;
  rc = mskgov_authenticator_new(&authenticator, &options, error);
  if (rc)
    return rc;

  rc = mskgov_authenticator_token(authenticator, used, error);
  if (!rc)
    rc = connect_by(cluster, *used, error);
  mskgov_authenticator_free(authenticator);

  return rc;
}

/* The same credentials, one byte of the secret changed. */
static mskgov_credentials_provider *make_another(const mskgov_credentials *credentials,
                                                 mskgov_error_info *error) {
  const char *secret = mskgov_credentials_secret_access_key(credentials);
  char changed[SECRET_MAX];

  snprintf(changed, sizeof(changed), "%s", secret);
  changed[0] = changed[0] == 'A' ? 'B' : 'A';

  return moto_make_static(mskgov_credentials_access_key_id(credentials), changed,
                          mskgov_credentials_session_token(credentials),
                          mskgov_credentials_expires_at_ns(credentials), error);
}

static json_t *show_both(mskgov_cluster *cluster, mskgov_credentials_provider *provider,
                         const mskgov_credentials *credentials, const char *region) {
  mskgov_cluster_counters counters = {.struct_size = sizeof(counters)};
  mskgov_error_info error, refusal = {0};
  mskgov_credentials_provider *another = make_another(credentials, &error);
  mskgov_token *token = NULL, *bad = NULL;
  json_t *answer;

  if (!another || show(cluster, provider, region, &token, &error) ||
      mskgov_cluster_counters_get(cluster, 0, &counters, &error)) {
    answer = moto_failure(&error);
  } else {
    show(cluster, another, region, &bad, &refusal);
    answer = json_pack(
        "{s:I, s:s, s:s, s:s, s:s}", "accepted", (json_int_t)counters.accepted, "principal",
        mskgov_token_principal(token), "source", mskgov_token_source(token), "another",
        refusal.text, "another_code", mskgov_error_name(refusal.code));
    mskgov_cluster_counters_get(cluster, 0, &counters, &error);
    json_object_set_new(answer, "denied", json_integer((json_int_t)counters.denied));
    json_object_set_new(answer, "accepted_after",
                        json_integer((json_int_t)counters.accepted));
  }
  mskgov_token_free(token);
  mskgov_token_free(bad);
  mskgov_credentials_provider_free(another);

  return answer;
}

json_t *moto_connect(mskgov_credentials_provider *provider, const char *region) {
  mskgov_cluster_options options;
  mskgov_credentials *credentials;
  mskgov_cluster *cluster;
  mskgov_error_info error;
  json_t *answer;

  if (mskgov_credentials_provider_get(provider, &credentials, &error))
    return moto_failure(&error);

  mskgov_cluster_options_init(&options);
  options.region = region;
  options.credentials = &credentials;
  options.credentials_count = 1;
  if (mskgov_cluster_new(&cluster, &options, &error)) {
    answer = moto_failure(&error);
  } else {
    answer = show_both(cluster, provider, credentials, region);
    mskgov_cluster_free(cluster);
  }
  mskgov_credentials_free(credentials);

  return answer;
}
