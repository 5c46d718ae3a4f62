#include "common/fleet.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fleet_client {
  bench_fleet *fleet;
  rd_kafka_t *rk;
  uint64_t due_ns;
  uint64_t wanted_ns;
  _Atomic uint64_t *up_ns; /* one per broker */
  atomic_bool closing;
} fleet_client;

struct bench_fleet {
  rd_kafka_conf_t *conf;
  char *bootstrap_servers;
  uint64_t spread_ns;
  uint64_t seed;
  uint32_t brokers;
  uint32_t count;
  uint32_t made;
  fleet_client *clients;   /* in the order in which they are due */
  _Atomic uint64_t *up_ns; /* all pairs */
  atomic_uint connected;
  _Atomic uint64_t dropped;
};

/* The place of "name:port" in the list of bootstrap servers, -1: not there. */
static int broker_place(const char *list, const char *name, int port) {
  char address[MSKGOV_BROKER_ADDRESS_MAX + 1];
  size_t length;
  int place = 0;

  length = (size_t)snprintf(address, sizeof(address), "%s:%d", name, port);
  for (const char *at = list; at; place++) {
    size_t size = strcspn(at, ",");

    if (size == length && !memcmp(at, address, size))
      return place;
    at = at[size] ? at + size + 1 : NULL;
  }

  return -1;
}

static bool is_up(const char *state) {
  /* UPDATE: connected, while the broker's name or id changes */
  return !strcmp(state, "UP") || !strcmp(state, "UPDATE");
}

/* Runs under a lock of librdkafka's: it only notes the time. */
static rd_kafka_resp_err_t on_state_change(rd_kafka_t *rk, int32_t broker_id,
                                           const char *secproto, const char *name, int port,
                                           const char *state, void *opaque) {
  fleet_client *client = opaque;
  bench_fleet *fleet = client->fleet;
  int place = broker_place(fleet->bootstrap_servers, name, port);
  uint64_t before;

  (void)rk, (void)broker_id, (void)secproto;
  if (place < 0 || atomic_load(&client->closing))
    return RD_KAFKA_RESP_ERR_NO_ERROR;

  before = atomic_load(&client->up_ns[place]);
  if (is_up(state) && !before) {
    atomic_store(&client->up_ns[place], bench_now_ns());
    atomic_fetch_add(&fleet->connected, 1);
  } else if (!is_up(state) && before) {
    atomic_store(&client->up_ns[place], 0);
    atomic_fetch_sub(&fleet->connected, 1);
    atomic_fetch_add(&fleet->dropped, 1);
  }

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *errstr, size_t size) {
  (void)conf, (void)errstr, (void)size;

  return rd_kafka_interceptor_add_on_broker_state_change(rk, "bench", on_state_change,
                                                         opaque);
}

/* A storm has thousands of lines; what matters is counted elsewhere. */
static void ignore_log(const rd_kafka_t *rk, int level, const char *facility,
                       const char *text) {
  (void)rk, (void)level, (void)facility, (void)text;
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value,
               mskgov_error_info *error) {
  char text[256];

  if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
    return 0;

  return bench_fail(error, MSKGOV_ERR_INVALID, "librdkafka: %s", text);
}

static int configure(bench_fleet *fleet, const bench_fleet_options *options,
                     mskgov_error_info *error) {
  mskgov_rdkafka_options adapter;
  const bench_setting settings[] = {
      {"bootstrap.servers", options->bootstrap_servers},
      {"security.protocol", "sasl_ssl"},
      {"ssl.ca.pem", options->ca_pem},
      {"enable.sparse.connections", "false"}, /* to every broker, and at once */
      {"socket.keepalive.enable", "true"},
      {NULL, NULL},
  };
  int rc = 0;

  for (const bench_setting *at = settings; !rc && at->name; at++)
    rc = set(fleet->conf, at->name, at->value, error);
  for (const bench_setting *at = options->settings; !rc && at && at->name; at++)
    rc = set(fleet->conf, at->name, at->value, error);
  if (rc)
    return rc;

  rd_kafka_conf_set_log_cb(fleet->conf, ignore_log);
  if (options->stats_cb)
    rd_kafka_conf_set_stats_cb(fleet->conf, options->stats_cb);
  rd_kafka_conf_set_opaque(fleet->conf, options->opaque);

  mskgov_rdkafka_options_init(&adapter);
  adapter.region = options->region;
  adapter.credentials = options->credentials;
  adapter.ungoverned = !options->governor;

  return mskgov_rdkafka_apply(fleet->conf, options->governor, &adapter, error);
}

static uint32_t count_brokers(const char *list) {
  uint32_t count = 1;

  for (; *list; list++)
    count += *list == ',';

  return count;
}

int bench_fleet_new(bench_fleet **fleet_out, const bench_fleet_options *options,
                    mskgov_error_info *error) {
  bench_fleet *fleet = calloc(1, sizeof(*fleet));
  int rc;

  if (!fleet)
    return bench_fail_memory(error);

  fleet->count = options->clients;
  fleet->brokers = count_brokers(options->bootstrap_servers);
  fleet->spread_ns = options->spread_ns;
  fleet->seed = options->seed;
  fleet->conf = rd_kafka_conf_new();
  fleet->bootstrap_servers = strdup(options->bootstrap_servers);
  fleet->clients = calloc(fleet->count, sizeof(*fleet->clients));
  fleet->up_ns = calloc((size_t)fleet->count * fleet->brokers, sizeof(*fleet->up_ns));
  rc = fleet->bootstrap_servers && fleet->clients && fleet->up_ns
           ? configure(fleet, options, error)
           : bench_fail_memory(error);
  if (rc) {
    bench_fleet_free(fleet);
    return rc;
  }

  for (uint32_t i = 0; i < fleet->count; i++) {
    fleet->clients[i].fleet = fleet;
    fleet->clients[i].up_ns = fleet->up_ns + (size_t)i * fleet->brokers;
  }
  *fleet_out = fleet;

  return 0;
}

