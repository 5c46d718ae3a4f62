/*
 * The gate by hand, under a virtual clock: scripts of {at, do, who, expect}. What it does
 * under random load is in test_gate_load.c.
 */
#include "governor/gate.h"

#include "base/clock.h"
#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEOPLE 26
#define NOT_CHECKED 0

typedef enum action {
  JOIN, /* as the client of the same letter */
  LEAVE,
  TICK,      /* nothing but the advance that follows every action */
  CONNECTED, /* reports of outcomes */
  REFUSED,
  REVOKE,
  HANG_UP,
  CLOSE
} action;

/* Granted waiters are capital letters in `ended`, the others small, in their order. */
typedef struct step {
  uint64_t at_ms;
  action action;
  char who;
  const char *ended;
  uint64_t until_ms; /* deadline of a JOIN; 0: none */
  uint64_t next_ms;  /* when something is due next; MSKGOV_NEVER; 0: not checked */
  int rc;            /* of a JOIN */
} step;

typedef struct scenario {
  const char *name;
  uint32_t quota, max_connections, max_waiters; /* 0: as good as unlimited */
  uint64_t interval_ms;                         /* 0: 100 */
  uint64_t backoff_ms;                          /* waits of half to all of it; 0: 1000 */
  step steps[16];
} scenario;

static gov_gate_options options_of(const scenario *script) {
  uint64_t interval_ms = script->interval_ms ? script->interval_ms : 100;
  uint64_t backoff_ns = gov_ms_to_ns(script->backoff_ms ? script->backoff_ms : 1000);

  return (gov_gate_options){
      .quota = {.connections_per_s = script->quota ? script->quota : 1000,
                .max_connections =
                    script->max_connections ? script->max_connections : UINT32_MAX},
      .rate = {.interval_ns = gov_ms_to_ns(interval_ms)},
      .backoff = {MSKGOV_JITTER_EQUAL, backoff_ns, backoff_ns},
      .max_waiters = script->max_waiters ? script->max_waiters : 1000,
  };
}

static int join(gov_gate *gate, gov_waiter *waiter, const step *s) {
  char client[] = {s->who, 0};

  *waiter = (gov_waiter){0};

  return gov_gate_join(gate, waiter, client,
                       s->until_ms ? gov_ms_to_ns(s->until_ms) : UINT64_MAX,
                       gov_ms_to_ns(s->at_ms));
}

static void act(gov_gate *gate, gov_waiter *waiter, const step *s, gov_random *random,
                gov_list *ended) {
  char client[] = {s->who, 0};

  switch (s->action) {
  case JOIN:
    ck_assert_int_eq(join(gate, waiter, s), s->rc);
    break;
  case LEAVE:
    gov_gate_leave(gate, waiter);
    break;
  case TICK:
    break;
  case CONNECTED:
  case REFUSED:
    gov_gate_report(gate, client,
                    s->action == CONNECTED ? MSKGOV_OUTCOME_CONNECTED
                                           : MSKGOV_OUTCOME_QUOTA,
                    NULL, gov_ms_to_ns(s->at_ms), random);
    break;
  case REVOKE:
    gov_gate_revoke(gate, ended);
    break;
  case HANG_UP:
    gov_gate_hang_up(gate);
    break;
  case CLOSE:
    gov_gate_close(gate, MSKGOV_ERR_STOPPED, ended);
    break;
  }
}

static void spell(gov_list *ended, const gov_waiter *people, int rc_of_failed, char *text) {
  gov_list_node *node;

  while ((node = gov_list_pop_front(ended))) {
    gov_waiter *waiter = gov_container_of(node, gov_waiter, node);

    ck_assert(waiter->ended);
    if (waiter->rc)
      ck_assert_int_eq(waiter->rc, rc_of_failed);
    *text++ = (char)((waiter->rc ? 'a' : 'A') + (waiter - people));
  }
  *text = 0;
}

static void play(const scenario *script, gov_random *random) {
  gov_gate_options options = options_of(script);
  gov_gate *gate = gov_gate_new("b-1:9098", &options);
  gov_waiter people[PEOPLE];

  ck_assert_ptr_nonnull(gate);
  for (const step *s = script->steps; s->ended; s++) {
    long number = s - script->steps;
    char text[PEOPLE + 1];
    gov_list ended;
    uint64_t next_ns;

    gov_list_init(&ended);
    act(gate, &people[s->who ? s->who - 'a' : 0], s, random, &ended);
    next_ns = gov_gate_advance(gate, gov_ms_to_ns(s->at_ms), &ended);
    spell(&ended, people, s->action == CLOSE ? MSKGOV_ERR_STOPPED : MSKGOV_ERR_DEADLINE,
          text);
    ck_assert_msg(!strcmp(text, s->ended), "%s, step %ld: '%s' ended", script->name, number,
                  text);
    if (s->next_ms != NOT_CHECKED)
      ck_assert_msg(next_ns == gov_ms_to_ns(s->next_ms), "%s, step %ld: next at %llu ns",
                    script->name, number, (unsigned long long)next_ns);
  }
  gov_gate_free(gate);
}

