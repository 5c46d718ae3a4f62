/*
 * Loading the profiles: which files, what is refused, the bounds, what is wiped. Linked
 * with --wrap=getpwuid_r, so that nobody has a home but by HOME, and with
 * --wrap=gov_secret_free and --wrap=gov_secret_free_string, so that the test sees what is
 * wiped.
 */
#include "base/secret.h"
#include "credentials/profile_file.h"
#include "example_credentials.h"
#include "harness.h"
#include "profile_home.h"

#include <pwd.h>

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *memory, size_t length,
                      struct passwd **found);

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *memory, size_t length,
                      struct passwd **found) {
  (void)uid, (void)entry, (void)memory, (void)length;
  *found = NULL;

  return 0;
}

/* How often memory with the secret in it was wiped. */
static int wiped;

void __real_gov_secret_free(void *memory, size_t length);
void __wrap_gov_secret_free(void *memory, size_t length);
void __real_gov_secret_free_string(char *string);
void __wrap_gov_secret_free_string(char *string);

void __wrap_gov_secret_free(void *memory, size_t length) {
  wiped += memory && memmem(memory, length, SECRET, strlen(SECRET));
  __real_gov_secret_free(memory, length);
}

void __wrap_gov_secret_free_string(char *string) {
  wiped += string && strstr(string, SECRET);
  __real_gov_secret_free_string(string);
}

/* Which files are read: by argument before variable before the home. */
START_TEST(test_paths) {
  gov_profiles *profiles;

  make_home("[default]\nx=home\n", "[default]\ny=home\n");
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, NULL), 0);
  ck_assert_str_eq(gov_profiles_config_path(profiles), config_path);
  ck_assert_str_eq(gov_profiles_credentials_path(profiles), credentials_path);
  ck_assert_str_eq(gov_profiles_get(profiles, "default", "x"), "home");
  ck_assert_str_eq(gov_profiles_get(profiles, "default", "y"), "home");
  gov_profiles_free(profiles);

  setenv("AWS_CONFIG_FILE", "/nowhere/config", 1);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, NULL), 0);
  ck_assert_str_eq(gov_profiles_config_path(profiles), "/nowhere/config");
  ck_assert_str_eq(gov_profiles_credentials_path(profiles), "/dev/null");
  ck_assert(!gov_profiles_has(profiles, "default"));
  gov_profiles_free(profiles);

  ck_assert_int_eq(
      gov_profiles_load(&profiles, "~/.aws/config", "~/.aws/credentials", NULL), 0);
  ck_assert_str_eq(gov_profiles_config_path(profiles), config_path);
  ck_assert_str_eq(gov_profiles_credentials_path(profiles), credentials_path);
  ck_assert_str_eq(gov_profiles_get(profiles, "default", "x"), "home");
  ck_assert_str_eq(gov_profiles_get(profiles, "default", "y"), "home");
  gov_profiles_free(profiles);

  setenv("AWS_CONFIG_FILE", "", 1);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/config", 1);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, NULL), 0);
  ck_assert_str_eq(gov_profiles_config_path(profiles), config_path);
  ck_assert_str_eq(gov_profiles_credentials_path(profiles), config_path);
  gov_profiles_free(profiles);
  remove_home();
}
END_TEST

/* A "~" in the working directory is no home. */
START_TEST(test_no_home) {
  gov_profiles *profiles;
  mskgov_error_info error = {0};
  char path[128];

  make_home("[default]\nx=1\n", NULL);
  snprintf(path, sizeof(path), "%s/~", home);
  ck_assert_int_eq(symlink(".", path), 0);
  ck_assert_int_eq(chdir(home), 0);
  unsetenv("HOME");
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, &error), 0);
  ck_assert(!gov_profiles_has(profiles, "default"));
  ck_assert_str_eq(gov_profiles_config_path(profiles), "~/.aws/config");
  ck_assert_str_eq(gov_profiles_credentials_path(profiles), "~/.aws/credentials");
  ck_assert_int_eq(error.code, 0);
  gov_profiles_free(profiles);

  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, "~/mine", &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "\"~/mine\""));
  ck_assert_ptr_null(profiles);
  unlink(path);
  remove_home();
}
END_TEST

