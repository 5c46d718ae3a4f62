/*
 * What every unit test would repeat: the main function, and a seed that is printed and can
 * be given back (MSKGOV_TEST_SEED).
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
/* The sanitizers do not hold their own locks across a fork, so that a child of a process
   with threads may hang in them. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) ||                       \
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TEST_CHILD_MAY_START_THREADS false
#else
#define TEST_CHILD_MAY_START_THREADS true
#endif

static inline uint64_t test_seed(void) {
  const char *given = getenv("MSKGOV_TEST_SEED");
  struct timespec now;
  uint64_t seed;

  clock_gettime(CLOCK_REALTIME, &now);
  seed = given ? strtoull(given, NULL, 10)
               : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  printf("seed %llu (set MSKGOV_TEST_SEED to repeat)\n", (unsigned long long)seed);
  fflush(stdout);

  return seed;
}

/* A test, and how often it runs: with _i from 0 to loops - 1. */
typedef struct test_entry {
  const TTest *test;
  int loops; /* 0: once, and not as a loop */
} test_entry;

#define TEST_LOOP(test, loops)                                                             \
  { test, (int)(loops) }
#define TEST_TABLE(test, table) TEST_LOOP(test, sizeof(table) / sizeof((table)[0]))
#define TEST(test)                                                                         \
  { test, 0 }

static inline int test_run(const char *name, const test_entry *entries, size_t count) {
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create(name);
  SRunner *runner;
  int failed;

  tcase_set_timeout(tcase, 120);
  for (size_t i = 0; i < count; i++)
    if (entries[i].loops)
      tcase_add_loop_test(tcase, entries[i].test, 0, entries[i].loops);
    else
      tcase_add_test(tcase, entries[i].test);
  suite_add_tcase(suite, tcase);
  runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  failed = srunner_ntests_failed(runner);
  srunner_free(runner);

  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The main function: TEST_MAIN("name", TEST(one), TEST_TABLE(other, its_table)). */
#define TEST_MAIN(name, ...)                                                               \
  int main(void) {                                                                         \
    const test_entry entries[] = {__VA_ARGS__};                                            \
    return test_run(name, entries, sizeof(entries) / sizeof(entries[0]));                  \
  }

#endif
