/*
 * The arrival window against a model that remembers every attempt. Its two bounds are the
 * header's: a slot is held for one window after the report at least, both ends included,
 * and for one window and one cell at most.
 */
#include "policy/window.h"

#include "base/clock.h"
#include "base/random.h"
#include "harness.h"
#include "spans.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ATTEMPTS 400
/* Of a window of one second: 239 cells of 2^22 ns span it, and of 2^21 ns do not. */
#define CELL_NS (UINT64_C(1) << 22)
#define IN_FLIGHT UINT64_MAX

typedef struct attempt {
  span span;             /* grant and report; to_ns is IN_FLIGHT until it is reported */
  uint64_t report_at_ns; /* when it is going to be */
} attempt;

typedef struct sim {
  gov_window window;
  uint32_t limit;
  uint64_t window_ns, cell_ns;
  attempt attempts[ATTEMPTS];
  size_t count, in_flight;
  uint64_t seen_ns; /* the latest time that the window was told */
} sim;

static void sim_init(sim *s, uint32_t limit) {
  *s = (sim){.limit = limit, .window_ns = GOV_NS_PER_S, .cell_ns = CELL_NS};
  gov_window_init(&s->window, limit, GOV_NS_PER_S);
}

static void see(sim *s, uint64_t now) {
  if (now > s->seen_ns)
    s->seen_ns = now;
}

/* Slots held at `now` if each report holds its slot up to, and not at, `hold_ns` later.
 */
static size_t held(const sim *s, uint64_t now, uint64_t hold_ns) {
  size_t count = s->in_flight;

  for (size_t i = 0; i < s->count; i++)
    if (s->attempts[i].span.to_ns != IN_FLIGHT)
      count += now < s->attempts[i].span.to_ns + hold_ns;

  return count;
}

static size_t held_at_least(const sim *s, uint64_t now) {
  return held(s, now, s->window_ns + 1);
}

static size_t held_at_most(const sim *s, uint64_t now) {
  return held(s, now, s->window_ns + s->cell_ns);
}

/* Asks, judges the answer by the model, and says whether a grant is possible now. */
static bool may_grant(sim *s, uint64_t now) {
  bool has_room = gov_window_has_room(&s->window);
  uint64_t next = gov_window_next_ns(&s->window, now);

  see(s, now);
  ck_assert(!has_room || next <= now);
  ck_assert(s->in_flight == s->limit ? next == UINT64_MAX : next != UINT64_MAX);
  if (next <= now) {
    ck_assert_uint_lt(held_at_least(s, s->seen_ns), s->limit);
    return true;
  }

  ck_assert_uint_ge(held_at_most(s, s->seen_ns), s->limit);
  if (next != UINT64_MAX) {
    ck_assert_uint_lt(held_at_least(s, next), s->limit);
    ck_assert_uint_ge(held_at_most(s, next - 1), s->limit);
  }

  return false;
}

static attempt *grant(sim *s, uint64_t now) {
  attempt *a = &s->attempts[s->count++];

  ck_assert_uint_le(s->count, ATTEMPTS);
  gov_window_grant(&s->window);
  *a = (attempt){.span = {now > s->seen_ns ? now : s->seen_ns, IN_FLIGHT}};
  s->in_flight++;

  return a;
}

static void report(sim *s, attempt *a, uint64_t now) {
  gov_window_report(&s->window, now);
  see(s, now);
  a->span.to_ns = s->seen_ns;
  s->in_flight--;
}

static void revoke(sim *s, attempt *a) {
  gov_window_revoke(&s->window);
  *a = s->attempts[--s->count];
  s->in_flight--;
}

/* The attempt in flight that is reported first; NULL if there is none. */
static attempt *first_due(sim *s) {
  attempt *first = NULL;

  for (size_t i = 0; i < s->count; i++) {
    attempt *a = &s->attempts[i];
    if (a->span.to_ns == IN_FLIGHT && (!first || a->report_at_ns < first->report_at_ns))
      first = a;
  }

  return first;
}

static void report_until(sim *s, uint64_t now) {
  for (attempt *a; (a = first_due(s)) && a->report_at_ns <= now;)
    report(s, a, a->report_at_ns);
}

static size_t fullest_window(const sim *s) {
  span spans[ATTEMPTS];

  for (size_t i = 0; i < s->count; i++)
    spans[i] = s->attempts[i].span;

  return spans_fullest(spans, s->count, s->window_ns);
}

typedef struct scene {
  uint64_t latency_max_ns, step_max_ns;
  bool steps_back;
} scene;

static void draw_scene(scene *how, gov_random *random) {
  static const uint64_t latencies[] = {0, 10000000, 300000000, GOV_NS_PER_S,
                                       5 * GOV_NS_PER_S};
  static const uint64_t steps[] = {1000, 5000000, 50000000, 2 * GOV_NS_PER_S};

  how->latency_max_ns = latencies[gov_random_uniform(random, 4)];
  how->step_max_ns = steps[gov_random_uniform(random, 3)];
  how->steps_back = gov_random_uniform(random, 1);
}

