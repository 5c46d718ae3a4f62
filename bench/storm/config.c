#include "storm/config.h"

#include "common/failure.h"

#include <stdlib.h>
#include <string.h>

char *storm_config_write(const storm_config *config) {
  json_t *json =
      json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "mode",
                config->mode->name, "client", config->kind->name, "clients",
                (json_int_t)config->clients, "brokers", (json_int_t)config->brokers,
                "quota", (json_int_t)config->quota, "seed", (json_int_t)config->seed,
                "spread_ns", (json_int_t)config->spread_ns, "bootstrap_servers",
                config->bootstrap_servers, "ca_pem", config->ca_pem, "region",
                config->region, "access_key_id", config->access_key_id, "secret_access_key",
                config->secret_access_key, "host_directory", config->host_directory);
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  size_t length = text ? strlen(text) : 0;
  char *line = text ? malloc(length + 2) : NULL;

  json_decref(json);
  if (line) {
    memcpy(line, text, length);
    memcpy(line + length, "\n", 2);
  }
  storm_config_free_line(text);

  return line;
}

void storm_config_free_line(char *line) {
  if (!line)
    return;

  explicit_bzero(line, strlen(line));
  free(line);
}

static int unpack(storm_config *config, mskgov_error_info *error) {
  json_int_t clients, brokers, quota, seed, spread_ns;
  const char *mode, *kind;

  if (json_unpack(
          config->json, "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}",
          "mode", &mode, "client", &kind, "clients", &clients, "brokers", &brokers, "quota",
          &quota, "seed", &seed, "spread_ns", &spread_ns, "bootstrap_servers",
          &config->bootstrap_servers, "ca_pem", &config->ca_pem, "region", &config->region,
          "access_key_id", &config->access_key_id, "secret_access_key",
          &config->secret_access_key, "host_directory", &config->host_directory))
    return bench_fail(error, MSKGOV_ERR_PROTOCOL, "a worker's configuration is malformed");

  config->mode = storm_mode_find(mode);
  config->kind = storm_clients_find(kind);
  if (!config->mode || !config->kind)
    return bench_fail(error, MSKGOV_ERR_PROTOCOL, "a worker knows no mode \"%s\" of %s",
                      mode, kind);

  config->clients = (uint32_t)clients;
  config->brokers = (uint32_t)brokers;
  config->quota = (uint32_t)quota;
  config->seed = (uint64_t)seed;
  config->spread_ns = (uint64_t)spread_ns;

  return 0;
}

int storm_config_read(storm_config *config, const char *line, mskgov_error_info *error) {
  int rc;

  *config = (storm_config){.json = json_loads(line, 0, NULL)};
  rc = unpack(config, error);
  if (rc)
    storm_config_fini(config);

  return rc;
}

void storm_config_fini(storm_config *config) {
  json_decref(config->json);
  config->json = NULL;
}
