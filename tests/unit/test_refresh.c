/*
 * When credentials are fetched anew: the bounds of the draws, and that they are used.
 */
#include "policy/refresh.h"

#include "harness.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define DRAWS 20000

typedef struct row {
  uint64_t argument; /* life, or failures */
  uint64_t low_ns, high_ns;
} row;

static void check(const row *expected, uint64_t (*draw)(uint64_t, gov_random *)) {
  uint64_t width_ns = expected->high_ns - expected->low_ns;
  uint64_t least = UINT64_MAX, most = 0;
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int i = 0; i < DRAWS; i++) {
    uint64_t wait_ns = draw(expected->argument, &random);

    least = wait_ns < least ? wait_ns : least;
    most = wait_ns > most ? wait_ns : most;
  }
  ck_assert_uint_ge(least, expected->low_ns);
  ck_assert_uint_le(most, expected->high_ns);
  /* all of the range is used: a draw misses a hundredth at its end with 0.99^20000 */
  ck_assert_uint_le(least, expected->low_ns + width_ns / 100);
  ck_assert_uint_ge(most, expected->high_ns - width_ns / 100);
}

static const row successes[] = {
    {3600 * S, 2700 * S, 3000 * S}, /* 15 to 10 min before the end */
    {43200 * S, 42300 * S, 42600 * S}, {1800 * S, 900 * S, 1200 * S},
    {900 * S, 450 * S, 600 * S}, /* a half to a third of the life before it */
    {30 * S, 15 * S, 20 * S},          {0, 0, 0},
};

START_TEST(a_refresh_is_before_the_end) {
  check(&successes[_i], gov_refresh_after_success_ns);
}
END_TEST

START_TEST(what_does_not_end_is_not_refreshed) {
  gov_random random;

  gov_random_init(&random, 1);
  ck_assert_uint_eq(gov_refresh_after_success_ns(UINT64_MAX, &random), UINT64_MAX);
}
END_TEST

static uint64_t after_failure(uint64_t failures, gov_random *random) {
  return gov_refresh_after_failure_ns((uint32_t)failures, random);
}

static const row failures[] = {
    {1, 0, 500 * MS},
    {2, 0, 1000 * MS},
    {3, 0, 2000 * MS},
    {4, 30 * S, 60 * S},
    {5, 30 * S, 60 * S},
    {1000, 30 * S, 60 * S},
    {UINT32_MAX, 30 * S, 60 * S},
};

START_TEST(after_a_failure_soon_then_steadily) {
  check(&failures[_i], after_failure);
}
END_TEST

/* An hour's outage: the quick tries, and a try per half minute at most. */
START_TEST(an_outage_costs_a_try_per_half_minute) {
  gov_random random;
  uint64_t at_ns = 0;
  uint32_t tries = 1;

  gov_random_init(&random, test_seed());
  for (; at_ns < 3600 * S; tries++)
    at_ns += gov_refresh_after_failure_ns(tries, &random);
  ck_assert_uint_le(tries, 3600 / 30 + 4);
  ck_assert_uint_ge(tries, 3600 / 60);
}
END_TEST

TEST_MAIN("refresh", TEST_TABLE(a_refresh_is_before_the_end, successes),
          TEST(what_does_not_end_is_not_refreshed),
          TEST_TABLE(after_a_failure_soon_then_steadily, failures),
          TEST(an_outage_costs_a_try_per_half_minute))
