/*
 * The bucket: slots by hand, and the invariant of its header against the strict sliding
 * window of spans.h.
 */
#include "policy/bucket.h"

#include "base/clock.h"
#include "base/random.h"
#include "harness.h"
#include "spans.h"
#include "threads.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND GOV_NS_PER_S
#define SPREAD_MAX ((UINT64_C(1) << 62) - 1)
#define WINDOW_MAX (UINT64_C(1) << 61)

/* interval = floor((W + J) / (Q - b + 1)) + 1, tolerance = (b - 1) * interval, late = J / 2 */
START_TEST(test_rates_by_hand) {
  static const struct {
    uint32_t quota, burst;
    uint64_t window_ns, spread_ns, interval_ns, tolerance_ns, late_ns;
  } cases[] = {
      {1, 1, SECOND, 0, 1000000001, 0, 0},
      {4, 1, SECOND, 20000000, 255000001, 0, 10000000},
      {20, 1, SECOND, 0, 50000001, 0, 0},
      {100, 1, SECOND, 20000000, 10200001, 0, 10000000},
      /* 1.02e9 / 91 = 11208791.2 */
      {100, 10, SECOND, 20000000, 11208792, 100879128, 10000000},
      {20, 20, SECOND, 0, 1000000001, 19000000019, 0},
      {3, 2, SECOND, 500000001, 750000001, 750000001, 250000000},
      {1000000, 1, SECOND, 0, 1001, 0, 0},
      {UINT32_MAX, 1, SECOND, 0, 1, 0, 0}, /* the interval is at least 1 */
      {2, 1, 100000000, 20000000, 60000001, 0, 10000000},
      {6000, 1, 60000000000, 10000000000, 11666667, 0, 5000000000}, /* 7e10 / 6000 */
      {7, 7, 1, 0, 2, 12, 0}, /* the shortest window */
      /* the longest: 2^61 / 8 + 1 */
      {8, 1, WINDOW_MAX, 0, 288230376151711745, 0, 0},
      /* 2^62 - 1 + 1e9 + 1; four times that is past 2^64 */
      {1, 1, SECOND, SPREAD_MAX, 4611686019427387904, 0, SPREAD_MAX / 2},
      {5, 5, SECOND, SPREAD_MAX, 4611686019427387904, UINT64_MAX, SPREAD_MAX / 2},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    gov_bucket_rate rate;

    gov_bucket_rate_init(&rate, cases[i].quota, cases[i].burst, cases[i].window_ns,
                         cases[i].spread_ns);
    ck_assert_msg(rate.interval_ns == cases[i].interval_ns &&
                      rate.tolerance_ns == cases[i].tolerance_ns &&
                      rate.late_ns == cases[i].late_ns,
                  "case %zu: interval %llu, tolerance %llu, late %llu", i,
                  (unsigned long long)rate.interval_ns,
                  (unsigned long long)rate.tolerance_ns, (unsigned long long)rate.late_ns);
  }
}
END_TEST

typedef struct step {
  uint64_t now, max_wait;
  gov_bucket_answer answer;
  uint64_t at;
} step;

/* The same by both ways to reserve, and nothing is reserved by asking. */
static void run_steps(const char *name, gov_bucket_rate rate, const step *steps,
                      size_t count) {
  gov_bucket shared, alone;

  gov_bucket_init(&shared);
  gov_bucket_init(&alone);
  for (size_t i = 0; i < count; i++) {
    const step *s = &steps[i];
    uint64_t at = 12345, at_alone = 12345,
             next = gov_bucket_next_ns(&shared, &rate, s->now);
    gov_bucket_answer answer = gov_bucket_reserve(&shared, &rate, s->now, s->max_wait, &at);

    ck_assert_msg(answer == s->answer && at == s->at, "%s, step %zu: answer %d at %llu",
                  name, i, (int)answer, (unsigned long long)at);
    ck_assert(answer == GOV_BUCKET_NEVER || next == at);
    ck_assert_int_eq(
        gov_bucket_reserve_alone(&alone, &rate, s->now, s->max_wait, &at_alone), answer);
    ck_assert_uint_eq(at_alone, at);
  }
}

#define GRANTED GOV_BUCKET_GRANTED
#define NOT_BEFORE GOV_BUCKET_NOT_BEFORE
#define NEVER GOV_BUCKET_NEVER
#define PACED ((gov_bucket_rate){.interval_ns = 100})
#define BURST(n) ((gov_bucket_rate){.interval_ns = 100, .tolerance_ns = ((n)-1) * 100})
#define LATE(interval, late, n)                                                            \
  ((gov_bucket_rate){(interval), ((n)-1) * (interval), (late)})

