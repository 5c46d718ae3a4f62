/*
 * The broker's token bucket: against tables worked out by hand, and against the plainest
 * model and the promise of its header.
 */
#include "base/random.h"
#include "broker/quota.h"
#include "harness.h"

#define NS(n) UINT64_C(n)
#define MS(n) (UINT64_C(1000000) * (n))
#define S(n) MS(UINT64_C(1000) * (n))

/* Attempts at one moment, and how many of them are within the quota. */
struct step {
  uint64_t at_ns;
  uint32_t attempts, within;
};

#define STEPS_MAX 8

static const struct {
  const char *name;
  uint32_t limit, burst;
  bool count_rejected;
  struct step steps[STEPS_MAX];
  size_t count;
} tables[] = {
    /* a token comes every 50 ms */
    {"without a burst of its own it holds the quota",
     20,
     0,
     false,
     {{S(1), 25, 20},
      {MS(1050) - 1, 1, 0},
      {MS(1050), 2, 1},
      {MS(1999), 20, 18}, /* 949 ms: 18.98 tokens */
      {MS(2000) - 1, 1, 0},
      {MS(2000), 2, 1}, /* the 0.98 was kept */
      {S(3), 30, 20},   /* 20 in a second */
      {S(9), 30, 20}},  /* and never more than fit into it */
     8},
    {"full at time zero, with a burst above the quota",
     4,
     10,
     false,
     {{0, 12, 10}, {MS(250) - 1, 1, 0}, {MS(250), 2, 1}, {MS(750), 3, 2}, {S(10), 12, 10}},
     5},
    {"a burst of one: no two within the interval",
     20,
     1,
     false,
     {{S(1), 3, 1}, {MS(1050) - 1, 1, 0}, {MS(1050), 2, 1}, {S(5), 2, 1}},
     4},
    /* a token every 333,333,333 1/3 ns: the thirds are carried */
    {"three per second, to the nanosecond",
     3,
     2,
     false,
     {{S(1), 3, 2},
      {NS(1333333333), 1, 0},
      {NS(1333333334), 1, 1},
      {NS(1666666666), 1, 0},
      {NS(1666666667), 1, 1},
      {S(2) - 1, 1, 0},
      {S(2), 2, 1}},
     7},
    /* a token every 100 ms; behind each: what is missing from the 5 afterwards */
    {"rejected attempts that count make a debt, of a burst at the most",
     10,
     5,
     true,
     {{S(1), 8, 5},      /* 8 */
      {MS(1399), 1, 0},  /* 8 - 3.99 + 1 = 5.01 */
      {MS(1500), 2, 1},  /* 5.01 - 1.01 = 4, then 5 and 6 */
      {MS(1500), 99, 0}, /* 10, and not 105 */
      {MS(2000), 1, 0},  /* 5 + 1 */
      {MS(2199), 1, 0},  /* 6 - 1.99 + 1 = 5.01 */
      {MS(2300), 1, 1},  /* 4 + 1 */
      {S(9), 9, 5}},
     8},
    {"the same without counting them",
     10,
     5,
     false,
     {{S(1), 8, 5},     /* 5 */
      {MS(1399), 4, 3}, /* 5 - 3.99 + 3 = 4.01 */
      {MS(1500), 2, 2}, /* 4.01 - 1.01 + 2 = 5 */
      {MS(1500), 99, 0},
      {MS(2000), 6, 5}},
     5},
    /* one attempt in each 99 ms never lets a token come together */
    {"a steady storm of counted rejections shuts everybody out",
     10,
     1,
     true,
     {{S(1), 1, 1},
      {MS(1099), 1, 0},
      {MS(1198), 1, 0},
      {MS(1297), 1, 0},
      {MS(1396), 1, 0},
      {MS(1596), 1, 1}},
     6},
    {"a time that runs backwards stands still",
     10,
     1,
     false,
     {{S(5), 1, 1}, {S(4), 1, 0}, {MS(5100) - 1, 1, 0}, {S(3), 1, 0}, {MS(5100), 1, 1}},
     5},
    {"one per third of a second, and not a nanosecond early",
     3,
     1,
     false,
     {{S(1), 2, 1}, {NS(1333333333), 1, 0}, {NS(1333333334), 2, 1}},
     3},
    /* 2^45 ns times 2^19 would be nought in 64 bits */
    {"pauses as long as time itself",
     524288,
     0,
     false,
     {{0, 524289, 524288},
      {NS(1) << 45, 524289, 524288},
      {UINT64_MAX - MS(1), 524289, 524288},
      {UINT64_MAX, 525, 524}},
     4},
};

static uint32_t attempt(gov_quota *quota, uint64_t at_ns, uint32_t attempts) {
  uint32_t within = 0;

  for (uint32_t i = 0; i < attempts; i++)
    within += gov_quota_attempt(quota, at_ns, 0);

  return within;
}

