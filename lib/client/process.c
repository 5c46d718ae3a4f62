#include "client/process.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lock(void) {
  pthread_mutex_lock(&mutex);
}

static void unlock(void) {
  pthread_mutex_unlock(&mutex);
}

static void hold_across_forks(void) {
  pthread_atfork(lock, unlock, unlock);
}

void gov_process_lock(void) {
  pthread_once(&once, hold_across_forks);
  lock();
}

void gov_process_unlock(void) {
  unlock();
}
