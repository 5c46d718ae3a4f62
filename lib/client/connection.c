/*
 * A connection is a dial, then a TLS session over its socket, then a login over that; what
 * remains in the end is the socket and the session.
 */
#include <mskgov/connection.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/connector.h"
#include "client/dial.h"
#include "client/login.h"
#include "client/socket_bio.h"

#include <openssl/err.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An answer comes in one read; nothing is kept. */
#define READ_SIZE 1024

struct mskgov_connection {
  mskgov_connector *connector;
  gov_dial dial;
  SSL *tls;
  gov_login *login; /* until it is ready or has failed */
  uint64_t deadline_ns;
  uint64_t session_lifetime_ms;
  int failure;
  short events;
  bool ready; /* or was, before it failed */
};

/* What an OpenSSL call that moves bytes came to. */
typedef enum gov_progress { GOV_BLOCKED = 0, GOV_MOVED } gov_progress;

static int check_token(const char *token, mskgov_error_info *error) {
  static const char b64token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._~+/="; /* RFC 6750, 2.1 */
  size_t length = token ? strlen(token) : 0;

  if (length == 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "token is %s; expected a bearer token",
                         token ? "empty" : "NULL");
  if (length > MSKGOV_CONNECTION_TOKEN_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "token has %zu bytes; allowed are %d",
                         length, MSKGOV_CONNECTION_TOKEN_MAX);
  if (strspn(token, b64token) != length)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "byte %zu of token is not allowed in a bearer token",
                         strspn(token, b64token));

  return 0;
}

/* The session, and whom its certificate has to name. */
static int make_tls(mskgov_connection *connection, const char *host,
                    mskgov_error_info *error) {
  SSL *tls = SSL_new(connection->connector->tls);
  BIO *bio = gov_socket_bio_new(connection->connector->socket, connection->dial.fd);

  connection->tls = tls;
  if (!tls || !bio) {
    BIO_free(bio);
    return gov_connector_crypto_failed("a TLS session", error);
  }

  SSL_set_bio(tls, bio, bio);
  SSL_set_connect_state(tls);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) != 1 &&
      (SSL_set1_host(tls, host) != 1 || SSL_set_tlsext_host_name(tls, host) != 1))
    return gov_connector_crypto_failed("a TLS session", error);

  return 0;
}

static int make_login(mskgov_connection *connection, const char *token,
                      mskgov_error_info *error) {
  connection->login = malloc(sizeof(*connection->login));
  if (!connection->login)
    return gov_error_no_memory(error);

  if (gov_login_init(connection->login, connection->connector->client_id, token))
    return gov_error_no_memory(error);

  return 0;
}

static void end_login(mskgov_connection *connection) {
  if (connection->login)
    gov_login_fini(connection->login);
  free(connection->login);
  connection->login = NULL;
}

static int begin(mskgov_connection *connection, const char *broker, size_t host_length,
                 const char *token, mskgov_error_info *error) {
  char host[GOV_DIAL_HOST_SIZE];
  int rc = make_login(connection, token, error);

  if (!rc)
    rc = gov_dial_start(&connection->dial, broker, host_length, error);
  if (rc)
    return rc;

  gov_dial_host(broker, host_length, host);
  ERR_clear_error();
  rc = make_tls(connection, host, error);
  ERR_clear_error();
  /* Read after the look-up, which may have taken its time. */
  connection->deadline_ns =
      gov_time_add(gov_clock_monotonic_ns(&gov_clock_system),
                   gov_ms_to_ns(connection->connector->setup_timeout_ms));

  return rc;
}

int mskgov_connection_new(mskgov_connection **out, mskgov_connector *connector,
                          const char *broker, const char *token, mskgov_error_info *error) {
  mskgov_connection *connection;
  size_t host_length;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  if (!connector)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "connector is NULL");
  rc = gov_address_check("broker", broker, &host_length, error);
  if (!rc)
    rc = check_token(token, error);
  if (rc)
    return rc;

  connection = calloc(1, sizeof(*connection));
  if (!connection)
    return gov_error_no_memory(error);

  connection->connector = gov_connector_ref(connector);
  connection->dial.fd = -1;
  connection->events = POLLOUT;
  connection->session_lifetime_ms = MSKGOV_NEVER;
  rc = begin(connection, broker, host_length, token, error);
  if (rc) {
    mskgov_connection_free(connection);
    return rc;
  }
  *out = connection;

  return 0;
}

void mskgov_connection_free(mskgov_connection *connection) {
  if (!connection)
    return;

  end_login(connection);
  if (connection->tls && !connection->failure && SSL_is_init_finished(connection->tls)) {
    SSL_shutdown(connection->tls); /* says farewell; the peer's own is not awaited */
    ERR_clear_error();
  }
  SSL_free(connection->tls);
  gov_dial_fini(&connection->dial);
  mskgov_connector_free(connection->connector);
  free(connection);
}

/* How far it has got, for an error text. */
static const char *stage_of(const mskgov_connection *connection) {
  if (connection->ready)
    return "the open connection";
  if (SSL_is_init_finished(connection->tls))
    return "SASL";

  return gov_dial_is_connected(&connection->dial) ? "TLS" : "TCP";
}

static int transport_failed(const mskgov_connection *connection, const char *reason,
                            mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_TRANSPORT, "%s: %s", stage_of(connection), reason);
}

