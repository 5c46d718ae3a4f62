/*
 * The names of roles' sessions.
 */
#include "credentials/session_name.h"

#include "aws_environment.h"
#include "harness.h"

#include <string.h>
#include <unistd.h>

/* The host's name is what the test says. */
static const char *host_name;

int __wrap_gethostname(char *name, size_t size);

int __wrap_gethostname(char *name, size_t size) {
  if (!host_name)
    return -1;
  strncpy(name, host_name, size); /* as the system: cut, and then without an end */

  return 0;
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
  const char *name;
  bool allowed;
} names[] = {
    {"", false},      {"x", false},          {"xx", true},           {X64, true},
    {X64 "x", false}, {"aZ09_+=,.@-", true}, {"a/b", false},         {"a b", false},
    {"a:b", false},   {"a\nb", false},       {"caf\xc3\xa9", false}, {"*?", false},
};

START_TEST(test_check) {
  mskgov_error_info error = {0};
  int rc = gov_session_name_check("the.field", names[_i].name, &error);

  ck_assert_int_eq(rc, names[_i].allowed ? 0 : MSKGOV_ERR_INVALID);
  if (rc) {
    ck_assert_ptr_nonnull(strstr(error.text, "the.field is \""));
    ck_assert_ptr_nonnull(strstr(error.text, "2 to 64"));
  }
}
END_TEST

static const struct {
  const char *variable, *host, *expected; /* NULL: it is refused */
} defaults[] = {
    {"pod-7", "demo", "pod-7"},
    {X64, "demo", X64},
    {X64 "x", "demo", NULL},
    {"a/b", "demo", NULL},
    {"x", "demo", NULL},
    {"", "demo", "mskgov-demo"}, /* an empty variable is none */
    {NULL, "demo", "mskgov-demo"},
    {NULL, "demo.example.com", "mskgov-demo.example.com"},
    {NULL, "a b/c:d\xc3\xa9", "mskgov-a-b-c-d--"},
    {NULL, "", "mskgov-"},
    {NULL, X64, "mskgov-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
};

START_TEST(test_default) {
  char name[GOV_SESSION_NAME_MAX + 1], again[GOV_SESSION_NAME_MAX + 1];
  mskgov_error_info error = {0};
  int rc;

  aws_environment_clear();
  if (defaults[_i].variable)
    setenv("AWS_ROLE_SESSION_NAME", defaults[_i].variable, 1);
  host_name = defaults[_i].host;
  rc = gov_session_name_default(name, &error);
  if (!defaults[_i].expected) {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "AWS_ROLE_SESSION_NAME is \""));
    return;
  }
  ck_assert_int_eq(rc, 0);
  ck_assert_str_eq(name, defaults[_i].expected);
  ck_assert_int_eq(gov_session_name_check("it", name, NULL), 0);
  ck_assert_int_eq(gov_session_name_default(again, &error), 0);
  ck_assert_str_eq(again, name);
}
END_TEST

/* A host that gets another name while the process lives makes no other principal. */
START_TEST(test_host_gets_another_name) {
  char name[GOV_SESSION_NAME_MAX + 1];

  aws_environment_clear();
  host_name = "first";
  ck_assert_int_eq(gov_session_name_default(name, NULL), 0);
  host_name = "second";
  ck_assert_int_eq(gov_session_name_default(name, NULL), 0);
  ck_assert_str_eq(name, "mskgov-first");
}
END_TEST

/* There is always one. */
START_TEST(test_no_host_name) {
  char name[GOV_SESSION_NAME_MAX + 1];

  aws_environment_clear();
  host_name = NULL;
  ck_assert_int_eq(gov_session_name_default(name, NULL), 0);
  ck_assert_int_eq(strncmp(name, "mskgov-", 7), 0);
  ck_assert_int_eq(gov_session_name_check("it", name, NULL), 0);
}
END_TEST

TEST_MAIN("session_name", TEST_TABLE(test_check, names), TEST_TABLE(test_default, defaults),
          TEST(test_host_gets_another_name), TEST(test_no_host_name))
