/*
 * What `mskgov top` makes of two snapshots: which rows there are, and the rates between
 * them, which have to stay right while members and brokers come and go.
 */
#include "top_view.h"

#include "harness.h"
#include "snapshot_stand_in.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S(n) (UINT64_C(1000000000) * (n))

/* id, pid, uid, joined, name; the quota is not looked at. */
#define MEMBER(id, pid, joined_s)                                                          \
  { id, pid, 0, S(joined_s), "m" #id, 0, 0, 0 }
#define GRANTED(member, granted)                                                           \
  { member, 1, 2, 3, granted, 0, 4, 5 }
#define BROKER(address, granted, rows)                                                     \
  { {address, 41, 42, 1000, 37, 100, {0, 6, 7, 8, granted, 0, 9, 0}, COUNT(rows)}, rows }
#define SNAPSHOT(at_s, members, brokers)                                                   \
  { "/x", S(at_s), members, COUNT(members), brokers, COUNT(brokers) }

/* The earlier one, at 100 s: members 3, 5, 7 and 9 at brokers b and d. */
static const mskgov_host_member members_before[] = {MEMBER(3, 30, 10), MEMBER(5, 50, 10),
                                                    MEMBER(7, 70, 10), MEMBER(9, 90, 10)};
static const mskgov_host_usage b_before[] = {GRANTED(3, 100), GRANTED(5, 1000),
                                             GRANTED(7, 200), GRANTED(9, 50)};
static const mskgov_host_usage d_before[] = {GRANTED(3, 10), GRANTED(5, 0), GRANTED(7, 20)};
static const stand_in_broker brokers_before[] = {BROKER("b:1", 1350, b_before),
                                                 BROKER("d:1", 30, d_before)};
static const mskgov_host_snapshot before = SNAPSHOT(100, members_before, brokers_before);

/*
 * The later one, at 102 s: 3 is still there, now behind a member 1 that is new; 5 has gone;
 * the places of 7 and 9 are others' now, as the time of joining and the pid tell. Broker c
 * is new.
 */
static const mskgov_host_member members_now[] = {MEMBER(1, 11, 101), MEMBER(3, 30, 10),
                                                 MEMBER(7, 70, 101), MEMBER(9, 91, 10)};
static const mskgov_host_usage b_now[] = {GRANTED(1, 4), GRANTED(3, 130), GRANTED(7, 201),
                                          GRANTED(9, 60)};
static const mskgov_host_usage c_now[] = {GRANTED(1, 0), GRANTED(3, 5), GRANTED(7, 0)};
/* nothing for 1; one of 5, who is no member; 3's count has gone backwards */
static const mskgov_host_usage d_now[] = {
    {1, 0, 0, 0, 0, 0, 0, 0}, GRANTED(5, 6), GRANTED(3, 9)};
static const stand_in_broker brokers_now[] = {
    BROKER("b:1", 395, b_now), BROKER("c:1", 5, c_now), BROKER("d:1", 15, d_now)};
static const mskgov_host_snapshot now = SNAPSHOT(102, members_now, brokers_now);

/* Per broker the rate and then that of each row, in tenths per second over 2 s. */
static const struct {
  const char *address;
  uint64_t rate;
  size_t count;
  struct {
    int32_t pid;
    uint64_t granted, rate;
  } rows[4];
} expected[] = {
    /* 4 since it came, 30 more than before, 201 and 60 since they came: 295 / 2 s */
    {"b:1", 1475, 4, {{11, 4, 20}, {30, 130, 150}, {70, 201, 1005}, {91, 60, 300}}},
    {"c:1", 25, 3, {{11, 0, 0}, {30, 5, 25}, {70, 0, 0}}},
    {"d:1", 45, 1, {{30, 9, 45}}},
};

START_TEST(rates_survive_comings_and_goings) {
  top_view *view = top_view_new(&now, &before);
  const top_table *table = top_view_table(view);

  ck_assert_uint_eq(table->members, 4);
  ck_assert_uint_eq(table->broker_count, COUNT(expected));
  for (size_t i = 0; i < COUNT(expected); i++) {
    const top_broker *broker = &table->brokers[i];

    ck_assert_str_eq(broker->address, expected[i].address);
    ck_assert_uint_eq(broker->figures.granted_tenths_s, expected[i].rate);
    ck_assert_uint_eq(broker->process_count, expected[i].count);
    for (size_t j = 0; j < expected[i].count; j++) {
      const top_process *process = &broker->processes[j];

      ck_assert_int_eq(process->pid, expected[i].rows[j].pid);
      ck_assert_uint_eq(process->figures.granted, expected[i].rows[j].granted);
      ck_assert_uint_eq(process->figures.granted_tenths_s, expected[i].rows[j].rate);
    }
  }
  top_view_free(view);
}
END_TEST

START_TEST(figures_are_the_snapshots) {
  top_view *view = top_view_new(&now, NULL);
  const top_table *table = top_view_table(view);
  const top_broker *broker = &table->brokers[0];
  const top_process *process = &broker->processes[1];

  ck_assert_str_eq(table->path, "/x");
  ck_assert_uint_eq(table->window_ms, 1000);
  ck_assert(broker->rate_used == 41 && broker->rate_limit == 42);
  ck_assert(broker->rate_percent == 37 && broker->connections_limit == 100);
  ck_assert(broker->figures.waiting == 6 && broker->figures.connecting == 7);
  ck_assert(broker->figures.open == 8 && broker->figures.rejected == 9);
  ck_assert_uint_eq(broker->figures.granted, 395);
  ck_assert_str_eq(process->name, "m3");
  ck_assert(process->figures.waiting == 1 && process->figures.connecting == 2);
  ck_assert(process->figures.open == 3 && process->figures.rejected == 4);
  top_view_free(view);
}
END_TEST

static void must_be_unknown(const mskgov_host_snapshot *earlier) {
  top_view *view = top_view_new(&now, earlier);
  const top_broker *broker = &top_view_table(view)->brokers[0];

  ck_assert_uint_eq(broker->figures.granted_tenths_s, TOP_UNKNOWN);
  ck_assert_uint_eq(broker->processes[0].figures.granted_tenths_s, TOP_UNKNOWN);
  top_view_free(view);
}

START_TEST(without_an_earlier_look_there_is_no_rate) {
  must_be_unknown(NULL);
  must_be_unknown(&now); /* no time has passed */
}
END_TEST

START_TEST(without_members_there_is_no_quota) {
  const mskgov_host_snapshot unused = {"/x", S(1), NULL, 0, brokers_now, 1};
  top_view *view = top_view_new(&unused, NULL);
  const top_table *table = top_view_table(view);

  ck_assert_uint_eq(table->members, 0);
  ck_assert_uint_eq(table->brokers[0].rate_limit, UINT32_MAX);
  ck_assert_uint_eq(table->brokers[0].process_count, 0);
  top_view_free(view);
  top_view_free(NULL);
}
END_TEST

/* Places beyond what a store has are input like all else. */
START_TEST(numbers_out_of_range_are_left_out) {
  const mskgov_host_member members[] = {MEMBER(UINT32_MAX, 1, 1), MEMBER(511, 2, 1)};
  const mskgov_host_usage rows[] = {GRANTED(UINT32_MAX, 1), GRANTED(512, 1),
                                    GRANTED(511, 1)};
  const stand_in_broker brokers[] = {BROKER("b:1", 3, rows)};
  const mskgov_host_snapshot odd = SNAPSHOT(200, members, brokers);
  top_view *view = top_view_new(&odd, &odd);

  ck_assert_uint_eq(top_view_table(view)->brokers[0].process_count, 1);
  ck_assert_int_eq(top_view_table(view)->brokers[0].processes[0].pid, 2);
  top_view_free(view);
}
END_TEST

TEST_MAIN("top_view", TEST(rates_survive_comings_and_goings),
          TEST(figures_are_the_snapshots), TEST(without_an_earlier_look_there_is_no_rate),
          TEST(without_members_there_is_no_quota), TEST(numbers_out_of_range_are_left_out))
