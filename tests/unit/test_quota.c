/*
 * The broker's quota, fixed and sliding, and the peak of its attempts, against tables
 * worked out by hand, and the sliding window against the plainest model. The connection
 * limit and the clock with every window.
 */
#include "base/random.h"
#include "broker/attempts.h"
#include "broker/quota.h"
#include "harness.h"

#include <string.h>

#define MS(n) (UINT64_C(1000000) * (n))
#define S(n) MS(UINT64_C(1000) * (n))

/* Attempts in the order of time: when, with how many open, and whether within the quota. */
struct step {
  uint64_t at_ns;
  uint32_t open;
  bool within;
};

#define STEPS_MAX 16

static const struct {
  const char *name;
  mskgov_window window;
  uint32_t limit, max_connections;
  bool count_rejected;
  struct step steps[STEPS_MAX];
  size_t count;
} tables[] = {
    {"fixed: a new second begins afresh, however near",
     MSKGOV_WINDOW_FIXED,
     2,
     100,
     false,
     {{MS(5900), 0, true},
      {MS(5950), 0, true},
      {S(6) - 1, 0, false},
      {S(6), 0, true},
      {S(6), 0, true},
      {S(6), 0, false},
      {S(7) - 1, 0, false},
      {S(9) + 1, 0, true}},
     8},
    {"fixed: rejected attempts do not reach into the next second",
     MSKGOV_WINDOW_FIXED,
     1,
     100,
     true,
     {{S(1), 0, true},
      {MS(1100), 0, false},
      {MS(1900), 0, false},
      {S(2), 0, true},
      {MS(2001), 0, false}},
     5},
    {"sliding: room again exactly one second later",
     MSKGOV_WINDOW_SLIDING,
     2,
     100,
     false,
     {{MS(500), 0, true},
      {MS(900), 0, true},
      {MS(1500) - 1, 0, false}, /* 500 and 900 are within (499.999999, 1499.999999] */
      {MS(1500), 0, true},      /* 500 has left */
      {MS(1500), 0, false},
      {MS(1900) - 1, 0, false},
      {MS(1900), 0, true},
      {MS(2499), 0, false},
      {MS(2500), 0, true}},
     9},
    {"sliding: rejected attempts keep the window full",
     MSKGOV_WINDOW_SLIDING,
     1,
     100,
     true,
     {{S(1), 0, true},
      {MS(1600), 0, false},
      {MS(2200), 0, false}, /* 1600 was counted, so it is not yet a second */
      {MS(3199), 0, false}, /* 2200 as well */
      {MS(4198), 0, false},
      {MS(5198), 0, true}},
     6},
    {"sliding: the same without counting them",
     MSKGOV_WINDOW_SLIDING,
     1,
     100,
     false,
     {{S(1), 0, true},
      {MS(1600), 0, false},
      {MS(2200), 0, true},
      {MS(3199), 0, false},
      {MS(4198), 0, true},
      {MS(5198), 0, true}},
     6},
    {"sliding: an attempt at time zero counts",
     MSKGOV_WINDOW_SLIDING,
     1,
     100,
     false,
     {{0, 0, true}, {S(1) - 1, 0, false}, {S(1), 0, true}},
     3},
    {"fixed: so does it here",
     MSKGOV_WINDOW_FIXED,
     1,
     100,
     false,
     {{0, 0, true}, {S(1) - 1, 0, false}, {S(1), 0, true}},
     3},
    {"the connection limit rejects whatever the rate",
     MSKGOV_WINDOW_SLIDING,
     10,
     2,
     false,
     {{0, 0, true}, {1, 1, true}, {2, 2, false}, {3, 1, true}, {4, 2, false}},
     5},
    {"over the connection limit an attempt fills the window if rejected ones count",
     MSKGOV_WINDOW_SLIDING,
     2,
     1,
     true,
     {{MS(100), 1, false},
      {MS(200), 1, false},
      {MS(300), 0, false}, /* 100 and 200 fill it, and 300 now counts too */
      {MS(1200), 0, true},
      {MS(1299), 0, false}},
     5},
    {"also as the first one of a second",
     MSKGOV_WINDOW_FIXED,
     1,
     1,
     true,
     {{S(1), 0, true}, {S(2), 1, false}, {S(2), 0, false}, {S(3), 0, true}},
     4},
    {"so it does in a bucket",
     MSKGOV_WINDOW_BUCKET,
     2,
     1,
     true,
     {{MS(100), 1, false}, {MS(100), 1, false}, {MS(100), 0, false}, {MS(1099), 0, false}},
     4},
    {"and if they do not, it does not",
     MSKGOV_WINDOW_BUCKET,
     2,
     1,
     false,
     {{MS(100), 1, false}, {MS(100), 1, false}, {MS(100), 0, true}, {MS(100), 0, true}},
     4},
    {"so it does by Kafka's rate, of which ten seconds' worth is at once",
     MSKGOV_WINDOW_KAFKA,
     1,
     1,
     true,
     {{MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 0, true}, /* the tenth */
      {MS(100), 0, false}},
     11},
    {"and if they do not, it does not",
     MSKGOV_WINDOW_KAFKA,
     1,
     1,
     false,
     {{MS(100), 0, true},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 1, false},
      {MS(100), 0, true}},
     12},
    {"a time that runs backwards stands still",
     MSKGOV_WINDOW_SLIDING,
     1,
     100,
     false,
     {{S(5), 0, true}, {S(1), 0, false}, {S(6), 0, true}},
     3},
    {"by Kafka's rate as well",
     MSKGOV_WINDOW_KAFKA,
     1,
     100,
     true,
     {{S(50), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, true},
      {S(1), 0, false},
      {S(50), 0, false},
      {S(61), 0, true}},
     13},
};

