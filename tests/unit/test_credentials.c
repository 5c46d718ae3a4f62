/*
 * Credentials and their providers. Linked with --wrap=gov_secret_free, so that the test
 * sees what is wiped.
 */
#include "base/secret.h"
#include "credentials/provider.h"
#include "example_credentials.h"
#include "harness.h"

#include <mskgov/credentials.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define S UINT64_C(1000000000)

/* The last thing that was wiped and freed: how often, and whether it held the secrets. */
static struct {
  int times;
  bool had_secret, had_session;
} wiped;

void __real_gov_secret_free(void *memory, size_t length);
void __wrap_gov_secret_free(void *memory, size_t length);

void __wrap_gov_secret_free(void *memory, size_t length) {
  if (memory) {
    wiped.times++;
    wiped.had_secret = memmem(memory, length, SECRET, sizeof(SECRET)) != NULL;
    wiped.had_session = memmem(memory, length, SESSION, sizeof(SESSION)) != NULL;
  }
  __real_gov_secret_free(memory, length);
}

static mskgov_credentials *make(uint64_t expires_at_ns) {
  mskgov_credentials *credentials;

  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, ID, SECRET, SESSION, expires_at_ns, NULL), 0);

  return credentials;
}

static void check_text(const mskgov_error_info *error, const char *part) {
  static const char *const never[] = {"wJalr", "IQoJb"};

  check_text_without(error, part, never, 2);
}

START_TEST(test_parts_are_copied) {
  char id[] = ID, secret[] = SECRET, session[] = SESSION;
  mskgov_credentials *credentials;
  mskgov_error_info error = {.code = -1, .text = "left over"};

  ck_assert_int_eq(mskgov_credentials_new(&credentials, id, secret, session, 7, &error), 0);
  ck_assert_int_eq(error.code, 0);
  ck_assert_str_eq(error.text, "");
  memset(id, 'x', sizeof(id) - 1);
  memset(secret, 'x', sizeof(secret) - 1);
  memset(session, 'x', sizeof(session) - 1);
  ck_assert_str_eq(mskgov_credentials_access_key_id(credentials), ID);
  ck_assert_str_eq(mskgov_credentials_secret_access_key(credentials), SECRET);
  ck_assert_str_eq(mskgov_credentials_session_token(credentials), SESSION);
  ck_assert_uint_eq(mskgov_credentials_expires_at_ns(credentials), 7);
  mskgov_credentials_free(credentials);

  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, ID, SECRET, NULL, MSKGOV_NEVER, NULL), 0);
  ck_assert_ptr_null(mskgov_credentials_session_token(credentials));
  mskgov_credentials_free(credentials);
  mskgov_credentials_free(NULL);
}
END_TEST

START_TEST(test_last_free_wipes) {
  mskgov_credentials *credentials = make(MSKGOV_NEVER);

  ck_assert_ptr_eq(mskgov_credentials_ref(credentials), credentials);
  wiped.times = 0;
  mskgov_credentials_free(credentials);
  ck_assert_int_eq(wiped.times, 0);
  ck_assert_str_eq(mskgov_credentials_secret_access_key(credentials), SECRET);
  mskgov_credentials_free(credentials);
  ck_assert_int_eq(wiped.times, 1);
  ck_assert(wiped.had_secret);
  ck_assert(wiped.had_session);
}
END_TEST

static char *repeat(char c, size_t length) {
  char *text = malloc(length + 1);

  memset(text, c, length);
  text[length] = '\0';

  return text;
}

