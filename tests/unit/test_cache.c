/*
 * The credentials' cache, with a source that does what the test says: how often it is
 * asked, what the callers get, and who is kept waiting.
 */
#include "credentials/cache.h"

#include "base/process.h"
#include "harness.h"
#include "threads.h"

#include <mskgov/credentials.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define PATIENCE_NS (10 * S)
#define CALLERS 64

/* What the source does at each get. */
typedef struct source {
  atomic_int gets;      /* that have begun */
  atomic_bool held;     /* they do not end until this is false, */
  atomic_uint delay_ms; /* or for so long */
  atomic_bool fails;
  atomic_ullong life_ns; /* MSKGOV_NEVER: for ever */
  atomic_bool freed;
} source;

static source the_source;

static int source_get(void *self, mskgov_credentials **credentials,
                      mskgov_error_info *error) {
  source *script = self;
  char id[32];
  uint64_t life_ns;

  snprintf(id, sizeof(id), "KEY%d", atomic_fetch_add(&script->gets, 1) + 1);
  usleep(1000 * atomic_load(&script->delay_ms));
  while (atomic_load(&script->held))
    usleep(1000);
  if (atomic_load(&script->fails)) {
    snprintf(error->text, sizeof(error->text), "the source is out of order");
    return MSKGOV_ERR_NO_CREDENTIALS;
  }
  life_ns = atomic_load(&script->life_ns);

  return mskgov_credentials_new(credentials, id, "secret", NULL,
                                life_ns == MSKGOV_NEVER
                                    ? MSKGOV_NEVER
                                    : gov_clock_unix_ns(&gov_clock_system) + life_ns,
                                error);
}

static void source_free(void *self) {
  atomic_store(&((source *)self)->freed, true);
}

static mskgov_credentials_provider *make(uint64_t life_ns, uint64_t patience_ns) {
  static const mskgov_credentials_provider_ops ops = {source_get, source_free};
  mskgov_credentials_provider *inner, *cache;

  memset(&the_source, 0, sizeof(the_source));
  atomic_store(&the_source.life_ns, life_ns);
  ck_assert_int_eq(mskgov_credentials_provider_new(&inner, &ops, &the_source, NULL), 0);
  ck_assert_int_eq(gov_credentials_cache_new(&cache, inner, &gov_clock_system, patience_ns,
                                             NULL, NULL, NULL),
                   0);
  mskgov_credentials_provider_free(inner);

  return cache;
}

static uint64_t now_ns(void) {
  return gov_clock_monotonic_ns(&gov_clock_system);
}

static void await(atomic_bool *flag) {
  uint64_t until_ns = now_ns() + 20 * S;

  while (!atomic_load(flag) && now_ns() < until_ns)
    usleep(1000);
  ck_assert(atomic_load(flag));
}

/* The number of the key that a get answers; or -1 and the error. */
static int ask(mskgov_credentials_provider *cache, mskgov_error_info *error) {
  mskgov_credentials *credentials;
  int number = -1;

  if (mskgov_credentials_provider_get(cache, &credentials, error))
    return -1;
  ck_assert_int_eq(sscanf(mskgov_credentials_access_key_id(credentials), "KEY%d", &number),
                   1);
  mskgov_credentials_free(credentials);

  return number;
}

typedef struct caller {
  mskgov_credentials_provider *cache;
  int number;
  mskgov_error_info error;
} caller;

static void *call(void *argument) {
  caller *self = argument;

  self->number = ask(self->cache, &self->error);

  return NULL;
}

static void call_all(mskgov_credentials_provider *cache, caller *callers) {
  for (int i = 0; i < CALLERS; i++)
    callers[i].cache = cache;
  test_threads_run(CALLERS, call, callers, sizeof(*callers));
}

