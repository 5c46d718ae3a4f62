/*
 * One librdkafka client (`rd_kafka_t`) under the governor. It is bound to the conf that it
 * is made from, from mskgov_rdkafka_apply or a duplicate of the conf until librdkafka
 * destroys the conf, which is after the last thread of the client has ended.
 *
 *   adapter     what the application applied: governor, tokens, options; shared by the
 *               conf and its duplicates
 *   client      this file: the client's callbacks, its token
 *   attempt     one connection attempt (attempt.h)
 *   parking     how an attempt waits (parking.h)
 */
#ifndef GOV_CLIENT_CLIENT_H
#define GOV_CLIENT_CLIENT_H

#include "base/list.h"
#include "base/random.h"
#include "base/timers.h"
#include "client/keeper.h"
#include "client/token_source.h"

#include <mskgov/governor.h>
#include <mskgov/permit.h>

#include <librdkafka/rdkafka.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef int gov_app_connect_fn(int fd, const struct sockaddr *address, int length,
                               const char *id, void *opaque);
typedef int gov_app_closesocket_fn(int fd, void *opaque);
typedef void gov_app_log_fn(const rd_kafka_t *rk, int level, const char *facility,
                            const char *text);

/* What the application had set in the conf, and is called in its stead. */
typedef struct gov_app_callbacks {
  gov_app_connect_fn *connect;         /* NULL: connect(2) */
  gov_app_closesocket_fn *closesocket; /* NULL: close(2) */
  gov_app_log_fn *log;                 /* NULL: no log */
  uint64_t setup_timeout_ms;           /* socket.connection.setup.timeout.ms */
  bool no_delay;                       /* socket.nagle.disable */
} gov_app_callbacks;

typedef struct gov_adapter {
  atomic_uint holds;
  mskgov_governor *governor; /* a hold; NULL: connections are not governed */
  mskgov_priority priority;
  gov_token_source *source;
  gov_keeper *keeper; /* a hold */
} gov_adapter;

typedef struct gov_client {
  gov_adapter *adapter; /* a hold */
  rd_kafka_t *rk;       /* from on_new on */
  gov_app_callbacks app;
  gov_list_node registered; /* in the list that finds a client by its rk */

  atomic_bool destroyed; /* rd_kafka_destroy has begun: what ends now ends by itself */

  gov_timer push; /* the next token */
  gov_random random;
  uint64_t token_expires_at_ns; /* Unix, of the token that librdkafka has; 0: none */
} gov_client;

/*
 * Binds a new client to the conf; it takes a hold on the adapter. `app`: callbacks noted
 * from the conf that this one duplicates, or NULL. Returns 0; MSKGOV_ERR_INVALID: the conf
 * has one already; MSKGOV_ERR_NO_MEMORY.
 */
int gov_client_bind(rd_kafka_conf_t *conf, gov_adapter *adapter,
                    const gov_app_callbacks *app, mskgov_error_info *error);

void gov_adapter_release(gov_adapter *adapter);

/* A broker refused the client's token with this text; if it tells that the clock is off, the
   client gets another one at once. On a broker's thread. */
void gov_client_refused(gov_client *client, const char *text);

#endif