static int tls_failed(const mskgov_connection *connection, mskgov_error_info *error) {
  long verified = SSL_get_verify_result(connection->tls);
  unsigned long code = ERR_peek_last_error();
  const char *reason = ERR_reason_error_string(code);

  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
    return gov_error_no_memory(error);
  if (verified != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return gov_error_set(error, MSKGOV_ERR_TRANSPORT,
                         "TLS: the broker's certificate does not verify: %s",
                         X509_verify_cert_error_string(verified));

  return transport_failed(connection, reason ? reason : "unknown failure", error);
}

/*
 * What to make of an OpenSSL call that returned `result`: GOV_MOVED, GOV_BLOCKED with the
 * events to wait for, or a negative code. `saved_errno` is errno right after the call.
 */
static int settle(mskgov_connection *connection, int result, int saved_errno,
                  mskgov_error_info *error) {
  char reason[128];

  if (result > 0)
    return GOV_MOVED;

  switch (SSL_get_error(connection->tls, result)) {
  case SSL_ERROR_WANT_READ:
    connection->events = POLLIN;
    return GOV_BLOCKED;
  case SSL_ERROR_WANT_WRITE:
    connection->events = POLLOUT;
    return GOV_BLOCKED;
  case SSL_ERROR_SYSCALL:
    if (saved_errno)
      return transport_failed(connection, strerror_r(saved_errno, reason, sizeof(reason)),
                              error);
    /* fall through */
  case SSL_ERROR_ZERO_RETURN:
    return transport_failed(connection, "the broker closed the connection", error);
  default:
    return tls_failed(connection, error);
  }
}

static int receive(mskgov_connection *connection, char bytes[READ_SIZE], int *length,
                   mskgov_error_info *error) {
  errno = 0;
  *length = SSL_read(connection->tls, bytes, READ_SIZE);

  return settle(connection, *length, errno, error);
}

/* Sends what the login has to say. */
static int send_login(mskgov_connection *connection, mskgov_error_info *error) {
  const char *data;
  size_t length;
  int rc = GOV_MOVED;

  while (rc == GOV_MOVED && (length = gov_login_unsent(connection->login, &data))) {
    int sent;

    errno = 0;
    sent = SSL_write(connection->tls, data, (int)length);
    rc = settle(connection, sent, errno, error);
    if (rc == GOV_MOVED)
      gov_login_sent(connection->login, (size_t)sent);
  }

  return rc;
}

static void become_ready(mskgov_connection *connection) {
  if (connection->login->session_lifetime_ms)
    connection->session_lifetime_ms = connection->login->session_lifetime_ms;
  end_login(connection);
  connection->ready = true;
  connection->deadline_ns = MSKGOV_NEVER;
}

static int log_in(mskgov_connection *connection, mskgov_error_info *error) {
  char bytes[READ_SIZE];
  int length, rc;

  do {
    rc = send_login(connection, error);
    if (rc == GOV_MOVED)
      rc = receive(connection, bytes, &length, error);
    if (rc != GOV_MOVED)
      return rc;
    rc = gov_login_feed(connection->login, bytes, (size_t)length, error);
  } while (!rc && connection->login->state != GOV_LOGIN_DONE);

  if (rc)
    return rc;
  become_ready(connection);

  return GOV_MOVED;
}

/* Nobody has asked the broker anything, so all that can come is the end. */
static int watch(mskgov_connection *connection, mskgov_error_info *error) {
  char bytes[READ_SIZE];
  int length;
  int rc = receive(connection, bytes, &length, error);

  if (rc == GOV_MOVED)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "the broker sent %d bytes that nobody asked for", length);

  return rc;
}

static int step(mskgov_connection *connection, mskgov_error_info *error) {
  int rc = gov_dial_advance(&connection->dial, error); /* 0 and 1 as gov_progress has it */

  if (rc == GOV_MOVED && !SSL_is_init_finished(connection->tls)) {
    errno = 0;
    rc = SSL_do_handshake(connection->tls);
    rc = settle(connection, rc, errno, error);
  }
  if (rc == GOV_MOVED && !connection->ready)
    rc = log_in(connection, error);
  if (rc == GOV_MOVED)
    rc = watch(connection, error);

  return rc;
}

int mskgov_connection_advance(mskgov_connection *connection, uint64_t now_ns,
                              mskgov_error_info *error) {
  int rc;

  gov_error_reset(error);
  if (connection->failure)
    return gov_error_set(error, connection->failure, "the connection has failed before");

  ERR_clear_error();
  rc = step(connection, error);
  ERR_clear_error();
  if (rc >= 0 && now_ns >= connection->deadline_ns)
    rc = gov_error_set(error, MSKGOV_ERR_TRANSPORT, "%s: no answer within %llu ms",
                       stage_of(connection),
                       (unsigned long long)connection->connector->setup_timeout_ms);
  if (rc >= 0)
    return connection->ready ? MSKGOV_CONNECTION_READY : MSKGOV_CONNECTION_CONNECTING;

  connection->failure = rc;
  connection->deadline_ns = MSKGOV_NEVER;
  end_login(connection);

  return rc;
}

int mskgov_connection_fd(const mskgov_connection *connection) {
  return connection->dial.fd;
}

short mskgov_connection_events(const mskgov_connection *connection) {
  return connection->events;
}

uint64_t mskgov_connection_deadline_ns(const mskgov_connection *connection) {
  return connection->deadline_ns;
}

mskgov_outcome mskgov_connection_outcome(const mskgov_connection *connection) {
  if (connection->ready)
    return MSKGOV_OUTCOME_CONNECTED;

  switch (connection->failure) {
  case MSKGOV_ERR_QUOTA:
    return MSKGOV_OUTCOME_QUOTA;
  case MSKGOV_ERR_AUTHENTICATION:
    return MSKGOV_OUTCOME_AUTHENTICATION;
  default:
    return MSKGOV_OUTCOME_TRANSPORT;
  }
}

uint64_t mskgov_connection_session_lifetime_ms(const mskgov_connection *connection) {
  return connection->session_lifetime_ms;
}
