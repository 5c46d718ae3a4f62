/*
 * The gate under random load and a virtual clock. A model of the line says who must be
 * next; the judge of spans.h says whether the quota was kept.
 */
#include "governor/gate.h"

#include "base/clock.h"
#include "harness.h"
#include "spans.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEOPLE 80
#define CLIENTS 8
#define SPANS_MAX 20000
#define LOAD_S 20

typedef enum person_stage { IDLE, WAITING, CONNECTING, OPEN, STAGES } person_stage;

typedef struct person {
  gov_waiter waiter;
  person_stage stage;
  char client[4];
  uint64_t joined;   /* numbers of events: order of joining, */
  uint64_t place;    /* of coming to the line; 0: not there yet */
  uint64_t ready_ns; /* end of the back-off */
  uint64_t deadline_ns;
  uint64_t granted_ns;
} person;

typedef struct sim {
  gov_gate_options options;
  gov_gate *gate;
  gov_random random; /* of the scene */
  gov_random jitter; /* of the gate */
  uint64_t now, events;
  person people[PEOPLE];
  uint32_t count[STAGES]; /* people by stage */
  span *spans;            /* attempts, from grant to report */
  size_t span_count;
} sim;

static uint64_t draw(sim *s, uint64_t limit) {
  return gov_random_uniform(&s->random, limit);
}

static void move(sim *s, person *p, person_stage stage) {
  s->count[p->stage]--;
  s->count[stage]++;
  p->stage = stage;
}

/* Someone of that stage, NULL if there is nobody. */
static person *anyone(sim *s, person_stage stage) {
  uint64_t skip = s->count[stage] ? draw(s, s->count[stage] - 1) : 0;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == stage && skip-- == 0)
      return p;

  return NULL;
}

/* The one in line with the lowest place, of those whose deadline is after `alive_ns`. */
static person *head_of_line(sim *s, uint64_t alive_ns) {
  person *head = NULL;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == WAITING && p->place && p->deadline_ns > alive_ns &&
        (!head || p->place < head->place))
      head = p;

  return head;
}

/* The one whose back-off is over first, and by now. */
static person *next_ready(sim *s) {
  person *next = NULL;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == WAITING && !p->place && p->ready_ns <= s->now &&
        (!next || p->ready_ns < next->ready_ns ||
         (p->ready_ns == next->ready_ns && p->joined < next->joined)))
      next = p;

  return next;
}

static void granted(sim *s, person *p) {
  person *head = head_of_line(s, s->now);

  ck_assert_uint_ne(p->place, 0);
  ck_assert(!head || p->place <= head->place); /* first come, first served */
  p->granted_ns = s->now;
  move(s, p, CONNECTING);
  ck_assert_uint_le((uint64_t)s->count[CONNECTING] + s->count[OPEN],
                    s->options.quota.max_connections);
}

/* Takes over what the gate says; each wait ends once, with one of the two answers. */
static size_t collect(sim *s, gov_list *ended) {
  gov_list_node *node;
  size_t count = 0;

  for (; (node = gov_list_pop_front(ended)); count++) {
    person *p = gov_container_of(node, person, waiter.node);

    ck_assert_int_eq(p->stage, WAITING);
    ck_assert(p->waiter.ended);
    if (p->waiter.rc == 0) {
      granted(s, p);
      continue;
    }
    ck_assert_int_eq(p->waiter.rc, MSKGOV_ERR_DEADLINE);
    ck_assert_uint_le(p->deadline_ns, s->now);
    move(s, p, IDLE);
  }

  return count;
}

static void check_counts(const sim *s) {
  ck_assert_uint_eq(s->gate->metrics.waiting, s->count[WAITING]);
  ck_assert_uint_eq(s->gate->metrics.connecting, s->count[CONNECTING]);
  ck_assert_uint_eq(s->gate->metrics.open, s->count[OPEN]);
}

/* Nothing due is left undone, and the gate wakes in time for what is to come. */
static void check_next(const sim *s, uint64_t next) {
  bool room = s->count[CONNECTING] + s->count[OPEN] < s->options.quota.max_connections &&
              s->count[CONNECTING] < s->options.quota.connections_per_s;
  uint64_t latest = UINT64_MAX;
  bool line = false;

  for (const person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == WAITING) {
      uint64_t ready = p->place ? UINT64_MAX : p->ready_ns;

      line = line || p->place;
      latest = p->deadline_ns < latest ? p->deadline_ns : latest;
      latest = ready < latest ? ready : latest;
    }

  ck_assert_uint_gt(latest, s->now);
  ck_assert_uint_gt(next, s->now);
  ck_assert_uint_le(next, latest);
  ck_assert(!line || !room || next < UINT64_MAX);
}

static uint64_t advance(sim *s) {
  gov_list ended;
  uint64_t next;

  for (person *p; (p = next_ready(s));)
    p->place = ++s->events;
  gov_list_init(&ended);
  next = gov_gate_advance(s->gate, s->now, &ended);
  collect(s, &ended);
  check_next(s, next);

  return next;
}

