/*
 * The clock's skew under clocks that the test holds in its hand.
 */
#include "credentials/skew.h"

#include "harness.h"
#include "threads.h"

#include <stdatomic.h>
#include <string.h>

#define S INT64_C(1000000000)
/* date -u -d 2015-08-30T12:36:00Z +%s */
#define NOW_S INT64_C(1440938160)
#define UPTIME_S 100000

typedef struct hands {
  atomic_ullong unix_ns, monotonic_ns;
} hands;

static uint64_t read_unix(void *self) {
  return atomic_load(&((hands *)self)->unix_ns);
}

static uint64_t read_monotonic(void *self) {
  return atomic_load(&((hands *)self)->monotonic_ns);
}

static hands the_hands;
static const gov_clock the_clock = {
    .monotonic_ns = read_monotonic, .unix_ns = read_unix, .self = &the_hands};

static void set_clock(int64_t unix_ns, int64_t monotonic_ns) {
  atomic_store(&the_hands.unix_ns, (uint64_t)unix_ns);
  atomic_store(&the_hands.monotonic_ns, (uint64_t)monotonic_ns);
}

static void start(gov_skew *skew) {
  memset(skew, 0, sizeof(*skew));
  set_clock(NOW_S * S, UPTIME_S * S);
}

static void pass(int64_t ns) {
  set_clock((int64_t)atomic_load(&the_hands.unix_ns) + ns,
            (int64_t)atomic_load(&the_hands.monotonic_ns) + ns);
}

static bool near(int64_t value_ns, int64_t expected_ns) {
  return llabs(value_ns - expected_ns) <= S;
}

static const struct {
  int64_t date_s;   /* of the service, against ours */
  int64_t took_ms;  /* the exchange */
  int64_t expected; /* s, to within one */
} learnt[] = {
    {0, 0, 0},
    {3600, 0, 3600},
    {-3600, 0, -3600},
    {300, 100, 300},
    {-300, 100, -300},
    {86400, 10, 86400},
    {-86400, 10, -86400},
    {90 * 86400, 10, 90 * 86400},
    {-90 * 86400, 10, -90 * 86400},
    {32, 0, 32},
    {-32, 0, -32},
    {28, 0, 0},
    {-28, 0, 0},
    /* in the middle of what it took, our clock showed what theirs did */
    {-5, 10000, 0},
    {3595, 10000, 3600},
    /* no skew but nonsense; kept out of the arithmetic too */
    {-NOW_S, 0, 0},
    {400 * 86400, 0, 0},
    {-400 * 86400, 0, 0},
    {INT64_C(9223372036) - NOW_S, 0, 0},
};

START_TEST(test_learns) {
  gov_skew skew;

  start(&skew);
  ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
  ck_assert_uint_eq(gov_skew_unix_ns(&skew, &the_clock), NOW_S * S);
  gov_skew_learn(&skew, &the_clock, (uint64_t)((NOW_S + learnt[_i].date_s) * S),
                 (uint64_t)learnt[_i].took_ms * GOV_NS_PER_MS);
  ck_assert_msg(near(gov_skew_ns(&skew, &the_clock), learnt[_i].expected * S), "%lld",
                (long long)gov_skew_ns(&skew, &the_clock));
  if (!learnt[_i].expected)
    ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
  pass(7 * 86400 * S); /* it holds */
  ck_assert(near((int64_t)gov_skew_unix_ns(&skew, &the_clock),
                 (NOW_S + 7 * 86400 + learnt[_i].expected) * S));
}
END_TEST

START_TEST(test_dates_without_end) {
  gov_skew skew;

  start(&skew);
  gov_skew_learn(&skew, &the_clock, UINT64_MAX, 0);
  ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 3600) * S, UINT64_MAX);
  ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
}
END_TEST

/* The last answer counts, also one that says that there is none. */
START_TEST(test_learns_anew) {
  gov_skew skew;

  start(&skew);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 3600) * S, 0);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S - 600) * S, 0);
  ck_assert(near(gov_skew_ns(&skew, &the_clock), -600 * S));
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 400 * 86400) * S, 0);
  ck_assert(near(gov_skew_ns(&skew, &the_clock), -600 * S)); /* nonsense tells nothing */
  gov_skew_learn(&skew, &the_clock, (uint64_t)NOW_S * S, 0);
  ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
}
END_TEST

/* Somebody sets the clock by so much: the skew is dropped, unless it is next to nothing. */
static const struct {
  int64_t set_s;
  bool dropped;
} jumps[] = {{3600, true},         {-3600, true}, {32, true},   {-32, true},
             {86400 * 3650, true}, {28, false},   {-28, false}, {0, false}};

START_TEST(test_clock_is_set) {
  gov_skew skew;

  start(&skew);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 3600) * S, 0);
  pass(600 * S);
  set_clock((NOW_S + 600 + jumps[_i].set_s) * S, (UPTIME_S + 600) * S);
  if (jumps[_i].dropped) {
    ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
    ck_assert_uint_eq(gov_skew_unix_ns(&skew, &the_clock),
                      (NOW_S + 600 + jumps[_i].set_s) * S);
    gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 600 + jumps[_i].set_s + 90) * S,
                   0);
    ck_assert(near(gov_skew_ns(&skew, &the_clock), 90 * S));
  } else {
    ck_assert(near(gov_skew_ns(&skew, &the_clock), 3600 * S));
  }
}
END_TEST

