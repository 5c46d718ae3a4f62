/*
 * The broker's quota by Apache Kafka's own rate: against tables worked out by hand, against
 * what Kafka's code answered, and against a model that keeps every sample.
 */
#include "base/random.h"
#include "broker/quota.h"
#include "harness.h"

#define MS(n) (UINT64_C(1000000) * (n))

/* Attempts at one moment, and how many of them are within the quota. */
struct step {
  uint64_t at_ms;
  uint32_t attempts, within;
};

#define STEPS_MAX 24

struct table {
  const char *name;
  uint32_t limit;
  bool count_rejected;
  struct step steps[STEPS_MAX];
  size_t count;
};

/*
 * Behind a step: seconds that have elapsed, times the limit; how many are counted before.
 * Elapsed is the time since the oldest sample began; if those are fewer than ten whole
 * windows, ten take their place.
 */
static const struct table tables[] = {
    {"an idle broker takes ten seconds' worth at once",
     20,
     false,
     {{5000, 240, 200}, /* 10 + 0 s: 200; the first sample begins */
      {5049, 1, 0},     /* 10.049 s: 200.98; 200 */
      {5050, 2, 1},     /* 10.050 s: 201 */
      {5999, 25, 18},   /* 10.999 s: 219.98; 201 */
      {6000, 1, 0},     /* a second one begins; one whole window, so 10 s again: 200; 219 */
      {6999, 1, 0},     /* 219.98; 219 */
      {15999, 1, 0},    /* ten whole windows and 0.999 s: 219.98; 219 */
      {16000, 2, 1},    /* eleven: 220; 219 */
      {16998, 30, 19},  /* 11.998 s: 239.96; 220 */
      {16999, 240, 199}, /* the first sample's last attempt is 11 s old, so it goes with its
                            219; the oldest began at 6 s: 10.999 s: 219.98; 20 */
      {16999, 9, 0}},
     11},
    {"at time zero, too",
     1,
     false,
     {{0, 12, 10}, {999, 1, 0}, {9999, 1, 0}, {11000, 11, 1}},
     4},
    {"a sample begins with its first attempt, not on the clock",
     2,
     false,
     {{500, 25, 20}, /* 10 s: 20 */
      {900, 1, 0},   /* 20.8; 20 */
      {1000, 2, 1}}, /* 21; 20 */
     3},
    {"counted rejections keep it over the limit",
     2,
     true,
     {{1000, 25, 20},   /* 20 */
      {1999, 1, 0},     /* 21.998; 25 */
      {12000, 1, 0},    /* 22; 26 */
      {12999, 25, 20}}, /* the first sample goes; 21.998; 1 */
     4},
    {"the same without counting them",
     2,
     false,
     {{1000, 25, 20},
      {1999, 2, 1},     /* 21.998; 20 */
      {12000, 2, 1},    /* 22; 21 */
      {12999, 25, 20}}, /* 21.998; 1 */
     4},
    {"a steady storm of counted rejections shuts everybody out",
     1,
     true,
     {{1000, 11, 10},
      {1500, 1, 0},
      {3000, 4, 0}, /* what follows are four per three seconds */
      {6000, 4, 0},
      {9000, 4, 0},
      {12000, 4, 0}, /* 11 s: 11; 12 + 12 */
      {15000, 4, 0}, /* the first sample is gone; since 3 s: 12; 16 */
      {18000, 4, 0}, /* that of 3 s is gone; since 6 s: 12; 16 */
      {21000, 4, 0},
      {24000, 4, 0}},
     10},
    /* the sample of 1 s lives on by its rejected attempt of 1.4 s, though that is not
       counted, and the time since 1 s with it */
    {"a rejected attempt prolongs a sample",
     2,
     false,
     {{1000, 20, 20}, {1400, 1, 0}, {12000, 9, 2}},
     3},
    {"and without it", 2, false, {{1000, 20, 20}, {12000, 25, 20}}, 2},
    {"the thirteenth sample takes the place of the first, and nothing of it stays",
     2,
     false,
     {{0, 1, 1},
      {999, 1, 1},
      {1000, 1, 1},
      {2000, 1, 1},
      {3000, 1, 1},
      {4000, 1, 1},
      {5000, 1, 1},
      {6000, 1, 1},
      {7000, 1, 1},
      {8000, 1, 1},
      {9000, 1, 1},
      {10000, 1, 1},
      {11000, 1, 1},
      {12000, 12, 10}}, /* the second goes, being 11 s old; since 2 s: 20; 10 */
     14},
    /* the samples of 1, 2 and 3 s are emptied at 40 s and begin there, so they are the
       oldest until they are emptied once more */
    {"samples that were emptied begin when they were looked at",
     2,
     false,
     {{1000, 2, 2},
      {2000, 2, 2},
      {3000, 2, 2},
      {40000, 21, 20}, /* 20 */
      {45000, 1, 0},   /* 20; 20 */
      {50500, 3, 1},   /* 10.5 s: 21; 20 */
      {50999, 1, 0},   /* 21.998; 21 */
      /* all that was of 40 s goes, and the oldest began at 45 s; 20; 1 */
      {51000, 22, 19}},
     8},
};

