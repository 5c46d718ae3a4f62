#include "storm/worker.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/limits.h"
#include "storm/config.h"
#include "tool.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TELL_EVERY_NS (100 * BENCH_NS_PER_MS)

typedef struct worker {
  const storm_clients_kind *kind;
  void *clients;
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

static int make_governor(worker *self, const storm_config *config,
                         mskgov_error_info *error) {
  mskgov_governor_options options;

  mskgov_governor_options_init(&options);
  options.quota.connections_per_s = config->quota;
  /* the rate is what is measured, so open connections are not limited */
  options.quota.max_connections = UINT32_MAX;
  if (config->mode->budget == STORM_BUDGET_HOST) {
    options.store = MSKGOV_STORE_HOST;
    options.host_directory = config->host_directory;
  }
  if (config->mode->budget == STORM_BUDGET_ALONE)
    options.adaptive = MSKGOV_ADAPTIVE_ALONE;

  return mskgov_governor_new(&self->governor, &options, error);
}

static int make_provider(worker *self, const storm_config *config,
                         mskgov_error_info *error) {
  int rc = mskgov_credentials_new(&self->credentials, config->access_key_id,
                                  config->secret_access_key, NULL, MSKGOV_NEVER, error);

  if (!rc)
    rc = mskgov_credentials_provider_new_static(&self->provider, self->credentials, error);

  return rc;
}

static int make_clients(worker *self, const storm_config *config,
                        mskgov_error_info *error) {
  const storm_clients_options options = {
      .clients = config->clients,
      .bootstrap_servers = config->bootstrap_servers,
      .ca_pem = config->ca_pem,
      .region = config->region,
      .credentials = self->provider,
      .governor = self->governor,
      .backoff_base_ms = config->mode->backoff_base_ms,
      .backoff_max_ms = config->mode->backoff_max_ms,
      .spread_ns = config->spread_ns,
      .seed = config->seed,
  };

  return self->kind->new (&self->clients, &options, error);
}

static int make_all(worker *self, const storm_config *config, mskgov_error_info *error) {
  uint64_t pairs = (uint64_t)config->clients * config->brokers;
  int rc;

  self->kind = config->kind;
  rc = bench_limits_raise_files(pairs * config->kind->files_per_pair + BENCH_FILES_SPARE,
                                error);
  if (!rc)
    rc = make_provider(self, config, error);
  if (!rc && config->mode->budget != STORM_BUDGET_NONE)
    rc = make_governor(self, config, error);
  if (!rc)
    rc = make_clients(self, config, error);

  return rc;
}

/* Reads the configuration, which is a line, and makes everything; nothing connects yet. */
static int prepare(worker *self, mskgov_error_info *error) {
  storm_config config;
  char *line = NULL;
  size_t size = 0;
  int rc;

  if (getline(&line, &size, stdin) < 0)
    rc = bench_fail(error, MSKGOV_ERR_PROTOCOL, "a worker got no configuration");
  else
    rc = storm_config_read(&config, line, error);
  storm_config_free_line(line);
  if (rc)
    return rc;

  rc = make_all(self, &config, error);
  storm_config_fini(&config);

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
  tell(json_pack("{s:I}", "up", (json_int_t)self->kind->look(self->clients).connected));
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
      rc = self->kind->step(self->clients, now_ns, &next_ns, error);
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

static void tell_results(worker *self) {
  storm_clients_state state = self->kind->look(self->clients);
  json_t *pairs = json_array();

  for (uint32_t i = 0; i < state.pairs; i++) {
    bench_pair pair = self->kind->pair(self->clients, i);

    json_array_append_new(
        pairs, json_pack("[I, I]", (json_int_t)pair.wanted_ns, (json_int_t)pair.up_ns));
  }
  tell(json_pack("{s:o, s:f, s:I}", "pairs", pairs, "rss_mib", peak_memory_mib(), "dropped",
                 (json_int_t)state.dropped));
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

  if (self.kind)
    self.kind->free(self.clients);
  mskgov_governor_free(self.governor);
  mskgov_credentials_provider_free(self.provider);
  mskgov_credentials_free(self.credentials);

  return rc ? TOOL_CANNOT : TOOL_DONE;
}
