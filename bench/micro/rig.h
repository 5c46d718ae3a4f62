/*
 * What the micro-benchmarks stand on: a cluster, credentials and a governor, all in this
 * process; and their command line.
 */
#ifndef MICRO_RIG_H
#define MICRO_RIG_H

#include "common/fleet.h"

#include <stdbool.h>

typedef struct micro_rig {
  mskgov_credentials *credentials;
  mskgov_credentials_provider *provider;
  mskgov_cluster *cluster;
  mskgov_governor *governor;
} micro_rig;

/*
 * Starts everything. `cluster_quota` and `governor_quota`: connections per second and
 * broker. Returns 0 or a negative code, with nothing left behind.
 */
int micro_rig_init(micro_rig *rig, uint32_t brokers, uint32_t clients,
                   uint32_t cluster_quota, uint32_t governor_quota,
                   mskgov_error_info *error);
void micro_rig_fini(micro_rig *rig);

/* Options of a fleet against the rig's cluster: governed, or tokens only. */
bench_fleet_options micro_rig_fleet_options(const micro_rig *rig, uint32_t clients,
                                            int governed);

/* A micro-benchmark's command line: --json, --help, and one number. */
typedef struct micro_command {
  const char *name;   /* of the program */
  const char *help;   /* the text of --help */
  const char *number; /* the option's name, without dashes */
  uint32_t min, max;
} micro_command;

/*
 * Reads the command line; *number holds the default before. False: there is nothing to
 * run, and *status is what to exit with.
 */
bool micro_parse(const micro_command *command, int argc, char **argv, uint32_t *number,
                 bool *as_json, int *status);

#endif