#define AT(ms, what, whom, over, ...)                                                      \
  { .at_ms = (ms), .action = (what), .who = (whom), .ended = (over), __VA_ARGS__ }

/* A line is a step. clang-format would fill the lines. */
/* clang-format off */
static const scenario scripts[] = {
    {.name = "first come, first served, at the bucket's pace",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', "", .next_ms = 100),
               AT(0, JOIN, 'c', ""),
               AT(99, TICK, 0, ""),
               AT(100, TICK, 0, "B", .next_ms = 200),
               AT(150, JOIN, 'd', ""),
               AT(200, TICK, 0, "C", .next_ms = 300),
               AT(300, TICK, 0, "D")}},
    {.name = "whoever leaves takes nothing with him",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', ""),
               AT(0, JOIN, 'd', ""),
               AT(50, LEAVE, 'b', "", .next_ms = 100),
               AT(99, LEAVE, 'c', "", .next_ms = 100),
               AT(100, TICK, 0, "D")}},
    {.name = "a slot stays for the next to come when all have left",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(50, LEAVE, 'b', ""),
               AT(60, JOIN, 'c', "", .next_ms = 100),
               AT(100, TICK, 0, "C")}},
    {.name = "a deadline",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', "", .until_ms = 50, .next_ms = 50),
               AT(0, JOIN, 'c', ""),
               AT(49, TICK, 0, ""),
               AT(50, TICK, 0, "b", .next_ms = 100),
               AT(100, TICK, 0, "C")}},
    {.name = "no time at all: what is free, or nothing",
     .steps = {AT(10, JOIN, 'a', "A", .until_ms = 10),
               AT(10, JOIN, 'b', "b", .until_ms = 10)}},
    {.name = "deadlines in their own order",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', "", .until_ms = 60),
               AT(0, JOIN, 'c', "", .until_ms = 50),
               AT(70, TICK, 0, "cb")}},
    {.name = "the limit of open connections",
     .max_connections = 1,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', "", .next_ms = MSKGOV_NEVER), /* a has the place */
               AT(0, JOIN, 'c', ""),
               AT(500, CONNECTED, 'a', "", .next_ms = MSKGOV_NEVER),
               AT(1000, TICK, 0, ""),
               AT(1000, HANG_UP, 'a', "B"),
               AT(1500, REFUSED, 'b', "C")}},
    {.name = "the queue's limit",
     .max_waiters = 2,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', ""),
               AT(0, JOIN, 'd', "", .rc = MSKGOV_ERR_QUEUE_FULL),
               AT(10, LEAVE, 'b', ""),
               AT(10, JOIN, 'd', ""),
               AT(10, JOIN, 'e', "", .rc = MSKGOV_ERR_QUEUE_FULL),
               AT(100, TICK, 0, "C"),
               AT(100, JOIN, 'e', ""),
               AT(110, LEAVE, 'd', ""),
               AT(110, LEAVE, 'e', "")}},
    {.name = "waiting in back-off is waiting",
     .max_waiters = 1,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(10, REFUSED, 'a', ""),
               AT(10, JOIN, 'a', ""),
               AT(10, JOIN, 'b', "", .rc = MSKGOV_ERR_QUEUE_FULL),
               AT(20, LEAVE, 'a', ""),
               AT(200, JOIN, 'b', "B")}},
    {.name = "back-off holds back the client that failed, and no other",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(10, REFUSED, 'a', ""),
               AT(10, JOIN, 'a', ""),
               AT(10, JOIN, 'b', ""),
               AT(100, TICK, 0, "B"),
               AT(200, JOIN, 'c', "C"),
               AT(509, TICK, 0, ""), /* half of the back-off is certain */
               AT(1010, TICK, 0, "A")}},
    {.name = "back-off runs while nobody waits",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(10, REFUSED, 'a', ""),
               AT(1010, JOIN, 'a', "A")}},
    {.name = "a success ends the streak",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(100, TICK, 0, "B"),
               AT(110, REFUSED, 'a', ""), /* as if both attempts were one client's */
               AT(120, CONNECTED, 'a', ""),
               AT(200, JOIN, 'a', "A")}},
    {.name = "the end of a back-off is when a waiter comes to the line",
     .interval_ms = 1000,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, REFUSED, 'a', ""),
               AT(0, JOIN, 'a', ""),
               AT(1, JOIN, 'b', ""),
               AT(1000, TICK, 0, "B"),
               AT(1001, JOIN, 'c', ""),
               AT(2000, TICK, 0, "A"),
               AT(3000, TICK, 0, "C")}},
    {.name = "a deadline ends a back-off too",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, REFUSED, 'a', ""),
               AT(0, JOIN, 'a', "", .until_ms = 300),
               AT(300, TICK, 0, "a", .next_ms = MSKGOV_NEVER),
               AT(2000, TICK, 0, "")}},
    {.name = "a revoked slot goes to the head of the line",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', ""),
               AT(10, REVOKE, 'a', "B"),
               AT(100, TICK, 0, "C"),
               AT(110, REVOKE, 'c', "")}},
    {.name = "a revoked slot passes on the only place",
     .max_connections = 1,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', ""),
               AT(10, REVOKE, 'a', "B"),
               AT(2000, TICK, 0, ""),
               AT(2000, CONNECTED, 'b', ""),
               AT(3000, HANG_UP, 'b', "C")}},
    {.name = "a slow attempt keeps its slot: the window",
     .quota = 2,
     .interval_ms = 1,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(1, TICK, 0, "B"),
               AT(2, JOIN, 'c', "", .next_ms = MSKGOV_NEVER),
               AT(5000, TICK, 0, ""),
               AT(5000, CONNECTED, 'a', ""),
               AT(6000, TICK, 0, ""), /* both ends included */
               AT(6005, TICK, 0, "C")}}, /* a second and a cell of 4.2 ms */
    {.name = "closing ends all waits",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', "", .until_ms = 50),
               AT(10, CLOSE, 0, "bc", .next_ms = MSKGOV_NEVER),
               AT(500, TICK, 0, "")}},
    {.name = "closing ends back-offs",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, REFUSED, 'a', ""),
               AT(0, JOIN, 'a', ""),
               AT(10, CLOSE, 0, "a", .next_ms = MSKGOV_NEVER),
               AT(5000, TICK, 0, "")}},
};
/* clang-format on */

