/*
 * The inside of a fleet of light clients, and what a pair of it does. See light.h.
 *
 *   sleeping --alarm--> waiting --grant--> connecting --> up
 *                          ^                   |          |
 *                          +----- failure -----+-- drop --+
 *
 * Ungoverned, waiting is a back-off, which an alarm ends too. Either way its turn comes, and
 * it connects when there is room among the handshakes that are under way.
 *
 * Threads: the fleet's own, but for on_grant, which appends to the list of turns.
 */
#ifndef BENCH_LIGHT_PAIR_H
#define BENCH_LIGHT_PAIR_H

#include "common/agenda.h"
#include "common/bearer.h"
#include "common/light.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct light_pair {
  bench_light *light;
  mskgov_permit *permit;         /* from the request on, until the connection closes */
  mskgov_connection *connection; /* NULL: there is none */
  struct light_pair *next;       /* in the list of turns */
  int granted;                   /* what the wait came to */
  bench_alarm alarm;             /* its sleep, its back-off or its connection's deadline */
  uint64_t backoff_ms;           /* ungoverned: before jitter */
  uint64_t retry_ns;             /* ungoverned: no attempt before this */
  _Atomic uint64_t wanted_ns;
  _Atomic uint64_t up_ns;
} light_pair;

struct bench_light {
  mskgov_connector *connector;
  mskgov_governor *governor;
  bench_bearer bearer;
  uint64_t backoff_base_ms, backoff_max_ms;
  uint64_t spread_ns;
  uint64_t random;
  char **addresses;
  uint32_t brokers;
  uint32_t count; /* pairs */
  light_pair *pairs;
  bench_agenda agenda;
  uint32_t connecting; /* handshakes under way */
  int epoll;
  int wake; /* an eventfd: there are turns, or it is to stop */
  bool started;
  atomic_bool stopping;
  pthread_t thread;
  atomic_uint connected;
  _Atomic uint64_t dropped;
  pthread_mutex_t mutex;
  struct {
    light_pair *first, **last; /* whose turn has come, oldest first */
    mskgov_error_info failure; /* what ended the thread */
  } locked;
};

/*
 * The functions below return 0, or what ends the fleet: no descriptors, no token, a governor
 * that has stopped.
 */

/* Gets into line, or sets the alarm for the end of the back-off. */
int light_pair_want(light_pair *pair, uint64_t now_ns, mskgov_error_info *error);

/* Begins a connection. */
int light_pair_attempt(light_pair *pair, uint64_t now_ns, mskgov_error_info *error);

/* The connection has something to do. */
int light_pair_advance(light_pair *pair, mskgov_error_info *error);

/* Its alarm is due. */
int light_pair_alarm(light_pair *pair, uint64_t now_ns, mskgov_error_info *error);

/* Closes the connection and gives the permit back, if there are any. */
void light_pair_hang_up(light_pair *pair);

/* Makes the fleet's thread look around. Any thread. */
void light_wake(const bench_light *light);

#endif
