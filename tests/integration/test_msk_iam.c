/*
 * The cluster and the authenticator by SASL AWS_MSK_IAM: what the one signs, the other
 * takes, for its own names alone.
 */
#include "../unit/harness.h"
#include "wire.h"

#include <mskgov/mskgov.h>

#define ADVERTISED "b-1.example.internal"

static mskgov_cluster *cluster;

static mskgov_credentials *credentials_of(const char *secret) {
  mskgov_credentials *credentials;

  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, WIRE_KEY_ID, secret, NULL, MSKGOV_NEVER, NULL),
      0);

  return credentials;
}

static void start(void) {
  mskgov_credentials *credentials = credentials_of(WIRE_SECRET);
  mskgov_cluster_options options;
  mskgov_error_info error;

  mskgov_cluster_options_init(&options);
  options.region = WIRE_REGION;
  options.advertised_host = ADVERTISED;
  options.credentials = &credentials;
  options.credentials_count = 1;
  ck_assert_msg(mskgov_cluster_new(&cluster, &options, &error) == 0, "%s", error.text);
  mskgov_credentials_free(credentials);
}

static mskgov_token *payload_for(const char *broker, const char *secret) {
  mskgov_credentials *credentials = credentials_of(secret);
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_credentials_provider *provider;
  mskgov_token *payload;

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  mskgov_authenticator_options_init(&options);
  options.region = WIRE_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  ck_assert_int_eq(mskgov_authenticator_payload(authenticator, broker, &payload, NULL), 0);
  mskgov_authenticator_free(authenticator);
  mskgov_credentials_provider_free(provider);
  mskgov_credentials_free(credentials);

  return payload;
}

/* A handshake and its answer; the error in it. */
static int handshake(test_wire *wire, const char *mechanism) {
  unsigned char bytes[64];

  wire_send_handshake(wire, 1, mechanism);
  ck_assert_int_eq(wire_receive(wire, bytes, sizeof(bytes)), 32);

  return bytes[0] << 8 | bytes[1];
}

/* SaslAuthenticate 1. The error; the text if there is one, else the server's bytes. */
static int authenticate(test_wire *wire, const char *message, char said[256]) {
  unsigned char body[WIRE_TOKEN_MAX], bytes[512];
  const unsigned char *at;
  int length;

  wire_put(body, strlen(message), 4);
  memcpy(body + 4, message, strlen(message));
  wire_send(wire, 36, 1, body, 4 + strlen(message));
  length = wire_receive(wire, bytes, sizeof(bytes));
  ck_assert_int_ge(length, 2 + 2 + 4 + 8);
  at = bytes + 2;
  if (bytes[2] == 0xff) /* no text: 2 bytes; the length of the server's, below 256 */
    at += 4;
  snprintf(said, 256, "%.*s", at[1], (const char *)at + 2);

  return bytes[0] << 8 | bytes[1];
}

static const struct {
  const char *broker, *secret;
  const char *reason; /* NULL: it is let in */
} rows[] = {
    {ADVERTISED ":9098", WIRE_SECRET, NULL},
    {"127.0.0.1:9098", WIRE_SECRET, NULL},
    {"localhost:1", WIRE_SECRET, NULL},
    {"b-2.example.internal:9098", WIRE_SECRET, "Access denied"},
    {ADVERTISED ":9098", WIRE_SECRET "x", "Access denied"},
    {NULL, NULL, "Invalid authentication payload"},
};

START_TEST(test_payloads) {
  mskgov_cluster_counters counters = {.struct_size = sizeof(counters)};
  mskgov_token *payload = NULL;
  char said[256];
  test_wire wire;
  int error;

  start();
  if (rows[_i].broker)
    payload = payload_for(rows[_i].broker, rows[_i].secret);
  wire_open(&wire, wire_port(mskgov_cluster_bootstrap_servers(cluster), 0),
            mskgov_cluster_ca_pem(cluster));
  ck_assert_int_eq(handshake(&wire, "AWS_MSK_IAM"), 0);
  error = authenticate(&wire, payload ? mskgov_token_value(payload) : "{}", said);
  if (rows[_i].reason) {
    ck_assert_int_eq(error, 58);
    ck_assert_msg(strstr(said, rows[_i].reason), "%s", said);
    ck_assert(wire_is_ended(&wire));
  } else {
    ck_assert_msg(error == 0, "error %d, %s", error, said);
    ck_assert_msg(strstr(said, "{\"version\":\"2020_10_22\",\"request-id\":\"") == said,
                  "%s", said);
  }
  ck_assert_int_eq(mskgov_cluster_counters_get(cluster, 0, &counters, NULL), 0);
  ck_assert_uint_eq(counters.attempts, 1);
  ck_assert_uint_eq(counters.accepted, rows[_i].reason ? 0 : 1);
  ck_assert_uint_eq(counters.denied, rows[_i].reason ? 1 : 0);
  wire_close(&wire);
  mskgov_token_free(payload);
  mskgov_cluster_free(cluster);
}
END_TEST

/* Twice by the same mechanism; then by the other one, which ends it without a word. */
START_TEST(test_renewal) {
  mskgov_cluster_counters counters = {.struct_size = sizeof(counters)};
  mskgov_token *payload = payload_for(ADVERTISED ":9098", WIRE_SECRET);
  char token[WIRE_TOKEN_MAX], said[256];
  test_wire wire;

  start();
  wire_open(&wire, wire_port(mskgov_cluster_bootstrap_servers(cluster), 0),
            mskgov_cluster_ca_pem(cluster));
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(handshake(&wire, "AWS_MSK_IAM"), 0);
    ck_assert_int_eq(authenticate(&wire, mskgov_token_value(payload), said), 0);
  }
  ck_assert_int_eq(handshake(&wire, "OAUTHBEARER"), 0);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  wire_send_token(&wire, token);
  ck_assert(wire_is_ended(&wire));
  ck_assert_int_eq(mskgov_cluster_counters_get(cluster, 0, &counters, NULL), 0);
  ck_assert_uint_eq(counters.attempts, 1);
  ck_assert_uint_eq(counters.accepted, 1);
  wire_close(&wire);
  mskgov_token_free(payload);
  mskgov_cluster_free(cluster);
}
END_TEST

TEST_MAIN("msk_iam", TEST_TABLE(test_payloads, rows), TEST(test_renewal))
