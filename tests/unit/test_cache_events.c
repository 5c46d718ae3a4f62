/*
 * What the credentials' cache tells, and how often it asks in an outage of an hour, by a
 * clock that jumps to whatever the cache's thread waits for. Linked with
 * --wrap=gov_cond_wait_until.
 */
#include "credentials/cache.h"

#include "base/thread.h"
#include "credentials/provider.h"
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define S UINT64_C(1000000000)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define BEGIN (1000 * S)
#define UNIX_BEGIN (1440938160 * S) /* of BEGIN */
#define EVENTS_MAX 512

static atomic_ullong now_ns;
static atomic_ullong end_ns; /* the clock jumps no further */
static pthread_t test_thread;

static uint64_t read_monotonic(void *self) {
  (void)self;

  return atomic_load(&now_ns);
}

static uint64_t read_unix(void *self) {
  return read_monotonic(self) - BEGIN + UNIX_BEGIN;
}

static const gov_clock the_clock = {.monotonic_ns = read_monotonic, .unix_ns = read_unix};

void __real_gov_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                uint64_t deadline_ns);
void __wrap_gov_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                uint64_t deadline_ns);

void __wrap_gov_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                uint64_t deadline_ns) {
  if (!pthread_equal(pthread_self(), test_thread) && deadline_ns <= atomic_load(&end_ns)) {
    if (deadline_ns > atomic_load(&now_ns))
      atomic_store(&now_ns, deadline_ns);
    return;
  }
  __real_gov_cond_wait_until(cond, mutex,
                             gov_clock_monotonic_ns(&gov_clock_system) + S / 1000);
}

/* The source fails in these times, and its credentials live for so long. */
static struct {
  uint64_t fails_from_ns[2], fails_until_ns[2];
  uint64_t life_ns;
  uint64_t gets_ns[EVENTS_MAX]; /* when it was asked */
  atomic_uint gets;
  atomic_bool freed;
} source;

static int source_get(void *self, mskgov_credentials **credentials,
                      mskgov_error_info *error) {
  uint64_t at_ns = atomic_load(&now_ns);
  unsigned n = atomic_load(&source.gets);

  (void)self;
  if (n == EVENTS_MAX)
    abort();
  source.gets_ns[n] = at_ns;
  atomic_store(&source.gets, n + 1);
  for (int i = 0; i < 2; i++)
    if (at_ns >= source.fails_from_ns[i] && at_ns < source.fails_until_ns[i]) {
      snprintf(error->text, sizeof(error->text), "the source is out of order");
      return MSKGOV_ERR_TRANSPORT;
    }

  return mskgov_credentials_new(
      credentials, "KEY", "secret", NULL,
      source.life_ns == MSKGOV_NEVER ? MSKGOV_NEVER : read_unix(NULL) + source.life_ns,
      error);
}

static void source_free(void *self) {
  (void)self;
  atomic_store(&source.freed, true);
}

typedef struct told {
  mskgov_credentials_event event;
  char source[64], text[128];
  int code;
  uint64_t at_ns;
  int rc; /* of a get from inside */
} told;

static told events[EVENTS_MAX];
static atomic_uint event_count;
static mskgov_credentials_provider *cache;
static atomic_bool runs; /* the test's own get has returned, and time may pass */
static int free_at = -1; /* the kind of event at which the cache is freed */
static bool tarries;     /* the callback takes until the next fetch is due */
static int the_user;

static void note(const mskgov_credentials_event *event, void *user) {
  unsigned n = atomic_load(&event_count);
  told *entry = &events[n];
  mskgov_credentials *got;

  if (user != &the_user || n == EVENTS_MAX)
    abort();
  entry->event = *event;
  entry->code = event->error->code;
  snprintf(entry->source, sizeof(entry->source), "%s", event->source);
  snprintf(entry->text, sizeof(entry->text), "%.100s", event->error->text);
  entry->at_ns = atomic_load(&now_ns);
  if (tarries && event->kind == MSKGOV_CREDENTIALS_FAILED)
    atomic_fetch_add(&now_ns, gov_ms_to_ns(event->next_ms + 1));
  entry->rc = gov_credentials_provider_get(cache, &the_clock, &got, NULL);
  if (entry->rc == 0)
    mskgov_credentials_free(got);
  atomic_store(&event_count, n + 1);
  if ((int)event->kind == free_at) {
    while (!atomic_load(&runs)) /* which it does while this is called */
      usleep(100);
    mskgov_credentials_provider_free(cache);
  }
}

static void start(uint64_t life_ns) {
  static const mskgov_credentials_provider_ops ops = {source_get, source_free};
  mskgov_credentials_provider *inner;

  test_thread = pthread_self();
  atomic_store(&now_ns, BEGIN);
  atomic_store(&end_ns, BEGIN);
  source.life_ns = life_ns;
  ck_assert_int_eq(mskgov_credentials_provider_new(&inner, &ops, NULL, NULL), 0);
  ck_assert_int_eq(
      gov_credentials_cache_new(&cache, inner, &the_clock, MINUTE, note, &the_user, NULL),
      0);
  mskgov_credentials_provider_free(inner);
}

