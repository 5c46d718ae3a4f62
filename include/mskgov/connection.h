/*
 * One connection to a Kafka broker with IAM authentication: TCP, TLS and SASL OAUTHBEARER,
 * up to the point where requests could be sent. It never blocks and has no thread; the
 * caller's event loop drives it, so one thread can carry tens of thousands.
 *
 *   mskgov_connector_options options;
 *   mskgov_connector_options_init(&options);
 *   if (mskgov_connector_new(&connector, &options, &error)) ...   once
 *
 *   mskgov_permit_acquire(...);                                   its turn has come
 *   rc = mskgov_connection_new(&connection, connector, broker, token, &error);
 *   while (rc == MSKGOV_CONNECTION_CONNECTING) {
 *     poll mskgov_connection_fd for mskgov_connection_events, until
 *     mskgov_connection_deadline_ns at the longest;
 *     rc = mskgov_connection_advance(connection, now_ns, &error);
 *   }
 *   mskgov_permit_report(permit, mskgov_connection_outcome(connection), error.text);
 *   ...
 *   mskgov_connection_free(connection);
 *   mskgov_permit_release(permit);
 *
 * An open connection holds its socket and the state of its TLS session, and nothing else.
 * TLS is 1.2 or newer and no session is ever resumed: every connection is a full handshake,
 * as in a real storm. The broker's certificate is always verified, and has to name the host
 * that was connected to, by DNS name or by IP address.
 *
 * Nothing here raises SIGPIPE.
 *
 * Threads: a connector may be shared by any number of threads and connections. A connection
 * belongs to one thread at a time.
 */
#ifndef MSKGOV_CONNECTION_H
#define MSKGOV_CONNECTION_H

#include <mskgov/common.h>
#include <mskgov/error.h>
#include <mskgov/permit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What connections have in common. */
typedef struct mskgov_connector mskgov_connector;
typedef struct mskgov_connection mskgov_connection;

/* The longest client id. */
#define MSKGOV_CLIENT_ID_MAX 255
/* The longest token: as long as the longest SaslAuthenticate that brokers take by default
   (sasl.server.max.receive.size), less its frame. */
#define MSKGOV_CONNECTION_TOKEN_MAX 524000

/* Options of a connector. Always filled by mskgov_connector_options_init first. */
typedef struct mskgov_connector_options {
  size_t struct_size;
  /* Certificate authorities that are trusted, PEM, one or more; copied. NULL (default): the
     system's store. */
  const char *ca_pem;
  /* Kafka's client.id, 1 to MSKGOV_CLIENT_ID_MAX bytes; copied. NULL: none is sent. Default
     "mskgov". */
  const char *client_id;
  /* From mskgov_connection_new until SASL has succeeded, 1 to 3600000. Default 10000, as
     socket.connection.setup.timeout.ms of the Java client. */
  uint64_t setup_timeout_ms;
} mskgov_connector_options;

MSKGOV_API void mskgov_connector_options_init(mskgov_connector_options *options);

/*
 * Makes a connector. Returns 0 and sets *connector (owned: mskgov_connector_free), or
 * MSKGOV_ERR_INVALID (field, value and range in `error`; a PEM without a certificate or
 * with a malformed one), MSKGOV_ERR_CRYPTO, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_connector_new(mskgov_connector **connector,
                                    const mskgov_connector_options *options,
                                    mskgov_error_info *error);

/* Gives up the caller's hold; connections have holds of their own. NULL does nothing. */
MSKGOV_API void mskgov_connector_free(mskgov_connector *connector);

/* What mskgov_connection_advance answers if nothing has failed. */
typedef enum mskgov_connection_state {
  MSKGOV_CONNECTION_CONNECTING = 0, /* wait for the events, or for the deadline */
  MSKGOV_CONNECTION_READY = 1       /* SASL has succeeded */
} mskgov_connection_state;

/*
 * Begins a connection to `broker`, "host:port" (an IPv6 address stands in brackets). A
 * numeric address is connected to directly; a name is looked up with getaddrinfo, which
 * blocks. Its addresses are tried in their order, each when the one before was refused; one
 * that does not answer takes all the time there is. `token`: what mskgov_token_value
 * answers; copied, and wiped as soon as it is sent or the connection fails.
 *
 * Returns 0 and sets *connection (owned: mskgov_connection_free), or
 * MSKGOV_ERR_INVALID: broker or token is malformed, connector is NULL.
 * MSKGOV_ERR_TRANSPORT: the name cannot be resolved, or every address failed at once: an
 * attempt that failed, to be reported as MSKGOV_OUTCOME_TRANSPORT.
 * MSKGOV_ERR_SYSTEM: no descriptors. MSKGOV_ERR_CRYPTO, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_connection_new(mskgov_connection **connection,
                                     mskgov_connector *connector, const char *broker,
                                     const char *token, mskgov_error_info *error);

/* Closes the connection, in order if it can be done without waiting. NULL does nothing. */
MSKGOV_API void mskgov_connection_free(mskgov_connection *connection);

/* The socket, the same one from _new to _free; to be polled, and not to be touched. */
MSKGOV_API int mskgov_connection_fd(const mskgov_connection *connection);

/* What to poll the socket for now: POLLIN or POLLOUT. */
MSKGOV_API short mskgov_connection_events(const mskgov_connection *connection);

/*
 * When mskgov_connection_advance has to be called even if the socket has no events:
 * monotonic; MSKGOV_NEVER once the connection is ready or has failed.
 */
MSKGOV_API uint64_t mskgov_connection_deadline_ns(const mskgov_connection *connection);

/*
 * Does everything that can be done without waiting, so that edge-triggered polling works as
 * well. `now_ns`: CLOCK_MONOTONIC. To be called when the socket has one of the events, when
 * the deadline has passed, and at any other time. Once ready, it watches for the end.
 *
 * Returns a mskgov_connection_state, or a negative code; then the connection is over, every
 * later call answers the same code, and it is to be freed:
 * MSKGOV_ERR_QUOTA: "Too many connects"; try again, slower.
 * MSKGOV_ERR_AUTHENTICATION: the broker refused the token, "Access denied" among others.
 * MSKGOV_ERR_TRANSPORT: TCP or TLS failed (a certificate that does not verify is one way),
 * the broker closed the connection, or the setup took too long.
 * MSKGOV_ERR_PROTOCOL: the answer was none, or too long, or out of order.
 * MSKGOV_ERR_NO_MEMORY.
 * The text carries the broker's words, and never the token.
 */
MSKGOV_API int mskgov_connection_advance(mskgov_connection *connection, uint64_t now_ns,
                                         mskgov_error_info *error);

/*
 * What to report to a permit: MSKGOV_OUTCOME_CONNECTED from the moment when it was ready on,
 * even if it has been closed since. Before, as if it were given up now:
 * MSKGOV_OUTCOME_TRANSPORT.
 */
MSKGOV_API mskgov_outcome mskgov_connection_outcome(const mskgov_connection *connection);

/*
 * Milliseconds from the moment when it was ready until the broker wants to see a new token
 * (KIP-368) and closes the connection at the next request without one; MSKGOV_NEVER: it
 * does not, or the connection is not ready.
 */
MSKGOV_API uint64_t
mskgov_connection_session_lifetime_ms(const mskgov_connection *connection);

#ifdef __cplusplus
}
#endif

#endif
