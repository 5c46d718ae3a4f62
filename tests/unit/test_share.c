/*
 * The share of a bucket: by hand, and processes that draw from one bucket as those of a
 * host do, each with as many waiters as it says.
 */
#include "policy/share.h"

#include "base/clock.h"
#include "base/random.h"
#include "harness.h"
#include "policy/bucket.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS GOV_NS_PER_MS
#define IDLE_NS (5 * MS) /* how long a slot is left to those whose turn it is */

/* Interval 100: with 1 of 4 waiters a turn comes every 400, with 3 of 4 every 133. */
START_TEST(test_by_hand) {
  gov_share share = {0};

  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 7000), 0); /* never had one */
  gov_share_take(&share, 100, 1, 4, 1000);
  ck_assert_uint_eq(share.entitled_ns, 1000);
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 1100), 1400);
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 3, 4, 1100), 1133);
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 4, 4, 1100), 0); /* nobody else */

  gov_share_take(&share, 100, 1, 4, 1450); /* 50 late: the next turn is where it was */
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 1500), 1800);
  gov_share_take(&share, 100, 1, 4, 2200); /* a whole turn late is the most */
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 2200), 2200);
  gov_share_take(&share, 100, 1, 4, 2601); /* more is not saved up */
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 2601), 3001);
  gov_share_take(&share, 100, 1, 4, 2700); /* early, since the slot was nobody's */
  ck_assert_uint_eq(gov_share_next_ns(&share, 100, 1, 4, 2700), 3100);
}
END_TEST

/* Slots 20 ms apart: one that is not asked for is anybody's 5 ms after it fell due. */
START_TEST(test_idle_slots) {
  gov_share share = {0};

  gov_share_take(&share, 20 * MS, 1, 100, 1000 * MS);
  ck_assert_uint_eq(gov_share_next_ns(&share, 20 * MS, 1, 100, 1020 * MS), 1025 * MS);
  ck_assert_uint_eq(gov_share_next_ns(&share, 20 * MS, 1, 100, 2995 * MS), 3000 * MS);
  ck_assert_uint_eq(gov_share_next_ns(&share, 20 * MS, 1, 100, 9000 * MS), 3000 * MS);
}
END_TEST

START_TEST(test_the_range_of_time) {
  gov_share share = {.entitled_ns = UINT64_MAX - 5};

  ck_assert_uint_eq(gov_share_next_ns(&share, 10, 1, 2, UINT64_MAX - 1), UINT64_MAX);
  ck_assert_uint_eq(gov_share_next_ns(&share, UINT64_MAX / 2, 1, 3, UINT64_MAX),
                    UINT64_MAX);
  gov_share_take(&share, UINT64_MAX, 1, UINT32_MAX, 7);
  ck_assert_uint_eq(share.entitled_ns, 7);
}
END_TEST

#define PROCESSES_MAX 8
#define WINDOW_NS GOV_NS_PER_S
#define SIM_NS (122 * GOV_NS_PER_S)
/* Until then they start, and may have slots of those who have not. */
#define COUNTED_FROM_NS (2 * GOV_NS_PER_S)
#define NO_SLOT UINT64_MAX

typedef struct process {
  uint32_t waiters; /* that never become fewer */
  gov_share share;
  uint64_t slot_ns; /* that is held, until it falls due */
  uint64_t wakes_ns;
  uint64_t served;
} process;

typedef struct host {
  gov_bucket bucket;
  gov_bucket_rate rate;
  process processes[PROCESSES_MAX];
  size_t count;
  uint32_t all;                     /* waiters, the dead ones among them */
  uint64_t late_ns;                 /* how late a process wakes, at most */
  uint64_t last_ns, longest_gap_ns; /* between slots that are used */
  gov_random random;
} host;

/* What the host store does: a slot is reserved at the process's turn, held until it falls
   due, and used. Returns when to look again. */
static uint64_t look(host *h, process *p, uint64_t now) {
  uint64_t free_ns, turn_ns;

  for (;;) {
    if (p->slot_ns != NO_SLOT) {
      if (p->slot_ns > now)
        return p->slot_ns;
      p->slot_ns = NO_SLOT;
      p->served += now >= COUNTED_FROM_NS;
      if (h->last_ns && now - h->last_ns > h->longest_gap_ns)
        h->longest_gap_ns = now - h->last_ns;
      h->last_ns = now;
    }

    free_ns = gov_bucket_next_ns(&h->bucket, &h->rate, now);
    if (free_ns > now + WINDOW_NS / 2)
      return free_ns - WINDOW_NS / 2;
    turn_ns =
        gov_share_next_ns(&p->share, h->rate.interval_ns, p->waiters, h->all, free_ns);
    if (turn_ns > now)
      return turn_ns;
    gov_bucket_reserve(&h->bucket, &h->rate, now, UINT64_MAX, &p->slot_ns);
    gov_share_take(&p->share, h->rate.interval_ns, p->waiters, h->all, now);
  }
}