START_TEST(test_scripts) {
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t i = 0; i < COUNT(scripts); i++)
    play(&scripts[i], &random);
}
END_TEST

START_TEST(test_outcomes_are_counted) {
  static const mskgov_outcome outcomes[] = {
      MSKGOV_OUTCOME_QUOTA,     MSKGOV_OUTCOME_AUTHENTICATION, MSKGOV_OUTCOME_AUTHORIZATION,
      MSKGOV_OUTCOME_TRANSPORT, MSKGOV_OUTCOME_CONNECTED,
  };
  gov_gate_options options = options_of(&(scenario){.name = "metrics"});
  gov_gate *gate = gov_gate_new("b-1:9098", &options);
  gov_random random;
  gov_list ended;

  gov_random_init(&random, 1);
  gov_list_init(&ended);
  for (uint64_t i = 0; i < COUNT(outcomes); i++) {
    char client[] = {(char)('a' + i), 0};
    gov_waiter waiter = {0};
    uint64_t now = i * GOV_NS_PER_S;

    ck_assert_int_eq(gov_gate_join(gate, &waiter, client, UINT64_MAX, now), 0);
    ck_assert_uint_eq(gate->metrics.waiting, 1);
    gov_gate_advance(gate, now, &ended);
    ck_assert_ptr_eq(gov_list_pop_front(&ended), &waiter.node);
    ck_assert_uint_eq(gate->metrics.waiting, 0);
    ck_assert_uint_eq(gate->metrics.connecting, 1);
    gov_gate_report(gate, client, outcomes[i], client, now, &random);
    ck_assert_uint_eq(gate->metrics.connecting, 0);
    ck_assert_uint_eq(gate->metrics.open, outcomes[i] == MSKGOV_OUTCOME_CONNECTED);
  }
  ck_assert_uint_eq(gate->metrics.granted, 5);
  ck_assert_uint_eq(gate->metrics.failed_quota, 1);
  ck_assert_uint_eq(gate->metrics.failed_authentication, 1);
  ck_assert_uint_eq(gate->metrics.failed_authorization, 1);
  ck_assert_uint_eq(gate->metrics.failed_transport, 1);
  ck_assert_uint_eq(gate->metrics.connected, 1);
  ck_assert_str_eq(gate->metrics.last_failure, "d");
  gov_gate_free(gate);
}
END_TEST

/* A gate with `count` waiters "a", "b", … who joined at 0; the first was granted at 0. */
static gov_gate *crowded_gate(const gov_gate_options *options, gov_waiter *waiters,
                              int count, gov_list *ended) {
  gov_gate *gate = gov_gate_new("b-1:9098", options);

  gov_list_init(ended);
  for (int i = 0; i < count; i++)
    ck_assert_int_eq(
        gov_gate_join(gate, &waiters[i], (char[]){(char)('a' + i), 0}, UINT64_MAX, 0), 0);
  gov_gate_advance(gate, 0, ended);
  ck_assert(waiters[0].ended);
  ck_assert(!waiters[1].ended);

  return gate;
}

