#include "client/keeper.h"

#include "client/process.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

struct gov_keeper {
  pid_t pid;
  unsigned users; /* under the process's lock */
  gov_timers *tokens;
  gov_timers *connections;
};

/* The keeper of this process, or that of the parent, or NULL; under the process's lock. */
static gov_keeper *current;

static void keeper_free(gov_keeper *keeper) {
  gov_timers_free(keeper->tokens);
  gov_timers_free(keeper->connections);
  free(keeper);
}

static int keeper_new(gov_keeper **out) {
  gov_keeper *keeper = calloc(1, sizeof(*keeper));
  int rc;

  if (!keeper)
    return ENOMEM;

  keeper->pid = getpid();
  rc = gov_timers_new(&keeper->tokens, "mskgov-tokens");
  if (rc == 0)
    rc = gov_timers_new(&keeper->connections, "mskgov-keeper");
  if (rc) {
    keeper_free(keeper);
    return rc;
  }
  *out = keeper;

  return 0;
}

int gov_keeper_join(gov_keeper **keeper) {
  int rc = 0;

  gov_process_lock();
  if (!current || current->pid != getpid())
    rc = keeper_new(&current);
  if (rc == 0) {
    current->users++;
    *keeper = current;
  }
  gov_process_unlock();

  return rc;
}

void gov_keeper_leave(gov_keeper *keeper) {
  unsigned left;

  if (!keeper || keeper->pid != getpid())
    return;

  gov_process_lock();
  left = --keeper->users;
  if (left == 0)
    current = NULL;
  gov_process_unlock();

  if (left == 0)
    keeper_free(keeper);
}

gov_timers *gov_keeper_tokens(gov_keeper *keeper) {
  return keeper->tokens;
}

gov_timers *gov_keeper_connections(gov_keeper *keeper) {
  return keeper->connections;
}
