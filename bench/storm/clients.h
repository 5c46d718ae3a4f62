/*
 * The clients of a worker, whatever they are made of: a table of functions for each kind.
 *
 * Threads: that of one fleet (fleet.h, light.h): one thread for all of it.
 */
#ifndef STORM_CLIENTS_H
#define STORM_CLIENTS_H

#include "common/fleet.h"

#include <mskgov/mskgov.h>

typedef struct storm_clients_options {
  uint32_t clients;
  const char *bootstrap_servers; /* all borrowed during `new` */
  const char *ca_pem;
  const char *region;
  mskgov_credentials_provider *credentials; /* the clients take holds */
  mskgov_governor *governor;                /* likewise; NULL: nothing is governed */
  uint64_t backoff_base_ms;                 /* ungoverned; 0: as the clients come */
  uint64_t backoff_max_ms;
  uint64_t spread_ns; /* each client sleeps a random time up to this first */
  uint64_t seed;      /* of those times */
} storm_clients_options;

/* What they have come to. */
typedef struct storm_clients_state {
  uint32_t pairs;     /* of client and broker */
  uint32_t connected; /* now */
  uint64_t dropped;   /* connections lost after they were up */
} storm_clients_state;

typedef struct storm_clients_kind {
  const char *name;
  const char *sentence; /* for a reader of the report */
  uint32_t clients_max;
  uint32_t files_per_pair; /* descriptors that a process needs */

  /* Prepares them. Returns 0 and sets *clients (owned: `free`), or an error. */
  int (*new)(void **clients, const storm_clients_options *options,
             mskgov_error_info *error);
  /*
   * Does what is due; from the first call on they want their connections. Sets *next_ns to
   * when it is to be called again at the latest. Returns 0, or an error that ends them.
   */
  int (*step)(void *clients, uint64_t now_ns, uint64_t *next_ns, mskgov_error_info *error);
  storm_clients_state (*look)(void *clients);
  /* Pair `pair`, which is client * brokers + broker. */
  bench_pair (*pair)(void *clients, uint32_t pair);
  void (*free)(void *clients); /* NULL does nothing */
} storm_clients_kind;

#define STORM_CLIENTS_KINDS 2

extern const storm_clients_kind storm_clients_rdkafka, storm_clients_light;
extern const storm_clients_kind *const storm_clients_kinds[STORM_CLIENTS_KINDS];

/* Their names, ended by NULL, in the same order. */
extern const char *const storm_clients_names[];

/* The kind of that name, NULL if there is none. */
const storm_clients_kind *storm_clients_find(const char *name);

#endif