void bench_fleet_destroy_client(bench_fleet *fleet, uint32_t client) {
  fleet_client *it = &fleet->clients[client];

  if (!it->rk)
    return;

  atomic_store(&it->closing, true);
  rd_kafka_destroy(it->rk);
  it->rk = NULL;
  for (uint32_t i = 0; i < fleet->brokers; i++)
    if (atomic_exchange(&it->up_ns[i], 0))
      atomic_fetch_sub(&fleet->connected, 1);
}

void bench_fleet_free(bench_fleet *fleet) {
  if (!fleet)
    return;

  for (uint32_t i = 0; i < fleet->made; i++)
    bench_fleet_destroy_client(fleet, i);
  rd_kafka_conf_destroy(fleet->conf);
  free(fleet->bootstrap_servers);
  free(fleet->clients);
  free(fleet->up_ns);
  free(fleet);
}

static int compare_due(const void *left, const void *right) {
  const fleet_client *a = left, *b = right;

  return (a->due_ns > b->due_ns) - (a->due_ns < b->due_ns);
}

/* Draws when each client wakes up, and puts them in that order. */
static void plan(bench_fleet *fleet, uint64_t now_ns) {
  uint64_t random = fleet->seed;

  for (uint32_t i = 0; i < fleet->count; i++)
    fleet->clients[i].due_ns =
        now_ns + (uint64_t)((double)fleet->spread_ns * bench_random_share(&random));
  qsort(fleet->clients, fleet->count, sizeof(*fleet->clients), compare_due);
  for (uint32_t i = 0; i < fleet->count; i++) {
    fleet->clients[i].up_ns = fleet->up_ns + (size_t)i * fleet->brokers;
    fleet->clients[i].wanted_ns = fleet->spread_ns ? now_ns : 0;
  }
}

static int make(bench_fleet *fleet, fleet_client *client, mskgov_error_info *error) {
  rd_kafka_conf_t *conf = rd_kafka_conf_dup(fleet->conf);
  char text[256];

  rd_kafka_conf_interceptor_add_on_new(conf, "bench", on_new, client);
  if (!client->wanted_ns)
    client->wanted_ns = bench_now_ns();
  client->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
  if (client->rk)
    return 0;

  rd_kafka_conf_destroy(conf);

  return bench_fail(error, MSKGOV_ERR_SYSTEM, "librdkafka cannot make client %u: %s",
                    fleet->made + 1, text);
}

int bench_fleet_step(bench_fleet *fleet, uint64_t now_ns, uint64_t *next_ns,
                     mskgov_error_info *error) {
  int rc;

  if (!fleet->made && !fleet->clients[0].due_ns)
    plan(fleet, now_ns);

  if (fleet->made < fleet->count && fleet->clients[fleet->made].due_ns <= now_ns) {
    rc = make(fleet, &fleet->clients[fleet->made], error);
    if (rc)
      return rc;
    fleet->made++;
  }
  *next_ns = fleet->made < fleet->count ? fleet->clients[fleet->made].due_ns : MSKGOV_NEVER;

  return 0;
}

static void sleep_until(uint64_t at_ns) {
  struct timespec at = {.tv_sec = (time_t)(at_ns / BENCH_NS_PER_S),
                        .tv_nsec = (long)(at_ns % BENCH_NS_PER_S)};

  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

int bench_fleet_make_all(bench_fleet *fleet, mskgov_error_info *error) {
  uint64_t next_ns;
  int rc;

  do {
    rc = bench_fleet_step(fleet, bench_now_ns(), &next_ns, error);
    if (rc)
      return rc;
    if (next_ns != MSKGOV_NEVER)
      sleep_until(next_ns);
  } while (next_ns != MSKGOV_NEVER);

  return 0;
}

int bench_fleet_wait_connected(bench_fleet *fleet, uint64_t deadline_ns) {
  while (bench_fleet_connected(fleet) < bench_fleet_pairs(fleet)) {
    if (bench_now_ns() >= deadline_ns)
      return 0;
    sleep_until(bench_now_ns() + BENCH_NS_PER_MS);
  }

  return 1;
}

rd_kafka_t *bench_fleet_client(const bench_fleet *fleet, uint32_t client) {
  return fleet->clients[client].rk;
}

uint32_t bench_fleet_brokers(const bench_fleet *fleet) {
  return fleet->brokers;
}

uint32_t bench_fleet_pairs(const bench_fleet *fleet) {
  return fleet->count * fleet->brokers;
}

uint32_t bench_fleet_connected(const bench_fleet *fleet) {
  return atomic_load(&fleet->connected);
}

uint64_t bench_fleet_dropped(const bench_fleet *fleet) {
  return atomic_load(&fleet->dropped);
}

bench_pair bench_fleet_pair(const bench_fleet *fleet, uint32_t pair) {
  const fleet_client *client = &fleet->clients[pair / fleet->brokers];

  return (bench_pair){.wanted_ns = client->wanted_ns,
                      .up_ns = atomic_load(&fleet->up_ns[pair])};
}