static void init(gov_quota *quota, mskgov_window window, uint32_t limit,
                 uint32_t max_connections, bool count_rejected) {
  const gov_quota_terms terms = {.window = window,
                                 .limit = limit,
                                 .max_connections = max_connections,
                                 .count_rejected = count_rejected};

  ck_assert_int_eq(gov_quota_init(quota, &terms), 0);
}

START_TEST(test_windows) {
  gov_quota quota;

  init(&quota, tables[_i].window, tables[_i].limit, tables[_i].max_connections,
       tables[_i].count_rejected);
  for (size_t i = 0; i < tables[_i].count; i++) {
    const struct step *step = &tables[_i].steps[i];

    ck_assert_msg(gov_quota_attempt(&quota, step->at_ns, step->open) == step->within,
                  "%s: step %zu", tables[_i].name, i);
  }
  gov_quota_fini(&quota);
}
END_TEST

/* Two brokers' quotas know nothing of each other. */
START_TEST(test_brokers_are_independent) {
  gov_quota quotas[2];

  for (int i = 0; i < 2; i++)
    init(&quotas[i], MSKGOV_WINDOW_SLIDING, 1, 100, (bool)i);
  ck_assert(gov_quota_attempt(&quotas[0], S(1), 0));
  ck_assert(gov_quota_attempt(&quotas[1], S(1), 0));
  ck_assert(!gov_quota_attempt(&quotas[0], MS(1500), 0));
  ck_assert(!gov_quota_attempt(&quotas[1], MS(1500), 0));
  ck_assert(gov_quota_attempt(&quotas[0], S(2), 0));
  ck_assert(!gov_quota_attempt(&quotas[1], S(2), 0));
  for (int i = 0; i < 2; i++)
    gov_quota_fini(&quotas[i]);
}
END_TEST

#define MODEL_STEPS 3000

/* The model keeps every counted attempt and looks at all of them. */
START_TEST(test_sliding_against_a_model) {
  static uint64_t counted[MODEL_STEPS];
  size_t count = 0;
  uint64_t now = 0;
  gov_random random;
  gov_quota quota;

  gov_random_init(&random, test_seed());
  init(&quota, MSKGOV_WINDOW_SLIDING, 7, 100, _i == 1);
  for (int step = 0; step < MODEL_STEPS; step++) {
    size_t within = 0;

    now += MS(10 * gov_random_uniform(&random, 30)); /* coarse: equal times, and 1 s */
    for (size_t i = 0; i < count; i++)
      within += now - counted[i] < S(1);
    ck_assert_int_eq(gov_quota_attempt(&quota, now, 0), within < 7);
    if (within < 7 || _i == 1)
      counted[count++] = now;
  }
  gov_quota_fini(&quota);
}
END_TEST

/* Attempts, and the peak after each: the most in any [t, t + 1 s) so far. */
static const struct {
  uint64_t at_ns;
  uint32_t peak;
} peaks[] = {
    {MS(100), 1},  {MS(100), 2}, {MS(600), 3}, {MS(1099), 4}, /* 100 to 1099: four */
    {MS(1100), 4}, /* the two of 100 have left: 600, 1099, 1100 */
    {MS(1599), 4}, /* 600, 1099, 1100, 1599 */
    {MS(1600), 4}, /* 1099, 1100, 1599, 1600 */
    {MS(1601), 5}, {S(9), 5},    {S(9), 5},
};