START_TEST(test_parts_that_are_not_allowed) {
  static const struct {
    const char *id, *secret, *session, *expected;
  } cases[] = {
      {NULL, SECRET, NULL, "access_key_id is NULL"},
      {"", SECRET, NULL, "access_key_id is empty"},
      {ID, NULL, NULL, "secret_access_key is NULL"},
      {ID, "", NULL, "secret_access_key is empty"},
      {ID, SECRET, "", "session_token is empty"},
      {"AKID EXAMPLE", SECRET, NULL, "access_key_id has a byte that is not allowed at"},
      {ID "\n", SECRET, NULL, "at position 12 of 12 (0x0a)"},
      {ID, SECRET "\n", NULL, "secret_access_key has a byte that is not allowed at"},
      {ID, SECRET "\r", NULL, "position 41 of 41 (0x0d)"},
      {ID, "\xc3\xa9" SECRET, NULL, "position 1 of 42 (0xc3)"},
      {ID, SECRET, SESSION "\t", "session_token has a byte that is not allowed at"},
      {ID, SECRET, SESSION "\x7f", "(0x7f)"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_credentials *credentials;
    mskgov_error_info error;

    ck_assert_int_eq(mskgov_credentials_new(&credentials, cases[i].id, cases[i].secret,
                                            cases[i].session, MSKGOV_NEVER, &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_ptr_null(credentials);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    check_text(&error, cases[i].expected);
    check_text(&error, "visible ASCII");
  }
}
END_TEST

START_TEST(test_longest_parts) {
  char *key = repeat('k', 128), *long_key = repeat('k', 129);
  char *session = repeat('s', 16384), *long_session = repeat('s', 16385);
  mskgov_credentials *credentials;
  mskgov_error_info error;

  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, key, key, session, MSKGOV_NEVER, &error), 0);
  ck_assert_str_eq(mskgov_credentials_session_token(credentials), session);
  mskgov_credentials_free(credentials);

  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, long_key, key, NULL, MSKGOV_NEVER, &error),
      MSKGOV_ERR_INVALID);
  check_text(&error, "access_key_id is longer than 128 bytes");
  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, key, long_key, NULL, MSKGOV_NEVER, &error),
      MSKGOV_ERR_INVALID);
  check_text(&error, "secret_access_key is longer than 128 bytes");
  ck_assert_ptr_null(strstr(error.text, "kkk"));
  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, key, key, long_session, MSKGOV_NEVER, &error),
      MSKGOV_ERR_INVALID);
  check_text(&error, "session_token is longer than 16384 bytes");
  free(long_session);
  free(session);
  free(long_key);
  free(key);
}
END_TEST

START_TEST(test_static_provider) {
  mskgov_credentials *credentials = make(MSKGOV_NEVER), *got;
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, NULL, &error),
                   MSKGOV_ERR_INVALID);
  check_text(&error, "credentials is NULL");
  ck_assert_ptr_null(provider);

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, &error),
                   0);
  mskgov_credentials_free(credentials);
  wiped.times = 0;
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error), 0);
    ck_assert_ptr_eq(got, credentials);
    mskgov_credentials_free(got);
  }
  ck_assert_int_eq(wiped.times, 0);

  ck_assert_ptr_eq(mskgov_credentials_provider_ref(provider), provider);
  mskgov_credentials_provider_free(provider);
  ck_assert_int_eq(wiped.times, 0);
  mskgov_credentials_provider_free(provider);
  ck_assert_int_eq(wiped.times, 1);
  mskgov_credentials_provider_free(NULL);
}
END_TEST

static uint64_t fixed_ns(void *self) {
  return *(uint64_t *)self;
}

START_TEST(test_expired_are_refused) {
  uint64_t now_ns = 1767323045 * S; /* 2026-01-02T03:04:05Z */
  gov_clock clock = {fixed_ns, fixed_ns, &now_ns, NULL};
  mskgov_credentials *credentials = make(now_ns), *got;
  mskgov_credentials_provider *provider;
  mskgov_error_info error = {0};

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  ck_assert_int_eq(gov_credentials_provider_get(provider, &clock, &got, &error),
                   MSKGOV_ERR_CREDENTIALS_EXPIRED);
  ck_assert_ptr_null(got);
  check_text(&error, "expired at 2026-01-02T03:04:05Z");
  check_text(&error, "fresh");

  now_ns--;
  ck_assert_int_eq(gov_credentials_provider_get(provider, &clock, &got, NULL), 0);
  mskgov_credentials_free(got);
  mskgov_credentials_free(credentials);
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_expired_by_the_clock_of_the_system) {
  mskgov_credentials *credentials = make(1), *got;
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_CREDENTIALS_EXPIRED);
  check_text(&error, "expired at 1970-01-01T00:00:00Z");
  mskgov_credentials_free(credentials);
  mskgov_credentials_provider_free(provider);
}
END_TEST

/* A provider that answers what the test says, and counts. */
typedef struct told {
  int rc;
  const char *text;
  mskgov_credentials *credentials;
  int freed;
} told;

static int tell(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  told *t = self;

  if (t->text)
    snprintf(error->text, sizeof(error->text), "%s", t->text);
  if (t->credentials)
    *credentials = mskgov_credentials_ref(t->credentials);

  return t->rc;
}

static void count_free(void *self) {
  ((told *)self)->freed++;
}

