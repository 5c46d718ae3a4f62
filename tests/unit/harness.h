/*
 * What every unit test would repeat: the main function, and a seed that is printed and can
 * be given back (MSKGOV_TEST_SEED).
 */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

/* TEST_MAIN(name, test, ...): a suite of up to the given tests, and main. */
#define TEST_MAIN(name, ...)                                                               \
  int main(void) {                                                                         \
    const TTest *tests[] = {__VA_ARGS__};                                                  \
    Suite *suite = suite_create(name);                                                     \
    TCase *tcase = tcase_create(name);                                                     \
    SRunner *runner;                                                                       \
    int failed;                                                                            \
                                                                                           \
    tcase_set_timeout(tcase, 60);                                                          \
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                          \
      tcase_add_test(tcase, tests[i]);                                                     \
    suite_add_tcase(suite, tcase);                                                         \
    runner = srunner_create(suite);                                                        \
    srunner_run_all(runner, CK_ENV);                                                       \
    failed = srunner_ntests_failed(runner);                                                \
    srunner_free(runner);                                                                  \
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                           \
  }

#endif
