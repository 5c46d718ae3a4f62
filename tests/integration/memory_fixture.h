/*
 * What is made of a secret, where it may be in memory, and for how long.
 */
#ifndef TEST_MEMORY_FIXTURE_H
#define TEST_MEMORY_FIXTURE_H

#include "../unit/aws_environment.h"
#include "../unit/harness.h"
#include "leak_canaries.h"
#include "memory_search.h"

#include <mskgov/mskgov.h>

#include <openssl/hmac.h>
#include <sys/wait.h>

#define BROKER "b-1.demo.abcde1.c2.kafka.eu-west-1.amazonaws.com:9098"

#define FILE_PATH "/tmp/mskgov-leaks-memory-XXXXXX"

static char path[] = FILE_PATH;

static inline void put_file(const char *text) {
  int fd;

  strcpy(path, FILE_PATH);
  fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
  close(fd);
}

/* HMAC-SHA256 in place: `key` becomes the next one. */
static inline void next_key(unsigned char key[64], size_t *length, const char *text) {
  unsigned char out[32];

  ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, (int)*length, (const unsigned char *)text,
                             strlen(text), out, NULL));
  memcpy(key, out, sizeof(out));
  *length = sizeof(out);
}

/* The signing key of today, by the definition of Signature Version 4; in another process, as
   this leaves traces of its own. */
static inline void find_signing_key(const char *secret, needle *found) {
  needle *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  unsigned char key[64];
  size_t length;
  time_t now = time(NULL);
  char date[9];
  pid_t child;

  ck_assert_ptr_ne(shared, MAP_FAILED);
  child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    strftime(date, sizeof(date), "%Y%m%d", gmtime(&now));
    length = (size_t)sprintf((char *)key, "AWS4%s", secret);
    next_key(key, &length, date);
    next_key(key, &length, "eu-west-1");
    next_key(key, &length, "kafka-cluster");
    next_key(key, &length, "aws4_request");
    for (size_t i = 0; i < length; i++)
      needle_add(shared, (char)key[i]);
    _exit(0);
  }
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
  *found = *shared;
  ck_assert_uint_eq(found->length, 32);
  munmap(shared, sizeof(*shared));
}

static inline void check(const char *what, const needle *wanted, bool lives,
                         bool may_remain) {
  memory_places places = memory_search(wanted);

  ck_assert_msg(lives == (places.hidden > 0) && places.other == 0 &&
                    (may_remain || places.heap + places.stack == 0),
                "%s, which %s: %zu places are hidden, %zu on the heap, %zu on the stack, "
                "%zu elsewhere (%#zx)",
                what, lives ? "lives" : "is over", places.hidden, places.heap, places.stack,
                places.other, (size_t)places.last);
}

/* It is in memory, and only in such that is not dumped. */
static inline void check_lives(const char *what, const needle *wanted) {
  check(what, wanted, true, false);
}

static inline void check_gone(const char *what, const needle *wanted) {
  check(what, wanted, false, false);
}

/* What is made of a secret: in that order. */
enum { SECRET, SESSION, ENCODED, KEY, TOKEN, PAYLOAD, NEEDLES };

static const char *const names[NEEDLES] = {
    "the secret",      "the session token", "the encoded session token",
    "the signing key", "the token",         "the payload"};

static needle needles[NEEDLES];

static inline void make_needles(const char *secret, const char *session) {
  needle_set(&needles[SECRET], secret);
  needle_set(&needles[SESSION], session);
  needle_set_encoded(&needles[ENCODED], session);
  find_signing_key(secret, &needles[KEY]);
}

/* Deep down, where the calls that look for remains do not write over them. */
static inline void sign(mskgov_authenticator *authenticator, mskgov_token **token,
                        mskgov_token **payload) {
  volatile char room[16384] = {0};
  mskgov_error_info error = {.code = room[0]};

  ck_assert_msg(mskgov_authenticator_token(authenticator, token, &error) == 0, "%s",
                error.text);
  ck_assert_msg(mskgov_authenticator_payload(authenticator, BROKER, payload, &error) == 0,
                "%s", error.text);
  needle_set(&needles[TOKEN], mskgov_token_value(*token));
  needle_set(&needles[PAYLOAD], mskgov_token_value(*payload));
}

static inline mskgov_authenticator *
make_authenticator(mskgov_credentials_provider *provider) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;

  mskgov_authenticator_options_init(&options);
  options.region = "eu-west-1";
  options.credentials = provider;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  mskgov_credentials_provider_free(provider);

  return authenticator;
}

/* The main function. Sanitizers keep copies and shadows of memory, and secrets come from
   their heap. */
#define MEMORY_TEST_MAIN(name, ...)                                                        \
  int main(void) {                                                                         \
    const test_entry entries[] = {__VA_ARGS__};                                            \
                                                                                           \
    if (!TEST_CHILD_MAY_START_THREADS) {                                                   \
      puts("skipped: a sanitizer has memory of its own");                                  \
      return 77;                                                                           \
    }                                                                                      \
    return test_run(name, entries, sizeof(entries) / sizeof(entries[0]));                  \
  }

#endif