static void set_quota(gov_gate *gate, gov_gate_options *options, uint32_t quota,
                      uint64_t interval_ms) {
  options->quota.connections_per_s = quota;
  options->rate.interval_ns = gov_ms_to_ns(interval_ms);
  gov_gate_options_changed(gate);
}

/* Slots of 100 ms become slots of 10 ms: b need not wait for 100, and c comes 10 after. */
START_TEST(test_a_higher_quota_reaches_the_line) {
  gov_gate_options options = options_of(&(scenario){.quota = 10});
  gov_waiter waiters[3];
  gov_list ended;
  gov_gate *gate = crowded_gate(&options, waiters, 3, &ended);

  set_quota(gate, &options, 100, 10);
  ck_assert_uint_eq(gov_gate_advance(gate, gov_ms_to_ns(50), &ended), gov_ms_to_ns(60));
  ck_assert(waiters[1].ended && !waiters[2].ended);
  gov_gate_advance(gate, gov_ms_to_ns(60), &ended);
  ck_assert(waiters[2].ended);
  gov_gate_free(gate);
}
END_TEST

/* One per second, and a was reported at 0: b passes one second after, in the cell of 4 ms
   that follows, and not with the slot of 100 ms that was reserved for it. */
START_TEST(test_a_lower_quota_reaches_the_line) {
  gov_gate_options options = options_of(&(scenario){.quota = 10});
  gov_random random;
  gov_waiter waiters[2];
  gov_list ended;
  gov_gate *gate = crowded_gate(&options, waiters, 2, &ended);
  uint64_t next_ns;

  gov_random_init(&random, 1);
  gov_gate_report(gate, "a", MSKGOV_OUTCOME_CONNECTED, NULL, 0, &random);
  set_quota(gate, &options, 1, 1000);
  next_ns = gov_gate_advance(gate, gov_ms_to_ns(100), &ended);
  ck_assert(!waiters[1].ended);
  ck_assert_uint_gt(next_ns, gov_ms_to_ns(1000));
  ck_assert_uint_le(next_ns, gov_ms_to_ns(1005));
  gov_gate_advance(gate, next_ns, &ended);
  ck_assert(waiters[1].ended);
  gov_gate_free(gate);
}
END_TEST

START_TEST(test_estimates) {
  gov_gate_options options = options_of(&(scenario){.quota = 10, .backoff_ms = 4000});
  gov_random random;
  gov_waiter waiters[3];
  gov_list ended;
  gov_gate *gate = gov_gate_new("b-1:9098", &options);

  ck_assert_uint_eq(gov_gate_estimate_ns(gate, "z", 7), 7); /* nobody is there */
  gov_gate_free(gate);

  /* Slots at 0 (a), 100 (b), 200 (c): the next is at 300; at 150, with b granted, too. */
  gate = crowded_gate(&options, waiters, 3, &ended);
  ck_assert_uint_eq(gov_gate_estimate_ns(gate, "z", 0), gov_ms_to_ns(300));
  gov_gate_advance(gate, gov_ms_to_ns(100), &ended);
  ck_assert(waiters[1].ended);
  ck_assert_uint_eq(gov_gate_estimate_ns(gate, "z", gov_ms_to_ns(150)), gov_ms_to_ns(300));

  /* A client in back-off waits 2 to 4 s (equal jitter of 4 s), others do not. */
  gov_random_init(&random, 1);
  gov_gate_report(gate, "a", MSKGOV_OUTCOME_TRANSPORT, "x", gov_ms_to_ns(150), &random);
  ck_assert_uint_ge(gov_gate_estimate_ns(gate, "a", gov_ms_to_ns(150)), gov_ms_to_ns(2150));
  ck_assert_uint_le(gov_gate_estimate_ns(gate, "a", gov_ms_to_ns(150)), gov_ms_to_ns(4150));
  ck_assert_uint_eq(gov_gate_estimate_ns(gate, "z", gov_ms_to_ns(150)), gov_ms_to_ns(300));
  gov_gate_free(gate);
}
END_TEST

START_TEST(test_the_address_is_copied) {
  char address[] = "b-1:9098";
  gov_gate_options options = options_of(&(scenario){.name = "address"});
  gov_gate *gate = gov_gate_new(address, &options);

  address[0] = 'x';
  ck_assert_str_eq(gate->address, "b-1:9098");
  gov_gate_free(gate);
}
END_TEST

TEST_MAIN("gate", TEST(test_scripts), TEST(test_outcomes_are_counted),
          TEST(test_a_higher_quota_reaches_the_line),
          TEST(test_a_lower_quota_reaches_the_line), TEST(test_estimates),
          TEST(test_the_address_is_copied))