/*
 * What the sensor of ConnectionQuotas (Rate over 11 samples of 1 s) answered, as
 * kafka-clients 4.1.1 has it. Rejected attempts are taken back as for the quota of an
 * address, record(-1), or they stay.
 */
static const struct table by_kafka[] = {
    {"Kafka, 3 per second",
     3,
     false,
     {{17611, 33, 30}, {20075, 4, 1},  {22533, 21, 1},  {23862, 1, 0},   {28307, 1, 0},
      {31388, 8, 8},   {31993, 1, 1},  {34223, 22, 22}, {35360, 8, 0},   {40321, 8, 1},
      {41693, 10, 0},  {41715, 21, 0}, {53697, 10, 10}, {57322, 23, 21}, {59086, 10, 0},
      {63208, 2, 0},   {64605, 22, 1}, {64782, 15, 9},  {65461, 17, 0},  {67166, 1, 1},
      {78627, 2, 2},   {82751, 6, 6},  {82923, 7, 7},   {84945, 17, 15}},
     24},
    {"Kafka, 3 per second, rejected ones stay",
     3,
     true,
     {{81644, 33, 30},
      {85481, 11, 0},
      {86023, 11, 0},
      {87244, 8, 0},
      {91263, 2, 0},
      {92270, 4, 0},
      {93742, 3, 0},
      {95778, 10, 0},
      {96233, 1, 0},
      {96447, 3, 0},
      {98976, 11, 9},
      {101364, 4, 0},
      {113843, 7, 7},
      {114787, 3, 3},
      {116227, 5, 5},
      {117154, 11, 11},
      {118746, 6, 6},
      {123584, 6, 0},
      {128355, 3, 3}},
     19},
    {"Kafka, 20 per second",
     20,
     false,
     {{31190, 220, 200}, {33204, 155, 0},   {34640, 4, 4},    {37664, 60, 5},
      {42416, 141, 141}, {42903, 39, 39},   {46997, 4, 4},    {47684, 152, 11},
      {49200, 122, 20},  {53275, 110, 2},   {53679, 94, 8},   {54652, 56, 56},
      {65680, 112, 112}, {67863, 130, 91},  {71637, 150, 16}, {73733, 8, 0},
      {75969, 84, 0},    {77721, 55, 55},   {79795, 32, 32},  {79859, 89, 89},
      {91998, 18, 18},   {93206, 110, 110}, {93993, 155, 91}, {96452, 151, 0}},
     24},
};

static void init(gov_quota *quota, uint32_t limit, bool count_rejected) {
  const gov_quota_terms terms = {.window = MSKGOV_WINDOW_KAFKA,
                                 .limit = limit,
                                 .max_connections = 100,
                                 .count_rejected = count_rejected};

  ck_assert_int_eq(gov_quota_init(quota, &terms), 0);
}

static void check_table(const struct table *table) {
  gov_quota quota;

  init(&quota, table->limit, table->count_rejected);
  for (size_t i = 0; i < table->count; i++) {
    const struct step *step = &table->steps[i];
    uint32_t within = 0;

    /* what is below a millisecond does not count */
    for (uint32_t j = 0; j < step->attempts; j++)
      within += gov_quota_attempt(&quota, MS(step->at_ms) + (j ? MS(1) - 1 : 0), 0);
    ck_assert_msg(within == step->within, "%s: step %zu: %u", table->name, i, within);
  }
  gov_quota_fini(&quota);
}

