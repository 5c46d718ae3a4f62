/*
 * One broker: a listener on a loopback port, its quota, and what it has seen.
 *
 * Threads: everything that touches libevent runs on the loop's thread, or before that is
 * started. Attempts, ends and counters take the broker's lock.
 */
#ifndef GOV_BROKER_BROKER_H
#define GOV_BROKER_BROKER_H

#include "base/list.h"
#include "broker/attempts.h"
#include "broker/quota.h"
#include "broker/token_check.h"
#include "codec/kafka.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include <pthread.h>
#include <stdbool.h>

/* Connections waiting to be accepted, so that a storm does not end in SYN cookies. */
#define GOV_BROKER_BACKLOG 4096
/* TCP connections at once; what comes after them is closed at once. */
#define GOV_BROKER_SOCKETS_MAX 100000
/* How long accepting pauses when there are no descriptors left. */
#define GOV_BROKER_ACCEPT_PAUSE_MS 100

/* What the brokers of a cluster share; it does not change once they run. */
typedef struct gov_broker_shared {
  SSL_CTX *tls;
  gov_token_check check;
  gov_kafka_cluster about; /* for Metadata */
} gov_broker_shared;

typedef struct gov_broker {
  uint32_t index;
  uint16_t port;
  const gov_broker_shared *shared;
  struct event_base *base;             /* borrowed */
  const struct timeval *setup_timeout; /* a common time-out of the base */
  struct evconnlistener *listener;
  struct event *resume;
  gov_list connections;
  uint32_t sockets;
  pthread_mutex_t mutex;
  struct {
    gov_quota quota;
    gov_attempts attempts;
    uint64_t tcp_accepted, accepted, rejected, denied, failed;
    uint32_t open, peak_open;
  } locked;
} gov_broker;

/*
 * Makes a broker that listens on `port` of 127.0.0.1 (0: a free one, then in
 * broker->port) and will serve once `base` runs. Returns 0, MSKGOV_ERR_SYSTEM or
 * MSKGOV_ERR_NO_MEMORY; gov_broker_fini in any case.
 */
int gov_broker_init(gov_broker *broker, uint32_t index, uint16_t port,
                    const mskgov_cluster_options *options, const gov_broker_shared *shared,
                    struct event_base *base, mskgov_error_info *error);

/* Closes the listener and every connection. On the loop's thread, or without it. */
void gov_broker_close(gov_broker *broker);

/* Gives back the rest. The base must still be there. */
void gov_broker_fini(gov_broker *broker);

/*
 * An attempt now: sets *number, for _settle, and *within_quota. Returns 0 or
 * MSKGOV_ERR_NO_MEMORY: it was not counted.
 */
int gov_broker_attempt(gov_broker *broker, int64_t *number, bool *within_quota);

/* What became of it. An accepted one is open from now on. */
void gov_broker_settle(gov_broker *broker, int64_t number, mskgov_verdict verdict);

/* A connection went: after being open, before its attempt, or neither. */
void gov_broker_end(gov_broker *broker, bool was_open, bool attempted);

/* Any thread. */
void gov_broker_counters(gov_broker *broker, mskgov_cluster_counters *counters);
size_t gov_broker_copy_attempts(gov_broker *broker, uint64_t first,
                                mskgov_cluster_attempt *to, size_t capacity);

#endif
