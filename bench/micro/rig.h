/*
 * What the micro-benchmarks stand on: a cluster, credentials and a governor, all in this
 * process.
 */
#ifndef MICRO_RIG_H
#define MICRO_RIG_H

#include "common/fleet.h"

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

#endif