START_TEST(test_table) {
  check_table(&tables[_i]);
}
END_TEST

START_TEST(test_as_kafka) {
  check_table(&by_kafka[_i]);
}
END_TEST

START_TEST(test_limit) {
  gov_quota quota;
  int within = 0;

  init(&quota, 2, false);
  for (int i = 0; i < 25; i++)
    within += gov_quota_attempt(&quota, MS(1000), 0);
  ck_assert_int_eq(within, 20);
  ck_assert_int_eq(gov_quota_set_limit(&quota, MS(1000), 3), 0);
  for (int i = 0; i < 15; i++)
    within += gov_quota_attempt(&quota, MS(1000), 0);
  ck_assert_int_eq(within, 30);
  ck_assert_int_eq(gov_quota_set_limit(&quota, MS(1000), 1), 0);
  ck_assert(!gov_quota_attempt(&quota, MS(11999), 0)); /* 10.999 of 31 */
  ck_assert(gov_quota_attempt(&quota, MS(12000), 0));
  gov_quota_fini(&quota);
}
END_TEST

#define MODEL_STEPS 6000

/* Kafka's words: the samples ever begun, of which the last twelve are there. */
typedef struct model {
  struct {
    double value;
    int64_t start, last;
  } samples[MODEL_STEPS];
  int count;
} model;

static void model_record(model *self, double value, int64_t now) {
  int i = self->count - 1;

  if (i < 0 || now - self->samples[i].start >= 1000) {
    i = self->count++;
    self->samples[i].value = 0;
    self->samples[i].start = now;
  }
  self->samples[i].value += value;
  self->samples[i].last = now;
}

/* The rate; sets *window to the milliseconds that it is over, and *sum. */
static double model_measure(model *self, int64_t now, int64_t *window, double *sum) {
  int64_t oldest = now, full;

  *sum = 0;
  for (int i = self->count > 12 ? self->count - 12 : 0; i < self->count; i++) {
    if (now - self->samples[i].last >= 11000) {
      self->samples[i].value = 0;
      self->samples[i].start = self->samples[i].last = now;
    }
    *sum += self->samples[i].value;
    if (self->samples[i].start < oldest)
      oldest = self->samples[i].start;
  }
  *window = now - oldest;
  full = *window / 1000;
  if (full < 10)
    *window += (10 - full) * 1000;

  return *sum / ((double)*window / 1000.0);
}

/* Swarms and lulls, and now and then a pause after which samples are old. */
static uint64_t pause_ms(gov_random *random) {
  uint64_t kind = gov_random_uniform(random, 999);

  if (kind < 3)
    return 10000 + gov_random_uniform(random, 3000);

  return kind < 20 ? gov_random_uniform(random, 2500) : gov_random_uniform(random, 300);
}

START_TEST(test_against_a_model) {
  static model self;
  uint32_t limit = 5, within = 0;
  bool count_rejected = _i == 1;
  int64_t now = 0;
  gov_random random;
  gov_quota quota;

  self.count = 0;
  gov_random_init(&random, test_seed());
  init(&quota, limit, count_rejected);
  for (int step = 0; step < MODEL_STEPS; step++) {
    int64_t window;
    double rate, sum;
    bool expected;

    now += (int64_t)pause_ms(&random);
    model_record(&self, 1, now);
    rate = model_measure(&self, now, &window, &sum);
    /* at the limit exactly, doubles may come out above it */
    expected = rate <= limit || (int64_t)sum * 1000 == limit * window;
    if (!expected && !count_rejected)
      model_record(&self, -1, now);
    ck_assert_msg(gov_quota_attempt(&quota, MS((uint64_t)now), 0) == expected, "step %d",
                  step);
    within += expected;
  }
  ck_assert_uint_gt(within, MODEL_STEPS / 20); /* both answers were seen */
  ck_assert_uint_lt(within, MODEL_STEPS - MODEL_STEPS / 20);
  gov_quota_fini(&quota);
}
END_TEST

TEST_MAIN("quota_kafka", TEST_TABLE(test_table, tables),
          TEST_TABLE(test_as_kafka, by_kafka), TEST(test_limit),
          TEST_LOOP(test_against_a_model, 2))
