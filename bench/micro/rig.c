#include "micro/rig.h"

#include "common/credentials.h"
#include "common/limits.h"
#include "tool.h"

#include <getopt.h>
#include <stdio.h>

#define REGION "us-east-1"

static int make_cluster(micro_rig *rig, uint32_t brokers, uint32_t quota,
                        mskgov_error_info *error) {
  mskgov_cluster_options options;

  mskgov_cluster_options_init(&options);
  options.brokers = brokers;
  options.connections_per_s = quota;
  options.credentials = &rig->credentials;
  options.credentials_count = 1;

  return mskgov_cluster_new(&rig->cluster, &options, error);
}

static int make_governor(micro_rig *rig, uint32_t quota, mskgov_error_info *error) {
  mskgov_governor_options options;

  mskgov_governor_options_init(&options);
  options.quota.connections_per_s = quota;

  return mskgov_governor_new(&rig->governor, &options, error);
}

int micro_rig_init(micro_rig *rig, uint32_t brokers, uint32_t clients,
                   uint32_t cluster_quota, uint32_t governor_quota,
                   mskgov_error_info *error) {
  uint32_t per_pair = BENCH_FILES_PER_PAIR + BENCH_FILES_PER_CONNECTION;
  int rc;

  *rig = (micro_rig){0};
  rc = bench_limits_raise_files((uint64_t)clients * brokers * per_pair + BENCH_FILES_SPARE,
                                error);
  if (!rc)
    rc = bench_credentials_new(&rig->credentials, 1, error);
  if (!rc)
    rc = mskgov_credentials_provider_new_static(&rig->provider, rig->credentials, error);
  if (!rc)
    rc = make_cluster(rig, brokers, cluster_quota, error);
  if (!rc)
    rc = make_governor(rig, governor_quota, error);
  if (rc)
    micro_rig_fini(rig);

  return rc;
}

void micro_rig_fini(micro_rig *rig) {
  mskgov_governor_free(rig->governor);
  mskgov_cluster_free(rig->cluster);
  mskgov_credentials_provider_free(rig->provider);
  mskgov_credentials_free(rig->credentials);
  *rig = (micro_rig){0};
}

bench_fleet_options micro_rig_fleet_options(const micro_rig *rig, uint32_t clients,
                                            int governed) {
  return (bench_fleet_options){
      .clients = clients,
      .bootstrap_servers = mskgov_cluster_bootstrap_servers(rig->cluster),
      .ca_pem = mskgov_cluster_ca_pem(rig->cluster),
      .region = REGION,
      .credentials = rig->provider,
      .governor = governed ? rig->governor : NULL,
  };
}

bool micro_parse(const micro_command *command, int argc, char **argv, uint32_t *number,
                 bool *as_json, int *status) {
  const struct option longs[] = {{command->number, required_argument, NULL, 'n'},
                                 {"json", no_argument, NULL, 'j'},
                                 {"help", no_argument, NULL, 'h'},
                                 {NULL, 0, NULL, 0}};
  int opt;

  tool_begin(command->name);
  *as_json = false;
  *status = TOOL_DONE;
  while (!*status && (opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(command->help, stdout);
      *status = tool_flush();
      return false;
    }
    if (opt == 'j')
      *as_json = true;
    else if (opt == 'n')
      *status = tool_number32(command->number, optarg, command->min, command->max, number);
    else
      *status = tool_bad_option(opt, argv[optind - 1]);
  }
  if (!*status && optind < argc)
    *status = tool_usage("there is no argument \"%s\"", argv[optind]);

  return *status == TOOL_DONE;
}
