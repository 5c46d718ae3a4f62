#include "broker/connection.h"

#include "base/clock.h"
#include "base/secret.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>

#include <stdlib.h>
#include <sys/socket.h>

static int on_attempt(void *self, bool *within_quota) {
  gov_connection *connection = self;

  return gov_broker_attempt(connection->broker, &connection->attempt, within_quota);
}

static int on_check(void *self, gov_mechanism mechanism, const char *message, size_t length,
                    gov_token_verdict *verdict, uint64_t *lifetime_ms) {
  gov_connection *connection = self;

  return gov_token_check_message(&connection->broker->shared->check, mechanism, message,
                                 length, gov_clock_unix_ns(&gov_clock_system), verdict,
                                 lifetime_ms);
}

static void on_settle(void *self, mskgov_verdict verdict) {
  gov_connection *connection = self;

  gov_broker_settle(connection->broker, connection->attempt, verdict);
  connection->open = verdict == MSKGOV_VERDICT_ACCEPTED;
  if (connection->open) {
    event_free(connection->deadline);
    connection->deadline = NULL;
  }
}

static const gov_session_gate gate = {on_attempt, on_check, on_settle};

/* Handles the next request, if it is there whole. */
static bool step(gov_connection *connection) {
  struct evbuffer *in = bufferevent_get_input(connection->tls);
  gov_buffer *answer = &connection->broker->answer;
  size_t length = evbuffer_get_length(in);
  size_t needed = connection->session.needed;
  unsigned char *data;
  size_t used;

  if (length < needed)
    return false;

  data = evbuffer_pullup(in, (ev_ssize_t)needed);
  if (!data) {
    connection->session.state = GOV_SESSION_ENDED;
    return false;
  }

  used = gov_session_feed(&connection->session, data, needed, answer);
  gov_secret_wipe(data, used); /* there may have been a token in it */
  evbuffer_drain(in, used);
  if (answer->length)
    bufferevent_write(connection->tls, answer->data, answer->length);
  gov_buffer_reset(answer);

  return used > 0 || connection->session.needed > needed;
}

static void on_readable(struct bufferevent *tls, void *user) {
  gov_connection *connection = user;
  struct evbuffer *out = bufferevent_get_output(tls);

  while (connection->session.state != GOV_SESSION_ENDED &&
         evbuffer_get_length(out) <= GOV_CONNECTION_UNSENT_MAX && step(connection))
    ;

  if (connection->session.state == GOV_SESSION_ENDED) {
    bufferevent_disable(tls, EV_READ);
    if (evbuffer_get_length(out) == 0)
      gov_connection_close(connection); /* otherwise when it is sent */
  } else if (evbuffer_get_length(out) > GOV_CONNECTION_UNSENT_MAX) {
    bufferevent_disable(tls, EV_READ);
  }
}

/* Everything that was to be sent has been: the end, or room for more. */
static void on_sent(struct bufferevent *tls, void *user) {
  gov_connection *connection = user;

  if (connection->session.state != GOV_SESSION_ENDED)
    bufferevent_enable(tls, EV_READ);
  on_readable(tls, connection);
}

static void on_event(struct bufferevent *tls, short what, void *user) {
  (void)tls;
  if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
    gov_connection_close(user);
}

static void on_deadline(evutil_socket_t fd, short what, void *user) {
  (void)fd;
  (void)what;
  gov_connection_close(user);
}

static void destroy(gov_connection *connection) {
  if (connection->deadline)
    event_free(connection->deadline);
  free(connection);
}

int gov_connection_start(gov_broker *broker, int fd) {
  gov_connection *connection = calloc(1, sizeof(*connection));
  SSL *ssl = SSL_new(broker->shared->tls);

  if (!connection || !ssl)
    goto failed;

  connection->broker = broker;
  gov_session_init(&connection->session, &broker->shared->about, &gate, connection);
  connection->deadline = event_new(broker->loop->base, -1, 0, on_deadline, connection);
  if (!connection->deadline || event_add(connection->deadline, broker->setup_timeout))
    goto failed;

  connection->tls = bufferevent_openssl_socket_new(
      broker->loop->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
  if (!connection->tls) { /* libevent has given back the SSL and the descriptor */
    destroy(connection);
    return MSKGOV_ERR_NO_MEMORY;
  }

  gov_list_push_back(&broker->connections, &connection->in_broker);
  broker->sockets++;
  bufferevent_setcb(connection->tls, on_readable, on_sent, on_event, connection);
  bufferevent_enable(connection->tls, EV_READ | EV_WRITE);

  return 0;

failed:
  SSL_free(ssl);
  if (connection)
    destroy(connection);
  evutil_closesocket(fd);

  return MSKGOV_ERR_NO_MEMORY;
}

static void end(gov_connection *connection) {
  gov_broker *broker = connection->broker;

  bufferevent_free(connection->tls);
  gov_list_remove(&connection->in_broker);
  broker->sockets--;
  gov_broker_end(broker, connection->open, connection->session.attempted);
  destroy(connection);
}

void gov_connection_close(gov_connection *connection) {
  SSL *ssl = bufferevent_openssl_get_ssl(connection->tls);

  if (connection->session.state == GOV_SESSION_ENDED && SSL_is_init_finished(ssl))
    SSL_shutdown(ssl); /* says that the answer is whole; the peer's own is not awaited */
  ERR_clear_error();
  end(connection);
}

void gov_connection_cut(gov_connection *connection) {
  shutdown(bufferevent_getfd(connection->tls), SHUT_RDWR);
  end(connection);
}
