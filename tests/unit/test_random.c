/*
 * The generator against published vectors, and the evenness of bounded draws.
 */
#include "base/random.h"

#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* splitmix64 from seed 1234567, as in its authors' reference (Steele, Lea, Flood, 2014).
 */
START_TEST(test_seeding_is_splitmix64) {
  static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                      9817491932198370423u, 4593380528125082431u};
  gov_random random;

  gov_random_init(&random, 1234567);
  ck_assert_mem_eq(random.state, expected, sizeof(expected));
}
END_TEST

/* xoshiro256** from the state {1, 2, 3, 4}: the vector of the reference implementation.
 */
START_TEST(test_sequence_is_xoshiro256) {
  static const uint64_t expected[] = {
      11520u,
      0u,
      1509978240u,
      1215971899390074240u,
      1216172134540287360u,
      607988272756665600u,
      16172922978634559625u,
      8476171486693032832u,
      10595114339597558777u,
      2904607092377533576u,
  };
  gov_random random = {.state = {1, 2, 3, 4}};

  for (size_t i = 0; i < COUNT(expected); i++)
    ck_assert_uint_eq(gov_random_next(&random), expected[i]);
}
END_TEST

START_TEST(test_seed_0_is_a_good_seed) {
  gov_random random;
  uint64_t all_or = 0, all_and = UINT64_MAX;

  gov_random_init(&random, 0);
  for (int i = 0; i < 100; i++) {
    uint64_t draw = gov_random_next(&random);
    all_or |= draw;
    all_and &= draw;
  }
  ck_assert_uint_eq(all_or, UINT64_MAX);
  ck_assert_uint_eq(all_and, 0);
}
END_TEST

START_TEST(test_system_seeds_differ) {
  gov_random one, other;

  gov_random_init_system(&one);
  gov_random_init_system(&other);
  ck_assert_mem_ne(one.state, other.state, sizeof(one.state));
}
END_TEST

START_TEST(test_uniform_keeps_to_its_ends) {
  static const uint64_t limits[] = {0,         1, 2, 9, UINT64_C(1) << 63, UINT64_MAX - 1,
                                    UINT64_MAX};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t i = 0; i < COUNT(limits); i++)
    for (int draw = 0; draw < 10000; draw++)
      ck_assert_uint_le(gov_random_uniform(&random, limits[i]), limits[i]);
}
END_TEST

/* 100,000 draws of 10 faces: 10,000 each, sigma 95; six of those are allowed. */
START_TEST(test_uniform_is_even) {
  unsigned seen[10] = {0};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int i = 0; i < 100000; i++)
    seen[gov_random_uniform(&random, 9)]++;
  for (size_t i = 0; i < COUNT(seen); i++) {
    ck_assert_uint_ge(seen[i], 9430);
    ck_assert_uint_le(seen[i], 10570);
  }
}
END_TEST

/* With 3 * 2^62 answers a plain remainder would give the lowest third half of the draws.
 */
START_TEST(test_uniform_is_even_for_wide_ranges) {
  const uint64_t third = UINT64_C(1) << 62;
  unsigned lowest = 0;
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int i = 0; i < 90000; i++)
    lowest += gov_random_uniform(&random, 3 * third - 1) < third;
  ck_assert_uint_ge(lowest, 29000); /* 30,000, sigma 141 */
  ck_assert_uint_le(lowest, 31000);
}
END_TEST

TEST_MAIN("random", TEST(test_seeding_is_splitmix64), TEST(test_sequence_is_xoshiro256),
          TEST(test_seed_0_is_a_good_seed), TEST(test_system_seeds_differ),
          TEST(test_uniform_keeps_to_its_ends), TEST(test_uniform_is_even),
          TEST(test_uniform_is_even_for_wide_ranges))