/* The next look at the window: by a step, or where it says itself that it opens. */
static uint64_t next_look(sim *s, const scene *how, gov_random *random, uint64_t now) {
  uint64_t next = gov_window_next_ns(&s->window, now);
  attempt *due = first_due(s);

  see(s, now);
  if (how->steps_back && gov_random_uniform(random, 9) == 0)
    return now - gov_random_uniform(random, now < GOV_NS_PER_S ? now : GOV_NS_PER_S);
  if (gov_random_uniform(random, 1))
    return now + gov_random_uniform(random, how->step_max_ns);
  if (next > now && next != UINT64_MAX && (!due || next <= due->report_at_ns))
    return next;

  return due && due->report_at_ns > now ? due->report_at_ns : now;
}

static void play(sim *s, const scene *how, gov_random *random) {
  uint64_t now = gov_random_uniform(random, 10 * GOV_NS_PER_S);

  for (int idle = 0; s->count < ATTEMPTS; idle++) {
    uint64_t told;

    ck_assert_int_lt(idle, 100000); /* never stuck */
    told = next_look(s, how, random, now);
    now = told > now ? told : now;
    report_until(s, now);
    for (uint64_t tries = gov_random_uniform(random, 5); tries; tries--)
      if (s->count < ATTEMPTS && may_grant(s, told)) {
        attempt *a = grant(s, told);
        a->report_at_ns = now + gov_random_uniform(random, how->latency_max_ns);
        idle = 0;
        if (gov_random_uniform(random, 19) == 0)
          revoke(s, a);
      }
  }
  report_until(s, UINT64_MAX);
}

/* The smallest 2^n of which 239 span the window. */
static const struct cells {
  uint64_t window_ns, cell_ns;
} windows[] = {
    {100000000, UINT64_C(1) << 19},
    {239, 1},
    {240, 2},
    {60 * GOV_NS_PER_S, UINT64_C(1) << 28},
};

static void sim_stretch(sim *s, const struct cells *cells) {
  s->window_ns = cells->window_ns;
  s->cell_ns = cells->cell_ns;
  gov_window_init(&s->window, s->limit, s->window_ns);
}

START_TEST(test_against_a_model) {
  uint64_t seed = test_seed();

  for (uint64_t round = 0; round < 100; round++) {
    gov_random random;
    scene how;
    sim s;

    gov_random_init(&random, seed + round);
    draw_scene(&how, &random);
    sim_init(&s, 1 + (uint32_t)gov_random_uniform(&random, 40));
    if (round % 2)
      sim_stretch(&s, &windows[round / 2 % COUNT(windows)]);
    play(&s, &how, &random);
    ck_assert_uint_le(fullest_window(&s), s.limit);
    ck_assert_uint_eq(s.window.in_flight, 0);
  }
}
END_TEST

START_TEST(test_a_fresh_window_is_open) {
  sim s;

  sim_init(&s, 3);
  for (int i = 0; i < 3; i++) {
    ck_assert(may_grant(&s, 7));
    grant(&s, 7);
  }
  ck_assert(!may_grant(&s, 7));
  ck_assert(!may_grant(&s, 1000 * GOV_NS_PER_S)); /* the attempt may arrive this late */
}
END_TEST

START_TEST(test_a_slot_comes_back_after_the_report) {
  static const uint64_t starts[] = {0,       1,           CELL_NS - 1,
                                    CELL_NS, 12345678901, UINT64_MAX / 2};

  for (size_t i = 0; i < COUNT(starts); i++) {
    uint64_t start = starts[i];
    sim s;

    sim_init(&s, 1);
    ck_assert(may_grant(&s, start));
    report(&s, grant(&s, start), start);
    ck_assert(!may_grant(&s, start));
    ck_assert(!may_grant(&s, start + GOV_NS_PER_S));
    ck_assert(may_grant(&s, start + GOV_NS_PER_S + CELL_NS));
  }
}
END_TEST

START_TEST(test_a_revoked_slot_is_free_at_once) {
  sim s;

  sim_init(&s, 1);
  for (int i = 0; i < 10; i++) {
    ck_assert(may_grant(&s, 5));
    revoke(&s, grant(&s, 5));
  }
}
END_TEST

START_TEST(test_a_long_pause_clears_the_window) {
  sim s;

  sim_init(&s, 50);
  for (uint64_t i = 0; i < 50; i++)
    report(&s, grant(&s, i * CELL_NS), i * CELL_NS);
  ck_assert(may_grant(&s, GOV_NS_PER_S * 86400));
  ck_assert_uint_eq(s.window.recent, 0);
}
END_TEST

