#include "storm/worker.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/limits.h"
#include "storm/mode.h"
#include "tool.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define TELL_EVERY_NS (100 * BENCH_NS_PER_MS)

typedef struct worker {
  bench_fleet *fleet;
  mskgov_governor *governor;
  mskgov_credentials *credentials;
  mskgov_credentials_provider *provider;
} worker;

/* Prints one JSON object as a line; takes `json`. */
static void tell(json_t *json) {
  json_dumpf(json, stdout, JSON_COMPACT);
  fputc('\n', stdout);
  fflush(stdout);
  json_decref(json);
}

static int tell_error(const mskgov_error_info *error) {
  tell(json_pack("{s:s}", "error", error->text));

  return TOOL_CANNOT;
}

static int make_governor(worker *self, uint32_t quota, mskgov_error_info *error) {
  mskgov_governor_options options;

  mskgov_governor_options_init(&options);
  options.quota.connections_per_s = quota;
  /* the rate is what is measured, so open connections are not limited */
  options.quota.max_connections = UINT32_MAX;

  return mskgov_governor_new(&self->governor, &options, error);
}

static int make_fleet(worker *self, json_t *config, mskgov_error_info *error) {
  const char *id, *secret, *mode_name;
  json_int_t clients, brokers, quota, seed, spread_ns;
  bench_fleet_options options = {0};
  const storm_mode *mode;
  int rc;

  if (json_unpack(config, "{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "mode",
                  &mode_name, "clients", &clients, "brokers", &brokers, "quota", &quota,
                  "seed", &seed, "spread_ns", &spread_ns, "bootstrap_servers",
                  &options.bootstrap_servers, "ca_pem", &options.ca_pem, "region",
                  &options.region, "access_key_id", &id, "secret_access_key", &secret))
    return bench_fail(error, MSKGOV_ERR_INVALID, "a worker's configuration is malformed");

  mode = storm_mode_find(mode_name);
  rc = mode ? 0 : bench_fail(error, MSKGOV_ERR_INVALID, "no mode \"%s\"", mode_name);
  if (!rc)
    rc = bench_limits_raise_files(
        (uint64_t)(clients * brokers) * BENCH_FILES_PER_PAIR + BENCH_FILES_SPARE, error);
  if (!rc)
    rc = mskgov_credentials_new(&self->credentials, id, secret, NULL, MSKGOV_NEVER, error);
  if (!rc)
    rc = mskgov_credentials_provider_new_static(&self->provider, self->credentials, error);
  if (!rc && mode->governed)
    rc = make_governor(self, (uint32_t)quota, error);
  if (rc)
    return rc;

  options.clients = (uint32_t)clients;
  options.credentials = self->provider;
  options.governor = self->governor;
  options.settings = mode->settings;
  options.spread_ns = (uint64_t)spread_ns;
  options.seed = (uint64_t)seed;

  return bench_fleet_new(&self->fleet, &options, error);
}

/* Reads the configuration, which is a line, and makes everything but the clients. */
static int prepare(worker *self, mskgov_error_info *error) {
  char *line = NULL;
  size_t size = 0;
  json_t *config;
  int rc;

  if (getline(&line, &size, stdin) < 0) {
    free(line);
    return bench_fail(error, MSKGOV_ERR_PROTOCOL, "a worker got no configuration");
  }

  config = json_loads(line, 0, NULL);
  explicit_bzero(line, size);
  free(line);
  rc = config ? make_fleet(self, config, error)
              : bench_fail(error, MSKGOV_ERR_PROTOCOL,
                           "a worker cannot read its "
                           "configuration");
  json_decref(config);

  return rc;
}

/* Waits for the next word from the parent: 'g', 's', or 0 when there is no parent. */
static int next_word(int timeout_ms) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  char word[8];

  if (poll(&in, 1, timeout_ms) <= 0)
    return -1;
  if (!fgets(word, sizeof(word), stdin))
    return 0;

  return word[0];
}

static void tell_progress(worker *self) {
  tell(json_pack("{s:I, s:I}", "up", (json_int_t)bench_fleet_connected(self->fleet),
                 "dropped", (json_int_t)bench_fleet_dropped(self->fleet)));
}

/* The clients live here. Returns the word that ended it, or a negative error. */
static int live(worker *self, mskgov_error_info *error) {
  uint64_t next_ns = 0, tell_ns = 0;
  int word = -1, rc;

  while (word < 0) {
    uint64_t now_ns = bench_now_ns();
    uint64_t wake_ns;

    if (now_ns >= tell_ns) {
      tell_progress(self);
      tell_ns = now_ns + TELL_EVERY_NS;
    }
    if (now_ns >= next_ns) {
      rc = bench_fleet_step(self->fleet, now_ns, &next_ns, error);
      if (rc)
        return rc;
    }
    wake_ns = next_ns < tell_ns ? next_ns : tell_ns;
    now_ns = bench_now_ns();
    word =
        next_word(wake_ns > now_ns ? (int)((wake_ns - now_ns) / BENCH_NS_PER_MS) + 1 : 0);
  }

  return word;
}

/*
 * The largest memory of this process, MiB. Not ru_maxrss: that one remembers the
 * parent's, from before the exec.
 */
static double peak_memory_mib(void) {
  FILE *status = fopen("/proc/self/status", "re");
  unsigned long kib = 0;
  char line[128];

  while (status && fgets(line, sizeof(line), status))
    if (!strncmp(line, "VmHWM:", 6))
      kib = strtoul(line + 6, NULL, 10);
  if (status)
    fclose(status);

  return (double)kib / 1024;
}

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void tell_results(worker *self) {
  json_t *pairs = json_array();
  struct rusage usage;

  for (uint32_t i = 0; i < bench_fleet_pairs(self->fleet); i++) {
    bench_pair pair = bench_fleet_pair(self->fleet, i);

    json_array_append_new(
        pairs, json_pack("[I, I]", (json_int_t)pair.wanted_ns, (json_int_t)pair.up_ns));
  }
  getrusage(RUSAGE_SELF, &usage);
  tell(json_pack("{s:o, s:f, s:f, s:I}", "pairs", pairs, "cpu_s",
                 seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), "rss_mib",
                 peak_memory_mib(), "dropped",
                 (json_int_t)bench_fleet_dropped(self->fleet)));
}

int storm_worker_run(void) {
  mskgov_error_info error = {0};
  worker self = {0};
  int word = 0, rc;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the parent decides */
  setvbuf(stdin, NULL, _IONBF, 0);

  rc = prepare(&self, &error);
  if (!rc) {
    tell(json_pack("{s:b}", "ready", 1));
    word = next_word(-1);
    if (word == 'g')
      word = live(&self, &error);
    rc = word < 0 ? word : 0;
  }
  if (rc)
    tell_error(&error);
  else if (word == 's')
    tell_results(&self);
  else
    _exit(TOOL_CANNOT); /* nobody is there to tell */

  bench_fleet_free(self.fleet);
  mskgov_governor_free(self.governor);
  mskgov_credentials_provider_free(self.provider);
  mskgov_credentials_free(self.credentials);

  return rc ? TOOL_CANNOT : TOOL_DONE;
}
