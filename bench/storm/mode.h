/*
 * The modes: how the clients of a storm behave.
 */
#ifndef STORM_MODE_H
#define STORM_MODE_H

#include <stdbool.h>
#include <stdint.h>

#define STORM_MODES 5

/* Whose budget the governor of a process spends. */
typedef enum storm_budget {
  STORM_BUDGET_NONE = 0, /* there is no governor */
  STORM_BUDGET_SHARE,    /* quota / processes, each process its own */
  STORM_BUDGET_HOST,     /* the quota, in a store that all processes share */
  STORM_BUDGET_ALONE     /* the quota in every process; the rate follows the rejections */
} storm_budget;

typedef struct storm_mode {
  const char *name;
  const char *sentence; /* for a reader of the report */
  storm_budget budget;
  bool spread;              /* clients sleep a random time, up to clients / quota, first */
  uint64_t backoff_base_ms; /* the clients' own back-off; 0: their default */
  uint64_t backoff_max_ms;
} storm_mode;

extern const storm_mode storm_modes[STORM_MODES];

/* Their names, and the names that a later version has; both ended by NULL. */
extern const char *const storm_mode_names[];
extern const char *const storm_mode_names_later[];

/* How many of them, from the first, are of interest where there is one process only. */
#define STORM_MODES_ALONE 3

/* The mode of that name, NULL if there is none. */
const storm_mode *storm_mode_find(const char *name);

#endif