static const struct {
  const char *config, *credentials;
  const char *expected[3];
} errors[] = {
    {"[default]\nx=1\n" SECRET "\n", NULL, {"the config file", ".aws/config\", line 3: "}},
    {NULL, SECRET "=1\n", {"the credentials file", ".aws/credentials\", line 1: "}},
    {NULL, "[" SECRET "\n", {"the credentials file", "line 1: ", "no \"]\""}},
    {"[default]\nx=1\n", "[default]\naws_secret_access_key=\n  " SECRET "\n", {"line 3: "}},
};

START_TEST(test_errors) {
  gov_profiles *profiles;
  mskgov_error_info error = {0};

  make_home(errors[_i].config, errors[_i].credentials);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(profiles);
  for (size_t i = 0; i < 3 && errors[_i].expected[i]; i++)
    check_text_without(&error, errors[_i].expected[i], (const char *[]){"wJalr"}, 1);
  remove_home();
}
END_TEST

START_TEST(test_unreadable) {
  gov_profiles *profiles;
  mskgov_error_info error = {0};

  make_home(NULL, NULL);
  ck_assert_int_eq(mkdir(credentials_path, 0700), 0);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, &error), MSKGOV_ERR_SYSTEM);
  check_text_without(&error, credentials_path, NULL, 0);
  check_text_without(&error, "the credentials file", NULL, 0);
  check_text_without(&error, "Is a directory", NULL, 0);
  ck_assert_int_eq(rmdir(credentials_path), 0);

  error = (mskgov_error_info){0};
  ck_assert_int_eq(gov_profiles_load(&profiles, "/dev/zero", NULL, &error),
                   MSKGOV_ERR_INVALID);
  check_text_without(&error, "the config file \"/dev/zero\" has more than 1048576 bytes",
                     NULL, 0);
  remove_home();
}
END_TEST

/* `count` lines by a format with a number in it, then `last`. */
static char *make_lines(const char *first, const char *format, int count,
                        const char *last) {
  size_t room = strlen(first) + (size_t)count * 16 + strlen(last) + 1, length;
  char *text = malloc(room);

  ck_assert_ptr_nonnull(text);
  length = (size_t)snprintf(text, room, "%s", first);
  for (int i = 0; i < count; i++)
    length += (size_t)snprintf(text + length, room - length, format, i);
  snprintf(text + length, room - length, "%s", last);

  return text;
}

/* 10,000 sections and 100,000 settings; what comes again is none more. */
static const struct {
  const char *first, *format;
  int count;
  const char *last, *credentials, *expected; /* NULL: it is read */
} bounds[] = {
    {"", "[profile %d]\n", 9999, "[sso-session a]\n[profile 1]\n[default", NULL, "\"]\""},
    {"", "[profile %d]\n", 9999, "[sso-session a]\n[profile 1]\n[x]\n", NULL, NULL},
    {"", "[profile %d]\n", 9999, "[sso-session a]\n[profile b]\n", NULL,
     "line 10001: there are more than 10000 profiles and sessions"},
    {"", "[profile %d]\n", 10000, "", "# c\n[a]\n",
     ".aws/credentials\", line 2: there are more than 10000 profiles"},
    {"[default]\n", "%d=\n", 100000, "1=2\n[profile a]\n", "[a]\n", NULL},
    {"[default]\n", "%d=\n", 100000, "a=\n", NULL,
     "line 100002: there are more than 100000 settings"},
    {"[default]\n", "%d=\n", 100000, "", "[a]\nx=1\n",
     ".aws/credentials\", line 2: there are more than 100000 settings"},
    {"[default]\n", "%d=\n", 100000, "[profile default]\na=1\n", "[a]\nx=1\n", NULL},
    {"[x]\n", "%d=\n", 100001, "", NULL, NULL},
};

