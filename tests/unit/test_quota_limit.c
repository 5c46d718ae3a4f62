/*
 * A quota, fixed or sliding, whose limit changes: against a table worked out by hand, and
 * against the plainest model.
 */
#include "base/random.h"
#include "broker/quota.h"
#include "harness.h"

#define MS(n) (UINT64_C(1000000) * (n))
#define S(n) MS(UINT64_C(1000) * (n))

/* An attempt and whether it is within the quota; before it, perhaps, another limit. */
struct step {
  uint64_t at_ns;
  uint32_t limit; /* 0: as it is */
  bool within;
};

#define STEPS_MAX 10

static const struct {
  mskgov_window window;
  bool count_rejected;
  struct step steps[STEPS_MAX]; /* the first one's limit is what it begins with */
  size_t count;
} tables[] = {
    /* lower: what was counted stays counted, and the newest are what counts */
    {MSKGOV_WINDOW_SLIDING,
     false,
     {{S(1), 5, true},
      {MS(1200), 0, true},
      {MS(1400), 0, true},
      {MS(1600), 2, false}, /* three in the last second */
      {MS(2100), 0, false}, /* two */
      {MS(2200), 0, true},  /* one, at 1.4 s */
      {MS(2300), 0, false},
      {MS(2400), 0, true}},
     8},
    /* lower, with a ring that has gone round */
    {MSKGOV_WINDOW_SLIDING,
     false,
     {{S(1), 3, true},
      {MS(1100), 0, true},
      {MS(1200), 0, true},
      {MS(2000), 0, true}, /* takes the place of the one at 1.0 s */
      {MS(2050), 1, false},
      {MS(2999), 0, false},
      {S(3), 0, true}},
     7},
    /* higher: room at once, and the old ones leave as ever */
    {MSKGOV_WINDOW_SLIDING,
     false,
     {{S(1), 2, true},
      {MS(1500), 0, true},
      {MS(1600), 0, false},
      {MS(1700), 3, true},
      {MS(1800), 0, false},
      {S(2), 0, true},
      {MS(2400), 0, false},
      {MS(2500), 0, true}},
     8},
    /* lower, with rejected attempts that count */
    {MSKGOV_WINDOW_SLIDING,
     true,
     {{S(1), 3, true},
      {MS(1100), 1, false},
      {S(2), 0, false}, /* a second after the first, but not after the rejected one */
      {S(3), 0, true}},
     4},
    {MSKGOV_WINDOW_FIXED,
     false,
     {{S(1), 3, true},
      {MS(1100), 0, true},
      {MS(1200), 2, false},
      {MS(1300), 4, true},
      {MS(1400), 0, true},
      {MS(1500), 0, false},
      {S(2), 1, true},
      {MS(2100), 0, false}},
     8},
};

static void init(gov_quota *quota, mskgov_window window, uint32_t limit,
                 bool count_rejected) {
  const gov_quota_terms terms = {.window = window,
                                 .limit = limit,
                                 .max_connections = 100,
                                 .count_rejected = count_rejected};

  ck_assert_int_eq(gov_quota_init(quota, &terms), 0);
}

START_TEST(test_table) {
  gov_quota quota;

  for (size_t i = 0; i < tables[_i].count; i++) {
    const struct step *step = &tables[_i].steps[i];

    if (i == 0)
      init(&quota, tables[_i].window, step->limit, tables[_i].count_rejected);
    else if (step->limit)
      ck_assert_int_eq(gov_quota_set_limit(&quota, step->at_ns, step->limit), 0);
    ck_assert_msg(gov_quota_attempt(&quota, step->at_ns, 0) == step->within, "step %zu", i);
  }
  gov_quota_fini(&quota);
}
END_TEST

#define MODEL_STEPS 5000

/* The model keeps every counted attempt and looks at all of them. */
START_TEST(test_against_a_model) {
  static uint64_t counted[MODEL_STEPS];
  uint32_t limit = 7;
  size_t count = 0;
  uint64_t now = 0;
  gov_random random;
  gov_quota quota;

  gov_random_init(&random, test_seed());
  init(&quota, MSKGOV_WINDOW_SLIDING, limit, false);
  for (int step = 0; step < MODEL_STEPS; step++) {
    size_t within = 0;

    now += MS(10 * gov_random_uniform(&random, 20)); /* coarse: equal times, and 1 s */
    if (gov_random_uniform(&random, 10) == 0) {
      limit = 1 + (uint32_t)gov_random_uniform(&random, 12);
      ck_assert_int_eq(gov_quota_set_limit(&quota, now, limit), 0);
    }
    for (size_t i = 0; i < count; i++)
      within += now - counted[i] < S(1);
    ck_assert_msg(gov_quota_attempt(&quota, now, 0) == (within < limit), "step %d", step);
    if (within < limit)
      counted[count++] = now;
  }
  gov_quota_fini(&quota);
}
END_TEST

TEST_MAIN("quota_limit", TEST_TABLE(test_table, tables), TEST(test_against_a_model))
