/*
 * Whose turn it is: by hand, and under random comings and goings against the bounds that
 * follow from the weights 16, 4 and 1.
 */
#include "policy/turns.h"

#include "base/random.h"
#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLASSES MSKGOV_PRIORITIES

/* In the order of the enumeration. */
static const char letters[CLASSES] = {'n', 'c', 'b'};

static void presence(const char *who, bool waiting[CLASSES]) {
  for (size_t i = 0; i < CLASSES; i++)
    waiting[i] = strchr(who, letters[i]) != NULL;
}

START_TEST(test_weights) {
  ck_assert_uint_eq(gov_turns_weight(MSKGOV_PRIORITY_CRITICAL), 16);
  ck_assert_uint_eq(gov_turns_weight(MSKGOV_PRIORITY_NORMAL), 4);
  ck_assert_uint_eq(gov_turns_weight(MSKGOV_PRIORITY_BACKGROUND), 1);
}
END_TEST

/*
 * Each turn everybody who waits gains his weight; the highest goes and pays the sum of
 * those who wait. Normal, critical, background after the gain, for all three:
 * (4 16 1) (8 11 2) (12 6 3) (-5 22 4) (-1 17 5) (3 12 6) (7 7 7) (11 2 8) (-6 18 9)
 * (-2 13 10) (2 8 11) (6 24 -9) (10 19 -8) (14 14 -7) (18 9 -6) (1 25 -5) (5 20 -4)
 * (9 15 -3) (13 10 -2) (-4 26 -1) (0 21 0), and all are at 0 again.
 */
static const struct {
  struct {
    const char *who, *turns;
  } parts[4];
} scripts[] = {
    {{{"ncb", "ccnccccnccbcccncccncc"}, {"ncb", "ccnccccnccbcccncccncc"}}},
    {{{"n", "nnn"}, {"b", "bbb"}, {"c", "ccc"}}},
    {{{"nc", "ccncc"}, {"nc", "ccncc"}}},
    {{{"nb", "nnbnn"}, {"nb", "nnbnn"}}},
    {{{"cb", "ccccccccbcccccccc"}}},
    /* (8 -10 2) after two; (12 6 -) and (-4 22 1): background has lost what it had */
    {{{"ncb", "cc"}, {"nc", "n"}, {"ncb", "c"}}},
    /* background has paid: (2 8 -10); having been away it begins at 0 and not at -10:
       (6 24 -), then (10 20 1) (14 15 2) (18 10 3) (1 26 4) (5 21 5) (9 16 6) (13 11 7)
       (-4 27 8) (0 22 9) (4 17 10) (8 12 11) (12 7 12) (-5 23 13) (-1 18 14) (3 13 15) */
    {{{"ncb", "ccnccccnccb"}, {"nc", "c"}, {"ncb", "ccncccnccccnccb"}}},
};

START_TEST(test_turns_by_hand) {
  for (size_t i = 0; i < COUNT(scripts); i++) {
    gov_turns turns = {{0}};
    bool waiting[CLASSES];

    for (size_t p = 0; p < COUNT(scripts[i].parts) && scripts[i].parts[p].who; p++) {
      presence(scripts[i].parts[p].who, waiting);
      for (const char *expected = scripts[i].parts[p].turns; *expected; expected++) {
        gov_turns before = turns;
        mskgov_priority peeked = gov_turns_peek(&turns, waiting);

        ck_assert_mem_eq(&turns, &before, sizeof(turns));
        ck_assert_int_eq(gov_turns_take(&turns, waiting), peeked);
        ck_assert_msg(letters[peeked] == *expected, "script %zu, part %zu, turn %ld: %c", i,
                      p, (long)(expected - scripts[i].parts[p].turns), letters[peeked]);
      }
    }
  }
}
END_TEST

/* Lets the classes come and go at random, some of them seldom. */
static void draw_waiting(gov_random *random, uint64_t change_percent,
                         bool waiting[CLASSES]) {
  do
    for (size_t i = 0; i < CLASSES; i++)
      if (gov_random_uniform(random, 99) < change_percent)
        waiting[i] = gov_random_uniform(random, 1);
  while (!waiting[0] && !waiting[1] && !waiting[2]);
}

/*
 * However the others come and go: while it waits critical goes within 3 turns, normal
 * within 11, background within 57. (The longest ways through all states that can be
 * reached; what a walk finds is less.)
 */
START_TEST(test_none_starves) {
  static const unsigned bounds[CLASSES] = {[MSKGOV_PRIORITY_NORMAL] = 11,
                                           [MSKGOV_PRIORITY_CRITICAL] = 3,
                                           [MSKGOV_PRIORITY_BACKGROUND] = 57};
  unsigned waited[CLASSES] = {0};
  bool waiting[CLASSES] = {true, true, true};
  gov_turns turns = {{0}};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int turn = 0; turn < 200000; turn++) {
    mskgov_priority goes;

    draw_waiting(&random, (uint64_t)turn / 20000 * 10 + 2, waiting);
    goes = gov_turns_take(&turns, waiting);
    ck_assert(waiting[goes]);
    for (size_t i = 0; i < CLASSES; i++) {
      waited[i] = waiting[i] && i != (size_t)goes ? waited[i] + 1 : 0;
      ck_assert_uint_lt(waited[i], bounds[i]);
    }
  }
}
END_TEST

/*
 * After comings and goings the shares of those who stay are exact from the 18th turn on:
 * 16, 4 and 1 of 21; 4 of 5 between neighbours; 16 of 17 between the outer two.
 */
START_TEST(test_shares_after_comings_and_goings) {
  static const struct {
    const char *who;
    unsigned cycle, shares[CLASSES];
  } cases[] = {{"ncb", 21, {4, 16, 1}},
               {"nc", 5, {1, 4, 0}},
               {"nb", 5, {4, 0, 1}},
               {"cb", 17, {0, 16, 1}}};
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int round = 0; round < 4000; round++) {
    size_t which = (size_t)round % COUNT(cases);
    unsigned counts[CLASSES] = {0};
    bool waiting[CLASSES] = {true, true, true};
    gov_turns turns = {{0}};

    for (uint64_t before = gov_random_uniform(&random, 60); before; before--) {
      draw_waiting(&random, 30, waiting);
      gov_turns_take(&turns, waiting);
    }
    presence(cases[which].who, waiting);
    for (int settle = 0; settle < 18; settle++)
      gov_turns_take(&turns, waiting);
    for (unsigned turn = 0; turn < 3 * cases[which].cycle; turn++)
      counts[gov_turns_take(&turns, waiting)]++;
    for (size_t i = 0; i < CLASSES; i++)
      ck_assert_uint_eq(counts[i], 3 * cases[which].shares[i]);
  }
}
END_TEST

TEST_MAIN("turns", TEST(test_weights), TEST(test_turns_by_hand), TEST(test_none_starves),
          TEST(test_shares_after_comings_and_goings))
