/*
 * Threads of the library's own, and condition variables that wait on the monotonic clock.
 */
#ifndef GOV_BASE_THREAD_H
#define GOV_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/*
 * Starts a thread with every signal blocked, so that the application's handlers run on its
 * own threads, and with a name (at most 15 bytes) for debuggers. Returns 0 or an errno.
 */
int gov_thread_start(pthread_t *thread, const char *name, void *(*run)(void *),
                     void *argument);

/* A condition variable on CLOCK_MONOTONIC. Returns 0 or an errno. */
int gov_cond_init(pthread_cond_t *cond);

/* Waits until `deadline_ns` (monotonic) at the latest; UINT64_MAX: without limit. */
void gov_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                         uint64_t deadline_ns);

#endif
