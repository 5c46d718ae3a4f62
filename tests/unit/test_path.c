/*
 * Paths that begin with the home directory. Linked with --wrap=getpwuid_r, so that the test
 * says what the user database has.
 */
#include "credentials/path.h"
#include "harness.h"

#include <pwd.h>
#include <string.h>

static const char *home_of_user; /* NULL: the user has no entry */

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *memory, size_t length,
                      struct passwd **found);

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *memory, size_t length,
                      struct passwd **found) {
  *found = NULL;
  if (!home_of_user)
    return 0;

  snprintf(memory, length, "%s", home_of_user);
  *entry = (struct passwd){.pw_uid = uid, .pw_dir = memory};
  *found = entry;

  return 0;
}

static const struct {
  const char *home, *of_user, *path, *expected; /* expected NULL: an error */
} cases[] = {
    {"/home/a", "/db", "~/.aws/config", "/home/a/.aws/config"},
    {"/home/a", "/db", "~", "/home/a"},
    {"/home/a", "/db", "~/", "/home/a/"},
    {NULL, "/db", "~/.aws/config", "/db/.aws/config"},
    {"", "/db", "~", "/db"},
    {"/home/a", "/db", "/etc/aws", "/etc/aws"},
    {"/home/a", "/db", "a/~/b", "a/~/b"},
    {"/home/a", "/db", "~b/c", "~b/c"},
    {"/home/a", "/db", "~~", "~~"},
    {"/home/a", "/db", "$HOME/a", "$HOME/a"},
    {"/home/a", "/db", "", ""},
    {"/home/%s", "/db", "~/%s", "/home/%s/%s"},
    {NULL, NULL, "/etc/aws", "/etc/aws"},
    {NULL, NULL, "~/.aws/config", NULL},
    {"", "", "~", NULL},
};

START_TEST(test_cases) {
  mskgov_error_info error = {0};
  char *expanded = (char *)"";
  int rc;

  if (cases[_i].home)
    setenv("HOME", cases[_i].home, 1);
  else
    unsetenv("HOME");
  home_of_user = cases[_i].of_user;

  rc = gov_path_expand(cases[_i].path, &expanded, &error);
  if (cases[_i].expected) {
    ck_assert_msg(rc == 0, "%s", error.text);
    ck_assert_str_eq(expanded, cases[_i].expected);
    free(expanded);
  } else {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, cases[_i].path));
    ck_assert_ptr_nonnull(strstr(error.text, "HOME is not set"));
    ck_assert_ptr_null(expanded);
  }
}
END_TEST

TEST_MAIN("path", TEST_TABLE(test_cases, cases))
