#include "storm/target.h"

#include "common/limits.h"

#include <unistd.h>

#define OPEN_CONNECTIONS_MIN 3000u /* what MSK allows per broker */
#define THREADS_MAX 8

static uint64_t files_for(const storm_options *options, uint32_t brokers) {
  /* one connection in four may still be closing when the next one comes */
  return (uint64_t)options->clients * brokers * 5 / 4 + BENCH_FILES_SPARE;
}

static uint32_t threads_wanted(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);

  return (uint32_t)(cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : cores);
}

/* Room for all connections in the process; where it may not have that, in each thread. */
static int make_room(mskgov_cluster_options *options, const storm_options *from,
                     mskgov_error_info *error) {
  mskgov_error_info refused = {0};

  if (!bench_limits_raise_files(files_for(from, from->brokers), &refused))
    return 0;

  options->files_per_thread = 1;
  options->threads = from->brokers;

  return bench_limits_raise_files(files_for(from, 1), error);
}

int storm_target_new(mskgov_cluster **cluster, const storm_options *from,
                     uint32_t connections_per_s, mskgov_credentials *credentials,
                     mskgov_error_info *error) {
  mskgov_cluster_options options;
  int rc;

  mskgov_cluster_options_init(&options);
  options.brokers = from->brokers;
  options.connections_per_s = connections_per_s;
  options.window = (mskgov_window)from->window;
  options.burst = from->burst;
  options.count_rejected = from->count_rejected;
  /* the rate is what is measured, so the limit of open connections stays out of the way */
  options.max_connections = from->clients * BENCH_FILES_PER_CONNECTION;
  if (options.max_connections < OPEN_CONNECTIONS_MIN)
    options.max_connections = OPEN_CONNECTIONS_MIN;
  options.threads = threads_wanted();
  options.credentials = &credentials;
  options.credentials_count = 1;
  rc = make_room(&options, from, error);

  return rc ? rc : mskgov_cluster_new(cluster, &options, error);
}
