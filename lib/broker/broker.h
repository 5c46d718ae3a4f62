/*
 * One broker: a listener on a loopback port, its quota, and what it has seen.
 *
 *   init --open--> STOPPED <--stop / start--> LISTENING --close, from either--> closed
 *
 * Threads: everything that touches libevent (open to close) runs on the loop's thread.
 * Attempts, ends, the quota and counters take the broker's lock.
 */
#ifndef GOV_BROKER_BROKER_H
#define GOV_BROKER_BROKER_H

#include "base/list.h"
#include "broker/attempts.h"
#include "broker/loop.h"
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
  gov_loop *loop; /* borrowed */
  /* the loop's thread only */
  const struct timeval *setup_timeout; /* a common time-out of the loop */
  struct evconnlistener *listener;
  struct event *resume;
  gov_list connections;
  uint32_t sockets;
  bool stopped;
  gov_buffer answer; /* what a connection is about to send; empty in between */
  pthread_mutex_t mutex;
  struct {
    gov_quota quota;
    gov_attempts attempts;
    uint64_t tcp_accepted, accepted, rejected, denied, failed, dropped;
    uint32_t open, peak_open;
  } locked;
} gov_broker;

/* Makes a broker that will live on `loop`. Returns 0 or MSKGOV_ERR_NO_MEMORY;
   gov_broker_fini in any case. */
int gov_broker_init(gov_broker *broker, uint32_t index, uint16_t port,
                    const mskgov_cluster_options *options, const gov_broker_shared *shared,
                    gov_loop *loop, mskgov_error_info *error);

/*
 * Binds broker->port of 127.0.0.1 (0: a free one, then in broker->port). Returns 0,
 * MSKGOV_ERR_SYSTEM or MSKGOV_ERR_NO_MEMORY; gov_broker_close in any case.
 */
int gov_broker_open(gov_broker *broker, mskgov_error_info *error);

/*
 * Listens; drops every connection and refuses new ones. One that does so already goes on.
 * Return 0, MSKGOV_ERR_SYSTEM (it cannot listen) or MSKGOV_ERR_STATE: it is closed.
 */
int gov_broker_start(gov_broker *broker, mskgov_error_info *error);
int gov_broker_stop(gov_broker *broker, mskgov_error_info *error);

/* Closes the listener and every connection. */
void gov_broker_close(gov_broker *broker);

/* Gives back the rest; it is closed, or was never opened. */
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

/*
 * Any thread. A quota for the attempts to come; what was counted stays counted. Returns 0
 * or MSKGOV_ERR_NO_MEMORY: it stays as it was.
 */
int gov_broker_set_quota(gov_broker *broker, uint32_t connections_per_s,
                         mskgov_error_info *error);

/* Any thread. */
void gov_broker_counters(gov_broker *broker, mskgov_cluster_counters *counters);
size_t gov_broker_copy_attempts(gov_broker *broker, uint64_t first,
                                mskgov_cluster_attempt *to, size_t capacity);

#endif