static void init(gov_quota *quota, uint32_t limit, uint32_t burst, bool count_rejected) {
  const gov_quota_terms terms = {.window = MSKGOV_WINDOW_BUCKET,
                                 .limit = limit,
                                 .burst = burst,
                                 .max_connections = 100,
                                 .count_rejected = count_rejected};

  ck_assert_int_eq(gov_quota_init(quota, &terms), 0);
}

START_TEST(test_table) {
  gov_quota quota;

  init(&quota, tables[_i].limit, tables[_i].burst, tables[_i].count_rejected);
  for (size_t i = 0; i < tables[_i].count; i++) {
    const struct step *step = &tables[_i].steps[i];
    uint32_t within = attempt(&quota, step->at_ns, step->attempts);

    ck_assert_msg(within == step->within, "%s: step %zu: %u", tables[_i].name, i, within);
  }
  gov_quota_fini(&quota);
}
END_TEST

/* Before some of the attempts the limit changes. */
static const struct {
  uint32_t burst;
  bool count_rejected;
  struct {
    uint64_t at_ns;
    uint32_t limit; /* 0: as it is */
    uint32_t attempts, within;
  } steps[STEPS_MAX];
  size_t count;
} limits[] = {
    /* the burst goes with the limit */
    {0,
     false,
     {{S(1), 10, 6, 6},
      {S(1), 8, 3, 2}, /* 6 of 8 are gone */
      {S(1), 20, 13, 12},
      {S(1), 2, 1, 0}, /* 20 are gone: cut to 4, which is twice the 2 */
      {MS(2500) - 1, 0, 1, 0},
      {MS(2500), 0, 2, 1}}, /* 1.5 s: 3 of them are back */
     6},
    /* up to the change the old limit filled it: 0.1 s of 10, then 0.4 s of 5 */
    {4, false, {{S(1), 10, 5, 4}, {MS(1100), 5, 2, 1}, {MS(1500), 0, 3, 2}}, 3},
    /* a burst of its own stays */
    {3, true, {{S(1), 5, 3, 3}, {S(1), 1, 2, 0}, {S(3), 0, 1, 0}, {S(5), 0, 2, 1}}, 4},
};

START_TEST(test_limit) {
  gov_quota quota;

  init(&quota, limits[_i].steps[0].limit, limits[_i].burst, limits[_i].count_rejected);
  for (size_t i = 0; i < limits[_i].count; i++) {
    uint32_t limit = limits[_i].steps[i].limit;
    uint64_t at_ns = limits[_i].steps[i].at_ns;
    uint32_t within;

    if (limit)
      ck_assert_int_eq(gov_quota_set_limit(&quota, at_ns, limit), 0);
    within = attempt(&quota, at_ns, limits[_i].steps[i].attempts);
    ck_assert_msg(within == limits[_i].steps[i].within, "step %zu: %u", i, within);
  }
  gov_quota_fini(&quota);
}
END_TEST

#define MODEL_STEPS 4000
#define LIMIT 7u
#define BURST 11u

/* The promise: from any attempt on, no more than the burst and what came in since. */
static bool keeps_promise(const uint64_t *within_ms, size_t count) {
  uint64_t last = within_ms[count - 1];

  for (size_t i = 0; i < count; i++)
    if (1000 * (count - i) > 1000 * BURST + LIMIT * (last - within_ms[i]))
      return false;

  return true;
}

/*
 * The model lives through every millisecond, in thousandths of a token, of which the limit
 * comes in each.
 */
START_TEST(test_against_a_model) {
  static uint64_t within_ms[MODEL_STEPS];
  int64_t level = 1000 * BURST;
  bool count_rejected = _i == 1;
  uint64_t now_ms = 0;
  size_t count = 0;
  gov_random random;
  gov_quota quota;

  gov_random_init(&random, test_seed());
  init(&quota, LIMIT, BURST, count_rejected);
  for (int step = 0; step < MODEL_STEPS; step++) {
    uint64_t pause = gov_random_uniform(&random, 100) ? gov_random_uniform(&random, 210)
                                                      : gov_random_uniform(&random, 4000);
    bool within;

    for (; pause; pause--, now_ms++)
      level = level + LIMIT < 1000 * BURST ? level + LIMIT : 1000 * BURST;
    within = level >= 1000;
    ck_assert_msg(gov_quota_attempt(&quota, MS(now_ms), 0) == within, "step %d", step);
    if (within || count_rejected)
      level = level > -1000 * (int64_t)BURST + 1000 ? level - 1000 : -1000 * (int64_t)BURST;
    if (within) {
      within_ms[count++] = now_ms;
      ck_assert_msg(keeps_promise(within_ms, count), "step %d", step);
    }
  }
  ck_assert_uint_gt(count, MODEL_STEPS / 20); /* both answers were seen */
  ck_assert_uint_lt(count, MODEL_STEPS - MODEL_STEPS / 20);
  gov_quota_fini(&quota);
}
END_TEST

TEST_MAIN("quota_bucket", TEST_TABLE(test_table, tables), TEST_TABLE(test_limit, limits),
          TEST_LOOP(test_against_a_model, 2))