START_TEST(test_peak) {
  mskgov_cluster_attempt copy[16];
  gov_attempts attempts;
  size_t count = sizeof(peaks) / sizeof(peaks[0]);

  gov_attempts_init(&attempts);
  for (size_t i = 0; i < count; i++) {
    ck_assert_int_eq(gov_attempts_add(&attempts, 3, peaks[i].at_ns, MSKGOV_VERDICT_DENIED),
                     (int64_t)i);
    ck_assert_uint_eq(attempts.peak, peaks[i].peak);
  }
  ck_assert_uint_eq(attempts.total, count);
  ck_assert_uint_eq(attempts.first_ns, MS(100));
  ck_assert_uint_eq(attempts.last_ns, S(9));

  gov_attempts_settle(&attempts, 2, MSKGOV_VERDICT_ACCEPTED);
  ck_assert_uint_eq(gov_attempts_copy(&attempts, 1, copy, 16), count - 1);
  ck_assert_uint_eq(copy[0].at_ns, MS(100));
  ck_assert_int_eq(copy[0].verdict, MSKGOV_VERDICT_DENIED);
  ck_assert_uint_eq(copy[1].at_ns, MS(600));
  ck_assert_int_eq(copy[1].verdict, MSKGOV_VERDICT_ACCEPTED);
  ck_assert_uint_eq(copy[1].broker, 3);
  ck_assert_uint_eq(gov_attempts_copy(&attempts, 1, copy, 2), 2);
  ck_assert_uint_eq(gov_attempts_copy(&attempts, UINT64_MAX, copy, 2), 0);
  gov_attempts_fini(&attempts);
}
END_TEST

/* Bursts and pauses, so that the ring grows while its first entry is anywhere in it. */
START_TEST(test_peak_against_a_model) {
  static uint64_t times[MODEL_STEPS];
  gov_attempts attempts;
  uint32_t peak = 0;
  uint64_t now = 0;
  gov_random random;

  gov_random_init(&random, test_seed());
  gov_attempts_init(&attempts);
  for (int step = 0; step < MODEL_STEPS; step++) {
    uint32_t within = 0;

    now += MS(gov_random_uniform(&random, step < 1000 ? 10 : 3));
    times[step] = now;
    for (int i = step; i >= 0 && now - times[i] < S(1); i--)
      within++;
    if (within > peak)
      peak = within;
    gov_attempts_add(&attempts, 0, now, MSKGOV_VERDICT_ACCEPTED);
    ck_assert_uint_eq(attempts.count, within);
    ck_assert_uint_eq(attempts.peak, peak);
  }
  ck_assert_uint_gt(attempts.capacity, 256); /* it did grow */
  gov_attempts_fini(&attempts);
}
END_TEST

/* More in one second than the ring has at the start, over more than one block. */
START_TEST(test_many_attempts) {
  const uint32_t count = 3 * GOV_ATTEMPTS_BLOCK / 2;
  mskgov_cluster_attempt copy;
  gov_attempts attempts;

  gov_attempts_init(&attempts);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_int_eq(
        gov_attempts_add(&attempts, 0, 10000 * (uint64_t)i, MSKGOV_VERDICT_ACCEPTED), i);
  /* One every 10 us: 100000 in a second would fit, fewer were made. */
  ck_assert_uint_eq(attempts.peak, count);
  ck_assert_uint_eq(gov_attempts_copy(&attempts, count - 1, &copy, 1), 1);
  ck_assert_uint_eq(copy.at_ns, 10000 * (uint64_t)(count - 1));
  for (uint32_t i = 0; i < count; i++)
    gov_attempts_add(&attempts, 0, S(5) + 20000 * (uint64_t)i, MSKGOV_VERDICT_ACCEPTED);
  ck_assert_uint_eq(attempts.peak, count); /* 50000 in any second of the second run */
  ck_assert_uint_eq(attempts.count, 50000);
  gov_attempts_fini(&attempts);
}
END_TEST

TEST_MAIN("quota", TEST_TABLE(test_windows, tables), TEST(test_brokers_are_independent),
          TEST_LOOP(test_sliding_against_a_model, 2), TEST(test_peak),
          TEST(test_peak_against_a_model), TEST(test_many_attempts))
