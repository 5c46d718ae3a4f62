/*
 * The gate by hand, under a virtual clock: scripts of {at, do, who, expect}. What it does
 * under random load is in test_gate_load.c, what it tells in test_gate_report.c.
 */
#include "gate_rig.h"
#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEOPLE 26
#define NOT_CHECKED 0
#define CRITICAL MSKGOV_PRIORITY_CRITICAL
#define BACKGROUND MSKGOV_PRIORITY_BACKGROUND

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
  mskgov_priority priority; /* of a JOIN */
  uint64_t until_ms;        /* deadline of a JOIN; 0: none */
  uint64_t next_ms;         /* when something is due next; MSKGOV_NEVER; 0: not checked */
  int rc;                   /* of a JOIN */
} step;

typedef struct scenario {
  const char *name;
  uint32_t quota, max_connections, max_waiters; /* 0: as good as unlimited */
  uint64_t interval_ms;                         /* 0: 100 */
  uint64_t backoff_ms;                          /* waits of half to all of it; 0: 1000 */
  mskgov_at_limit at_limit;
  step steps[16];
} scenario;

static gov_gate_options options_of(const scenario *script) {
  uint64_t backoff_ns = gov_ms_to_ns(script->backoff_ms ? script->backoff_ms : 1000);

  return (gov_gate_options){
      .backoff = {MSKGOV_JITTER_EQUAL, backoff_ns, backoff_ns, false},
      .max_waiters = script->max_waiters ? script->max_waiters : 1000,
      .near_quota_percent = 80,
      .at_limit = script->at_limit,
  };
}

static gov_store_options store_of(const scenario *script) {
  return (gov_store_options){
      .pacing = gate_pacing(script->quota ? script->quota : 1000, 1000,
                            script->interval_ms ? script->interval_ms : 100),
      .max_connections = script->max_connections ? script->max_connections : UINT32_MAX,
  };
}

static void act(gov_gate *gate, gov_waiter *waiter, const step *s, const char *client,
                gov_random *random, gov_list *ended) {
  uint64_t now = gov_ms_to_ns(s->at_ms);

  switch (s->action) {
  case JOIN:
    gate_waiter_init(waiter, client, s->priority);
    ck_assert_int_eq(gov_gate_join(gate, waiter,
                                   s->until_ms ? gov_ms_to_ns(s->until_ms) : UINT64_MAX,
                                   now),
                     s->rc);
    break;
  case LEAVE:
    gov_gate_leave(gate, waiter);
    break;
  case TICK:
    break;
  case CONNECTED:
  case REFUSED:
    gov_gate_report(gate, client, &waiter->place,
                    s->action == CONNECTED ? MSKGOV_OUTCOME_CONNECTED
                                           : MSKGOV_OUTCOME_QUOTA,
                    NULL, now, random);
    break;
  case REVOKE:
    gov_gate_revoke(gate, &waiter->place, now, ended);
    break;
  case HANG_UP:
    gov_gate_hang_up(gate, &waiter->place, now);
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

/* Why waits end that are not granted: a script has one reason. */
static int rc_of_failed(const scenario *script, const step *s) {
  if (s->action == CLOSE)
    return MSKGOV_ERR_STOPPED;

  return script->at_limit == MSKGOV_AT_LIMIT_FAIL ? MSKGOV_ERR_LIMIT : MSKGOV_ERR_DEADLINE;
}

static void play(const scenario *script, gov_random *random) {
  gov_gate_options options = options_of(script);
  gov_store_options store = store_of(script);
  char clients[PEOPLE][2] = {{0}};
  gov_waiter people[PEOPLE];
  gate_rig rig;

  gate_rig_init(&rig, &options, &store);
  for (const step *s = script->steps; s->ended; s++) {
    long number = s - script->steps, who = s->who ? s->who - 'a' : 0;
    char text[PEOPLE + 1];
    gov_list ended;
    uint64_t next_ns;

    gov_list_init(&ended);
    clients[who][0] = s->who;
    act(&rig.gate, &people[who], s, clients[who], random, &ended);
    next_ns = gov_gate_advance(&rig.gate, gov_ms_to_ns(s->at_ms), &ended);
    spell(&ended, people, rc_of_failed(script, s), text);
    ck_assert_msg(!strcmp(text, s->ended), "%s, step %ld: '%s' ended", script->name, number,
                  text);
    if (s->next_ms != NOT_CHECKED)
      ck_assert_msg(next_ns == gov_ms_to_ns(s->next_ms), "%s, step %ld: next at %llu ns",
                    script->name, number, (unsigned long long)next_ns);
  }
  gate_rig_fini(&rig);
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
    {.name = "critical before normal before background, each in order",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', "", .priority = BACKGROUND),
               AT(0, JOIN, 'd', "", .priority = CRITICAL),
               AT(0, JOIN, 'e', "", .priority = CRITICAL),
               AT(0, JOIN, 'f', ""),
               AT(100, TICK, 0, "D"),  /* credits: normal 4, critical 16, background 1 */
               AT(200, TICK, 0, "E"),  /* 8, 11, 2 */
               AT(300, TICK, 0, "B"),  /* 12, none, 3: normal pays 5 */
               AT(400, TICK, 0, "F"),  /* 11, none, 4 */
               AT(500, TICK, 0, "C")}},
    {.name = "one priority alone waits for nobody",
     .steps = {AT(0, JOIN, 'a', "A", .priority = BACKGROUND),
               AT(0, JOIN, 'b', "", .priority = BACKGROUND),
               AT(100, TICK, 0, "B"),
               AT(200, JOIN, 'c', "C", .priority = CRITICAL)}},
    {.name = "a revoked slot goes to whose turn it is",
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', "", .priority = CRITICAL),
               AT(10, REVOKE, 'a', "C"),
               AT(100, TICK, 0, "B")}},
    {.name = "at the limit: to fail instead of waiting",
     .max_connections = 1,
     .at_limit = MSKGOV_AT_LIMIT_FAIL,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', "b", .next_ms = MSKGOV_NEVER),
               AT(500, CONNECTED, 'a', ""),
               AT(1000, JOIN, 'c', "c"),
               AT(1000, HANG_UP, 'a', ""),
               AT(1000, JOIN, 'd', "D"),
               AT(1500, REFUSED, 'd', ""), /* it was over: the place is free */
               AT(1500, JOIN, 'e', "E")}},
    {.name = "those who wait for the rate fail when the limit is reached",
     .max_connections = 2,
     .at_limit = MSKGOV_AT_LIMIT_FAIL,
     .steps = {AT(0, JOIN, 'a', "A"),
               AT(0, JOIN, 'b', ""),
               AT(0, JOIN, 'c', ""),
               AT(0, JOIN, 'd', "", .priority = CRITICAL, .next_ms = 100),
               AT(100, TICK, 0, "Dbc", .next_ms = MSKGOV_NEVER)}},
};
/* clang-format on */

START_TEST(test_scripts) {
  gov_random random;

  gov_random_init(&random, test_seed());
  for (size_t i = 0; i < COUNT(scripts); i++)
    play(&scripts[i], &random);
}
END_TEST

TEST_MAIN("gate", TEST(test_scripts))
