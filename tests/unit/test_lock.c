/*
 * The lock: one thread at a time, nobody forgotten asleep, what was written before a release
 * is seen after an acquire.
 */
#include "base/lock.h"

#include "harness.h"
#include "threads.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#define THREADS 16
#define ROUNDS 20000

typedef struct shared {
  gov_lock lock;
  int inside;
  uint64_t count; /* no atomic: the lock is all that keeps it */
} shared;

static shared the_shared;

typedef struct worker {
  uint64_t random;
  uint32_t stay; /* of how many sections one is long enough for the others to sleep */
} worker;

static void *work(void *argument) {
  worker *self = argument;

  for (int i = 0; i < ROUNDS; i++) {
    self->random = self->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    gov_lock_acquire(&the_shared.lock);
    ck_assert_int_eq(++the_shared.inside, 1);
    the_shared.count++;
    if (self->stay && (self->random >> 33) % self->stay == 0)
      usleep(20);
    the_shared.inside--;
    gov_lock_release(&the_shared.lock);
    if ((self->random >> 40) % 64 == 0)
      sched_yield();
  }

  return NULL;
}

static const uint32_t stays[] = {0, 200, 2000};

START_TEST(one_thread_at_a_time) {
  worker workers[THREADS];

  memset(&the_shared, 0, sizeof(the_shared));
  for (int i = 0; i < THREADS; i++)
    workers[i] = (worker){.random = test_seed() + (uint64_t)i, .stay = stays[_i]};
  test_threads_run(THREADS, work, workers, sizeof(workers[0]));
  ck_assert_uint_eq(the_shared.count, (uint64_t)THREADS * ROUNDS);
  ck_assert_uint_eq(atomic_load(&the_shared.lock.state), 0);
}
END_TEST

static void *pass(void *argument) {
  gov_lock_acquire(argument);
  gov_lock_release(argument);

  return NULL;
}

/* All of them sleep, and each is woken in its turn. */
START_TEST(sleepers_are_woken) {
  static gov_lock lock;
  pthread_t threads[THREADS];

  gov_lock_acquire(&lock);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, pass, &lock), 0);
  usleep(100000);
  ck_assert_uint_eq(atomic_load(&lock.state), 2);
  gov_lock_release(&lock);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_eq(atomic_load(&lock.state), 0);
}
END_TEST

TEST_MAIN("lock", TEST_TABLE(one_thread_at_a_time, stays), TEST(sleepers_are_woken))
