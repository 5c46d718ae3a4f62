/*
 * A gate and the people at it, under a virtual clock. A model beside it says who is next,
 * and a judge how many attempts the broker can see; both look at every grant.
 *
 * The judge. An attempt reaches the broker at an unknown moment from its grant to its
 * report. So at each grant those that may still share a window with it are counted: under
 * way, or reported no longer than the window ago, both ends included. They have to be
 * within the quota that is in force; or, for a place that was passed on from one that was
 * revoked, within the largest since that place was taken, since a grant is not taken back.
 * A longer window holds from when it was set.
 *
 * The judge has a clock of its own, which does not step back: the broker's.
 */
#ifndef TEST_GATE_SIM_H
#define TEST_GATE_SIM_H

#include "gate_rig.h"
#include "spans.h"

#include <stdio.h>

#define PEOPLE 80
#define CLIENTS 8
#define ATTEMPTS_MAX 20000
#define UNDER_WAY UINT64_MAX
#define CLASSES MSKGOV_PRIORITIES

typedef enum person_stage { IDLE, WAITING, CONNECTING, OPEN, STAGES } person_stage;

typedef struct attempt {
  span span;         /* grant and report; to_ns is UNDER_WAY until it is reported */
  uint64_t taken_ns; /* when its place was taken, perhaps for another */
  uint32_t most, most_connections; /* largest quota since, and limit of connections */
} attempt;

typedef struct person {
  gov_waiter waiter;
  person_stage stage;
  char client[4];
  mskgov_priority priority;
  uint64_t joined;   /* numbers of events: order of joining, */
  uint64_t place;    /* of coming to the line; 0: not there yet */
  uint64_t ready_ns; /* end of the back-off */
  uint64_t deadline_ns;
  size_t attempt; /* the last one's index */
} person;

typedef struct sim {
  gate_rig rig;
  gov_gate *gate;
  mskgov_pacing pacing; /* in force */
  uint32_t max_connections;
  gov_random random; /* of the scene */
  gov_random jitter; /* of the gate */
  uint64_t now, events;
  uint64_t real_ns;  /* the judge's time: what `now` has gone on, and not its steps back */
  uint64_t reach_ns; /* when the window was last made longer */
  person people[PEOPLE];
  uint32_t count[STAGES]; /* people by stage */
  attempt *attempts;
  size_t attempt_count;
  mskgov_priority turns[21]; /* the last turns at which all three had somebody in line, */
  size_t turn_count;         /* and how many of them there were without a break */
} sim;

static inline uint64_t draw(sim *s, uint64_t limit) {
  return gov_random_uniform(&s->random, limit);
}

static inline void set_now(sim *s, uint64_t now) {
  if (now > s->now)
    s->real_ns += now - s->now;
  s->now = now;
}

static inline void move(sim *s, person *p, person_stage stage) {
  s->count[p->stage]--;
  s->count[stage]++;
  p->stage = stage;
}

/* Someone of that stage, NULL if there is nobody. */
static inline person *anyone(sim *s, person_stage stage) {
  uint64_t skip = s->count[stage] ? draw(s, s->count[stage] - 1) : 0;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == stage && skip-- == 0)
      return p;

  return NULL;
}

/* The one with the lowest place in the line of a priority. */
static inline person *head_of_line(sim *s, mskgov_priority priority) {
  person *head = NULL;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == WAITING && p->place && p->priority == priority &&
        (!head || p->place < head->place))
      head = p;

  return head;
}

static inline person *any_head(sim *s) {
  person *heads[CLASSES];
  size_t count = 0;

  for (size_t i = 0; i < CLASSES; i++)
    if ((heads[count] = head_of_line(s, (mskgov_priority)i)))
      count++;

  return count ? heads[draw(s, count - 1)] : NULL;
}

/* The one whose back-off is over first, and by now. */
static inline person *next_ready(sim *s) {
  person *next = NULL;

  for (person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == WAITING && !p->place && p->ready_ns <= s->now &&
        (!next || p->ready_ns < next->ready_ns ||
         (p->ready_ns == next->ready_ns && p->joined < next->joined)))
      next = p;

  return next;
}

