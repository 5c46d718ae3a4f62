/*
 * The gate with lines that are never empty: every slot is used, and every priority gets
 * its share of them.
 */
#include "gate_sim.h"
#include "harness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LOAD_S 20
#define LATENCY_NS (5 * GOV_NS_PER_MS)
#define SPREAD_NS (20 * GOV_NS_PER_MS)

typedef struct load_case {
  uint32_t quota;
  uint64_t leave_percent, revoke_percent; /* of the heads of the line, before each grant */
  uint64_t late_ns;                       /* how late the gate is looked at, at most */
  uint32_t line;                          /* how many wait */
} load_case;

/* When the first attempt under way is to be reported. */
static uint64_t first_report(const sim *s) {
  uint64_t first = UINT64_MAX;

  for (const person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == CONNECTING && s->attempts[p->attempt].span.from_ns + LATENCY_NS < first)
      first = s->attempts[p->attempt].span.from_ns + LATENCY_NS;

  return first;
}

/* Fills the lines again, and reports what has been under way long enough. */
static void keep_busy(sim *s, uint32_t line) {
  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == IDLE && s->count[WAITING] < line)
      ck_assert_int_eq(join(s, p, (mskgov_priority)draw(s, CLASSES - 1), UINT64_MAX), 0);
    else if (p->stage == CONNECTING &&
             s->attempts[p->attempt].span.from_ns + LATENCY_NS <= s->now)
      report(s, p, MSKGOV_OUTCOME_CONNECTED);
    else if (p->stage == OPEN)
      hang_up(s, p);
}

static void start(sim *s, uint32_t quota, uint64_t seed) {
  gov_gate_options options = {.backoff = {MSKGOV_JITTER_FULL, 1, 1, false},
                              .max_waiters = PEOPLE,
                              .near_quota_percent = 80};
  gov_store_options store = {.pacing = {.window_connections = quota,
                                        .burst = 1,
                                        .window_ns = GOV_NS_PER_S,
                                        .spread_ns = SPREAD_NS},
                             .max_connections = UINT32_MAX};
  gov_bucket_rate rate;

  gov_bucket_rate_init(&rate, quota, 1, GOV_NS_PER_S, SPREAD_NS);
  store.pacing.interval_ns = rate.interval_ns;
  sim_init(s, &options, &store, seed);
}

/* One who has just been granted is revoked, and heads of the line leave. */
static uint64_t disturb(sim *s, const load_case *load, uint64_t due) {
  person *p;

  if ((p = anyone(s, CONNECTING)) && s->attempts[p->attempt].span.from_ns == s->now &&
      draw(s, 99) < load->revoke_percent) {
    revoke(s, p);
    due = advance(s);
  }
  while (draw(s, 99) < load->leave_percent && (p = any_head(s))) {
    leave(s, p);
    due = advance(s);
  }

  return due;
}

static size_t count_made(const sim *s) {
  size_t count = 0;

  for (size_t i = 0; i < s->attempt_count; i++)
    count += s->attempts[i].span.to_ns != 0;

  return count;
}

/* Attempts in LOAD_S virtual seconds with somebody always in line. */
static size_t attempts_under(const load_case *load, uint64_t seed) {
  static sim s;
  uint64_t end;
  size_t attempts;

  start(&s, load->quota, seed);
  end = s.now + LOAD_S * GOV_NS_PER_S;
  keep_busy(&s, load->line);
  while (s.now < end) {
    uint64_t due = disturb(&s, load, advance(&s)), report_ns = first_report(&s);

    if (s.count[WAITING] == 0) /* all have left: others come at once */
      due = s.now;
    set_now(&s, (due < report_ns ? due : report_ns) + draw(&s, load->late_ns));
    keep_busy(&s, load->line);
  }
  attempts = count_made(&s);
  drain(&s);
  sim_fini(&s);

  return attempts;
}

/* At least 95 % of the slots are used, whoever leaves or gives his slot back. */
START_TEST(test_no_slot_is_lost) {
  static const load_case loads[] = {
      {100, 0, 0, 0, 40},        {100, 50, 0, 0, 40},
      {100, 0, 30, 0, 40},       {100, 80, 50, 0, 40},
      {4, 80, 50, 0, 40},        {20, 0, 0, GOV_NS_PER_MS, 40},
      {100, 80, 50, 500000, 40}, {100, 0, 0, 2 * GOV_NS_PER_MS, 40},
      {100, 50, 0, 0, 1},        {100, 50, 50, 0, 2},
  };
  uint64_t seed = test_seed();

  for (size_t i = 0; i < COUNT(loads); i++) {
    /* 1.02 s / Q apart */
    size_t slots = (size_t)(LOAD_S * loads[i].quota * 100 / 102);
    size_t attempts = attempts_under(&loads[i], seed + i);

    ck_assert_msg(attempts * 100 >= slots * 95, "load %zu: %zu of %zu slots", i, attempts,
                  slots);
    ck_assert_uint_le(attempts, slots + 2);
  }
}
END_TEST

/* Ten of each always wait. check_turns looks at every 21 grants on end; here that they
   are looked at, and that the shares of all of them are exact as well. */
START_TEST(test_no_priority_starves) {
  static sim s;
  uint64_t due, rounds = 20;
  size_t grants[CLASSES] = {0}, joined = 0;

  start(&s, 1000, test_seed());
  for (person *p = s.people; p < s.people + 3 * 10; p++)
    join(&s, p, (mskgov_priority)(joined++ % CLASSES), UINT64_MAX);
  while (s.attempt_count < 21 * rounds) {
    due = advance(&s);
    for (person *p = s.people; p < s.people + PEOPLE; p++)
      if (p->stage == CONNECTING) {
        grants[p->priority]++;
        report(&s, p, MSKGOV_OUTCOME_CONNECTED);
        hang_up(&s, p);
        join(&s, p, p->priority, UINT64_MAX);
      }
    set_now(&s, due);
  }
  ck_assert_uint_eq(s.turn_count, s.attempt_count);
  ck_assert_uint_eq(grants[MSKGOV_PRIORITY_CRITICAL], 16 * rounds);
  ck_assert_uint_eq(grants[MSKGOV_PRIORITY_NORMAL], 4 * rounds);
  ck_assert_uint_eq(grants[MSKGOV_PRIORITY_BACKGROUND], rounds);
  drain(&s);
  sim_fini(&s);
}
END_TEST

TEST_MAIN("gate slots", TEST(test_no_slot_is_lost), TEST(test_no_priority_starves))
