#include "broker/broker.h"

#include "base/clock.h"
#include "base/error.h"
#include "broker/connection.h"
#include "broker/port.h"
#include "broker/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int length, void *user) {
  gov_broker *broker = user;
  int on = 1;

  (void)listener;
  (void)address;
  (void)length;
  pthread_mutex_lock(&broker->mutex);
  broker->locked.tcp_accepted++;
  pthread_mutex_unlock(&broker->mutex);

  if (broker->sockets >= GOV_BROKER_SOCKETS_MAX) {
    evutil_closesocket(fd);
    gov_broker_end(broker, false, false);
    return;
  }

  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (gov_connection_start(broker, fd))
    gov_broker_end(broker, false, false);
}

static void on_resume(evutil_socket_t fd, short what, void *user) {
  gov_broker *broker = user;

  (void)fd;
  (void)what;
  evconnlistener_enable(broker->listener);
}

/* The connection stays in the backlog, so the listener would be ready again at once. */
static void on_accept_error(struct evconnlistener *listener, void *user) {
  const struct timeval pause = {.tv_usec = GOV_BROKER_ACCEPT_PAUSE_MS * 1000};
  gov_broker *broker = user;

  evconnlistener_disable(listener);
  event_add(broker->resume, &pause);
}

int gov_broker_init(gov_broker *broker, uint32_t index, uint16_t port,
                    const mskgov_cluster_options *options, const gov_broker_shared *shared,
                    gov_loop *loop, mskgov_error_info *error) {
  const gov_quota_terms terms = {.window = options->window,
                                 .limit = options->connections_per_s,
                                 .burst = options->burst,
                                 .max_connections = options->max_connections,
                                 .count_rejected = options->count_rejected != 0};

  memset(broker, 0, sizeof(*broker));
  broker->index = index;
  broker->port = port;
  broker->shared = shared;
  broker->loop = loop;
  gov_list_init(&broker->connections);
  gov_buffer_init(&broker->answer, GOV_SESSION_ANSWER_MAX);
  pthread_mutex_init(&broker->mutex, NULL);
  gov_attempts_init(&broker->locked.attempts);
  if (gov_quota_init(&broker->locked.quota, &terms))
    return gov_error_no_memory(error);

  return 0;
}

int gov_broker_open(gov_broker *broker, mskgov_error_info *error) {
  const struct timeval timeout = {.tv_sec = GOV_CONNECTION_SETUP_S};
  struct event_base *base = broker->loop->base;
  int fd, rc;

  broker->setup_timeout = event_base_init_common_timeout(base, &timeout);
  broker->resume = event_new(base, -1, 0, on_resume, broker);
  if (!broker->setup_timeout || !broker->resume)
    return gov_error_no_memory(error);

  rc = gov_port_bind(&fd, &broker->port, error);
  if (rc)
    return rc;

  broker->stopped = true;
  /* backlog 0: libevent does not call listen */
  broker->listener = evconnlistener_new(
      base, on_accept, broker,
      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0, fd);
  if (!broker->listener) {
    evutil_closesocket(fd);
    return gov_error_no_memory(error);
  }
  evconnlistener_set_error_cb(broker->listener, on_accept_error);

  return 0;
}

static int closed(mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_STATE, "the cluster is being freed");
}

/* Closes every connection; with `notice` the peers know when it returns. */
static void close_all(gov_broker *broker, bool notice) {
  gov_list_node *node;

  while ((node = gov_list_first(&broker->connections))) {
    gov_connection *connection = gov_container_of(node, gov_connection, in_broker);

    if (notice)
      gov_connection_cut(connection);
    else
      gov_connection_close(connection);
  }
}

int gov_broker_stop(gov_broker *broker, mskgov_error_info *error) {
  if (!broker->listener)
    return closed(error);
  if (broker->stopped)
    return 0;

  broker->stopped = true;
  event_del(broker->resume);
  evconnlistener_disable(broker->listener);
  gov_port_silence(evconnlistener_get_fd(broker->listener));

  pthread_mutex_lock(&broker->mutex);
  broker->locked.dropped += broker->locked.open;
  pthread_mutex_unlock(&broker->mutex);
  close_all(broker, true);

  return 0;
}

