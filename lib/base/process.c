#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

atomic_uint gov_process_forks;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static gov_process_fd *kept; /* under the mutex */

static void before_fork(void) {
  pthread_mutex_lock(&mutex);
}

static void after_fork(void) {
  pthread_mutex_unlock(&mutex);
}

static void in_child(void) {
  atomic_fetch_add(&gov_process_forks, 1);
  for (gov_process_fd *entry = kept; entry; entry = entry->next) {
    close(entry->fd);
    entry->fd = -1;
  }
  pthread_mutex_unlock(&mutex);
}

static void notice_forks(void) {
  pthread_atfork(before_fork, after_fork, in_child);
}

unsigned gov_process_generation(void) {
  pthread_once(&once, notice_forks);

  return atomic_load(&gov_process_forks);
}

int gov_process_open(gov_process_fd *entry, int directory, const char *name, int flags) {
  int rc = 0;

  pthread_once(&once, notice_forks);
  pthread_mutex_lock(&mutex);
  entry->fd = openat(directory, name, flags);
  if (entry->fd < 0) {
    rc = errno;
  } else {
    entry->next = kept;
    kept = entry;
  }
  pthread_mutex_unlock(&mutex);

  return rc;
}

void gov_process_forget(gov_process_fd *entry) {
  pthread_mutex_lock(&mutex);
  for (gov_process_fd **link = &kept; *link; link = &(*link)->next)
    if (*link == entry) {
      *link = entry->next;
      break;
    }
  if (entry->fd >= 0)
    close(entry->fd);
  entry->fd = -1;
  pthread_mutex_unlock(&mutex);
}
