/*
 * One budget for all members: the quota in every window, the limit of open connections, the
 * smallest quota among them, and shares by waiters. By virtual time; what has to do with
 * processes that end is in tests/integration/test_host_processes.c.
 */
#include "host_members.h"

#define WINDOW_MS 400u
#define WINDOW_NS (WINDOW_MS * NS_PER_MS)

static members sim;

/* Attempts that take up to three windows, and members that draw from one bucket. */

typedef struct crowd {
  int members;
  uint32_t quota;
  uint64_t latency_ms;
} crowd;

static const crowd crowds[] = {
    {1, 40, 0}, {2, 1, 50}, {4, 40, 20}, {8, 40, 300}, {16, 40, 1200}, {16, 2, 10},
};

START_TEST(no_window_holds_more_than_the_quota) {
  const crowd *row = &crowds[_i];
  uint64_t began_ns;

  begin(&sim, test_seed());
  sim.latency_ns = row->latency_ms * NS_PER_MS;
  for (int i = 0; i < row->members; i++)
    join(&sim, store_options(row->quota, WINDOW_MS, UINT32_MAX), 5);
  began_ns = sim.now_ns;
  run(&sim, 50 * WINDOW_NS);

  ck_assert_uint_le(most_in_window(&sim, 0, WINDOW_NS), row->quota);
  /* and it is used: Q in a window and the mean latency, of which half is asked here */
  ck_assert_uint_ge(sim.arrival_count, row->quota * (sim.now_ns - began_ns) /
                                           (2 * (WINDOW_NS + sim.latency_ns)));
  end(&sim);
}
END_TEST

START_TEST(no_more_are_open_than_the_limit) {
  begin(&sim, test_seed());
  sim.latency_ns = 20 * NS_PER_MS;
  sim.open_ns = 3 * NS_PER_S;
  for (int i = 0; i < 6; i++)
    join(&sim, store_options(40, WINDOW_MS, 17), 3);
  run(&sim, 20 * NS_PER_S);
  ck_assert_uint_eq(sim.most_open, 17);
  ck_assert_uint_gt(sim.arrival_count, 100);
  end(&sim);
}
END_TEST

/* Opens `count` connections that stay open. */
static void open_for_good(int number, int count) {
  uint64_t at_ns;

  sim.latency_ns = 0;
  sim.open_ns = UINT64_MAX / 4;
  while (count > 0) {
    count -= ask(&sim, number, &at_ns) == GOV_TAKE_DONE;
    for (attempt *each = sim.attempts; each < sim.attempts_end; each++)
      if (each->member >= 0 && !each->is_open) {
        give(&sim, each, GOV_GIVE_CONNECTED);
        each->close_ns = UINT64_MAX;
      }
    sim.now_ns += NS_PER_MS;
  }
}

static void close_one(void) {
  attempt *each = sim.attempts;

  while (each->member < 0)
    ck_assert(++each < sim.attempts + ATTEMPTS_MAX);
  give(&sim, each, GOV_GIVE_CLOSED);
}

/* Whether a member gets a place within two windows. */
static bool gets_one(int number) {
  uint64_t until_ns = sim.now_ns + 2 * WINDOW_NS, at_ns;

  for (; sim.now_ns < until_ns; sim.now_ns += NS_PER_MS)
    if (ask(&sim, number, &at_ns) == GOV_TAKE_DONE)
      return true;

  return false;
}

/* Before the limit is lowered: what it was, and who lowers it. */
typedef struct lowering {
  uint32_t before;
  bool by_joining;
} lowering;

static const lowering lowerings[] = {
    {100, false}, {100, true}, {UINT32_MAX, false}, {UINT32_MAX, true}};

START_TEST(connections_beyond_a_lower_limit_count) {
  const lowering *row = &lowerings[_i];
  int two = 1;

  begin(&sim, test_seed());
  join(&sim, store_options(400, WINDOW_MS, row->before), 1);
  join(&sim, store_options(400, WINDOW_MS, row->before), 1);
  open_for_good(0, 30);
  open_for_good(1, 30);
  if (row->by_joining)
    two = join(&sim, store_options(400, WINDOW_MS, 20), 1);
  else
    change(&sim.all[0], store_options(400, WINDOW_MS, 20));

  for (int left = 60; left > 20; left--) {
    if (left % 7 == 0)
      ck_assert_msg(!gets_one(left % 2) && !gets_one(two), "%d open", left);
    close_one();
  }
  ck_assert(!gets_one(0));
  close_one();
  ck_assert(gets_one(two));
  ck_assert(!gets_one(0));
  end(&sim);
}
END_TEST

START_TEST(attempts_beyond_a_lower_quota_count) {
  uint64_t at_ns;

  begin(&sim, test_seed());
  sim.latency_ns = UINT64_MAX / 4; /* not reported by itself */
  join(&sim, store_options(40, WINDOW_MS, UINT32_MAX), 1);
  join(&sim, store_options(40, WINDOW_MS, UINT32_MAX), 1);
  for (int i = 0; i < 30; sim.now_ns += NS_PER_MS)
    i += ask(&sim, i % 2, &at_ns) == GOV_TAKE_DONE;
  change(&sim.all[1], store_options(10, WINDOW_MS, UINT32_MAX));
  for (int left = 30; left >= 10; left--) {
    attempt *each = sim.attempts;

    ck_assert_msg(!gets_one(0) && !gets_one(1), "%d on their way", left);
    while (each->member < 0)
      each++;
    give(&sim, each, GOV_GIVE_FAILED);
  }
  ck_assert(gets_one(0));
  end(&sim);
}
END_TEST