START_TEST(many_callers_cost_one_fetch) {
  mskgov_credentials_provider *cache = make(3600 * S, PATIENCE_NS);
  static caller callers[CALLERS];

  atomic_store(&the_source.delay_ms, 200);
  call_all(cache, callers);
  for (int i = 0; i < CALLERS; i++)
    ck_assert_int_eq(callers[i].number, 1);
  for (int i = 0; i < 1500; i++)
    ck_assert_int_eq(ask(cache, NULL), 1);
  ck_assert_int_eq(atomic_load(&the_source.gets), 1);
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

START_TEST(a_failure_reaches_all_who_wait) {
  mskgov_credentials_provider *cache = make(3600 * S, PATIENCE_NS);
  static caller callers[CALLERS];
  uint64_t from_ns = now_ns();

  atomic_store(&the_source.fails, true);
  atomic_store(&the_source.delay_ms, 300);
  call_all(cache, callers);
  ck_assert_uint_lt(now_ns() - from_ns, 5 * S);
  for (int i = 0; i < CALLERS; i++) {
    ck_assert_int_eq(callers[i].number, -1);
    ck_assert_int_eq(callers[i].error.code, MSKGOV_ERR_NO_CREDENTIALS);
    ck_assert_ptr_nonnull(strstr(callers[i].error.text, "the source is out of order"));
  }
  ck_assert_int_le(atomic_load(&the_source.gets), 4);
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

/* Between two tries nobody is kept waiting, and the source is left alone. */
START_TEST(during_an_outage_the_answer_is_at_once) {
  mskgov_credentials_provider *cache = make(3600 * S, PATIENCE_NS);
  uint64_t from_ns, until_ns = now_ns() + 20 * S;
  mskgov_error_info error;
  int gets;

  atomic_store(&the_source.fails, true);
  while (atomic_load(&the_source.gets) < 4 && now_ns() < until_ns) {
    ck_assert_int_eq(ask(cache, &error), -1);
    usleep(10000);
  }
  ck_assert_int_eq(ask(cache, &error), -1);
  gets = atomic_load(&the_source.gets);
  ck_assert_int_eq(gets, 4); /* the next is in 30 s at the earliest */
  from_ns = now_ns();
  for (int i = 0; i < 10000; i++)
    ck_assert_int_eq(ask(cache, &error), -1);
  ck_assert_uint_lt(now_ns() - from_ns, 10 * S);
  ck_assert_int_eq(atomic_load(&the_source.gets), gets);
  ck_assert_ptr_nonnull(strstr(error.text, "failed 4 times in a row"));
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

START_TEST(they_are_refreshed_before_they_end) {
  mskgov_credentials_provider *cache = make(3 * S, PATIENCE_NS);
  uint64_t until_ns = now_ns() + 6 * S;
  int number, last = 0;

  while (now_ns() < until_ns) {
    uint64_t from_ns = now_ns();

    number = ask(cache, NULL);
    ck_assert_int_ge(number, last); /* never without, and never an older one */
    if (last)
      ck_assert_uint_lt(now_ns() - from_ns, S);
    last = number;
    usleep(5000);
  }
  /* 6 s at 1.5 to 2 s each */
  ck_assert_int_ge(last, 3);
  ck_assert_int_le(last, 5);
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

/* Every get answers the first credentials, each in less than `most_ns`. */
static void check_first_until(mskgov_credentials_provider *cache, uint64_t until_ns,
                              uint64_t most_ns) {
  while (now_ns() < until_ns) {
    uint64_t asked_ns = now_ns();

    ck_assert_int_eq(ask(cache, NULL), 1);
    ck_assert_uint_lt(now_ns() - asked_ns, most_ns);
    usleep(5000);
  }
}

START_TEST(a_refresh_that_fails_keeps_what_works) {
  mskgov_credentials_provider *cache = make(6 * S, PATIENCE_NS);
  uint64_t from_ns = now_ns();
  mskgov_error_info error;

  ck_assert_int_eq(ask(cache, NULL), 1);
  atomic_store(&the_source.fails, true);
  check_first_until(cache, from_ns + 5500 * MS, UINT64_MAX);
  ck_assert_int_ge(atomic_load(&the_source.gets), 2);
  while (now_ns() < from_ns + 6500 * MS)
    usleep(5000);
  ck_assert_int_eq(ask(cache, &error), -1); /* they have ended */
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

/* A refresh that hangs holds nobody up who has credentials that live. */
START_TEST(a_refresh_that_hangs_holds_nobody_up) {
  mskgov_credentials_provider *cache = make(3 * S, PATIENCE_NS);
  uint64_t from_ns = now_ns();

  ck_assert_int_eq(ask(cache, NULL), 1);
  atomic_store(&the_source.held, true);
  check_first_until(cache, from_ns + 2500 * MS, 400 * MS);
  ck_assert_int_eq(atomic_load(&the_source.gets), 2);
  atomic_store(&the_source.held, false);
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

START_TEST(patience_ends) {
  mskgov_credentials_provider *cache = make(3600 * S, S);
  uint64_t from_ns = now_ns();
  mskgov_error_info error;

  atomic_store(&the_source.held, true);
  ck_assert_int_eq(ask(cache, &error), -1);
  ck_assert_int_eq(error.code, MSKGOV_ERR_DEADLINE);
  ck_assert_uint_ge(now_ns() - from_ns, S);

  /* freeing it does not wait either; the source goes when its get has ended */
  from_ns = now_ns();
  mskgov_credentials_provider_free(cache);
  ck_assert_uint_lt(now_ns() - from_ns, 5 * S);
  ck_assert(!atomic_load(&the_source.freed));
  atomic_store(&the_source.held, false);
  await(&the_source.freed);
}
END_TEST

START_TEST(what_does_not_end_is_fetched_once) {
  mskgov_credentials_provider *cache = make(MSKGOV_NEVER, PATIENCE_NS);

  for (int i = 0; i < 100; i++) {
    ck_assert_int_eq(ask(cache, NULL), 1);
    usleep(1000);
  }
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

START_TEST(one_that_is_never_asked_has_no_thread) {
  mskgov_credentials_provider_free(make(3600 * S, PATIENCE_NS));
  ck_assert(atomic_load(&the_source.freed)); /* at once */
  ck_assert_int_eq(atomic_load(&the_source.gets), 0);
}
END_TEST

START_TEST(a_forked_child_is_told) {
  mskgov_credentials_provider *cache = make(3600 * S, PATIENCE_NS);
  mskgov_error_info error;
  int status;
  pid_t child;

  ck_assert_int_eq(ask(cache, NULL), 1);
  child = fork();
  if (child == 0) {
    bool told = ask(cache, &error) == -1 && error.code == MSKGOV_ERR_FORKED;

    mskgov_credentials_provider_free(cache);
    _exit(told ? 0 : 1);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(ask(cache, NULL), 1);
  mskgov_credentials_provider_free(cache);
  await(&the_source.freed);
}
END_TEST

START_TEST(a_cache_needs_a_source) {
  mskgov_credentials_provider *cache;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_credentials_provider_new_cached(&cache, NULL, NULL, NULL, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(cache);
  ck_assert_ptr_nonnull(strstr(error.text, "source is NULL"));
}
END_TEST

TEST_MAIN("cache", TEST(many_callers_cost_one_fetch), TEST(a_failure_reaches_all_who_wait),
          TEST(during_an_outage_the_answer_is_at_once),
          TEST(they_are_refreshed_before_they_end),
          TEST(a_refresh_that_fails_keeps_what_works),
          TEST(a_refresh_that_hangs_holds_nobody_up), TEST(patience_ends),
          TEST(what_does_not_end_is_fetched_once),
          TEST(one_that_is_never_asked_has_no_thread), TEST(a_forked_child_is_told),
          TEST(a_cache_needs_a_source))
