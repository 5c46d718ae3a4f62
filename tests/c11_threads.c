/*
 * C11 threads on top of POSIX threads, for ThreadSanitizer: it watches pthread_create,
 * pthread_mutex_lock and their kin, but not thrd_create and mtx_lock, which librdkafka
 * uses. A program that links this file has them replaced, also for librdkafka. Relies on
 * glibc, where both families have the same types inside.
 */
/* librdkafka has to find them, so they are visible. */
#pragma GCC visibility push(default)

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "mtx_t holds a mutex");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "cnd_t holds a condition");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "thrd_t is a thread");

#define MUTEX(mutex) ((pthread_mutex_t *)(void *)(mutex))
#define COND(cond) ((pthread_cond_t *)(void *)(cond))

static int answer(int errnum) {
  switch (errnum) {
  case 0:
    return thrd_success;
  case EBUSY:
    return thrd_busy;
  case ENOMEM:
    return thrd_nomem;
  case ETIMEDOUT:
    return thrd_timedout;
  default:
    return thrd_error;
  }
}

typedef struct start {
  thrd_start_t run;
  void *argument;
} start;

static void *run(void *argument) {
  start it = *(start *)argument;

  free(argument);

  return (void *)(intptr_t)it.run(it.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  start *it = malloc(sizeof(*it));
  int errnum;

  if (!it)
    return thrd_nomem;

  *it = (start){function, argument};
  errnum = pthread_create(thread, NULL, run, it);
  if (errnum)
    free(it);

  return answer(errnum);
}

int thrd_join(thrd_t thread, int *result) {
  void *value = NULL;
  int errnum = pthread_join(thread, &value);

  if (result)
    *result = (int)(intptr_t)value;

  return answer(errnum);
}

int thrd_detach(thrd_t thread) {
  return answer(pthread_detach(thread));
}

int mtx_init(mtx_t *mutex, int type) {
  pthread_mutexattr_t attributes;
  int errnum;

  pthread_mutexattr_init(&attributes);
  if (type & mtx_recursive)
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  errnum = pthread_mutex_init(MUTEX(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);

  return answer(errnum);
}

void mtx_destroy(mtx_t *mutex) {
  pthread_mutex_destroy(MUTEX(mutex));
}
int mtx_lock(mtx_t *mutex) {
  return answer(pthread_mutex_lock(MUTEX(mutex)));
}
int mtx_trylock(mtx_t *mutex) {
  return answer(pthread_mutex_trylock(MUTEX(mutex)));
}
int mtx_unlock(mtx_t *mutex) {
  return answer(pthread_mutex_unlock(MUTEX(mutex)));
}

int mtx_timedlock(mtx_t *mutex, const struct timespec *deadline) {
  return answer(pthread_mutex_timedlock(MUTEX(mutex), deadline));
}

int cnd_init(cnd_t *cond) {
  return answer(pthread_cond_init(COND(cond), NULL));
}
void cnd_destroy(cnd_t *cond) {
  pthread_cond_destroy(COND(cond));
}
int cnd_signal(cnd_t *cond) {
  return answer(pthread_cond_signal(COND(cond)));
}
int cnd_broadcast(cnd_t *cond) {
  return answer(pthread_cond_broadcast(COND(cond)));
}

int cnd_wait(cnd_t *cond, mtx_t *mutex) {
  return answer(pthread_cond_wait(COND(cond), MUTEX(mutex)));
}

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *deadline) {
  return answer(pthread_cond_timedwait(COND(cond), MUTEX(mutex), deadline));
}
