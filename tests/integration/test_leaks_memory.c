/*
 * Secrets in memory, from sources that need no other library: while they are needed, every
 * place that holds one is left out of core dumps; afterwards there is none.
 */
#include "memory_fixture.h"
#include "sign/sigv4.h"

#include <dlfcn.h>
#include <link.h>

/* The environment's memory is the caller's here, so that its place is known: setenv leaves
   copies of its own behind. */
static void put_environment(void) {
  static char entries[3][128];

  strcpy(entries[0], "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT");
  strcpy(entries[1], "AWS_SECRET_ACCESS_KEY=" CANARY_ENVIRONMENT_SECRET);
  strcpy(entries[2], "AWS_SESSION_TOKEN=" CANARY_ENVIRONMENT_SESSION);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(putenv(entries[i]), 0);
  memory_known.start = (uintptr_t)entries;
  memory_known.end = memory_known.start + sizeof(entries);
}

static mskgov_credentials_provider *from_environment(void) {
  mskgov_credentials_provider *provider;

  put_environment();
  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&provider, NULL), 0);

  return provider;
}

static mskgov_credentials_provider *from_application(void) {
  mskgov_credentials_provider *provider;
  mskgov_credentials *credentials;

  ck_assert_int_eq(mskgov_credentials_new(&credentials, "AKIDCLIENT", CANARY_CLIENT_SECRET,
                                          CANARY_CLIENT_SESSION, MSKGOV_NEVER, NULL),
                   0);
  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  mskgov_credentials_free(credentials);

  return provider;
}

static mskgov_credentials_provider *from_file(void) {
  mskgov_profile_options options;
  mskgov_credentials_provider *provider;

  put_file(
      "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = " CANARY_FILE_SECRET
      "\naws_session_token = " CANARY_FILE_SESSION "\n");
  mskgov_profile_options_init(&options);
  options.credentials_file = path;
  ck_assert_int_eq(mskgov_credentials_provider_new_profile(&provider, &options, NULL), 0);

  return provider;
}

/* The default chain, with its cache and the thread of that. */
static mskgov_credentials_provider *from_chain(void) {
  mskgov_credentials_provider *provider;

  put_environment();
  ck_assert_int_eq(mskgov_credentials_provider_new_default(&provider, NULL, NULL), 0);

  return provider;
}

static const struct {
  const char *name;
  mskgov_credentials_provider *(*make)(void);
  const char *secret, *session;
} strict[] = {
    {"environment", from_environment, CANARY_ENVIRONMENT_SECRET,
     CANARY_ENVIRONMENT_SESSION},
    {"application", from_application, CANARY_CLIENT_SECRET, CANARY_CLIENT_SESSION},
    {"file", from_file, CANARY_FILE_SECRET, CANARY_FILE_SESSION},
    {"default chain", from_chain, CANARY_ENVIRONMENT_SECRET, CANARY_ENVIRONMENT_SESSION},
};

/* The cache's thread, which is not waited for, may have a hold for another moment. */
static void await_end(const needle *wanted) {
  for (int i = 0; i < 500 && memory_search(wanted).hidden; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

START_TEST(test_strict) {
  mskgov_authenticator *authenticator;
  mskgov_token *token, *payload;

  aws_environment_clear();
  make_needles(strict[_i].secret, strict[_i].session);
  authenticator = make_authenticator(strict[_i].make());
  sign(authenticator, &token, &payload);
  for (int i = 0; i < NEEDLES; i++)
    check_lives(names[i], &needles[i]);

  mskgov_token_free(token);
  mskgov_token_free(payload);
  for (int i = 0; i < NEEDLES; i++)
    i < TOKEN ? check_lives(names[i], &needles[i]) : check_gone(names[i], &needles[i]);

  mskgov_authenticator_free(authenticator);
  unlink(path);
  await_end(&needles[SECRET]);
  for (int i = 0; i < NEEDLES; i++)
    check_gone(names[i], &needles[i]);
}
END_TEST

/* Deep down, where the calls that look for remains do not write over them. */
static int derive(const char *date, unsigned char key[GOV_SIGV4_KEY_SIZE]) {
  volatile char room[16384] = {0};
  int rc =
      gov_sigv4_key(CANARY_CLIENT_SECRET, date, "eu-west-1", "kafka-cluster", key, NULL);

  return rc + room[rc ? 1 : 0];
}

/* Nothing is left on the stack of what the key is derived from, nor the key. */
START_TEST(test_signing_key) {
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  time_t now = time(NULL);
  char date[9];

  make_needles(CANARY_CLIENT_SECRET, CANARY_CLIENT_SESSION);
  strftime(date, sizeof(date), "%Y%m%d", gmtime(&now));
  ck_assert_int_eq(derive(date, key), 0);
  for (size_t i = 0; i < sizeof(key); i++)
    ck_assert_uint_eq(key[i] ^ NEEDLE_MASK, needles[KEY].masked[i]);
  explicit_bzero(key, sizeof(key));
  check_gone(names[SECRET], &needles[SECRET]);
  check_gone(names[KEY], &needles[KEY]);
}
END_TEST

/* The search finds what is there, and tells where. */
START_TEST(test_search) {
  char *on_heap = strdup(CANARY_PASSWORD), on_stack[64] = CANARY_PASSWORD;
  static char in_data[64] = CANARY_PASSWORD;
  char *hidden =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory_places places;
  needle wanted;

  ck_assert_ptr_ne(hidden, MAP_FAILED);
  ck_assert_int_eq(madvise(hidden, 4096, MADV_DONTDUMP), 0);
  strcpy(hidden + 1000, CANARY_PASSWORD);
  needle_set(&wanted, CANARY_PASSWORD);
  places = memory_search(&wanted);
  ck_assert_uint_eq(places.hidden, 1);
  ck_assert_uint_eq(places.heap, 1);
  ck_assert_uint_eq(places.stack, 1);
  ck_assert_uint_eq(places.other, 1);

  explicit_bzero(on_heap, strlen(CANARY_PASSWORD));
  explicit_bzero(on_stack, sizeof(on_stack));
  explicit_bzero(in_data, sizeof(in_data));
  places = memory_search(&wanted);
  ck_assert_uint_eq(places.hidden, 1);
  ck_assert_uint_eq(places.heap + places.stack + places.other, 0);
  munmap(hidden, 4096);
  check_gone("the password", &wanted);
  free(on_heap);
}
END_TEST

/* The library is bound at once: a call that is bound when it is first made has the dynamic
   linker save registers on the stack, with what was last copied through them. */
START_TEST(test_binding) {
  struct link_map *map;
  bool at_once = false;
  Dl_info info;

  ck_assert_int_ne(dladdr1((void *)(uintptr_t)mskgov_authenticator_new, &info,
                           (void **)&map, RTLD_DL_LINKMAP),
                   0);
  for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
    at_once = at_once || (entry->d_tag == DT_FLAGS_1 && entry->d_un.d_val & DF_1_NOW);
  ck_assert_msg(at_once, "%s is not linked with -z now", info.dli_fname);
}
END_TEST

MEMORY_TEST_MAIN("leaks_memory", TEST(test_search), TEST(test_binding),
                 TEST(test_signing_key), TEST_TABLE(test_strict, strict))
