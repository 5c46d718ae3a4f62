/*
 * The streaks of a broker's clients. Equal jitter, so that a wait is between v/2 and v.
 */
#include "governor/streaks.h"

#include "harness.h"

#define BASE_NS UINT64_C(1000)
#define CAP_NS UINT64_C(1000000)

static const gov_backoff_options options = {MSKGOV_JITTER_EQUAL, BASE_NS, CAP_NS, false};

static gov_streaks streaks;
static gov_random draws;

static void setup(void) {
  gov_streaks_init(&streaks);
  gov_random_init(&draws, test_seed());
}

static uint64_t not_before(const char *client) {
  return gov_streaks_not_before_ns(&streaks, client);
}

static void fail_at(const char *client, uint64_t now) {
  uint64_t wait = gov_streaks_fail(&streaks, client, &options, now, &draws);
  uint64_t told = not_before(client);

  ck_assert_uint_eq(wait, told ? told - now : 0); /* 0: it is not remembered */
}

static const char *numbered(size_t i) {
  static char name[24];

  snprintf(name, sizeof(name), "client-%zu", i);

  return name;
}

START_TEST(test_a_streak_grows_and_ends) {
  uint64_t now = 5000;

  setup();
  ck_assert_uint_eq(not_before("a"), 0);
  for (uint64_t v = BASE_NS; v < 100 * CAP_NS; v *= 2) {
    uint64_t capped = v < CAP_NS ? v : CAP_NS;

    fail_at("a", now);
    ck_assert_uint_ge(not_before("a"), now + capped / 2);
    ck_assert_uint_le(not_before("a"), now + capped);
    now = not_before("a");
  }

  ck_assert(gov_streaks_succeed(&streaks, "a"));
  ck_assert_uint_eq(not_before("a"), 0);
  ck_assert(!gov_streaks_succeed(&streaks, "a"));
  fail_at("a", now);
  ck_assert_uint_le(not_before("a"), now + BASE_NS); /* a new streak */
  gov_streaks_fini(&streaks);
}
END_TEST

START_TEST(test_failures_and_clients_are_counted) {
  setup();
  ck_assert_uint_eq(gov_streaks_failures(&streaks, "a"), 0);
  for (uint32_t i = 1; i <= 5; i++) {
    fail_at("a", 1);
    ck_assert_uint_eq(gov_streaks_failures(&streaks, "a"), i);
    ck_assert_uint_eq(gov_streaks_clients(&streaks), 1);
  }
  fail_at("b", 1);
  ck_assert_uint_eq(gov_streaks_clients(&streaks), 2);
  ck_assert_uint_eq(gov_streaks_failures(&streaks, "b"), 1);
  gov_streaks_succeed(&streaks, "a");
  ck_assert_uint_eq(gov_streaks_failures(&streaks, "a"), 0);
  ck_assert_uint_eq(gov_streaks_clients(&streaks), 1);
  gov_streaks_fini(&streaks);
}
END_TEST

/* The options may differ from failure to failure: the cap that grows does. */
START_TEST(test_another_cap) {
  const gov_backoff_options larger = {MSKGOV_JITTER_EQUAL, BASE_NS, 4 * CAP_NS, false};

  setup();
  for (int i = 0; i < 20; i++)
    fail_at("a", 1);
  ck_assert_uint_le(not_before("a"), 1 + CAP_NS);
  ck_assert_uint_ge(gov_streaks_fail(&streaks, "a", &larger, 1, &draws), 2 * CAP_NS);
  fail_at("a", 1);
  ck_assert_uint_le(not_before("a"), 1 + CAP_NS);
  gov_streaks_fini(&streaks);
}
END_TEST

START_TEST(test_clients_have_their_own) {
  setup();
  fail_at("a", 100);
  fail_at("b", 900000);
  ck_assert_uint_le(not_before("a"), 100 + BASE_NS);
  ck_assert_uint_ge(not_before("b"), 900000 + BASE_NS / 2);
  ck_assert_uint_eq(not_before("A"), 0);
  gov_streaks_succeed(&streaks, "a");
  gov_streaks_succeed(&streaks, "never failed");
  ck_assert_uint_eq(not_before("a"), 0);
  ck_assert_uint_ge(not_before("b"), 900000 + BASE_NS / 2);
  gov_streaks_fini(&streaks);
}
END_TEST

START_TEST(test_names_are_copied) {
  char name[] = "a";

  setup();
  fail_at(name, 100);
  name[0] = 'b';
  ck_assert_uint_ne(not_before("a"), 0);
  ck_assert_uint_eq(not_before("b"), 0);
  gov_streaks_fini(&streaks);
}
END_TEST

START_TEST(test_success_takes_no_memory) {
  setup();
  for (size_t i = 0; i < 1000; i++) {
    fail_at(numbered(i), 0);
    gov_streaks_succeed(&streaks, numbered(i));
    gov_streaks_succeed(&streaks, numbered(i + 1000));
  }
  ck_assert_uint_eq(streaks.clients.count, 0);
  gov_streaks_fini(&streaks);
}
END_TEST

/* Lets clients `from` to `to` - 1 fail; the most that were remembered meanwhile. */
static size_t fail_many(size_t from, size_t to, size_t step, uint64_t now) {
  size_t most = 0;

  for (size_t i = from; i < to; i += step) {
    fail_at(numbered(i), now);
    if (streaks.clients.count > most)
      most = streaks.clients.count;
  }

  return most;
}

/* Those of the clients whose wait goes beyond `now`. */
static size_t count_waiting(size_t from, size_t to, size_t step, uint64_t now) {
  size_t count = 0;

  for (size_t i = from; i < to; i += step)
    count += not_before(numbered(i)) > now;

  return count;
}

/*
 * As many as are remembered fail at 0, one in 1000 of them again much later, and then
 * half as many new ones: all that still wait are remembered.
 */
START_TEST(test_those_whose_wait_is_over_are_forgotten_first) {
  const uint64_t later = 10 * CAP_NS;
  const size_t max = GOV_STREAKS_MAX;

  setup();
  ck_assert_uint_eq(fail_many(0, max, 1, 0), max);
  ck_assert_uint_eq(fail_many(0, max, 1000, later), max);
  ck_assert_uint_le(fail_many(max, max + max / 2, 1, later), max);
  ck_assert_uint_eq(count_waiting(0, max, 1000, later), max / 1000);
  ck_assert_uint_eq(count_waiting(max, max + max / 2, 1, later), max / 2);
  gov_streaks_fini(&streaks);
}
END_TEST

START_TEST(test_too_many_waiting) {
  setup();
  ck_assert_uint_eq(fail_many(0, GOV_STREAKS_MAX + 50, 1, 0), GOV_STREAKS_MAX);
  gov_streaks_fini(&streaks);
}
END_TEST

TEST_MAIN("streaks", TEST(test_a_streak_grows_and_ends), TEST(test_clients_have_their_own),
          TEST(test_names_are_copied), TEST(test_failures_and_clients_are_counted),
          TEST(test_another_cap), TEST(test_success_takes_no_memory),
          TEST(test_those_whose_wait_is_over_are_forgotten_first),
          TEST(test_too_many_waiting))
