/*
 * The adaptive rate: by hand, for any word, and among processes that share a quota and
 * know nothing of each other.
 */
#include "policy/adaptive.h"

#include "gate_rig.h"
#include "harness.h"
#include "strict_broker.h"

#include <mskgov/quota.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS GOV_NS_PER_MS
#define S GOV_NS_PER_S
#define WHOLE 65535

static uint32_t part(uint64_t state, uint64_t now) {
  return gov_adaptive_part(state, S, now);
}

/*
 * A script of rejections, and of looks at the part. Cuts are floor(part / 10) * 7; a
 * window adds floor(part / 22.4) + 1 of what a cut has left, or 15 percent and 1 to one
 * that grows.
 */
typedef struct step {
  uint64_t at_ms;
  bool rejected;
  uint32_t part; /* afterwards */
} step;

static const struct {
  const char *name;
  bool alone;
  step steps[16];
} scripts[] = {
    {"the whole, while nobody rejects", false, {{0, false, WHOLE}, {99999, false, WHOLE}}},
    {"a cut, and back by 2048 a window",
     false,
     {{5000, true, 45871},
      {5999, false, 45871},
      {6000, false, 47919},
      {6999, false, 47919},
      {7000, false, 49967},
      {14999, false, 64303}, /* 45871 + 9 * 2048 */
      {15000, false, WHOLE}, /* 1/32 of the whole ten times is more than 0.3 of it */
      {99999, false, WHOLE}}},
    {"the rejections of a window count once",
     false,
     {{5000, true, 45871}, {5001, true, 45871}, {5999, true, 45871}, {6000, true, 33537}}},
    {"a second cut, and back by 1/32 of what was before it",
     false,
     {{5000, true, 45871},
      {7000, true, 34972},   /* of 49967 */
      {8000, false, 36534},  /* 1562 a window; 49967 / 32 is 1561.5 */
      {26000, false, 64650}, /* 19 of them */
      {27000, false, WHOLE},
      {27000, true, 45871}}}, /* from the whole again */
    {"alone: 15 percent a window",
     true,
     {{0, false, 4095},
      {999, false, 4095},
      {1000, false, 4710},
      {2000, false, 5417},
      {3000, false, 6230},
      {19000, false, 58327},
      {20000, false, WHOLE},
      {99999, false, WHOLE}}},
    {"alone: the first cut may come at once, and ends the growth",
     true,
     {{0, true, 2863}, {500, true, 2863}, {1000, false, 2991}, {2000, false, 3119}}},
    {"alone: a cut of what has grown",
     true,
     {{3000, true, 4361}, {4000, false, 4556}, {5000, false, 4751}}},
};

START_TEST(test_by_hand) {
  for (size_t i = 0; i < COUNT(scripts); i++) {
    uint64_t state = gov_adaptive_start(scripts[i].alone, 0);

    for (const step *s = scripts[i].steps; s->part; s++) {
      if (s->rejected)
        state = gov_adaptive_cut(state, S, s->at_ms * MS);
      ck_assert_msg(part(state, s->at_ms * MS) == s->part, "%s, at %llu ms: %u",
                    scripts[i].name, (unsigned long long)s->at_ms,
                    part(state, s->at_ms * MS));
    }
  }
}
END_TEST

START_TEST(test_windows_of_other_lengths) {
  static const uint64_t windows[] = {100 * MS, S, 60 * S};

  for (size_t i = 0; i < COUNT(windows); i++) {
    uint64_t window = windows[i];
    uint64_t state = gov_adaptive_cut(gov_adaptive_start(false, 0), window, 7 * window);

    ck_assert_uint_eq(gov_adaptive_part(state, window, 8 * window - MS), 45871);
    ck_assert_uint_eq(gov_adaptive_part(state, window, 8 * window), 47919);
    ck_assert_uint_eq(gov_adaptive_cut(state, window, 8 * window - MS), state);
    ck_assert_uint_ne(gov_adaptive_cut(state, window, 8 * window), state);
  }
  /* shorter than the state's clock tells: a millisecond */
  ck_assert_uint_eq(gov_adaptive_part(gov_adaptive_start(true, 0), 1, 1 * MS), 4710);
}
END_TEST