static void set_outage(int i, uint64_t from_ns, uint64_t until_ns) {
  source.fails_from_ns[i] = BEGIN + from_ns;
  source.fails_until_ns[i] = BEGIN + until_ns;
}

/* The first get, which starts the thread; then the time may pass. */
static int ask_and_run(uint64_t run_ns, mskgov_error_info *error) {
  mskgov_credentials *got;
  int rc = gov_credentials_provider_get(cache, &the_clock, &got, error);

  mskgov_credentials_free(got);
  atomic_store(&end_ns, BEGIN + run_ns);
  atomic_store(&runs, true);

  return rc;
}

static void await_freed(void) {
  for (int i = 0; i < 20000 && !atomic_load(&source.freed); i++)
    usleep(1000);
  ck_assert(atomic_load(&source.freed));
}

/* Lets the time pass to its end, and frees the cache. */
static void finish(void) {
  unsigned before = 0;

  for (int quiet = 0; quiet < 50; quiet++) {
    if (atomic_load(&source.gets) + atomic_load(&event_count) != before)
      quiet = 0;
    before = atomic_load(&source.gets) + atomic_load(&event_count);
    usleep(1000);
  }
  mskgov_credentials_provider_free(cache);
  await_freed();
}

static void check_kinds(const char *expected) {
  static const char letters[] = "FXER"; /* fetched, failed, expired, recovered */
  char got[EVENTS_MAX + 1];
  size_t length = 0;

  for (unsigned i = 0; i < atomic_load(&event_count); i++) {
    char letter = letters[events[i].event.kind];

    /* a row of failures counts as one */
    if (letter != 'X' || length == 0 || got[length - 1] != 'X')
      got[length++] = letter;
  }
  got[length] = '\0';
  ck_assert_str_eq(got, expected);
}

/* Of a life of an hour, and an outage that begins with the refresh and ends in time. */
START_TEST(test_outage_that_is_survived) {
  start(HOUR);
  set_outage(0, 40 * MINUTE, 51 * MINUTE);
  ck_assert_int_eq(ask_and_run(80 * MINUTE, NULL), 0);
  finish();
  check_kinds("FXR");
  for (unsigned i = 0; i < atomic_load(&event_count); i++) {
    const told *entry = &events[i];

    ck_assert_int_eq(entry->rc, 0); /* they live on */
    ck_assert_str_eq(entry->source, "application");
    if (entry->event.kind == MSKGOV_CREDENTIALS_FAILED) {
      ck_assert_uint_eq(entry->event.failures, i);
      ck_assert_int_eq(entry->code, MSKGOV_ERR_TRANSPORT);
      ck_assert_str_eq(entry->text, "the source is out of order");
      ck_assert_uint_eq(entry->event.expires_at_ns, UNIX_BEGIN + HOUR);
      ck_assert_uint_le(entry->event.next_ms, i < 4 ? 250 << i : 60000);
      ck_assert(i < 4 || entry->event.next_ms >= 29999);
    }
  }
  ck_assert_int_eq(events[0].code, 0);
  ck_assert_uint_eq(events[0].event.failures, 0);
  ck_assert_uint_eq(events[0].event.expires_at_ns, UNIX_BEGIN + HOUR);
  ck_assert_uint_ge(events[0].event.next_ms, 45 * 60000 - 1);
  ck_assert_uint_le(events[0].event.next_ms, 50 * 60000);
}
END_TEST

/* They expire within it: that is told once, after a failure, and again in the next outage. */
START_TEST(test_outages_that_last) {
  unsigned last = 0;

  start(HOUR);
  set_outage(0, 30 * MINUTE, 2 * HOUR);
  set_outage(1, 4 * HOUR, 6 * HOUR);
  ck_assert_int_eq(ask_and_run(9 * HOUR, NULL), 0);
  finish();
  /* refreshes every 45 to 50 min between */
  for (unsigned i = 0, kept = 0; i < atomic_load(&event_count); i++) {
    if (i > 0 && events[i].event.kind == MSKGOV_CREDENTIALS_FETCHED)
      continue;
    events[kept++] = events[i];
    last = kept;
  }
  atomic_store(&event_count, last);
  check_kinds("FXEXRXEXR");
  for (unsigned i = 1; i < last; i++) {
    const told *entry = &events[i];

    if (entry->event.kind == MSKGOV_CREDENTIALS_EXPIRED) {
      ck_assert_uint_le(entry->event.expires_at_ns - UNIX_BEGIN + BEGIN, entry->at_ns);
      ck_assert_uint_ge(entry->event.expires_at_ns - UNIX_BEGIN + BEGIN + MINUTE,
                        entry->at_ns); /* told within a minute */
      ck_assert_int_eq(entry->rc, MSKGOV_ERR_TRANSPORT);
      ck_assert_int_eq(entry->code, MSKGOV_ERR_TRANSPORT);
    } else if (entry->event.kind == MSKGOV_CREDENTIALS_RECOVERED) {
      ck_assert_uint_eq(entry->event.failures, events[i - 1].event.failures);
      ck_assert_int_eq(entry->code, 0);
      ck_assert_int_eq(entry->rc, 0);
    }
  }
}
END_TEST

