/*
 * The crew: the worker processes of one mode, as the parent sees them.
 *
 * Threads: one.
 */
#ifndef STORM_CREW_H
#define STORM_CREW_H

#include "storm/options.h"

#include <jansson.h>

typedef struct storm_crew storm_crew;

/* What a crew is for; all borrowed during storm_crew_new. */
typedef struct storm_crew_job {
  const storm_options *options;
  const storm_mode *mode;
  const mskgov_cluster *cluster;
  const mskgov_credentials *credentials;
  const char *host_directory; /* of the host store; empty: there is none */
} storm_crew_job;

/*
 * Starts the workers and waits until each is ready to go. Returns 0 and sets *crew
 * (owned), or MSKGOV_ERR_SYSTEM (no process; a worker gave up, its text is passed on),
 * MSKGOV_ERR_CANCELED (a signal came).
 */
int storm_crew_new(storm_crew **crew, const storm_crew_job *job, mskgov_error_info *error);

/* Ends what is left of the workers. NULL does nothing. */
void storm_crew_free(storm_crew *crew);

/* The clients want their connections now. */
int storm_crew_go(storm_crew *crew, mskgov_error_info *error);

/*
 * Waits up to `timeout_ms` for news. Returns 0, or MSKGOV_ERR_SYSTEM: a worker is gone,
 * or gave up; MSKGOV_ERR_CANCELED: a signal came.
 */
int storm_crew_wait(storm_crew *crew, int timeout_ms, mskgov_error_info *error);

/* Pairs that are connected, by the last news. */
uint32_t storm_crew_connected(const storm_crew *crew);

/* CPU time that the workers have used until now. */
double storm_crew_cpu_s(const storm_crew *crew);

/* Stops the clients and waits for every worker's results. Errors as above. */
int storm_crew_finish(storm_crew *crew, mskgov_error_info *error);

/* The results of worker `worker` (see worker.h), after storm_crew_finish. Borrowed. */
json_t *storm_crew_result(const storm_crew *crew, uint32_t worker);

#endif