static gov_usage usage_of(int number) {
  gov_usage usage;

  sim.all[number].budget->ops->read(sim.all[number].budget, sim.now_ns, &usage);

  return usage;
}

START_TEST(the_smallest_quota_holds_for_all) {
  begin(&sim, test_seed());
  join(&sim, store_options(40, WINDOW_MS, 50), 5);
  join(&sim, store_options(20, WINDOW_MS, 70), 5);
  ck_assert_uint_eq(usage_of(0).window_limit, 20);
  ck_assert_uint_eq(usage_of(1).window_limit, 20);
  ck_assert_uint_eq(usage_of(0).connections_limit, 50);
  ck_assert_uint_eq(usage_of(1).connections_limit, 50);
  run(&sim, 10 * WINDOW_NS);
  ck_assert_uint_le(most_in_window(&sim, 0, WINDOW_NS), 20);

  /* a longer window is the smaller quota as well */
  join(&sim, store_options(20, 2 * WINDOW_MS, UINT32_MAX), 5);
  run(&sim, 2 * WINDOW_NS);
  sim.arrival_count = 0;
  run(&sim, 20 * WINDOW_NS);
  ck_assert_uint_le(most_in_window(&sim, 0, 2 * WINDOW_NS), 20);
  ck_assert_uint_ge(sim.arrival_count, 100);

  /* who leaves takes its quota along */
  for (int i = 2; i >= 1; i--) {
    for (attempt *each = sim.attempts; each < sim.attempts_end; each++)
      if (each->member == i)
        give(&sim, each, GOV_GIVE_FAILED);
    sim.all[i].store->ops->free(sim.all[i].store);
    sim.count--;
  }
  ck_assert_uint_eq(usage_of(0).window_limit, 40);
  run(&sim, 2 * WINDOW_NS);
  sim.arrival_count = 0;
  run(&sim, 10 * WINDOW_NS);
  ck_assert_uint_ge(sim.arrival_count, 9 * 38);
  ck_assert_uint_le(most_in_window(&sim, 0, WINDOW_NS), 40);
  end(&sim);
}
END_TEST

/* Six in a minute, of which the next is seconds away; then somebody raises it. */
START_TEST(a_raised_quota_reaches_those_who_wait) {
  gov_store_options slow;
  uint64_t began_ns, at_ns;
  size_t before;

  begin(&sim, test_seed());
  slow = store_options(60, 60000, UINT32_MAX);
  slow.pacing.window_connections = 6;
  slow.pacing.interval_ns = 10 * NS_PER_S;
  join(&sim, slow, 3);
  join(&sim, store_options(4000, 60000, UINT32_MAX), 3);
  run(&sim, 35 * NS_PER_S);
  before = sim.arrival_count;
  ck_assert_uint_le(before, 4);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(ask(&sim, i, &at_ns), GOV_TAKE_RATE);
    ck_assert_uint_le(at_ns, sim.now_ns + 20 * NS_PER_MS); /* it looks again */
  }

  began_ns = sim.now_ns;
  change(&sim.all[0], store_options(4000, 60000, UINT32_MAX));
  run(&sim, 200 * NS_PER_MS);
  ck_assert_uint_ge(sim.arrival_count - before, 8); /* of 13 */
  ck_assert_uint_le(sim.arrivals[before], began_ns + 100 * NS_PER_MS);
  end(&sim);
}
END_TEST

/* Shares: what each member has in line, and what it has got. */

typedef struct shares {
  int members;
  uint32_t lines[8];
  double tolerance;
} shares;

static const shares all_shares[] = {
    {3, {1, 3, 9}, 0.05},
    {2, {1, 100}, 0.1},
    {8, {7, 7, 7, 7, 7, 7, 7, 7}, 0.05},
};

START_TEST(slots_go_by_waiters) {
  const shares *row = &all_shares[_i];
  uint64_t lines = 0, granted = 0;

  begin(&sim, test_seed());
  sim.latency_ns = 5 * NS_PER_MS;
  for (int i = 0; i < row->members; i++)
    join(&sim, store_options(200, 1000, UINT32_MAX), row->lines[i]);
  run(&sim, 60 * NS_PER_S);
  for (int i = 0; i < row->members; i++) {
    lines += row->lines[i];
    granted += sim.all[i].granted;
  }
  ck_assert_uint_ge(granted, 60 * 190); /* nothing is lost by sharing */
  for (int i = 0; i < row->members; i++) {
    double got = (double)sim.all[i].granted / (double)granted;
    double due = (double)row->lines[i] / (double)lines;

    ck_assert_msg(got >= due * (1 - row->tolerance) && got <= due * (1 + row->tolerance),
                  "member %d with %u of %llu waiters got %.4f", i, row->lines[i],
                  (unsigned long long)lines, got);
  }
  end(&sim);
}
END_TEST

TEST_MAIN("host_store", TEST_TABLE(no_window_holds_more_than_the_quota, crowds),
          TEST(no_more_are_open_than_the_limit),
          TEST_TABLE(connections_beyond_a_lower_limit_count, lowerings),
          TEST(attempts_beyond_a_lower_quota_count), TEST(the_smallest_quota_holds_for_all),
          TEST(a_raised_quota_reaches_those_who_wait),
          TEST_TABLE(slots_go_by_waiters, all_shares))