/* An hour without a service costs at most a request per half minute. */
START_TEST(test_hour_without_credentials) {
  mskgov_error_info error = {0};
  unsigned gets;

  start(HOUR);
  set_outage(0, 0, HOUR);
  ck_assert_int_eq(ask_and_run(2 * HOUR, &error), MSKGOV_ERR_TRANSPORT);
  ck_assert_ptr_nonnull(strstr(error.text, "the source is out of order"));
  finish();
  for (gets = 0; source.gets_ns[gets] < BEGIN + HOUR; gets++)
    if (gets >= 4) {
      ck_assert_uint_ge(source.gets_ns[gets] - source.gets_ns[gets - 1], 30 * S);
      ck_assert_uint_le(source.gets_ns[gets] - source.gets_ns[gets - 1], 60 * S);
    }
  ck_assert_uint_le(gets, 4 + 3600 / 30);
  ck_assert_uint_ge(gets, 3600 / 60);
  ck_assert_str_eq(events[0].source, "");
  ck_assert_uint_eq(events[0].event.expires_at_ns, 0);
  ck_assert_int_eq(events[0].event.kind, MSKGOV_CREDENTIALS_FAILED);
  /* there were none that could expire; the first ones after failures are a recovery */
  for (unsigned i = 0; i < gets; i++)
    ck_assert_int_eq(events[i].event.kind, MSKGOV_CREDENTIALS_FAILED);
  ck_assert_int_eq(events[gets].event.kind, MSKGOV_CREDENTIALS_RECOVERED);
  ck_assert_uint_eq(events[gets].event.failures, gets);
}
END_TEST

START_TEST(test_credentials_that_do_not_end) {
  start(MSKGOV_NEVER);
  ck_assert_int_eq(ask_and_run(HOUR, NULL), 0);
  finish();
  check_kinds("F");
  ck_assert_uint_eq(events[0].event.expires_at_ns, MSKGOV_NEVER);
  ck_assert_uint_eq(events[0].event.next_ms, MSKGOV_NEVER);
  ck_assert_uint_eq(atomic_load(&source.gets), 1);
}
END_TEST

/* A get from inside does not wait for a fetch that cannot begin before it returns. */
START_TEST(test_callback_that_tarries) {
  tarries = true;
  start(HOUR);
  set_outage(0, 0, 5 * MINUTE);
  (void)ask_and_run(10 * MINUTE, NULL); /* as far as the clock has come by then */
  finish();
  ck_assert_uint_ge(atomic_load(&event_count), 3);
  for (unsigned i = 0; events[i].event.kind == MSKGOV_CREDENTIALS_FAILED; i++)
    ck_assert_int_eq(events[i].rc, MSKGOV_ERR_TRANSPORT);
}
END_TEST

/* Freed from inside an event: the thread ends, and nothing more is told. */
START_TEST(test_free_from_inside) {
  static const struct {
    mskgov_credentials_event_kind kind;
    const char *told;
  } cases[] = {{MSKGOV_CREDENTIALS_FETCHED, "F"},
               {MSKGOV_CREDENTIALS_FAILED, "FX"},
               {MSKGOV_CREDENTIALS_EXPIRED, "FXE"}};

  free_at = (int)cases[_i].kind;
  start(HOUR);
  set_outage(0, 10 * MINUTE, 3 * HOUR);
  ck_assert_int_eq(ask_and_run(3 * HOUR, NULL), 0);
  await_freed();
  check_kinds(cases[_i].told);
}
END_TEST

/* The first failure comes when they have expired already; freed there, EXPIRED, which would
   follow at once, is not told any more. */
START_TEST(test_free_before_expired) {
  free_at = MSKGOV_CREDENTIALS_FAILED;
  start(HOUR);
  set_outage(0, 10 * MINUTE, 3 * HOUR);
  ck_assert_int_eq(ask_and_run(0, NULL), 0); /* it stands still until the jump */
  atomic_store(&now_ns, BEGIN + 2 * HOUR);
  await_freed();
  check_kinds("FX");
  ck_assert_uint_eq(atomic_load(&event_count), 2);
}
END_TEST

START_TEST(test_names) {
  static const char *const names[] = {"fetched", "failed", "expired", "recovered",
                                      "unknown"};

  for (int i = 0; i < 5; i++)
    ck_assert_str_eq(mskgov_credentials_event_name((mskgov_credentials_event_kind)i),
                     names[i]);
}
END_TEST

TEST_MAIN("cache_events", TEST(test_outage_that_is_survived), TEST(test_outages_that_last),
          TEST(test_hour_without_credentials), TEST(test_credentials_that_do_not_end),
          TEST(test_callback_that_tarries), TEST_LOOP(test_free_from_inside, 3),
          TEST(test_free_before_expired), TEST(test_names))
