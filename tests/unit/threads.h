/*
 * Runs one function on several threads at once, and waits for them all.
 */
#ifndef TEST_THREADS_H
#define TEST_THREADS_H

#include <check.h>
#include <pthread.h>
#include <stddef.h>

#define TEST_THREADS_MAX 64

typedef struct test_threads {
  pthread_t threads[TEST_THREADS_MAX];
  size_t count;
} test_threads;

/* Each thread gets the element of its number: `arguments` is an array of `size` bytes
 * each. */
static inline void test_threads_start(test_threads *threads, size_t count,
                                      void *(*run)(void *), void *arguments, size_t size) {
  ck_assert_uint_le(count, TEST_THREADS_MAX);
  threads->count = count;
  for (size_t i = 0; i < count; i++)
    ck_assert_int_eq(
        pthread_create(&threads->threads[i], NULL, run, (char *)arguments + i * size), 0);
}

static inline void test_threads_join(test_threads *threads) {
  for (size_t i = 0; i < threads->count; i++)
    ck_assert_int_eq(pthread_join(threads->threads[i], NULL), 0);
}

static inline void test_threads_run(size_t count, void *(*run)(void *), void *arguments,
                                    size_t size) {
  test_threads threads;

  test_threads_start(&threads, count, run, arguments, size);
  test_threads_join(&threads);
}

#endif
