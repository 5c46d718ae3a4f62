/*
 * A fleet: many librdkafka clients in this process, and when each of them was connected
 * to each broker.
 *
 * A pair is one client and one broker. It is connected while librdkafka's broker is UP,
 * that is after SASL has succeeded. The state is taken from librdkafka's own interceptor
 * at the moment it changes, so no client is polled and nothing is rounded.
 *
 * Threads: one thread makes, steps and frees a fleet; the counts may be read by any.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <mskgov/mskgov.h>

#include <librdkafka/rdkafka.h>

typedef struct bench_fleet bench_fleet;

/* A setting of librdkafka. */
typedef struct bench_setting {
  const char *name;
  const char *value;
} bench_setting;

typedef struct bench_fleet_options {
  uint32_t clients;
  const char *bootstrap_servers;            /* every broker of the cluster; copied */
  const char *ca_pem;                       /* borrowed during bench_fleet_new */
  const char *region;                       /* likewise */
  mskgov_credentials_provider *credentials; /* the fleet's clients take holds */
  mskgov_governor *governor;     /* likewise; NULL: tokens only, nothing is governed */
  const bench_setting *settings; /* likewise, ended by a NULL name; NULL: none */
  uint64_t spread_ns; /* each client sleeps a random time up to this before it is made */
  uint64_t seed;      /* of those times */
  /* librdkafka's statistics callback, NULL: none; its opaque is `opaque`. */
  int (*stats_cb)(rd_kafka_t *rk, char *json, size_t length, void *opaque);
  void *opaque;
} bench_fleet_options;

/* What became of a pair; monotonic times. */
typedef struct bench_pair {
  uint64_t wanted_ns; /* its client wanted it: before any sleep; 0: not yet */
  uint64_t up_ns;     /* connected since; 0: it is not */
} bench_pair;

/*
 * Prepares the clients' configuration; makes no client yet. Returns 0 and sets *fleet
 * (owned), or MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY and what mskgov_rdkafka_apply
 * returns.
 */
int bench_fleet_new(bench_fleet **fleet, const bench_fleet_options *options,
                    mskgov_error_info *error);

/* Destroys every client, then the fleet. NULL does nothing. */
void bench_fleet_free(bench_fleet *fleet);

/*
 * Makes at most one client, if one is due. The first call starts the clock of the sleeps.
 * Sets *next_ns to when the next one is due, MSKGOV_NEVER: all are made. Returns 0, or
 * MSKGOV_ERR_SYSTEM: librdkafka cannot make one (threads, descriptors).
 */
int bench_fleet_step(bench_fleet *fleet, uint64_t now_ns, uint64_t *next_ns,
                     mskgov_error_info *error);

/* Steps until all clients are made; sleeps in between. */
int bench_fleet_make_all(bench_fleet *fleet, mskgov_error_info *error);

/* Waits until all pairs are connected or until `deadline_ns`. Returns whether they are.
 */
int bench_fleet_wait_connected(bench_fleet *fleet, uint64_t deadline_ns);

/* Client `client` (from 0), NULL before it is made. Borrowed. */
rd_kafka_t *bench_fleet_client(const bench_fleet *fleet, uint32_t client);

/* Destroys one client now; its pairs are no longer connected. */
void bench_fleet_destroy_client(bench_fleet *fleet, uint32_t client);

uint32_t bench_fleet_brokers(const bench_fleet *fleet);
uint32_t bench_fleet_pairs(const bench_fleet *fleet);

/* Pairs that are connected now. */
uint32_t bench_fleet_connected(const bench_fleet *fleet);

/* How often a pair that was connected lost its connection. */
uint64_t bench_fleet_dropped(const bench_fleet *fleet);

/* A copy of pair `pair`, which is client * brokers + broker. */
bench_pair bench_fleet_pair(const bench_fleet *fleet, uint32_t pair);

#endif
