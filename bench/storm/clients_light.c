#include "storm/clients.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/light.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stdlib.h>

#define BACKOFF_BASE_MS 100 /* as librdkafka comes */
#define BACKOFF_MAX_MS 10000
#define CHECK_EVERY_NS (100 * BENCH_NS_PER_MS)

typedef struct light {
  bench_light *fleet;
  bool started;
} light;

static int new_fleet(void **clients, const storm_clients_options *from,
                     mskgov_error_info *error) {
  const bench_light_options options = {
      .clients = from->clients,
      .bootstrap_servers = from->bootstrap_servers,
      .ca_pem = from->ca_pem,
      .region = from->region,
      .credentials = from->credentials,
      .governor = from->governor,
      .backoff_base_ms = from->backoff_base_ms ? from->backoff_base_ms : BACKOFF_BASE_MS,
      .backoff_max_ms = from->backoff_base_ms ? from->backoff_max_ms : BACKOFF_MAX_MS,
      .spread_ns = from->spread_ns,
      .seed = from->seed,
  };
  light *self = calloc(1, sizeof(*self));
  int rc;

  if (!self)
    return bench_fail_memory(error);

  rc = bench_light_new(&self->fleet, &options, error);
  if (rc)
    free(self);
  else
    *clients = self;

  return rc;
}

/* The fleet has a thread of its own; all there is to do is to see that it lives. */
static int step(void *clients, uint64_t now_ns, uint64_t *next_ns,
                mskgov_error_info *error) {
  light *self = clients;

  *next_ns = now_ns + CHECK_EVERY_NS;
  if (self->started)
    return bench_light_check(self->fleet, error);

  self->started = true;

  return bench_light_start(self->fleet, error);
}

static storm_clients_state look(void *clients) {
  const light *self = clients;

  return (storm_clients_state){.pairs = bench_light_pairs(self->fleet),
                               .connected = bench_light_connected(self->fleet),
                               .dropped = bench_light_dropped(self->fleet)};
}

static bench_pair pair_of(void *clients, uint32_t pair) {
  return bench_light_pair(((light *)clients)->fleet, pair);
}

static void free_fleet(void *clients) {
  light *self = clients;

  if (!self)
    return;

  bench_light_free(self->fleet);
  free(self);
}

const storm_clients_kind storm_clients_light = {
    .name = "light",
    .sentence = "mskgov's own connections, many to a thread, which back off as librdkafka "
                "does.",
    .clients_max = 100000,
    .files_per_pair = BENCH_FILES_PER_LIGHT_PAIR,
    .new = new_fleet,
    .step = step,
    .look = look,
    .pair = pair_of,
    .free = free_fleet,
};
