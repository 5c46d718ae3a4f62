/*
 * The gate under random load: people of three priorities join, leave, report, revoke and
 * hang up, while the quota changes and the clock steps back. gate_sim.h holds every grant
 * against its model and its judge.
 */
#include "gate_sim.h"
#include "harness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static gov_gate_options draw_options(gov_random *random) {
  return (gov_gate_options){
      .backoff = {(mskgov_jitter)gov_random_uniform(random, 2),
                  1 + gov_random_uniform(random, GOV_NS_PER_S), 5 * GOV_NS_PER_S,
                  gov_random_uniform(random, 1)},
      .max_waiters = 1 + (uint32_t)gov_random_uniform(random, PEOPLE - 1),
      .near_quota_percent = 80,
      .at_limit = (mskgov_at_limit)gov_random_uniform(random, 1),
  };
}

static mskgov_pacing draw_pacing(gov_random *random, uint64_t window_ns) {
  uint64_t spread_ns = gov_random_uniform(random, 100 * GOV_NS_PER_MS);
  uint32_t quota = 1 + (uint32_t)gov_random_uniform(random, 39);
  gov_bucket_rate rate;

  gov_bucket_rate_init(&rate, quota, 1, window_ns, spread_ns);

  return (mskgov_pacing){.window_connections = quota,
                         .burst = 1,
                         .window_ns = window_ns,
                         .interval_ns = rate.interval_ns,
                         .spread_ns = spread_ns};
}

static uint64_t draw_window(gov_random *random) {
  static const uint64_t windows[] = {100000000, 300000000, GOV_NS_PER_S, GOV_NS_PER_S};

  return windows[gov_random_uniform(random, COUNT(windows) - 1)];
}

static uint32_t draw_limit(gov_random *random) {
  return gov_random_uniform(random, 1) ? UINT32_MAX
                                       : 1 + (uint32_t)gov_random_uniform(random, 40);
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

/* Places that are taken, and may be passed on, have seen both the old and the new. */
static void note_change(sim *s) {
  for (const person *p = s->people; p < s->people + PEOPLE; p++)
    if (p->stage == CONNECTING) {
      attempt *a = &s->attempts[p->attempt];

      if (a->most < s->pacing.window_connections)
        a->most = s->pacing.window_connections;
      if (a->most_connections < s->max_connections)
        a->most_connections = s->max_connections;
    }
}

static void change_quota(sim *s) {
  uint64_t window_ns = draw(s, 3) ? s->pacing.window_ns : draw_window(&s->random);

  if (window_ns > s->pacing.window_ns)
    s->reach_ns = s->real_ns;
  s->pacing = draw_pacing(&s->random, window_ns);
  s->max_connections = draw_limit(&s->random);
  s->rig.store->ops->change(s->rig.store, &s->pacing, s->max_connections);
  note_change(s);
}

/* Only soon after the grant: once its owner is told an attempt cannot be revoked. */
static void revoke_soon(sim *s, person *p) {
  if (s->real_ns - s->attempts[p->attempt].taken_ns <= s->pacing.window_ns)
    revoke(s, p);
}

/* On, half of the times to what is due next; or back. */
static void move_time(sim *s, uint64_t next) {
  uint64_t back_ns = draw(s, 2 * GOV_NS_PER_S);

  if (draw(s, 19) == 0)
    set_now(s, s->now > back_ns ? s->now - back_ns : 0);
  else
    set_now(s, draw(s, 1) && next != UINT64_MAX && next > s->now
                   ? next
                   : s->now + draw(s, 300 * GOV_NS_PER_MS));
}

/* One random event; time moves in a quarter of them. */
static void random_step(sim *s, uint64_t *next) {
  uint64_t kind = draw(s, 99);
  person *p;

  if (kind < 35 && (p = anyone(s, IDLE)))
    join(s, p, (mskgov_priority)draw(s, CLASSES - 1), draw_deadline(s));
  else if (kind < 45 && (p = draw(s, 1) ? any_head(s) : anyone(s, WAITING)))
    leave(s, p);
  else if (kind < 60 && (p = anyone(s, CONNECTING)))
    report(s, p, (mskgov_outcome)draw(s, MSKGOV_OUTCOME_TRANSPORT));
  else if (kind < 65 && (p = anyone(s, CONNECTING)))
    revoke_soon(s, p);
  else if (kind < 74 && (p = anyone(s, OPEN)))
    hang_up(s, p);
  else if (kind == 74)
    change_quota(s);
  else if (kind >= 75) {
    move_time(s, *next);
    *next = advance(s);
  }
  check_counts(s);
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

static void play(uint64_t round, uint64_t seed) {
  static sim s;
  gov_store_options store;
  gov_gate_options options;
  uint64_t next = UINT64_MAX;
  gov_random random;

  gov_random_init(&random, seed);
  options = draw_options(&random);
  store = (gov_store_options){.pacing = draw_pacing(&random, draw_window(&random)),
                              .max_connections = draw_limit(&random),
                              .adaptive = (mskgov_adaptive)gov_random_uniform(&random, 2)};
  sim_init(&s, &options, &store, seed);
  for (int step = 0; step < 2000; step++)
    random_step(&s, &next);
  if (round % 3 == 0)
    close_all(&s);
  drain(&s);
  check_counts(&s);
  sim_fini(&s);
}

/* A seed that fails stays failing: each round has a generator of its own. */
START_TEST(test_random_load) {
  uint64_t seed = test_seed();

  for (uint64_t round = 0; round < 100; round++)
    play(round, seed + round);
}
END_TEST

TEST_MAIN("gate load", TEST(test_random_load))