int gov_broker_start(gov_broker *broker, mskgov_error_info *error) {
  int rc;

  if (!broker->listener)
    return closed(error);
  if (!broker->stopped)
    return 0;

  rc = gov_port_listen(evconnlistener_get_fd(broker->listener), GOV_BROKER_BACKLOG, error);
  if (rc)
    return rc;

  evconnlistener_enable(broker->listener);
  broker->stopped = false;

  return 0;
}

void gov_broker_close(gov_broker *broker) {
  if (broker->listener)
    evconnlistener_free(broker->listener);
  broker->listener = NULL;
  if (broker->resume)
    event_free(broker->resume);
  broker->resume = NULL;
  close_all(broker, false);
}

void gov_broker_fini(gov_broker *broker) {
  gov_buffer_fini(&broker->answer);
  gov_quota_fini(&broker->locked.quota);
  gov_attempts_fini(&broker->locked.attempts);
  pthread_mutex_destroy(&broker->mutex);
}

int gov_broker_attempt(gov_broker *broker, int64_t *number, bool *within_quota) {
  uint64_t now_ns;

  pthread_mutex_lock(&broker->mutex);
  now_ns = gov_clock_monotonic_ns(&gov_clock_system);
  /* Until the token is checked, the log takes the attempt for a denied one. */
  *number = gov_attempts_add(&broker->locked.attempts, broker->index, now_ns,
                             MSKGOV_VERDICT_DENIED);
  if (*number >= 0)
    *within_quota = gov_quota_attempt(&broker->locked.quota, now_ns, broker->locked.open);
  pthread_mutex_unlock(&broker->mutex);

  return *number < 0 ? (int)*number : 0;
}

void gov_broker_settle(gov_broker *broker, int64_t number, mskgov_verdict verdict) {
  pthread_mutex_lock(&broker->mutex);
  gov_attempts_settle(&broker->locked.attempts, number, verdict);
  switch (verdict) {
  case MSKGOV_VERDICT_ACCEPTED:
    broker->locked.accepted++;
    if (++broker->locked.open > broker->locked.peak_open)
      broker->locked.peak_open = broker->locked.open;
    break;
  case MSKGOV_VERDICT_REJECTED:
    broker->locked.rejected++;
    break;
  case MSKGOV_VERDICT_DENIED:
    broker->locked.denied++;
    break;
  }
  pthread_mutex_unlock(&broker->mutex);
}

void gov_broker_end(gov_broker *broker, bool was_open, bool attempted) {
  pthread_mutex_lock(&broker->mutex);
  if (was_open)
    broker->locked.open--;
  else if (!attempted)
    broker->locked.failed++;
  pthread_mutex_unlock(&broker->mutex);
}

int gov_broker_set_quota(gov_broker *broker, uint32_t connections_per_s,
                         mskgov_error_info *error) {
  int rc;

  pthread_mutex_lock(&broker->mutex);
  rc = gov_quota_set_limit(&broker->locked.quota, gov_clock_monotonic_ns(&gov_clock_system),
                           connections_per_s);
  pthread_mutex_unlock(&broker->mutex);

  return rc ? gov_error_no_memory(error) : 0;
}

void gov_broker_counters(gov_broker *broker, mskgov_cluster_counters *counters) {
  pthread_mutex_lock(&broker->mutex);
  counters->tcp_accepted = broker->locked.tcp_accepted;
  counters->attempts = broker->locked.attempts.total;
  counters->accepted = broker->locked.accepted;
  counters->rejected = broker->locked.rejected;
  counters->denied = broker->locked.denied;
  counters->failed = broker->locked.failed;
  counters->dropped = broker->locked.dropped;
  counters->open = broker->locked.open;
  counters->peak_open = broker->locked.peak_open;
  counters->peak_window = broker->locked.attempts.peak;
  counters->first_attempt_ns = broker->locked.attempts.first_ns;
  counters->last_attempt_ns = broker->locked.attempts.last_ns;
  pthread_mutex_unlock(&broker->mutex);
}

size_t gov_broker_copy_attempts(gov_broker *broker, uint64_t first,
                                mskgov_cluster_attempt *to, size_t capacity) {
  size_t copied;

  pthread_mutex_lock(&broker->mutex);
  copied = gov_attempts_copy(&broker->locked.attempts, first, to, capacity);
  pthread_mutex_unlock(&broker->mutex);

  return copied;
}
