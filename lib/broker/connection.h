/*
 * One TCP connection to a broker: TLS, the session within it, and their end.
 *
 * Threads: the loop's.
 */
#ifndef GOV_BROKER_CONNECTION_H
#define GOV_BROKER_CONNECTION_H

#include "broker/broker.h"
#include "broker/session.h"

#include <event2/bufferevent.h>

/* From accept until authenticated; who takes longer is closed. */
#define GOV_CONNECTION_SETUP_S 10
/* Answers that a client has not taken; with more of them nothing is read from it. */
#define GOV_CONNECTION_UNSENT_MAX (1u << 20)

typedef struct gov_connection {
  gov_list_node in_broker;
  gov_broker *broker;
  struct bufferevent *tls;
  struct event *deadline;
  gov_session session;
  int64_t attempt;
  bool open; /* counted among the broker's open connections */
} gov_connection;

/* Takes `fd` in any case. Returns 0 or MSKGOV_ERR_NO_MEMORY: it is closed. */
int gov_connection_start(gov_broker *broker, int fd);

/* Closes and frees. libevent closes the descriptor in the next round of the loop. */
void gov_connection_close(gov_connection *connection);

/* The same, but without a word of farewell, and the peer is told at once. */
void gov_connection_cut(gov_connection *connection);

#endif
