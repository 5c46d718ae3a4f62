/*
 * The modes: how the clients of a storm behave.
 */
#ifndef STORM_MODE_H
#define STORM_MODE_H

#include "common/fleet.h"

#include <stdbool.h>

#define STORM_MODES 3

typedef struct storm_mode {
  const char *name;
  const char *sentence;      /* for a reader of the report */
  bool governed;             /* one governor per process; it has to keep the quota */
  bool spread;               /* clients sleep a random time, up to clients / quota, first */
  bench_setting settings[3]; /* of librdkafka, besides its defaults */
} storm_mode;

extern const storm_mode storm_modes[STORM_MODES];

/* Their names, and the names that a later version has; both ended by NULL. */
extern const char *const storm_mode_names[];
extern const char *const storm_mode_names_later[];

/* The mode of that name, NULL if there is none. */
const storm_mode *storm_mode_find(const char *name);

#endif
