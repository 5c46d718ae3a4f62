#include "base/timers.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>

struct gov_timers {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  pthread_cond_t ran;
  struct {
    gov_heap heap;
    gov_timer *running;
    bool stopping;
  } locked;
};

static void run_locked(gov_timers *timers, gov_timer *timer) {
  gov_timer_fn *run = timer->run;
  void *user = timer->user;

  gov_heap_remove(&timers->locked.heap, &timer->node);
  timers->locked.running = timer;
  pthread_mutex_unlock(&timers->mutex);
  run(user);
  pthread_mutex_lock(&timers->mutex);
  timers->locked.running = NULL;
  pthread_cond_broadcast(&timers->ran);
}

static void *run_timers(void *argument) {
  gov_timers *timers = argument;

  pthread_mutex_lock(&timers->mutex);
  while (!timers->locked.stopping) {
    gov_heap_node *node = gov_heap_first(&timers->locked.heap);

    if (node && node->at_ns <= gov_clock_monotonic_ns(&gov_clock_system))
      run_locked(timers, gov_container_of(node, gov_timer, node));
    else
      gov_cond_wait_until(&timers->changed, &timers->mutex,
                          gov_heap_first_ns(&timers->locked.heap));
  }
  pthread_mutex_unlock(&timers->mutex);

  return NULL;
}

int gov_timers_new(gov_timers **out, const char *thread_name) {
  gov_timers *timers = calloc(1, sizeof(*timers));
  int rc;

  if (!timers)
    return ENOMEM;

  pthread_mutex_init(&timers->mutex, NULL);
  gov_cond_init(&timers->changed);
  gov_cond_init(&timers->ran);
  gov_heap_init(&timers->locked.heap);
  rc = gov_thread_start(&timers->thread, thread_name, run_timers, timers);
  if (rc) {
    pthread_cond_destroy(&timers->ran);
    pthread_cond_destroy(&timers->changed);
    pthread_mutex_destroy(&timers->mutex);
    free(timers);
    return rc;
  }

  *out = timers;

  return 0;
}

void gov_timers_free(gov_timers *timers) {
  if (!timers)
    return;

  pthread_mutex_lock(&timers->mutex);
  timers->locked.stopping = true;
  pthread_cond_signal(&timers->changed);
  pthread_mutex_unlock(&timers->mutex);
  pthread_join(timers->thread, NULL);

  gov_heap_fini(&timers->locked.heap);
  pthread_cond_destroy(&timers->ran);
  pthread_cond_destroy(&timers->changed);
  pthread_mutex_destroy(&timers->mutex);
  free(timers);
}

void gov_timer_init(gov_timer *timer, gov_timer_fn *run, void *user) {
  *timer = (gov_timer){.run = run, .user = user};
}

bool gov_timer_set(gov_timers *timers, gov_timer *timer, uint64_t at_ns) {
  bool set;

  pthread_mutex_lock(&timers->mutex);
  set = timer->cancelling || gov_heap_contains(&timer->node) ||
        gov_heap_reserve(&timers->locked.heap, timers->locked.heap.count + 1);
  if (set && !timer->cancelling) {
    gov_heap_update(&timers->locked.heap, &timer->node, at_ns);
    if (gov_heap_first(&timers->locked.heap) == &timer->node)
      pthread_cond_signal(&timers->changed);
  }
  pthread_mutex_unlock(&timers->mutex);

  return set;
}

void gov_timer_cancel(gov_timers *timers, gov_timer *timer) {
  pthread_mutex_lock(&timers->mutex);
  gov_heap_remove(&timers->locked.heap, &timer->node);
  timer->cancelling = true; /* a function that sets its own timer again is running */
  while (timers->locked.running == timer && !pthread_equal(pthread_self(), timers->thread))
    pthread_cond_wait(&timers->ran, &timers->mutex);
  timer->cancelling = false;
  pthread_mutex_unlock(&timers->mutex);
}