START_TEST(test_slots_by_hand) {
  static const step paced[] = {
      {0, 0, GRANTED, 0},
      {0, 0, NOT_BEFORE, 100},
      {0, 99, NOT_BEFORE, 100},
      {0, 100, GRANTED, 100},
      {50, 149, NOT_BEFORE, 200},
      {50, 150, GRANTED, 200},
      {299, 0, NOT_BEFORE, 300},
      {300, 0, GRANTED, 300},
      {1000, 0, GRANTED, 1000}, /* idle time is not saved up */
      {1000, 0, NOT_BEFORE, 1100},
      {1099, 0, NOT_BEFORE, 1100},
      {1100, 0, GRANTED, 1100},
      {1250, 0, GRANTED, 1250}, /* late: the next counts from here */
      {1250, UINT64_MAX, GRANTED, 1350},
      {1250, 199, NOT_BEFORE, 1450},
  };
  static const step burst_of_3[] = {
      {0, 0, GRANTED, 0},       {0, 0, GRANTED, 0},           {0, 0, GRANTED, 0},
      {0, 0, NOT_BEFORE, 100},  {100, 0, GRANTED, 100},       {100, 0, NOT_BEFORE, 200},
      {1000, 0, GRANTED, 1000}, /* full again, and no fuller */
      {1000, 0, GRANTED, 1000}, {1000, 0, GRANTED, 1000},     {1000, 0, NOT_BEFORE, 1100},
      {1150, 0, GRANTED, 1150}, {1150, 49, NOT_BEFORE, 1200}, {1150, 50, GRANTED, 1200},
  };
  static const step back_paced[] = {
      {1000, 0, GRANTED, 1000},  {500, 0, NOT_BEFORE, 1100}, {500, 599, NOT_BEFORE, 1100},
      {500, 600, GRANTED, 1100}, {0, 0, NOT_BEFORE, 1200},   {1199, 0, NOT_BEFORE, 1200},
      {1200, 0, GRANTED, 1200},
  };
  static const step back_burst_of_2[] = {
      {1000, 0, GRANTED, 1000},
      {500, 0, NOT_BEFORE, 1000},
      {1000, 0, GRANTED, 1000},
      {1000, 0, NOT_BEFORE, 1100},
  };
  /* Slots 100 apart, up to 30 old when they are reserved: after a pause the first is 30 old
     already, so that the next comes 30 sooner. */
  static const step late[] = {
      {1000, 0, GRANTED, 970},       {1000, 0, NOT_BEFORE, 1070},
      {1100, 0, GRANTED, 1070}, /* 30 late, and the next is where it was */
      {1199, 0, GRANTED, 1170},      {1199, 70, NOT_BEFORE, 1270},
      {1301, 0, GRANTED, 1271},      /* 31 late: 1270 has lapsed */
      {1000, 370, NOT_BEFORE, 1371}, /* a clock that steps back */
      {1371, 0, GRANTED, 1371},      {1371, 100, GRANTED, 1471},
  };
  static const step late_burst_of_2[] = {
      {1000, 0, GRANTED, 970},  {1000, 0, GRANTED, 970},      {1000, 0, NOT_BEFORE, 1070},
      {1100, 0, GRANTED, 1070}, {1120, 49, NOT_BEFORE, 1170}, {1120, 50, GRANTED, 1170},
      {1400, 0, GRANTED, 1370}, {1400, 0, GRANTED, 1370},     {1400, 0, NOT_BEFORE, 1470},
  };
  static const step end_of_time[] = {
      {UINT64_MAX, 0, NEVER, UINT64_MAX},
      {UINT64_MAX - 50, UINT64_MAX, NEVER, UINT64_MAX},
      {UINT64_MAX - 1000, 0, GRANTED, UINT64_MAX - 1000},
      {UINT64_MAX - 1000, 99, NOT_BEFORE, UINT64_MAX - 900},
      {UINT64_MAX, 0, NEVER, UINT64_MAX},
  };

  run_steps("paced", PACED, paced, COUNT(paced));
  run_steps("burst of 3", BURST(3), burst_of_3, COUNT(burst_of_3));
  run_steps("clock back, paced", PACED, back_paced, COUNT(back_paced));
  run_steps("clock back, burst of 2", BURST(2), back_burst_of_2, COUNT(back_burst_of_2));
  run_steps("late", LATE(100, 30, 1), late, COUNT(late));
  run_steps("late, burst of 2", LATE(100, 30, 2), late_burst_of_2, COUNT(late_burst_of_2));
  run_steps("end of time", PACED, end_of_time, COUNT(end_of_time));
}
END_TEST