static int join(sim *s, person *p, uint64_t deadline_ns) {
  uint64_t client = draw(s, CLIENTS - 1);
  int rc;

  *p = (person){.stage = IDLE, .deadline_ns = deadline_ns, .joined = ++s->events};
  snprintf(p->client, sizeof(p->client), "c%u", (unsigned)client);
  p->ready_ns = gov_streaks_not_before_ns(&s->gate->streaks, p->client);
  p->place = p->ready_ns <= s->now ? ++s->events : 0;
  rc = gov_gate_join(s->gate, &p->waiter, p->client, deadline_ns, s->now);
  ck_assert_int_eq(rc,
                   s->count[WAITING] < s->options.max_waiters ? 0 : MSKGOV_ERR_QUEUE_FULL);
  if (rc == 0)
    move(s, p, WAITING);

  return rc;
}

static void leave(sim *s, person *p) {
  gov_gate_leave(s->gate, &p->waiter);
  ck_assert(!p->waiter.ended);
  move(s, p, IDLE);
}

static void report(sim *s, person *p, mskgov_outcome outcome) {
  ck_assert_uint_lt(s->span_count, SPANS_MAX);
  s->spans[s->span_count++] = (span){p->granted_ns, s->now};
  gov_gate_report(s->gate, p->client, outcome, "detail", s->now, &s->jitter);
  move(s, p, outcome == MSKGOV_OUTCOME_CONNECTED ? OPEN : IDLE);
}

static void revoke(sim *s, person *p) {
  bool anybody = head_of_line(s, 0);
  gov_list ended;

  move(s, p, IDLE);
  gov_list_init(&ended);
  gov_gate_revoke(s->gate, &ended);
  ck_assert_uint_eq(collect(s, &ended), anybody);
}

static void hang_up(sim *s, person *p) {
  gov_gate_hang_up(s->gate);
  move(s, p, IDLE);
}

static void sim_init(sim *s, gov_gate_options options, uint64_t seed) {
  *s = (sim){.options = options, .count = {PEOPLE}};
  s->gate = gov_gate_new("b-1:9098", &s->options);
  s->spans = malloc(SPANS_MAX * sizeof(*s->spans));
  ck_assert(s->gate && s->spans);
  gov_random_init(&s->random, seed);
  gov_random_init(&s->jitter, seed + 1);
  s->now = draw(s, GOV_NS_PER_S);
}

static void sim_fini(sim *s) {
  ck_assert_uint_le(spans_fullest_second(s->spans, s->span_count),
                    s->options.quota.connections_per_s);
  gov_gate_free(s->gate);
  free(s->spans);
}

static gov_gate_options draw_options(gov_random *random) {
  uint32_t quota = 1 + (uint32_t)gov_random_uniform(random, 39);
  uint32_t burst = 1 + (uint32_t)gov_random_uniform(random, quota < 3 ? quota - 1 : 2);
  gov_gate_options options = {
      .quota = {quota, gov_random_uniform(random, 1)
                           ? UINT32_MAX
                           : 1 + (uint32_t)gov_random_uniform(random, 40)},
      .backoff = {(mskgov_jitter)gov_random_uniform(random, 2),
                  1 + gov_random_uniform(random, GOV_NS_PER_S), 5 * GOV_NS_PER_S},
      .max_waiters = 1 + (uint32_t)gov_random_uniform(random, PEOPLE - 1),
  };

  gov_bucket_rate_init(&options.rate, quota, burst,
                       gov_random_uniform(random, 100 * GOV_NS_PER_MS));

  return options;
}

static uint64_t draw_deadline(sim *s) {
  switch (draw(s, 3)) {
  case 0:
    return s->now + draw(s, 3) * draw(s, 2 * GOV_NS_PER_S);
  case 1:
    return s->now + draw(s, 10 * GOV_NS_PER_S);
  default:
    return UINT64_MAX;
  }
}

/* One random event; time moves in a quarter of them, half of those to what is due next.
 */
static void random_step(sim *s, uint64_t *next) {
  uint64_t kind = draw(s, 99);
  person *p;

  if (kind < 35 && (p = anyone(s, IDLE)))
    join(s, p, draw_deadline(s));
  else if (kind < 45 && (p = draw(s, 1) ? head_of_line(s, 0) : anyone(s, WAITING)))
    leave(s, p);
  else if (kind < 60 && (p = anyone(s, CONNECTING)))
    report(s, p, (mskgov_outcome)draw(s, MSKGOV_OUTCOME_TRANSPORT));
  else if (kind < 65 && (p = anyone(s, CONNECTING)))
    revoke(s, p);
  else if (kind < 75 && (p = anyone(s, OPEN)))
    hang_up(s, p);
  else if (kind >= 75) {
    s->now = kind < 87 && *next != UINT64_MAX && *next > s->now
                 ? *next
                 : s->now + draw(s, 300 * GOV_NS_PER_MS);
    *next = advance(s);
  }
  check_counts(s);
}

