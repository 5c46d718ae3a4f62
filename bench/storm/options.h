/*
 * The command line of mskgov-storm.
 */
#ifndef STORM_OPTIONS_H
#define STORM_OPTIONS_H

#include "storm/mode.h"

#include <mskgov/broker.h>

#include <stdint.h>

#define STORM_CLIENTS_MAX 10000u
#define STORM_PROCESSES_MAX 64u
#define STORM_HORIZON_MAX_S 3600u

typedef struct storm_options {
  uint32_t clients;
  uint32_t brokers;
  uint32_t quota; /* connections per second and broker */
  int window;     /* place in storm_window_names; the value of mskgov_window */
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

extern const char *const storm_window_names[];

/* What there is to do next, besides an exit status. */
#define STORM_OPTIONS_GO (-1)

/*
 * Reads and checks the command line. Returns STORM_OPTIONS_GO, or the exit status: 0
 * after
 * --help or --version, 2 after a message about what is wrong.
 */
int storm_options_read(storm_options *options, int argc, char **argv);

#endif