/* 65535 / 1024 = 63: it is not cut further, and grows by 63 / 22.4 + 1 = 3 a window. */
START_TEST(test_the_floor) {
  uint64_t state = gov_adaptive_start(false, 0), now = 0;

  for (int i = 0; i < 100; i++, now += S) {
    state = gov_adaptive_cut(state, S, now);
    ck_assert_uint_ge(part(state, now), 63);
  }
  now -= S;
  ck_assert_uint_eq(part(state, now), 63);
  ck_assert_uint_eq(part(state, now + S), 66);
  ck_assert_uint_eq(part(gov_adaptive_cut(state, S, now + S), now + S), 63);
  ck_assert_uint_eq(part(state, now + 21824 * S), WHOLE); /* (65535 - 63) / 3 */
  ck_assert_uint_lt(part(state, now + 21823 * S), WHOLE);
  ck_assert_uint_eq(part(state, UINT64_MAX), WHOLE);
}
END_TEST

/* A clock that steps back stands still, and what was cut in its future is not cut again. */
START_TEST(test_time_that_steps_back) {
  uint64_t whole = gov_adaptive_start(false, 100 * S), cut;

  ck_assert_uint_eq(part(whole, 0), WHOLE);
  cut = gov_adaptive_cut(whole, S, 50 * S);
  ck_assert_uint_eq(part(cut, 50 * S), 45871);
  ck_assert_uint_eq(part(cut, 0), 45871);
  ck_assert_uint_eq(gov_adaptive_cut(cut, S, 10 * S), cut);
  ck_assert_uint_eq(part(gov_adaptive_start(true, 100 * S), 0), 4095);
}
END_TEST

/* Any word is a state: the part stays in its range, and a rejection never raises it. */
START_TEST(test_any_word) {
  static const uint64_t words[] = {0,
                                   1,
                                   UINT64_MAX,
                                   UINT64_C(1) << 63,
                                   UINT64_C(1) << 47,
                                   (UINT64_C(1) << 47) - 1,
                                   INT64_MAX};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t i = 0; i < 50000; i++) {
    uint64_t state = i < COUNT(words) ? words[i] : gov_random_next(&random);
    uint64_t now = gov_random_next(&random) >> gov_random_uniform(&random, 63);
    uint64_t window = 1 + gov_random_uniform(&random, i % 2 ? 60 * S : UINT64_MAX - 1);
    uint32_t before = gov_adaptive_part(state, window, now), after;

    state = gov_adaptive_cut(state, window, now);
    after = gov_adaptive_part(state, window, now);
    ck_assert(before >= GOV_ADAPTIVE_FLOOR && before <= WHOLE);
    ck_assert(after >= GOV_ADAPTIVE_FLOOR && after <= before);
    /* one that was just cut grows, up to the whole */
    ck_assert_uint_ge(gov_adaptive_part(state, S, now + S), after);
  }
}
END_TEST

/* interval * 65535 / part, rounded down */
START_TEST(test_stretched_intervals) {
  static const struct {
    uint64_t interval_ns;
    uint32_t part;
    uint64_t stretched_ns;
  } cases[] = {
      {10200001, WHOLE, 10200001},
      {10200001, 45871, 14572541},
      {1000000000, 4095, UINT64_C(16003663003)},
      {50000001, GOV_ADAPTIVE_FLOOR, UINT64_C(52011905802)},
      {1, 45871, 1},
      {UINT64_MAX, WHOLE, UINT64_MAX},
      {UINT64_MAX / WHOLE, WHOLE - 1, UINT64_MAX / (WHOLE - 1)}, /* 2^64 - 1 = 65535 * … */
      {UINT64_MAX / WHOLE + 1, WHOLE - 1, UINT64_MAX},
  };

  for (size_t i = 0; i < COUNT(cases); i++)
    ck_assert_msg(
        gov_adaptive_stretch_ns(cases[i].interval_ns, cases[i].part) ==
            cases[i].stretched_ns,
        "case %zu: %llu", i,
        (unsigned long long)gov_adaptive_stretch_ns(cases[i].interval_ns, cases[i].part));
}
END_TEST

#define CLIENTS 400
#define PROCESSES_MAX 64
#define NEVER UINT64_MAX

/* A process is a gate of its own, with what the governor's defaults make of it. */
typedef struct process {
  gate_rig rig;
  uint64_t next_ns;
} process;

typedef struct client {
  gov_waiter waiter;
  process *process;
  char name[8];
  uint64_t arrives_ns; /* its attempt at the broker; NEVER: none is under way */
} client;

typedef struct fleet {
  process processes[PROCESSES_MAX];
  client clients[CLIENTS];
  size_t count, connected;
  strict_broker broker;
  gov_random random;
} fleet;

