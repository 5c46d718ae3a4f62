/*
 * Timers on their real thread: order, change, and the guarantee of cancelling.
 */
#include "base/clock.h"
#include "base/timers.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static gov_timers *timers;

static void setup(void) {
  ck_assert_int_eq(gov_timers_new(&timers, "test-timers"), 0);
}

static uint64_t in_ms(uint64_t ms) {
  return gov_clock_monotonic_ns(&gov_clock_system) + ms * GOV_NS_PER_MS;
}

struct probe {
  gov_timer timer;
  atomic_int runs;
  atomic_int order; /* how many had run before, all told */
};

static atomic_int runs_in_all;

static void run_probe(void *user) {
  struct probe *probe = user;

  atomic_fetch_add(&probe->runs, 1);
  atomic_store(&probe->order, atomic_load(&runs_in_all));
  atomic_fetch_add(&runs_in_all, 1);
}

static void wait_for(atomic_int *value, int wanted) {
  while (atomic_load(value) < wanted)
    sched_yield();
}

START_TEST(test_order_of_time) {
  struct probe probes[3] = {0};
  uint64_t at_ns[3] = {in_ms(30), in_ms(10), in_ms(20)};

  setup();
  atomic_store(&runs_in_all, 0);
  for (int i = 0; i < 3; i++) {
    gov_timer_init(&probes[i].timer, run_probe, &probes[i]);
    ck_assert(gov_timer_set(timers, &probes[i].timer, at_ns[i]));
  }
  wait_for(&runs_in_all, 3);
  ck_assert_int_eq(probes[0].order, 2);
  ck_assert_int_eq(probes[1].order, 0);
  ck_assert_int_eq(probes[2].order, 1);
  gov_timers_free(timers);
}
END_TEST

START_TEST(test_set_again_moves_it) {
  struct probe far = {0}, near = {0};

  setup();
  gov_timer_init(&far.timer, run_probe, &far);
  gov_timer_init(&near.timer, run_probe, &near);
  gov_timer_set(timers, &far.timer, in_ms(3600000));
  gov_timer_set(timers, &near.timer, in_ms(1));
  wait_for(&near.runs, 1);
  ck_assert_int_eq(far.runs, 0);
  gov_timer_set(timers, &far.timer, in_ms(1));
  wait_for(&far.runs, 1);
  gov_timers_free(timers);
  ck_assert_int_eq(far.runs, 1);
}
END_TEST

START_TEST(test_cancelled_does_not_run) {
  struct probe cancelled = {0}, later = {0};

  setup();
  gov_timer_init(&cancelled.timer, run_probe, &cancelled);
  gov_timer_init(&later.timer, run_probe, &later);
  gov_timer_set(timers, &cancelled.timer, in_ms(5));
  gov_timer_set(timers, &later.timer, in_ms(10));
  gov_timer_cancel(timers, &cancelled.timer);
  gov_timer_cancel(timers, &cancelled.timer); /* twice does no harm */
  wait_for(&later.runs, 1);
  ck_assert_int_eq(cancelled.runs, 0);
  gov_timers_free(timers);
}
END_TEST

struct slow {
  gov_timer timer;
  atomic_int entered, release, left;
};

static void run_slow(void *user) {
  struct slow *slow = user;

  atomic_store(&slow->entered, 1);
  wait_for(&slow->release, 1);
  gov_timer_set(timers, &slow->timer, 0); /* wants to run again: cancelling says no */
  atomic_store(&slow->left, 1);
}

static void *release_slow(void *user) {
  struct slow *slow = user;

  for (int i = 0; i < 1000; i++)
    sched_yield();
  atomic_store(&slow->release, 1);

  return NULL;
}

/* Cancelling a timer that runs waits for it, and takes off what it set again itself. */
START_TEST(test_cancel_waits) {
  struct slow slow = {0};
  pthread_t helper;

  setup();
  gov_timer_init(&slow.timer, run_slow, &slow);
  gov_timer_set(timers, &slow.timer, 0);
  wait_for(&slow.entered, 1);
  pthread_create(&helper, NULL, release_slow, &slow);
  gov_timer_cancel(timers, &slow.timer);
  ck_assert_int_eq(slow.left, 1);
  ck_assert(!gov_heap_contains(&slow.timer.node));
  pthread_join(helper, NULL);
  gov_timers_free(timers);
}
END_TEST

static void cancel_itself(void *user) {
  struct probe *probe = user;

  gov_timer_cancel(timers, &probe->timer);
  atomic_fetch_add(&probe->runs, 1);
}

START_TEST(test_cancel_from_within) {
  struct probe probe = {0};

  setup();
  gov_timer_init(&probe.timer, cancel_itself, &probe);
  gov_timer_set(timers, &probe.timer, 0);
  wait_for(&probe.runs, 1);
  gov_timers_free(timers);
}
END_TEST

TEST_MAIN("timers", TEST(test_order_of_time), TEST(test_set_again_moves_it),
          TEST(test_cancelled_does_not_run), TEST(test_cancel_waits),
          TEST(test_cancel_from_within))
