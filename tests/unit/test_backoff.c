/*
 * The back-off: the bounds and means that mskgov/governor.h names for each jitter.
 * Statistics are of 100,000 draws, whose mean is off by less than 0.1 % of the width in
 * two cases out of three; 1 % is allowed.
 */
#include "policy/backoff.h"

#include "harness.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CAP_MAX ((UINT64_C(1) << 62) - 1)

static const mskgov_jitter jitters[] = {MSKGOV_JITTER_FULL, MSKGOV_JITTER_EQUAL,
                                        MSKGOV_JITTER_DECORRELATED};

typedef struct range {
  uint64_t low, high;
} range;

/* v = min(cap, base * 2^n) */
static uint64_t exponential(const gov_backoff_options *options, uint32_t n) {
  uint64_t v = options->base_ns;

  for (; n && v < options->cap_ns; n--)
    v *= 2;

  return v < options->cap_ns ? v : options->cap_ns;
}

static uint64_t tripled(const gov_backoff_options *options, uint64_t previous) {
  uint64_t high = 3 * (previous ? previous : options->base_ns);

  return high < options->cap_ns ? high : options->cap_ns;
}

/* Where the wait after the n-th failure in a row (n from 0) lies. */
static range expected(const gov_backoff_options *options, uint32_t n, uint64_t previous) {
  uint64_t v = exponential(options, n);

  switch (options->jitter) {
  case MSKGOV_JITTER_EQUAL:
    return (range){v / 2, v};
  case MSKGOV_JITTER_DECORRELATED:
    return (range){options->base_ns, tripled(options, previous)};
  default:
    return (range){0, v};
  }
}

static gov_backoff_options draw_options(gov_random *random, mskgov_jitter jitter) {
  static const uint64_t caps[] = {1, 2, 1000, 10000000000, CAP_MAX};
  uint64_t cap = 1 + gov_random_uniform(random, caps[gov_random_uniform(random, 4)] - 1);

  return (gov_backoff_options){
      .jitter = jitter, .base_ns = 1 + gov_random_uniform(random, cap - 1), .cap_ns = cap};
}

START_TEST(test_waits_keep_to_their_bounds) {
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t round = 0; round < 3000; round++) {
    gov_backoff_options options = draw_options(&random, jitters[round % COUNT(jitters)]);
    uint64_t previous = 0;
    gov_backoff backoff;

    gov_backoff_init(&backoff);
    for (uint32_t n = 0; n < 100; n++) {
      range bounds = expected(&options, n, previous);
      uint64_t wait = gov_backoff_next(&backoff, &options, &random);

      ck_assert_uint_ge(wait, bounds.low);
      ck_assert_uint_le(wait, bounds.high);
      ck_assert_uint_eq(backoff.failures, n + 1);
      previous = wait;
    }
  }
}
END_TEST

/* Whatever the count says, the wait is that of a long streak and the count does not wrap.
 */
START_TEST(test_long_streaks_stay_at_the_cap) {
  static const uint32_t counts[] = {62, 63, 64, 65, 1000, UINT32_MAX - 1, UINT32_MAX};
  gov_backoff_options options = {MSKGOV_JITTER_EQUAL, 3, CAP_MAX};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t i = 0; i < COUNT(counts); i++) {
    gov_backoff backoff = {.failures = counts[i], .previous_ns = options.cap_ns};

    for (int again = 0; again < 3; again++) {
      ck_assert_uint_ge(gov_backoff_next(&backoff, &options, &random), CAP_MAX / 2);
      ck_assert_uint_ge(backoff.failures, counts[i]);
    }
  }
}
END_TEST

#define DRAWS 100000

START_TEST(test_draws_are_even) {
  static const gov_backoff states[] = {{0, 0}, {3, 250000}, {40, 900000}};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t j = 0; j < COUNT(jitters); j++)
    for (size_t s = 0; s < COUNT(states); s++) {
      gov_backoff_options options = {jitters[j], 100000, 1000000};
      range bounds = expected(&options, states[s].failures, states[s].previous_ns);
      uint64_t width = bounds.high - bounds.low, sum = 0, low_quarter = 0, top = 0;

      for (int draw = 0; draw < DRAWS; draw++) {
        gov_backoff backoff = states[s];
        uint64_t above = gov_backoff_next(&backoff, &options, &random) - bounds.low;

        sum += above;
        low_quarter += above < width / 4;
        top += above == width;
      }
      ck_assert_uint_ge(sum / DRAWS, width * 49 / 100);
      ck_assert_uint_le(sum / DRAWS, width * 51 / 100);
      ck_assert_uint_ge(low_quarter, DRAWS * 24 / 100);
      ck_assert_uint_le(low_quarter, DRAWS * 26 / 100);
      ck_assert_uint_le(top, DRAWS / 1000); /* nothing gathers at the cap */
    }
}
END_TEST

/* After many failures a decorrelated fleet is still spread over [base, cap]. */
START_TEST(test_decorrelated_fleets_stay_spread) {
  gov_backoff_options options = {MSKGOV_JITTER_DECORRELATED, 1000, 1000000};
  unsigned tenths[10] = {0}, at_cap = 0;
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int client = 0; client < 10000; client++) {
    uint64_t wait = 0;
    gov_backoff backoff;

    gov_backoff_init(&backoff);
    for (int n = 0; n < 20; n++)
      wait = gov_backoff_next(&backoff, &options, &random);
    tenths[wait * 10 / (options.cap_ns + 1)]++;
    at_cap += wait == options.cap_ns;
  }
  for (size_t i = 0; i < COUNT(tenths); i++)
    ck_assert_uint_ge(tenths[i], 100);
  ck_assert_uint_le(at_cap, 10);
}
END_TEST

START_TEST(test_a_seed_gives_a_sequence) {
  for (size_t j = 0; j < COUNT(jitters); j++) {
    gov_backoff_options options = {jitters[j], 1000, 1000000000};
    gov_backoff one, other;
    gov_random random, again;
    bool varies = false;
    uint64_t before = 0;

    gov_random_init(&random, 42);
    gov_random_init(&again, 42);
    gov_backoff_init(&one);
    gov_backoff_init(&other);
    for (int n = 0; n < 50; n++) {
      uint64_t wait = gov_backoff_next(&one, &options, &random);

      ck_assert_uint_eq(wait, gov_backoff_next(&other, &options, &again));
      varies = varies || (n && wait != before);
      before = wait;
    }
    ck_assert(varies);
  }
}
END_TEST

TEST_MAIN("backoff", TEST(test_waits_keep_to_their_bounds),
          TEST(test_long_streaks_stay_at_the_cap), TEST(test_draws_are_even),
          TEST(test_decorrelated_fleets_stay_spread), TEST(test_a_seed_gives_a_sequence))