static void start(fleet *f, size_t count, mskgov_adaptive adaptive, uint64_t seed) {
  const gov_gate_options options = {.backoff = {MSKGOV_JITTER_FULL, 100 * MS, 10 * S, true},
                                    .max_waiters = CLIENTS,
                                    .near_quota_percent = 80};
  gov_store_options store = {.max_connections = UINT32_MAX, .adaptive = adaptive};
  mskgov_quota quota = mskgov_quota_custom(STRICT_QUOTA, UINT32_MAX);

  *f = (fleet){.count = count};
  gov_random_init(&f->random, seed);
  ck_assert_int_eq(mskgov_quota_pacing(&store.pacing, &quota, 0, 20, NULL), 0);
  for (size_t i = 0; i < count; i++) {
    gate_rig_init(&f->processes[i].rig, &options, &store);
    f->processes[i].next_ns = S;
  }
  for (size_t i = 0; i < CLIENTS; i++) {
    client *c = &f->clients[i];

    c->process = &f->processes[i % count];
    c->arrives_ns = NEVER;
    snprintf(c->name, sizeof(c->name), "%zu", i);
    gate_waiter_init(&c->waiter, c->name, MSKGOV_PRIORITY_NORMAL);
    ck_assert_int_eq(gov_gate_join(&c->process->rig.gate, &c->waiter, NEVER, S), 0);
  }
}

/* Those who are granted are on their way to the broker for up to 10 ms. */
static void advance(fleet *f, process *p, uint64_t now) {
  gov_list_node *node;
  gov_list ended;

  gov_list_init(&ended);
  p->next_ns = gov_gate_advance(&p->rig.gate, now, &ended);
  while ((node = gov_list_pop_front(&ended)))
    gov_container_of(node, client, waiter.node)->arrives_ns =
        now + MS + gov_random_uniform(&f->random, 9 * MS);
}

/* An attempt reaches the broker; who is rejected comes again after his back-off. */
static void arrive(fleet *f, client *c, uint64_t now) {
  bool accepted = strict_broker_accepts(&f->broker, now);
  gov_gate *gate = &c->process->rig.gate;

  c->arrives_ns = NEVER;
  f->connected += accepted;
  gov_gate_report(gate, c->name, &c->waiter.place,
                  accepted ? MSKGOV_OUTCOME_CONNECTED : MSKGOV_OUTCOME_QUOTA, NULL, now,
                  &f->random);
  if (!accepted) {
    gate_waiter_init(&c->waiter, c->name, MSKGOV_PRIORITY_NORMAL);
    ck_assert_int_eq(gov_gate_join(gate, &c->waiter, NEVER, now), 0);
  }
  advance(f, c->process, now);
}

/* How long it takes until all are connected; or 10 minutes. */
static uint64_t connect_all(fleet *f) {
  uint64_t now = S;

  while (f->connected < CLIENTS && now < 601 * S) {
    process *due = f->processes;
    client *first = f->clients;

    for (process *p = f->processes; p < f->processes + f->count; p++)
      if (p->next_ns < due->next_ns)
        due = p;
    for (client *c = f->clients; c < f->clients + CLIENTS; c++)
      if (c->arrives_ns < first->arrives_ns)
        first = c;
    if (due->next_ns < first->arrives_ns) {
      now = due->next_ns;
      advance(f, due, now);
    } else {
      now = first->arrives_ns;
      arrive(f, first, now);
    }
  }
  for (size_t i = 0; i < f->count; i++)
    gate_rig_fini(&f->processes[i].rig);

  return now - S;
}

/* 399 connections after the first, 20 a second: 19.95 s. */
#define BOUND_NS (UINT64_C(399) * S / STRICT_QUOTA)

/*
 * Eight processes that know nothing of each other, and 64, which begin with four quotas
 * together.
 */
START_TEST(test_fleets_without_a_store) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    static fleet f;
    uint64_t took_ns;

    start(&f, 8, MSKGOV_ADAPTIVE_ALONE, seed);
    took_ns = connect_all(&f);
    ck_assert_uint_le(took_ns, BOUND_NS * 5 / 2);
    ck_assert_uint_le(f.broker.rejected * 10, f.broker.attempts);

    start(&f, 64, MSKGOV_ADAPTIVE_ALONE, seed);
    took_ns = connect_all(&f);
    ck_assert_uint_le(took_ns, BOUND_NS * 6);
  }
}
END_TEST

TEST_MAIN("adaptive", TEST(test_by_hand), TEST(test_windows_of_other_lengths),
          TEST(test_the_floor), TEST(test_time_that_steps_back), TEST(test_any_word),
          TEST(test_stretched_intervals), TEST(test_fleets_without_a_store))