/* A host without a battery begins in 1970, and its clock may read less than its uptime. */
START_TEST(test_clock_that_was_never_set) {
  static const int64_t unix_s[] = {0, 5, UPTIME_S - 1, UPTIME_S + 5};
  gov_skew skew;

  start(&skew);
  set_clock(unix_s[_i] * S, UPTIME_S * S);
  gov_skew_learn(&skew, &the_clock, (uint64_t)NOW_S * S, 0); /* 45 years: too far off */
  ck_assert_int_eq(gov_skew_ns(&skew, &the_clock), 0);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(unix_s[_i] + 3600) * S, 0);
  ck_assert(near(gov_skew_ns(&skew, &the_clock), 3600 * S));
  if (unix_s[_i] > 5) {
    gov_skew_learn(&skew, &the_clock, (uint64_t)(unix_s[_i] - 3600) * S, 0);
    ck_assert(near((int64_t)gov_skew_unix_ns(&skew, &the_clock), (unix_s[_i] - 3600) * S));
    set_clock(10 * S, UPTIME_S * S);
    (void)gov_skew_unix_ns(&skew, &the_clock);
  }
}
END_TEST

#define EXPIRED                                                                            \
  "Signature expired: 20150830T123600Z is now earlier than 20150830T124000Z "              \
  "(20150830T125500Z - 15 min.)"
#define EARLY                                                                              \
  "Signature not yet current: 20150830T123600Z is still later than 20150830T121500Z "      \
  "(20150830T121000Z + 5 min.)"

static const struct {
  const char *text;
  bool tells;
  int64_t skew_s;
} refusals[] = {
    {EXPIRED, true, 19 * 60},
    {EARLY, true, -26 * 60},
    {"[5c0a] Access denied: " EXPIRED, true, 19 * 60},
    {"Authentication failed (AWS_MSK_IAM): " EXPIRED, true, 19 * 60},
    {"Authentication failed (AWS_MSK_IAM): " EARLY "; try later", true, -26 * 60},
    /* our clock is right, the signature was just old */
    {"Signature expired: 20150830T122000Z is now earlier than 20150830T122100Z "
     "(20150830T123600Z - 15 min.)",
     true, 0},
    {"", false, 0},
    {"Access denied", false, 0},
    {"Signature expired: ", false, 0},
    {"Signature expired: 20150830T123600Z is now earlier than 20150830T124000Z", false, 0},
    {"Signature expired: 20150830T123600Z is now earlier than 20150830T124000Z (", false,
     0},
    {"Signature expired: x (20150830T125500Z", false, 0},
    {"Signature expired: x (20150830T125500Z -", false, 0},
    {"Signature expired: x (20150830T125500Z + 15 min.)", false, 0},
    {"Signature not yet current: x (20150830T121000Z - 5 min.)", false, 0},
    {"Signature expired: x (20150830T1255Z - 15 min.)   ", false, 0},
    {"Signature expired: x (20151330T125500Z - 15 min.)", false, 0},
    {"Signature expired: x (2015083OT125500Z - 15 min.)", false, 0},
    {"Signature expired: x (99991231T235959Z - 15 min.)", false, 0},
    {"Signature expired: x (19700101T000000Z - 15 min.)", false, 0},
    {"Signature expired: x (20160830T125500Z - 15 min.)", false, 0}, /* a year: nonsense */
    {"signature EXPIRED: x (20150830T125500Z - 15 min.)", false, 0},
    {"(20150830T125500Z - 15 min.)", false, 0},
};

START_TEST(test_refusals) {
  gov_skew skew;

  start(&skew);
  ck_assert_int_eq(gov_skew_learn_refusal(&skew, &the_clock, refusals[_i].text),
                   refusals[_i].tells);
  ck_assert_msg(near(gov_skew_ns(&skew, &the_clock), refusals[_i].skew_s * S), "%lld",
                (long long)gov_skew_ns(&skew, &the_clock));

  /* and what says nothing leaves what is known */
  start(&skew);
  gov_skew_learn(&skew, &the_clock, (uint64_t)(NOW_S + 7200) * S, 0);
  gov_skew_learn_refusal(&skew, &the_clock, refusals[_i].text);
  ck_assert(near(gov_skew_ns(&skew, &the_clock),
                 (refusals[_i].tells ? refusals[_i].skew_s : 7200) * S));
}
END_TEST

#define THREADS 8
#define ROUNDS 20000

typedef struct worker {
  gov_skew *skew;
  int64_t ahead_s;
  bool odd; /* something was read that nobody learnt */
} worker;

/* Two figures are learnt in turns: whoever reads gets one of them whole, or none. */
static void *learn_and_read(void *argument) {
  worker *self = argument;
  int64_t read_ns;

  for (int i = 0; i < ROUNDS; i++) {
    gov_skew_learn(self->skew, &the_clock, (uint64_t)(NOW_S + self->ahead_s) * S, 0);
    read_ns = gov_skew_ns(self->skew, &the_clock);
    if (!near(read_ns, 3600 * S) && !near(read_ns, -1800 * S))
      self->odd = true;
  }

  return NULL;
}

START_TEST(test_many_threads) {
  worker workers[THREADS] = {0};
  gov_skew skew;

  start(&skew);
  for (int i = 0; i < THREADS; i++)
    workers[i] = (worker){.skew = &skew, .ahead_s = i % 2 ? 3600 : -1800};
  test_threads_run(THREADS, learn_and_read, workers, sizeof(*workers));
  for (int i = 0; i < THREADS; i++)
    ck_assert(!workers[i].odd);
}
END_TEST

TEST_MAIN("skew", TEST_TABLE(test_learns, learnt), TEST(test_dates_without_end),
          TEST(test_learns_anew), TEST_TABLE(test_clock_is_set, jumps),
          TEST_LOOP(test_clock_that_was_never_set, 4), TEST_TABLE(test_refusals, refusals),
          TEST(test_many_threads))
