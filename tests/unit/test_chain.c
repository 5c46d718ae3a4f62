/*
 * Chains of providers: who is asked in which order, and which failure ends the search.
 */
#include "harness.h"

#include <mskgov/credentials.h>

#include <string.h>

/* A provider that answers what the test says. */
typedef struct link {
  int rc;
  const char *text; /* the id of its credentials, or the error's text */
  int asked_as;     /* the how manieth it was; 0: not asked */
  bool freed;
} link;

static int asked;

static int link_get(void *self, mskgov_credentials **credentials,
                    mskgov_error_info *error) {
  link *told = self;

  told->asked_as = ++asked;
  if (told->rc) {
    snprintf(error->text, sizeof(error->text), "%s", told->text);
    return told->rc;
  }

  return mskgov_credentials_new(credentials, told->text, "s", NULL, MSKGOV_NEVER, error);
}

static void link_free(void *self) {
  ((link *)self)->freed = true;
}

static mskgov_credentials_provider *make(link *links, size_t count) {
  static const mskgov_credentials_provider_ops ops = {link_get, link_free};
  mskgov_credentials_link entries[MSKGOV_CREDENTIALS_LINKS_MAX];
  char names[MSKGOV_CREDENTIALS_LINKS_MAX][32];
  mskgov_credentials_provider *chain;

  for (size_t i = 0; i < count; i++) {
    snprintf(names[i], sizeof(names[i]), "link %zu", i);
    entries[i].name = names[i];
    ck_assert_int_eq(
        mskgov_credentials_provider_new(&entries[i].provider, &ops, &links[i], NULL), 0);
  }
  ck_assert_int_eq(mskgov_credentials_provider_new_chain(&chain, entries, count, NULL), 0);
  for (size_t i = 0; i < count; i++)
    mskgov_credentials_provider_free(entries[i].provider);
  memset(names, 'x', sizeof(names));
  memset(entries, 0, sizeof(entries));

  return chain;
}

#define NONE MSKGOV_ERR_NO_CREDENTIALS

static const struct {
  link links[3];
  int rc;
  int last; /* that is asked */
  const char *expected;
} cases[] = {
    {{{0, "A", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}}, 0, 0, "A"},
    {{{NONE, "a", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}}, 0, 1, "B"},
    {{{NONE, "a", 0, 0}, {NONE, "b", 0, 0}, {0, "C", 0, 0}}, 0, 2, "C"},
    {{{NONE, "a is not set", 0, 0}, {NONE, "b is empty", 0, 0}, {NONE, "c is off", 0, 0}},
     NONE,
     2,
     "link 0: a is not set; link 1: b is empty; link 2: c is off"},
    {{{NONE, "a", 0, 0}, {MSKGOV_ERR_TRANSPORT, "down", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_TRANSPORT,
     1,
     "link 1: down"},
    {{{MSKGOV_ERR_REFUSED, "no", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_REFUSED,
     0,
     "link 0: no"},
    {{{MSKGOV_ERR_INVALID, "bad", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_INVALID,
     0,
     "link 0: bad"},
    {{{MSKGOV_ERR_PROTOCOL, "odd", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_PROTOCOL,
     0,
     "link 0: odd"},
    {{{MSKGOV_ERR_CREDENTIALS_EXPIRED, "old", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_CREDENTIALS_EXPIRED,
     0,
     "link 0: old"},
    {{{MSKGOV_ERR_NO_MEMORY, "full", 0, 0}, {0, "B", 0, 0}, {0, "C", 0, 0}},
     MSKGOV_ERR_NO_MEMORY,
     0,
     "link 0: full"},
};

START_TEST(test_search) {
  mskgov_credentials_provider *chain;
  mskgov_credentials *got;
  mskgov_error_info error;
  link links[3];

  memcpy(links, cases[_i].links, sizeof(links));
  chain = make(links, 3);
  for (int round = 0; round < 2; round++) { /* it begins anew at every get */
    asked = 0;
    for (int i = 0; i < 3; i++)
      links[i].asked_as = 0;
    ck_assert_int_eq(mskgov_credentials_provider_get(chain, &got, &error), cases[_i].rc);
    if (cases[_i].rc) {
      ck_assert_ptr_null(got);
      ck_assert_int_eq(error.code, cases[_i].rc);
      ck_assert_msg(strstr(error.text, cases[_i].expected), "%s", error.text);
    } else {
      ck_assert_str_eq(mskgov_credentials_access_key_id(got), cases[_i].expected);
      mskgov_credentials_free(got);
    }
    for (int i = 0; i < 3; i++)
      ck_assert_int_eq(links[i].asked_as, i <= cases[_i].last ? i + 1 : 0);
  }
  mskgov_credentials_provider_free(chain);
  for (int i = 0; i < 3; i++)
    ck_assert(links[i].freed);
}
END_TEST

/* However much they say, every link has its say. */
START_TEST(test_long_texts) {
  static char text[MSKGOV_ERROR_TEXT_MAX];
  link links[MSKGOV_CREDENTIALS_LINKS_MAX];
  mskgov_credentials_provider *chain;
  mskgov_credentials *got;
  mskgov_error_info error;
  char name[16];

  memset(text, 'x', sizeof(text) - 1);
  for (int i = 0; i < MSKGOV_CREDENTIALS_LINKS_MAX; i++)
    links[i] = (link){.rc = NONE, .text = text};
  chain = make(links, MSKGOV_CREDENTIALS_LINKS_MAX);
  ck_assert_int_eq(mskgov_credentials_provider_get(chain, &got, &error), NONE);
  for (int i = 0; i < MSKGOV_CREDENTIALS_LINKS_MAX; i++) {
    snprintf(name, sizeof(name), "link %d: x", i);
    ck_assert_msg(strstr(error.text, name), "%s lacks %s", error.text, name);
  }
  mskgov_credentials_provider_free(chain);
}
END_TEST

START_TEST(test_bad_links) {
  static const mskgov_credentials_provider_ops ops = {link_get, link_free};
  link told = {.text = "A"};
  mskgov_credentials_link links[MSKGOV_CREDENTIALS_LINKS_MAX + 1];
  mskgov_credentials_provider *provider, *chain;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &ops, &told, NULL), 0);
  for (int i = 0; i <= MSKGOV_CREDENTIALS_LINKS_MAX; i++)
    links[i] = (mskgov_credentials_link){"demo", provider};

#define CHECK_BAD(array, count, expected)                                                  \
  do {                                                                                     \
    ck_assert_int_eq(                                                                      \
        mskgov_credentials_provider_new_chain(&chain, (array), (count), &error),           \
        MSKGOV_ERR_INVALID);                                                               \
    ck_assert_ptr_null(chain);                                                             \
    ck_assert_msg(strstr(error.text, (expected)), "%s", error.text);                       \
  } while (0)

  CHECK_BAD(NULL, 1, "links");
  CHECK_BAD(links, 0, "1 to 16");
  CHECK_BAD(links, MSKGOV_CREDENTIALS_LINKS_MAX + 1, "17");
  links[1].name = NULL;
  CHECK_BAD(links, 3, "links[1].name");
  links[1].name = "demo";
  links[2].provider = NULL;
  CHECK_BAD(links, 3, "links[2].provider");
  mskgov_credentials_provider_free(provider);
  ck_assert(told.freed); /* none of them kept a hold */
}
END_TEST

TEST_MAIN("chain", TEST_TABLE(test_search, cases), TEST(test_long_texts),
          TEST(test_bad_links))