START_TEST(test_slots_end_with_the_range_of_time) {
  const gov_bucket_rate rates[] = {PACED, BURST(3), {.interval_ns = UINT64_MAX / 4}};

  for (size_t i = 0; i < COUNT(rates); i++) {
    uint64_t interval = rates[i].interval_ns, start = UINT64_MAX - 4 * interval, at;
    int slots = 0, burst = 1 + (int)(rates[i].tolerance_ns / interval);
    gov_bucket bucket;

    gov_bucket_init(&bucket);
    while (gov_bucket_reserve(&bucket, &rates[i], start, UINT64_MAX, &at) == GRANTED) {
      ck_assert_uint_ge(at, start);
      ck_assert_uint_lt(at, UINT64_MAX);
      ck_assert_int_le(++slots, 4 + burst); /* no wrapping around to the start */
    }
    ck_assert_int_ge(slots, 3);
    for (int again = 0; again < 3; again++) {
      at = 0;
      ck_assert_int_eq(gov_bucket_reserve(&bucket, &rates[i], start, UINT64_MAX, &at),
                       NEVER);
      ck_assert_uint_eq(at, UINT64_MAX);
    }
  }
}
END_TEST

/* What is given back is the next slot again, unless a later one has been reserved. */
START_TEST(test_slots_that_are_given_back) {
  const gov_bucket_rate rate = PACED, burst = BURST(2);
  gov_bucket bucket;
  uint64_t at;

  gov_bucket_init(&bucket);
  for (uint64_t slot = 0; slot <= 200; slot += 100) {
    gov_bucket_reserve(&bucket, &rate, 0, UINT64_MAX, &at);
    ck_assert_uint_eq(at, slot);
  }
  gov_bucket_return(&bucket, &rate, 100); /* 200 is out: it has lapsed */
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &rate, 0), 300);
  gov_bucket_return(&bucket, &rate, 200);
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &rate, 0), 200);
  gov_bucket_return(&bucket, &rate, 200); /* twice is once */
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &rate, 0), 200);
  gov_bucket_return(&bucket, &rate, 100);
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &rate, 0), 100);
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &rate, 150), 150);

  gov_bucket_init(&bucket);
  gov_bucket_reserve(&bucket, &burst, 1000, 0, &at);
  gov_bucket_return(&bucket, &burst, at);
  gov_bucket_reserve(&bucket, &burst, 1000, 0, &at);
  ck_assert_uint_eq(gov_bucket_next_ns(&bucket, &burst, 1000), 1100);
}
END_TEST

#define SLOTS 600

typedef struct scene {
  uint32_t quota, burst;
  uint64_t window_ns, spread_ns;
  gov_bucket_rate rate;
  gov_bucket bucket;
} scene;

static void scene_init(scene *s, gov_random *random) {
  static const uint64_t spreads[] = {0, 1000000, 20000000, 500000000, 3000000000};
  static const uint64_t windows[] = {100000000, SECOND, SECOND, 60 * SECOND};

  s->window_ns = windows[gov_random_uniform(random, COUNT(windows) - 1)];
  s->quota = 1 + (uint32_t)gov_random_uniform(random, 199);
  s->burst = gov_random_uniform(random, 1)
                 ? 1
                 : 1 + (uint32_t)gov_random_uniform(random, s->quota - 1);
  s->spread_ns =
      gov_random_uniform(random, spreads[gov_random_uniform(random, COUNT(spreads) - 1)]);
  gov_bucket_rate_init(&s->rate, s->quota, s->burst, s->window_ns, s->spread_ns);
  gov_bucket_init(&s->bucket);
}

/* The next moment of a caller: at once, in a while, after a pause, or earlier. */
static uint64_t move_clock(const scene *s, gov_random *random, uint64_t now,
                           bool may_step_back) {
  uint64_t kind = gov_random_uniform(random, 20);

  if (kind == 0)
    return now + gov_random_uniform(random, 3 * s->window_ns);
  if (kind == 1 && may_step_back) {
    uint64_t back = gov_random_uniform(random, 5 * s->window_ns);
    return now > back ? now - back : 0;
  }

  return kind < 10 ? now : now + gov_random_uniform(random, s->rate.interval_ns);
}

static void fill_spans(scene *s, gov_random *random, bool may_step_back, span *spans) {
  static const uint64_t patience[] = {0, 10000000, GOV_NS_PER_S, UINT64_MAX};
  uint64_t now = gov_random_uniform(random, 10 * GOV_NS_PER_S), at;

  for (size_t slots = 0; slots < SLOTS;) {
    uint64_t max_wait = patience[gov_random_uniform(random, COUNT(patience) - 1)];

    now = move_clock(s, random, now, may_step_back);
    if (gov_bucket_reserve(&s->bucket, &s->rate, now, max_wait, &at) == GRANTED) {
      ck_assert_uint_ge(at + s->rate.late_ns, now);
      ck_assert(at <= now || at - now <= max_wait);
      /* a late slot is used at once, and has what is left of its spread */
      spans[slots++] = (span){at > now ? at : now, at + s->spread_ns};
    }
  }
}

