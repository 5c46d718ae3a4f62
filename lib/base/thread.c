#include "base/thread.h"

#include "base/clock.h"

#include <signal.h>
#include <time.h>

int gov_thread_start(pthread_t *thread, const char *name, void *(*run)(void *),
                     void *argument) {
  sigset_t all, before;
  int rc;

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (rc)
    return rc;

  pthread_setname_np(*thread, name);

  return 0;
}

int gov_cond_init(pthread_cond_t *cond) {
  pthread_condattr_t attributes;
  int rc;

  rc = pthread_condattr_init(&attributes);
  if (rc)
    return rc;

  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  rc = pthread_cond_init(cond, &attributes);
  pthread_condattr_destroy(&attributes);

  return rc;
}

void gov_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                         uint64_t deadline_ns) {
  struct timespec ts;

  if (deadline_ns == UINT64_MAX) {
    pthread_cond_wait(cond, mutex);
    return;
  }

  ts.tv_sec = (time_t)(deadline_ns / GOV_NS_PER_S);
  ts.tv_nsec = (long)(deadline_ns % GOV_NS_PER_S);
  pthread_cond_timedwait(cond, mutex, &ts);
}