START_TEST(test_provider_of_ones_own) {
  static const mskgov_credentials_provider_ops ops = {tell, count_free};
  mskgov_credentials *credentials = make(MSKGOV_NEVER), *got;
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  told t = {0};

  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &ops, &t, &error), 0);

  t = (told){.rc = MSKGOV_ERR_SYSTEM, .text = "the vault is shut"};
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_SYSTEM);
  ck_assert_ptr_null(got);
  ck_assert_int_eq(error.code, MSKGOV_ERR_SYSTEM);
  ck_assert_str_eq(error.text, "the vault is shut");
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL),
                   MSKGOV_ERR_SYSTEM);

  t = (told){.rc = MSKGOV_ERR_SYSTEM};
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_SYSTEM);
  check_text(&error, "provider failed");

  t = (told){.rc = 5, .text = "five"};
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_PROTOCOL);
  ck_assert_int_eq(error.code, MSKGOV_ERR_PROTOCOL);

  t = (told){.rc = 0};
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_PROTOCOL);
  check_text(&error, "no credentials");

  t = (told){.text = "a warning", .credentials = credentials};
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error), 0);
  ck_assert_ptr_eq(got, credentials);
  ck_assert_int_eq(error.code, 0);
  ck_assert_str_eq(error.text, "");
  mskgov_credentials_free(got);

  mskgov_credentials_provider_ref(provider);
  mskgov_credentials_provider_free(provider);
  ck_assert_int_eq(t.freed, 0);
  mskgov_credentials_provider_free(provider);
  ck_assert_int_eq(t.freed, 1);
  mskgov_credentials_free(credentials);
}
END_TEST

START_TEST(test_provider_without_operations) {
  static const mskgov_credentials_provider_ops nothing = {NULL, count_free};
  static const mskgov_credentials_provider_ops no_free = {tell, NULL};
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  told t = {0};

  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, NULL, &t, &error),
                   MSKGOV_ERR_INVALID);
  check_text(&error, "ops is NULL");
  ck_assert_ptr_null(provider);
  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &nothing, &t, &error),
                   MSKGOV_ERR_INVALID);
  check_text(&error, "ops->get is NULL");
  ck_assert_int_eq(t.freed, 0);

  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &no_free, &t, &error), 0);
  mskgov_credentials_provider_free(provider);
}
END_TEST

#define THREADS 4
#define GETS 500

typedef struct crowd {
  atomic_int inside, most;
  mskgov_credentials *credentials;
  mskgov_credentials_provider *provider;
} crowd;

static int get_in_crowd(void *self, mskgov_credentials **credentials,
                        mskgov_error_info *error) {
  crowd *c = self;
  int inside = atomic_fetch_add(&c->inside, 1) + 1;

  (void)error;
  if (inside > atomic_load(&c->most))
    atomic_store(&c->most, inside);
  sched_yield();
  *credentials = mskgov_credentials_ref(c->credentials);
  atomic_fetch_sub(&c->inside, 1);

  return 0;
}

static void *get_often(void *argument) {
  crowd *c = argument;

  for (int i = 0; i < GETS; i++) {
    mskgov_credentials *got;

    if (mskgov_credentials_provider_get(c->provider, &got, NULL))
      return c;
    mskgov_credentials_free(got);
  }
  mskgov_credentials_provider_free(c->provider);

  return NULL;
}

START_TEST(test_one_thread_at_a_time) {
  static const mskgov_credentials_provider_ops ops = {get_in_crowd, NULL};
  crowd c = {.credentials = make(MSKGOV_NEVER)};
  pthread_t threads[THREADS];
  void *result;

  ck_assert_int_eq(mskgov_credentials_provider_new(&c.provider, &ops, &c, NULL), 0);
  for (int i = 0; i < THREADS; i++) {
    mskgov_credentials_provider_ref(c.provider);
    ck_assert_int_eq(pthread_create(&threads[i], NULL, get_often, &c), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], &result), 0);
    ck_assert_ptr_null(result);
  }
  ck_assert_int_eq(atomic_load(&c.most), 1);
  mskgov_credentials_provider_free(c.provider);
  mskgov_credentials_free(c.credentials);
}
END_TEST

TEST_MAIN("credentials", TEST(test_parts_are_copied), TEST(test_last_free_wipes),
          TEST(test_parts_that_are_not_allowed), TEST(test_longest_parts),
          TEST(test_static_provider), TEST(test_expired_are_refused),
          TEST(test_expired_by_the_clock_of_the_system), TEST(test_provider_of_ones_own),
          TEST(test_provider_without_operations), TEST(test_one_thread_at_a_time))