/* Of 21 turns while all three wait: 16, 4 and 1. For ten turns after one of them had
   nobody in line it may be one more or less. */
static inline void check_turns(const sim *s) {
  static const long shares[CLASSES] = {[MSKGOV_PRIORITY_NORMAL] = 4,
                                       [MSKGOV_PRIORITY_CRITICAL] = 16,
                                       [MSKGOV_PRIORITY_BACKGROUND] = 1};
  long counts[CLASSES] = {0}, slack = s->turn_count < 31;

  for (size_t i = 0; i < 21; i++)
    counts[s->turns[i]]++;
  for (size_t i = 0; i < CLASSES; i++)
    ck_assert_msg(labs(counts[i] - shares[i]) <= slack, "priority %zu: %ld of 21 turns", i,
                  counts[i]);
}

/* It is somebody's turn: the first of his line's, and of the lines as they share. */
static inline void take_turn(sim *s, const person *p) {
  bool all = true;

  ck_assert_ptr_eq(p, head_of_line(s, p->priority)); /* first come, first served */
  for (size_t i = 0; i < CLASSES; i++)
    all = all && head_of_line(s, (mskgov_priority)i);
  if (!all) {
    s->turn_count = 0;
    return;
  }
  s->turns[s->turn_count++ % 21] = p->priority;
  if (s->turn_count >= 21)
    check_turns(s);
}

/* Attempts that the broker may see within one window with one that is granted now. */
static inline uint32_t in_one_window(const sim *s) {
  uint64_t window_ns = s->pacing.window_ns, since;
  uint32_t count = 0;

  since = s->real_ns > window_ns ? s->real_ns - window_ns : 0;
  since = since > s->reach_ns ? since : s->reach_ns + 1;
  for (size_t i = s->attempt_count; i--;)
    count += s->attempts[i].span.to_ns >= since;

  return count;
}

/* `revoked`: whose place it is; NULL: a new one. */
static inline void begin_attempt(sim *s, person *p, const attempt *revoked) {
  attempt *a = &s->attempts[s->attempt_count];

  ck_assert_uint_lt(s->attempt_count, ATTEMPTS_MAX);
  *a = revoked ? *revoked
               : (attempt){.taken_ns = s->real_ns,
                           .most = s->pacing.window_connections,
                           .most_connections = s->max_connections};
  a->span = (span){s->real_ns, UNDER_WAY};
  p->attempt = s->attempt_count++;
  move(s, p, CONNECTING);
  ck_assert_uint_le(in_one_window(s), a->most);
  ck_assert_uint_le((uint64_t)s->count[CONNECTING] + s->count[OPEN], a->most_connections);
}

/* Takes over what the gate says: each wait ends once, with one of the answers. */
static inline size_t collect(sim *s, gov_list *ended, const attempt *revoked) {
  gov_list_node *node;
  size_t count = 0;

  for (; (node = gov_list_pop_front(ended)); count++) {
    person *p = gov_container_of(node, person, waiter.node);

    ck_assert_int_eq(p->stage, WAITING);
    ck_assert(p->waiter.ended);
    switch (p->waiter.rc) {
    case 0:
      take_turn(s, p);
      begin_attempt(s, p, revoked);
      continue;
    case MSKGOV_ERR_LIMIT:
      take_turn(s, p);
      ck_assert_int_eq(s->rig.options.at_limit, MSKGOV_AT_LIMIT_FAIL);
      ck_assert_uint_ge(s->count[CONNECTING] + s->count[OPEN], s->max_connections);
      break;
    default:
      ck_assert_int_eq(p->waiter.rc, MSKGOV_ERR_DEADLINE);
      ck_assert_uint_le(p->deadline_ns, s->now);
    }
    move(s, p, IDLE);
  }

  return count;
}

static inline void check_counts(const sim *s) {
  ck_assert_uint_eq(s->gate->metrics.waiting, s->count[WAITING]);
  ck_assert_uint_eq(s->gate->metrics.connecting, s->count[CONNECTING]);
  ck_assert_uint_eq(s->gate->metrics.open, s->count[OPEN]);
}