static void run(host *h) {
  for (;;) {
    process *next = h->processes;
    uint64_t now;

    for (process *p = h->processes; p < h->processes + h->count; p++)
      if (p->wakes_ns < next->wakes_ns)
        next = p;
    now = next->wakes_ns;
    if (now > SIM_NS)
      return;
    next->wakes_ns = look(h, next, now) + gov_random_uniform(&h->random, h->late_ns);
  }
}

static void host_init(host *h, uint32_t quota, uint64_t late_ns, uint64_t seed) {
  *h = (host){.late_ns = late_ns};
  gov_bucket_rate_init(&h->rate, quota, 1, WINDOW_NS, 20 * MS);
  gov_bucket_init(&h->bucket);
  gov_random_init(&h->random, seed);
}

/* Processes start within the first 100 ms. */
static void add(host *h, uint32_t waiters) {
  h->processes[h->count++] = (process){
      .waiters = waiters,
      .slot_ns = NO_SLOT,
      .wakes_ns = WINDOW_NS + gov_random_uniform(&h->random, 100 * MS),
  };
  h->all += waiters;
}

typedef struct share_case {
  uint32_t quota;
  uint64_t late_ns;
  uint32_t waiters[PROCESSES_MAX]; /* 0: that is all */
} share_case;

static const share_case cases[] = {
    {100, 0, {1, 1}},
    {100, 0, {400, 100}},
    {100, MS, {1, 2, 3, 4, 5, 6, 7, 8}},
    {100, 2 * MS, {10, 10, 10, 10, 10, 10, 10, 10}},
    {100, MS, {1000, 100, 10}},
    {20, MS, {5, 3, 1}},
    {20, 2 * MS, {100, 1}},
    {1000, MS / 10, {7, 5, 3, 2}},
};

static void check_case(const share_case *c, uint64_t seed) {
  uint64_t slots, served = 0;
  static host h;

  host_init(&h, c->quota, c->late_ns, seed);
  for (size_t i = 0; i < PROCESSES_MAX && c->waiters[i]; i++)
    add(&h, c->waiters[i]);
  run(&h);

  slots = (SIM_NS - COUNTED_FROM_NS) / h.rate.interval_ns;
  for (size_t i = 0; i < h.count; i++) {
    const process *p = &h.processes[i];
    double due = (double)slots * p->waiters / h.all;

    served += p->served;
    ck_assert_msg((double)p->served >= 0.95 * due - 1 &&
                      (double)p->served <= 1.05 * due + 1,
                  "case %ld, process %zu: %llu of %.1f", (long)(c - cases), i,
                  (unsigned long long)p->served, due);
  }
  ck_assert_msg(served * 100 >= slots * 99, "case %ld: %llu of %llu slots",
                (long)(c - cases), (unsigned long long)served, (unsigned long long)slots);
}

START_TEST(test_service_is_in_proportion) {
  uint64_t seed = test_seed();

  for (size_t i = 0; i < COUNT(cases); i++)
    check_case(&cases[i], seed + i);
}
END_TEST

/* 1000 waiters that were killed count for another while: no slot is more than the idle
   time late. */
START_TEST(test_the_dead_do_not_stall) {
  static const uint32_t quotas[] = {20, 100, 1000};

  for (size_t i = 0; i < COUNT(quotas); i++) {
    uint64_t served = 0;
    static host h;

    host_init(&h, quotas[i], 0, 1);
    add(&h, 10);
    add(&h, 30);
    h.all += 1000;
    run(&h);
    for (size_t p = 0; p < h.count; p++)
      served += h.processes[p].served;
    ck_assert_uint_le(h.longest_gap_ns, h.rate.interval_ns + IDLE_NS);
    ck_assert_uint_ge(served + 2,
                      (SIM_NS - COUNTED_FROM_NS) / (h.rate.interval_ns + IDLE_NS));
  }
}
END_TEST

TEST_MAIN("share", TEST(test_by_hand), TEST(test_idle_slots), TEST(test_the_range_of_time),
          TEST(test_service_is_in_proportion), TEST(test_the_dead_do_not_stall))