START_TEST(test_time_that_steps_back_stands_still) {
  sim s;

  sim_init(&s, 2);
  report(&s, grant(&s, 10 * GOV_NS_PER_S), 10 * GOV_NS_PER_S);
  report(&s, grant(&s, 10 * GOV_NS_PER_S), 5 * GOV_NS_PER_S);
  ck_assert(!may_grant(&s, 0));
  ck_assert(!may_grant(&s, 6 * GOV_NS_PER_S + CELL_NS));
  ck_assert(!may_grant(&s, 11 * GOV_NS_PER_S));
  ck_assert(may_grant(&s, 11 * GOV_NS_PER_S + CELL_NS));
}
END_TEST

#define MS GOV_NS_PER_MS
#define NEVER UINT64_MAX

/* A window of one second with `granted` attempts, all but `in_flight` reported at `at`. */
static gov_window window_with(uint32_t limit, uint32_t granted, uint32_t in_flight,
                              uint64_t at) {
  gov_window window;

  gov_window_init(&window, limit, GOV_NS_PER_S);
  for (uint32_t i = 0; i < granted; i++)
    gov_window_grant(&window);
  for (uint32_t i = in_flight; i < granted; i++)
    gov_window_report(&window, at);

  return window;
}

/*
 * Another quota. `next_ns` is the end of the cell that it is all held in, and a window on:
 * of the first cell of 2^22 ns, of 600 ms with cells of 2^19 (1145 << 19) or 2^28
 * (3 << 28).
 */
START_TEST(test_changes_by_hand) {
  static const struct {
    const char *name;
    uint32_t limit, granted, in_flight;
    uint64_t reported_ns;
    uint32_t new_limit;
    uint64_t new_window_ns, now_ns, next_ns;
  } cases[] = {
      {"higher", 1, 1, 1, 0, 2, GOV_NS_PER_S, 5, 5},
      {"lower, all in flight", 3, 3, 3, 0, 1, GOV_NS_PER_S, 5, NEVER},
      {"lower, all reported", 3, 3, 0, 0, 1, GOV_NS_PER_S, 5, 1004194304},
      {"lower, one in flight", 3, 3, 1, 0, 1, GOV_NS_PER_S, 5, NEVER},
      {"lower, one in flight of two", 3, 3, 1, 0, 2, GOV_NS_PER_S, 5, 1004194304},
      {"lower, and it has passed", 3, 3, 0, 0, 1, GOV_NS_PER_S, 1100 * MS, 1100 * MS},
      {"shorter", 1, 1, 0, 500 * MS, 1, 100 * MS, 600 * MS, 700309760},
      {"shorter, in flight", 1, 1, 1, 0, 1, 100 * MS, 600 * MS, NEVER},
      {"longer", 1, 1, 0, 500 * MS, 1, 60000 * MS, 600 * MS, 60805306368},
      {"longer, and it had passed", 1, 1, 0, 0, 1, 60000 * MS, 1100 * MS, 1100 * MS},
      {"a clock that steps back", 1, 1, 0, 600 * MS, 1, 100 * MS, 5 * MS, 700309760},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    gov_window window = window_with(cases[i].limit, cases[i].granted, cases[i].in_flight,
                                    cases[i].reported_ns);
    uint64_t next;

    gov_window_change(&window, cases[i].new_limit, cases[i].new_window_ns, cases[i].now_ns);
    next = gov_window_next_ns(&window, cases[i].now_ns);
    ck_assert_msg(next == cases[i].next_ns, "%s: %llu", cases[i].name,
                  (unsigned long long)next);
    if (next == NEVER)
      continue;
    ck_assert_uint_le(gov_window_next_ns(&window, next), next);
    while (gov_window_has_room(&window))
      gov_window_grant(&window); /* as many as the new limit says, and no more */
    ck_assert_uint_eq(window.in_flight + window.recent, cases[i].new_limit);
  }
}
END_TEST

START_TEST(test_cells_span_the_window) {
  for (size_t i = 0; i < COUNT(windows); i++) {
    uint64_t window_ns = windows[i].window_ns, cell_ns = windows[i].cell_ns, next;
    gov_window window;

    gov_window_init(&window, 1, window_ns);
    gov_window_grant(&window);
    gov_window_report(&window, 7 * cell_ns);
    next = gov_window_next_ns(&window, 7 * cell_ns);
    ck_assert_uint_eq(next, 8 * cell_ns + window_ns);
    ck_assert_uint_gt(gov_window_next_ns(&window, next - 1), next - 1);
    ck_assert_uint_le(gov_window_next_ns(&window, next), next);
  }
}
END_TEST

TEST_MAIN("window", TEST(test_against_a_model), TEST(test_a_fresh_window_is_open),
          TEST(test_a_slot_comes_back_after_the_report),
          TEST(test_a_revoked_slot_is_free_at_once),
          TEST(test_a_long_pause_clears_the_window),
          TEST(test_time_that_steps_back_stands_still), TEST(test_changes_by_hand),
          TEST(test_cells_span_the_window))
