#include "storm/clients.h"

#include "common/limits.h"

#include <inttypes.h>
#include <stdio.h>

static int new_fleet(void **clients, const storm_clients_options *from,
                     mskgov_error_info *error) {
  char base[24], max[24];
  const bench_setting settings[] = {
      {"reconnect.backoff.ms", base}, {"reconnect.backoff.max.ms", max}, {NULL, NULL}};
  const bench_fleet_options options = {
      .clients = from->clients,
      .bootstrap_servers = from->bootstrap_servers,
      .ca_pem = from->ca_pem,
      .region = from->region,
      .credentials = from->credentials,
      .governor = from->governor,
      .settings = from->backoff_base_ms ? settings : NULL,
      .spread_ns = from->spread_ns,
      .seed = from->seed,
  };
  bench_fleet *fleet;
  int rc;

  snprintf(base, sizeof(base), "%" PRIu64, from->backoff_base_ms);
  snprintf(max, sizeof(max), "%" PRIu64, from->backoff_max_ms);
  rc = bench_fleet_new(&fleet, &options, error);
  if (!rc)
    *clients = fleet;

  return rc;
}

static int step(void *clients, uint64_t now_ns, uint64_t *next_ns,
                mskgov_error_info *error) {
  return bench_fleet_step(clients, now_ns, next_ns, error);
}

static storm_clients_state look(void *clients) {
  return (storm_clients_state){.pairs = bench_fleet_pairs(clients),
                               .connected = bench_fleet_connected(clients),
                               .dropped = bench_fleet_dropped(clients)};
}

static bench_pair pair_of(void *clients, uint32_t pair) {
  return bench_fleet_pair(clients, pair);
}

static void free_fleet(void *clients) {
  bench_fleet_free(clients);
}

const storm_clients_kind storm_clients_rdkafka = {
    .name = "rdkafka",
    .sentence = "librdkafka, with enable.sparse.connections=false, so that clients connect "
                "to every broker at once.",
    .clients_max = 10000,
    .files_per_pair = BENCH_FILES_PER_PAIR,
    .new = new_fleet,
    .step = step,
    .look = look,
    .pair = pair_of,
    .free = free_fleet,
};
