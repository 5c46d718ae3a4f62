#include "broker/broker.h"

#include "base/clock.h"
#include "base/error.h"
#include "broker/connection.h"

#include <arpa/inet.h>
#include <errno.h>
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

static int listen_on(gov_broker *broker, uint16_t port, mskgov_error_info *error) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  socklen_t length = sizeof(address);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  broker->listener = evconnlistener_new_bind(
      broker->base, on_accept, broker,
      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, GOV_BROKER_BACKLOG,
      (struct sockaddr *)&address, sizeof(address));
  if (!broker->listener || getsockname(evconnlistener_get_fd(broker->listener),
                                       (struct sockaddr *)&address, &length))
    return gov_error_set_errno(error, errno, "cannot listen on 127.0.0.1:%u", port);

  evconnlistener_set_error_cb(broker->listener, on_accept_error);
  broker->port = ntohs(address.sin_port);

  return 0;
}

int gov_broker_init(gov_broker *broker, uint32_t index, uint16_t port,
                    const mskgov_cluster_options *options, const gov_broker_shared *shared,
                    struct event_base *base, mskgov_error_info *error) {
  const struct timeval timeout = {.tv_sec = GOV_CONNECTION_SETUP_S};

  memset(broker, 0, sizeof(*broker));
  broker->index = index;
  broker->shared = shared;
  broker->base = base;
  gov_list_init(&broker->connections);
  pthread_mutex_init(&broker->mutex, NULL);
  gov_attempts_init(&broker->locked.attempts);

  broker->setup_timeout = event_base_init_common_timeout(base, &timeout);
  broker->resume = event_new(base, -1, 0, on_resume, broker);
  if (!broker->setup_timeout || !broker->resume ||
      gov_quota_init(&broker->locked.quota, options->window, options->connections_per_s,
                     options->max_connections, options->count_rejected != 0))
    return gov_error_no_memory(error);

  return listen_on(broker, port, error);
}

void gov_broker_close(gov_broker *broker) {
  gov_list_node *node;

  if (broker->listener)
    evconnlistener_free(broker->listener);
  broker->listener = NULL;
  if (broker->resume)
    event_free(broker->resume);
  broker->resume = NULL;
  while ((node = gov_list_first(&broker->connections)))
    gov_connection_close(gov_container_of(node, gov_connection, in_broker));
}

void gov_broker_fini(gov_broker *broker) {
  gov_broker_close(broker);
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

void gov_broker_counters(gov_broker *broker, mskgov_cluster_counters *counters) {
  pthread_mutex_lock(&broker->mutex);
  counters->tcp_accepted = broker->locked.tcp_accepted;
  counters->attempts = broker->locked.attempts.total;
  counters->accepted = broker->locked.accepted;
  counters->rejected = broker->locked.rejected;
  counters->denied = broker->locked.denied;
  counters->failed = broker->locked.failed;
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