/* A seed that fails stays failing: each round has a generator of its own. */
static void check_rounds(bool may_step_back) {
  uint64_t seed = test_seed();

  for (uint64_t round = 0; round < 300; round++) {
    span spans[SLOTS];
    gov_random random;
    size_t fullest;
    scene s;

    gov_random_init(&random, seed + round);
    scene_init(&s, &random);
    fill_spans(&s, &random, may_step_back, spans);
    fullest = spans_fullest(spans, SLOTS, s.window_ns);
    ck_assert_msg(fullest <= s.quota, "round %llu: quota %u, burst %u, spread %llu: %zu",
                  (unsigned long long)round, s.quota, s.burst,
                  (unsigned long long)s.spread_ns, fullest);
  }
}

START_TEST(test_no_window_sees_more_than_the_quota) {
  check_rounds(false);
}
END_TEST

START_TEST(test_a_clock_that_steps_back_gives_no_more) {
  check_rounds(true);
}
END_TEST

/* Slots taken as fast as they come fill a window up to the quota: nothing is wasted. */
START_TEST(test_the_whole_quota_is_used) {
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int round = 0; round < 200; round++) {
    span spans[SLOTS];
    scene s;

    scene_init(&s, &random);
    for (size_t i = 0; i < SLOTS; i++) {
      uint64_t at;
      ck_assert_int_eq(gov_bucket_reserve(&s.bucket, &s.rate, 0, UINT64_MAX, &at), GRANTED);
      spans[i] = (span){at, at + s.spread_ns};
    }
    ck_assert_uint_eq(spans_fullest(spans, SLOTS, s.window_ns), s.quota);
  }
}
END_TEST

#define THREADS 8
#define PER_THREAD 5000

typedef struct taker {
  gov_bucket *bucket;
  size_t returned;
  uint64_t at[PER_THREAD];
} taker;

static void *take_slots(void *argument) {
  const gov_bucket_rate rate = PACED;
  taker *t = argument;

  for (size_t i = 0; i < PER_THREAD; i++)
    if (gov_bucket_reserve(t->bucket, &rate, 0, UINT64_MAX, &t->at[i]) != GRANTED)
      t->at[i] = UINT64_MAX;

  return NULL;
}

START_TEST(test_threads_share_the_slots) {
  static taker takers[THREADS];
  static uint64_t all[THREADS * PER_THREAD];
  gov_bucket bucket;

  gov_bucket_init(&bucket);
  for (size_t i = 0; i < THREADS; i++)
    takers[i].bucket = &bucket;
  test_threads_run(THREADS, take_slots, takers, sizeof(*takers));

  for (size_t i = 0; i < COUNT(all); i++)
    all[i] = takers[i / PER_THREAD].at[i % PER_THREAD];
  sort_times(all, COUNT(all));
  for (size_t i = 0; i < COUNT(all); i++)
    ck_assert_uint_eq(all[i], i * PACED.interval_ns);
}
END_TEST

/* A third of the slots is given back at once, for whoever comes next. */
static void *take_and_return(void *argument) {
  const gov_bucket_rate rate = PACED;
  taker *t = argument;

  for (size_t i = 0; i < PER_THREAD;) {
    gov_bucket_reserve(t->bucket, &rate, 0, UINT64_MAX, &t->at[i]);
    if (t->at[i] / rate.interval_ns % 3 == t->returned++ % 3)
      gov_bucket_return(t->bucket, &rate, t->at[i]);
    else
      i++;
  }

  return NULL;
}

START_TEST(test_no_slot_is_had_twice) {
  static taker takers[THREADS];
  static uint64_t all[THREADS * PER_THREAD];
  gov_bucket bucket;

  gov_bucket_init(&bucket);
  for (size_t i = 0; i < THREADS; i++)
    takers[i].bucket = &bucket;
  test_threads_run(THREADS, take_and_return, takers, sizeof(*takers));

  for (size_t i = 0; i < COUNT(all); i++)
    all[i] = takers[i / PER_THREAD].at[i % PER_THREAD];
  sort_times(all, COUNT(all));
  for (size_t i = 1; i < COUNT(all); i++)
    ck_assert_uint_ge(all[i], all[i - 1] + PACED.interval_ns);
}
END_TEST

TEST_MAIN("bucket", TEST(test_rates_by_hand), TEST(test_slots_by_hand),
          TEST(test_slots_end_with_the_range_of_time),
          TEST(test_no_window_sees_more_than_the_quota),
          TEST(test_a_clock_that_steps_back_gives_no_more),
          TEST(test_slots_that_are_given_back), TEST(test_the_whole_quota_is_used),
          TEST(test_threads_share_the_slots), TEST(test_no_slot_is_had_twice))