START_TEST(test_bounds) {
  char *config =
      make_lines(bounds[_i].first, bounds[_i].format, bounds[_i].count, bounds[_i].last);
  gov_profiles *profiles;
  mskgov_error_info error = {0};
  int rc;

  make_home(config, bounds[_i].credentials);
  free(config);
  rc = gov_profiles_load(&profiles, NULL, NULL, &error);
  ck_assert_msg(rc == (bounds[_i].expected ? MSKGOV_ERR_INVALID : 0), "%s", error.text);
  ck_assert_msg(!bounds[_i].expected || strstr(error.text, bounds[_i].expected), "%s",
                error.text);
  gov_profiles_free(profiles);
  remove_home();
}
END_TEST

/* 1 MiB is read, a byte more is not. */
START_TEST(test_file_bound) {
  char *text = malloc(GOV_PROFILES_FILE_MAX + 1);
  gov_profiles *profiles;
  mskgov_error_info error = {0};

  ck_assert_ptr_nonnull(text);
  memset(text, '\n', GOV_PROFILES_FILE_MAX + 1);
  memcpy(text + GOV_PROFILES_FILE_MAX - 15, "[default]\nx=1\n\n", 15);
  make_home(NULL, NULL);
  write_file(config_path, text, 1048576);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, NULL), 0);
  ck_assert_str_eq(gov_profiles_get(profiles, "default", "x"), "1");
  gov_profiles_free(profiles);

  write_file(config_path, text, 1048577);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, &error), MSKGOV_ERR_INVALID);
  check_text_without(&error, config_path, NULL, 0);
  check_text_without(&error, "more than 1048576 bytes", NULL, 0);
  remove_home();
  free(text);
}
END_TEST

/* Loading wipes the file's text and the last value that was read; and what is replaced,
   while freeing wipes what is left. */
static const struct {
  const char *text;
  int by_loading, by_freeing;
} wipings[] = {
    {"[default]\nk=" SECRET "\n", 2, 1},
    {"[default]\nk=" SECRET "\n[profile a]\nk=x\nj=" SECRET "\n", 2, 2},
    {"[default]\nk=" SECRET "\nk=x\n", 2, 0},
    {"[default]\nk=" SECRET "\n[profile default]\nj=y\n", 2, 0},
    {"[default]\n" SECRET "=x\n", 1, 0}, /* the name in small letters is another text */
    {"[profile " SECRET "]\n", 2, 1},
    {"[default]\nk=x\n" SECRET "\n", 1, 0},
};

START_TEST(test_wiped) {
  gov_profiles *profiles;

  make_home(wipings[_i].text, NULL);
  wiped = 0;
  gov_profiles_load(&profiles, NULL, NULL, NULL);
  ck_assert_int_eq(wiped, wipings[_i].by_loading);
  wiped = 0;
  gov_profiles_free(profiles);
  ck_assert_int_eq(wiped, wipings[_i].by_freeing);
  remove_home();
}
END_TEST

/* A home that is somebody else's has no default files, but a file that is named there is
   asked for. */
START_TEST(test_home_of_somebody_else) {
  gov_profiles *profiles;
  mskgov_error_info error = {0};
  bool is_root = geteuid() == 0;

  make_home("[default]\nx=home\n", NULL);
  chmod(home, 0);
  if (is_root)
    ck_assert_int_eq(seteuid(65534), 0);
  ck_assert_int_eq(gov_profiles_load(&profiles, NULL, NULL, &error), 0);
  ck_assert(!gov_profiles_has(profiles, "default"));
  gov_profiles_free(profiles);
  ck_assert_int_eq(gov_profiles_load(&profiles, config_path, NULL, &error),
                   MSKGOV_ERR_SYSTEM);
  if (is_root)
    ck_assert_int_eq(seteuid(0), 0);
  chmod(home, 0700);
  remove_home();
}
END_TEST

TEST_MAIN("profile_load", TEST(test_paths), TEST(test_no_home),
          TEST(test_home_of_somebody_else), TEST_TABLE(test_errors, errors),
          TEST(test_unreadable), TEST_TABLE(test_bounds, bounds), TEST(test_file_bound),
          TEST_TABLE(test_wiped, wipings))
