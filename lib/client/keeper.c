#include "client/keeper.h"

#include "base/thread.h"

#include <assert.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
  pthread_mutex_t mutex;
  gov_timers *timers;
  unsigned users;
  pid_t pid; /* a thread does not live on in a child: there the first to join starts anew */
} keeper = {.mutex = PTHREAD_MUTEX_INITIALIZER};

int gov_keeper_join(gov_timers **timers) {
  int rc = 0;

  pthread_mutex_lock(&keeper.mutex);
  if (keeper.users && keeper.pid != getpid())
    keeper.users = 0;
  if (keeper.users == 0) {
    keeper.pid = getpid();
    rc = gov_timers_new(&keeper.timers, "mskgov-keeper");
  }
  if (rc == 0) {
    keeper.users++;
    *timers = keeper.timers;
  }
  pthread_mutex_unlock(&keeper.mutex);

  return rc;
}

void gov_keeper_leave(void) {
  gov_timers *last = NULL;

  pthread_mutex_lock(&keeper.mutex);
  assert(keeper.users > 0);
  if (--keeper.users == 0 && keeper.pid == getpid())
    last = keeper.timers;
  pthread_mutex_unlock(&keeper.mutex);

  gov_timers_free(last);
}
