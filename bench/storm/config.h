/*
 * What a worker is to be: written by the parent, read by the worker, one line of JSON. It
 * holds the credentials.
 */
#ifndef STORM_CONFIG_H
#define STORM_CONFIG_H

#include "storm/clients.h"
#include "storm/mode.h"

#include <jansson.h>

typedef struct storm_config {
  const storm_mode *mode;
  const storm_clients_kind *kind;
  uint32_t clients;
  uint32_t brokers;
  uint32_t quota;     /* of the process's governor */
  uint64_t seed;      /* up to INT64_MAX */
  uint64_t spread_ns; /* a client's random sleep at most */
  const char *bootstrap_servers;
  const char *ca_pem;
  const char *region;
  const char *access_key_id;
  const char *secret_access_key;
  const char *host_directory; /* of the host store; empty: there is none */
  json_t *json;               /* that the texts of a config that was read belong to */
} storm_config;

/* The line, its end included; freed with storm_config_free_line. NULL: no memory. */
char *storm_config_write(const storm_config *config);
void storm_config_free_line(char *line);

/* Reads `line`. Returns 0 (storm_config_fini) or MSKGOV_ERR_PROTOCOL. */
int storm_config_read(storm_config *config, const char *line, mskgov_error_info *error);
void storm_config_fini(storm_config *config);

#endif