/* Nothing due is left undone, and the gate wakes in time for what is to come. */
static inline void check_next(const sim *s, uint64_t next) {
  bool at_limit = s->count[CONNECTING] + s->count[OPEN] >= s->max_connections;
  bool room = !at_limit && s->count[CONNECTING] < s->pacing.window_connections;
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
  ck_assert(!line || !at_limit || s->rig.options.at_limit == MSKGOV_AT_LIMIT_WAIT);
}

static inline uint64_t advance(sim *s) {
  gov_list ended;
  uint64_t next;

  for (person *p; (p = next_ready(s));)
    p->place = ++s->events;
  gov_list_init(&ended);
  next = gov_gate_advance(s->gate, s->now, &ended);
  collect(s, &ended, NULL);
  check_next(s, next);

  return next;
}

static inline int join(sim *s, person *p, mskgov_priority priority, uint64_t deadline_ns) {
  uint64_t client = draw(s, CLIENTS - 1);
  int rc;

  *p = (person){.stage = IDLE,
                .priority = priority,
                .deadline_ns = deadline_ns,
                .joined = ++s->events};
  snprintf(p->client, sizeof(p->client), "c%u", (unsigned)client);
  gate_waiter_init(&p->waiter, p->client, priority);
  p->ready_ns = gov_streaks_not_before_ns(&s->gate->streaks, p->client);
  p->place = p->ready_ns <= s->now ? ++s->events : 0;
  rc = gov_gate_join(s->gate, &p->waiter, deadline_ns, s->now);
  ck_assert_int_eq(
      rc, s->count[WAITING] < s->rig.options.max_waiters ? 0 : MSKGOV_ERR_QUEUE_FULL);
  if (rc == 0)
    move(s, p, WAITING);

  return rc;
}

static inline void leave(sim *s, person *p) {
  gov_gate_leave(s->gate, &p->waiter);
  ck_assert(!p->waiter.ended);
  move(s, p, IDLE);
}

static inline void report(sim *s, person *p, mskgov_outcome outcome) {
  s->attempts[p->attempt].span.to_ns = s->real_ns;
  gov_gate_report(s->gate, p->client, &p->waiter.place, outcome, "detail", s->now,
                  &s->jitter);
  move(s, p, outcome == MSKGOV_OUTCOME_CONNECTED ? OPEN : IDLE);
}

/* The attempt was never made: it is struck out. */
static inline void revoke(sim *s, person *p) {
  attempt revoked = s->attempts[p->attempt];
  bool anybody = any_head(s);
  gov_list ended;

  s->attempts[p->attempt].span.to_ns = 0;
  move(s, p, IDLE);
  gov_list_init(&ended);
  gov_gate_revoke(s->gate, &p->waiter.place, s->now, &ended);
  ck_assert_uint_eq(collect(s, &ended, &revoked), anybody);
}

static inline void hang_up(sim *s, person *p) {
  gov_gate_hang_up(s->gate, &p->waiter.place, s->now);
  move(s, p, IDLE);
}

static inline void sim_init(sim *s, const gov_gate_options *options,
                            const gov_store_options *store, uint64_t seed) {
  *s = (sim){.pacing = store->pacing,
             .max_connections = store->max_connections,
             .count = {PEOPLE}};
  gate_rig_init(&s->rig, options, store);
  s->gate = &s->rig.gate;
  s->attempts = malloc(ATTEMPTS_MAX * sizeof(*s->attempts));
  ck_assert_ptr_nonnull(s->attempts);
  gov_random_init(&s->random, seed);
  gov_random_init(&s->jitter, seed + 1);
  set_now(s, 3 * GOV_NS_PER_S + draw(s, GOV_NS_PER_S));
}

static inline void sim_fini(sim *s) {
  gate_rig_fini(&s->rig);
  free(s->attempts);
}

/* Everybody who still waits comes to an end when nothing but time has to pass. */
static inline void drain(sim *s) {
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
      set_now(s, next);
    }
  }
}

#endif
