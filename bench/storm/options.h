/*
 * The command line of mskgov-storm.
 */
#ifndef STORM_OPTIONS_H
#define STORM_OPTIONS_H

#include "storm/clients.h"
#include "storm/mode.h"

#include <mskgov/broker.h>

#include <stdint.h>

#define STORM_PROCESSES_MAX 64u
#define STORM_HORIZON_MAX_S 3600u
/* How long the broker of a rolling restart is away. */
#define STORM_AWAY_S 3u

typedef enum storm_scenario {
  STORM_COLD = 0, /* all clients connect at once */
  STORM_ROLLING   /* all are connected; one broker stops and comes back */
} storm_scenario;

typedef struct storm_options {
  int scenario; /* a storm_scenario; place in storm_scenario_names */
  const storm_clients_kind *kind;
  uint32_t clients;
  uint32_t brokers;
  uint32_t quota; /* connections per second and broker */
  int window;     /* place in storm_window_names; the value of mskgov_window */
  uint32_t burst; /* of a bucket; 0: the quota */
  int count_rejected;
  uint32_t processes;
  uint32_t horizon_s;
  uint64_t seed;
  const storm_mode *modes[STORM_MODES]; /* in the order given */
  int mode_count;
  const char *json_path; /* NULL: not asked for; borrowed from argv, as the others */
  const char *report_path;
  const char *svg_path;
  int worker; /* this process is a worker of a storm */
} storm_options;

extern const char *const storm_scenario_names[];
extern const char *const storm_window_names[];

/* What there is to do next, besides an exit status. */
#define STORM_OPTIONS_GO (-1)

/*
 * Reads and checks the command line. Returns STORM_OPTIONS_GO, or the exit status: 0 after
 * --help or --version, 2 after a message about what is wrong.
 */
int storm_options_read(storm_options *options, int argc, char **argv);

#endif
