/*
 * The back-off: the bounds and means that mskgov/governor.h names for each jitter.
 * Statistics are of 100,000 draws, whose mean is off by less than 0.1 % of the width in
 * two cases out of three; 1 % is allowed.
 */
#include "policy/backoff.h"

#include "base/clock.h"
#include "harness.h"
#include "strict_broker.h"

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
  gov_backoff_options options = {MSKGOV_JITTER_EQUAL, 3, CAP_MAX, false};
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
      gov_backoff_options options = {jitters[j], 100000, 1000000, false};
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
  gov_backoff_options options = {MSKGOV_JITTER_DECORRELATED, 1000, 1000000, false};
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
    gov_backoff_options options = {jitters[j], 1000, 1000000000, false};
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

#define MS GOV_NS_PER_MS
#define SECOND GOV_NS_PER_S
#define HOUR GOV_BACKOFF_CAP_GROWN_MAX_NS

/*
 * The cap doubles with every second failure past those that take `base` to it: 100 ms
 * doubles six times below 10 s. And it is at least 2 * clients * window / quota. Neither
 * takes it past an hour.
 */
START_TEST(test_caps_by_hand) {
  static const struct {
    uint64_t base_ns, cap_ns;
    uint32_t failures, clients, quota;
    uint64_t window_ns, expected_ns;
  } cases[] = {
      {100 * MS, 10 * SECOND, 0, 0, 20, SECOND, 10 * SECOND},
      {100 * MS, 10 * SECOND, 6, 1, 20, SECOND, 10 * SECOND},
      {100 * MS, 10 * SECOND, 7, 1, 20, SECOND, 10 * SECOND},
      {100 * MS, 10 * SECOND, 8, 1, 20, SECOND, 20 * SECOND},
      {100 * MS, 10 * SECOND, 9, 1, 20, SECOND, 20 * SECOND},
      {100 * MS, 10 * SECOND, 10, 1, 20, SECOND, 40 * SECOND},
      {100 * MS, 10 * SECOND, 22, 1, 20, SECOND, 2560 * SECOND},
      {100 * MS, 10 * SECOND, 24, 1, 20, SECOND, HOUR}, /* 5120 s */
      {100 * MS, 10 * SECOND, UINT32_MAX, 1, 20, SECOND, HOUR},
      {10 * SECOND, 10 * SECOND, 1, 1, 20, SECOND, 10 * SECOND}, /* at the cap at once */
      {10 * SECOND, 10 * SECOND, 2, 1, 20, SECOND, 20 * SECOND},
      {SECOND, 4 * SECOND, 3, 1, 20, SECOND, 4 * SECOND}, /* 1, 2, 4: the cap itself */
      {SECOND, 4 * SECOND, 4, 1, 20, SECOND, 8 * SECOND},
      {1, HOUR - 1, 42, 1, 20, SECOND, HOUR - 1}, /* 2^41 ns are 37 minutes */
      {1, HOUR - 1, 43, 1, 20, SECOND, HOUR},
      {100 * MS, 10 * SECOND, 1, 100, 20, SECOND, 10 * SECOND}, /* 2 * 100 / 20: the same */
      {100 * MS, 10 * SECOND, 1, 101, 20, SECOND, 10100 * MS},
      {100 * MS, 10 * SECOND, 1, 400, 20, SECOND, 40 * SECOND},
      {100 * MS, 10 * SECOND, 8, 400, 20, SECOND, 40 * SECOND}, /* the larger of the two */
      {100 * MS, 10 * SECOND, 14, 400, 20, SECOND, 160 * SECOND},
      {100 * MS, 10 * SECOND, 1, 400, 1200, 60 * SECOND, 40 * SECOND},
      {100 * MS, 10 * SECOND, 1, 100000, 1, 100 * MS, HOUR}, /* 20000 s */
      {1, 1, 0, 3, 7, SECOND, 857142857},                    /* rounded down */
      /* a cap of an hour or more stays as it is */
      {1, HOUR, UINT32_MAX, 100000, 1, SECOND, HOUR},
      {1, CAP_MAX, UINT32_MAX, 100000, 1, SECOND, CAP_MAX},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    gov_backoff_options options = {MSKGOV_JITTER_FULL, cases[i].base_ns, cases[i].cap_ns,
                                   true};
    uint64_t cap = gov_backoff_cap_ns(&options, cases[i].failures, cases[i].clients,
                                      cases[i].quota, cases[i].window_ns);

    ck_assert_msg(cap == cases[i].expected_ns, "case %zu: %llu", i,
                  (unsigned long long)cap);
    options.cap_grows = false;
    ck_assert_uint_eq(gov_backoff_cap_ns(&options, cases[i].failures, cases[i].clients,
                                         cases[i].quota, cases[i].window_ns),
                      cases[i].cap_ns);
  }
}
END_TEST

#define LONERS 400

typedef struct loner {
  gov_backoff backoff;
  uint64_t at_ns; /* the next attempt; UINT64_MAX: it is connected */
} loner;

static loner *first_of(loner *loners) {
  loner *first = loners;

  for (loner *l = loners; l < loners + LONERS; l++)
    if (l->at_ns < first->at_ns)
      first = l;

  return first;
}

/* When all have connected, who know nothing of each other; or `horizon_ns`. */
static uint64_t connect_alone(bool cap_grows, uint64_t horizon_ns, uint64_t seed) {
  const gov_backoff_options options = {MSKGOV_JITTER_FULL, 100 * MS, 10 * SECOND,
                                       cap_grows};
  strict_broker broker = {0};
  uint64_t now = 0;
  loner loners[LONERS];
  gov_random random;

  gov_random_init(&random, seed);
  for (size_t i = 0; i < LONERS; i++)
    loners[i] = (loner){.at_ns = gov_random_uniform(&random, SECOND)};

  for (loner *l; (l = first_of(loners))->at_ns < horizon_ns;) {
    gov_backoff_options capped = options;

    now = l->at_ns;
    l->at_ns = UINT64_MAX;
    if (strict_broker_accepts(&broker, now))
      continue;
    capped.cap_ns = gov_backoff_cap_ns(&options, l->backoff.failures, 1, STRICT_QUOTA,
                                       STRICT_WINDOW_NS);
    l->at_ns = now + gov_backoff_next(&l->backoff, &capped, &random);
  }

  return first_of(loners)->at_ns == UINT64_MAX ? now : horizon_ns;
}

/*
 * 400 clients against 20 attempts a second, rejected ones counted. A cap of 10 s lets 80
 * come in every second for ever; 2 N / Q = 40 s would let 20 come.
 */
START_TEST(test_the_growing_cap_lets_loners_through) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    ck_assert_uint_lt(connect_alone(true, HOUR, seed), 200 * SECOND);
    ck_assert_uint_eq(connect_alone(false, 600 * SECOND, seed), 600 * SECOND);
  }
}
END_TEST

TEST_MAIN("backoff", TEST(test_waits_keep_to_their_bounds),
          TEST(test_long_streaks_stay_at_the_cap), TEST(test_draws_are_even),
          TEST(test_decorrelated_fleets_stay_spread), TEST(test_a_seed_gives_a_sequence),
          TEST(test_caps_by_hand), TEST(test_the_growing_cap_lets_loners_through))