/* Everybody who still waits comes to an end when nothing but time has to pass. */
static void drain(sim *s) {
  for (int rounds = 0; s->count[WAITING] + s->count[CONNECTING] + s->count[OPEN];
       rounds++) {
    uint64_t next;

    ck_assert_int_lt(rounds, 10000);
    for (person *p; (p = anyone(s, CONNECTING));)
      report(s, p, MSKGOV_OUTCOME_CONNECTED);
    for (person *p; (p = anyone(s, OPEN));)
      hang_up(s, p);
    next = advance(s);
    if (s->count[CONNECTING] == 0 && s->count[WAITING]) {
      ck_assert_uint_ne(next, UINT64_MAX);
      s->now = next;
    }
  }
}

static void close_all(sim *s) {
  uint32_t count = 0;
  gov_list_node *node;
  gov_list ended;

  gov_list_init(&ended);
  gov_gate_close(s->gate, MSKGOV_ERR_STOPPED, &ended);
  for (; (node = gov_list_pop_front(&ended)); count++) {
    person *p = gov_container_of(node, person, waiter.node);

    ck_assert_int_eq(p->stage, WAITING);
    ck_assert(p->waiter.ended && p->waiter.rc == MSKGOV_ERR_STOPPED);
    move(s, p, IDLE);
  }
  ck_assert_uint_eq(s->count[WAITING], 0);
  ck_assert_uint_eq(gov_gate_advance(s->gate, s->now + GOV_NS_PER_S, &ended), UINT64_MAX);
  ck_assert(gov_list_empty(&ended));
}

START_TEST(test_random_load) {
  uint64_t seed = test_seed();

  for (uint64_t round = 0; round < 60; round++) {
    static sim s;
    gov_random random;
    uint64_t next = UINT64_MAX;

    gov_random_init(&random, seed + round);
    sim_init(&s, draw_options(&random), seed + round);
    for (int step = 0; step < 2000; step++)
      random_step(&s, &next);
    if (round % 3 == 0)
      close_all(&s);
    drain(&s);
    check_counts(&s);
    sim_fini(&s);
  }
}
END_TEST

typedef struct load_case {
  uint32_t quota;
  uint64_t leave_percent, revoke_percent; /* of the heads of the line, before each grant */
  uint64_t late_ns;                       /* how late the gate is looked at, at most */
} load_case;

#define LATENCY_NS (5 * GOV_NS_PER_MS)

/* When the first attempt under way is to be reported. */
static uint64_t first_report(const sim *s) {
  uint64_t first = UINT64_MAX;

  for (const person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == CONNECTING && p->granted_ns + LATENCY_NS < first)
      first = p->granted_ns + LATENCY_NS;

  return first;
}

/* Fills the line again, and reports what has been under way long enough. */
static void keep_busy(sim *s) {
  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == IDLE && s->count[WAITING] < PEOPLE / 2)
      ck_assert_int_eq(join(s, p, UINT64_MAX), 0);
    else if (p->stage == CONNECTING && p->granted_ns + LATENCY_NS <= s->now)
      report(s, p, MSKGOV_OUTCOME_CONNECTED);
    else if (p->stage == OPEN)
      hang_up(s, p);
}

/* Attempts in LOAD_S virtual seconds with a line that is never empty. */
static size_t attempts_under(const load_case *load, uint64_t seed) {
  static sim s;
  gov_gate_options options = {.quota = {load->quota, UINT32_MAX},
                              .backoff = {MSKGOV_JITTER_FULL, 1, 1},
                              .max_waiters = PEOPLE};
  uint64_t end;
  size_t attempts;

  gov_bucket_rate_init(&options.rate, load->quota, 1, 20 * GOV_NS_PER_MS);
  sim_init(&s, options, seed);
  end = s.now + LOAD_S * GOV_NS_PER_S;
  keep_busy(&s);
  while (s.now < end) {
    uint64_t due = advance(&s), report_ns;
    person *p;

    if ((p = anyone(&s, CONNECTING)) && p->granted_ns == s.now &&
        draw(&s, 99) < load->revoke_percent)
      revoke(&s, p);
    while (draw(&s, 99) < load->leave_percent && (p = head_of_line(&s, 0)))
      leave(&s, p);
    report_ns = first_report(&s);
    s.now = (due < report_ns ? due : report_ns) + draw(&s, load->late_ns);
    keep_busy(&s);
  }
  attempts = s.span_count;
  drain(&s);
  sim_fini(&s);

  return attempts;
}

/* At least 95 % of the slots are used, whoever leaves or gives his slot back. */
START_TEST(test_no_slot_is_lost) {
  static const load_case loads[] = {
      {100, 0, 0, 0},        {100, 50, 0, 0},
      {100, 0, 30, 0},       {100, 80, 50, 0},
      {4, 80, 50, 0},        {20, 0, 0, GOV_NS_PER_MS},
      {100, 80, 50, 500000}, {100, 0, 0, 2 * GOV_NS_PER_MS},
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

TEST_MAIN("gate load", TEST(test_random_load), TEST(test_no_slot_is_lost))
