/*
 * Where a host store may lie, and what is done about one that is damaged, of another version
 * or of another boot: docs/host-store.md, "Where it is" and "When it cannot be used".
 */
#include "host_fixture.h"

#include "governor/host_path.h"

#include <stddef.h>
#include <sys/wait.h>

#define NOBODY 65534

/* The default directory, by the environment. */

typedef struct place {
  const char *runtime;   /* XDG_RUNTIME_DIR; NULL: not set */
  const char *directory; /* as options.host_directory */
  const char *expected;  /* NULL: refused; "": by the user's number */
} place;

static const place places[] = {
    {"/run/elsewhere", NULL, "/run/elsewhere/mskgov"},
    {"/run/elsewhere", "/run/here", "/run/here"},
    {NULL, "/run/here", "/run/here"},
    {NULL, "/run/here///", "/run/here"},
    {NULL, NULL, ""},
    {"", NULL, ""},
    {"relative", NULL, ""}, /* the XDG specification: to be ignored */
    {NULL, "relative", NULL},
    {NULL, "./relative", NULL},
    {NULL, "", NULL},
};

START_TEST(the_directory_is_found) {
  const place *row = &places[_i];
  char path[GOV_HOST_PATH_MAX], by_user[64];
  mskgov_error_info error = {0};
  struct stat seen;
  int rc;

  snprintf(by_user, sizeof(by_user), "/run/user/%u", (unsigned)geteuid());
  if (stat(by_user, &seen) == 0)
    strcat(by_user, "/mskgov");
  else
    snprintf(by_user, sizeof(by_user), "/dev/shm/mskgov-%u", (unsigned)geteuid());
  if (row->runtime)
    setenv("XDG_RUNTIME_DIR", row->runtime, 1);
  else
    unsetenv("XDG_RUNTIME_DIR");

  rc = gov_host_path_directory(path, sizeof(path), row->directory, &error);
  if (!row->expected) {
    ck_assert_int_eq(rc, MSKGOV_ERR_HOST_STORE);
    ck_assert_ptr_nonnull(strstr(error.text, "options.host_directory"));
    return;
  }
  ck_assert_int_eq(rc, 0);
  ck_assert_str_eq(path, *row->expected ? row->expected : by_user);
}
END_TEST

START_TEST(it_is_made_for_the_user_alone) {
  mskgov_governor_options options;
  mskgov_governor *governor;
  struct stat seen;
  char path[128];

  make_directory();
  setenv("XDG_RUNTIME_DIR", test_directory, 1);
  options = host_options(10, 1000, 10);
  options.host_directory = NULL;
  umask(0);
  governor = must_open(options);
  snprintf(path, sizeof(path), "%s/mskgov", test_directory);
  ck_assert_int_eq(stat(path, &seen), 0);
  ck_assert_uint_eq(seen.st_mode & 07777, 0700);
  strcat(path, "/" GOV_HOST_FILE_NAME);
  ck_assert_int_eq(stat(path, &seen), 0);
  ck_assert_uint_eq(seen.st_mode & 07777, 0600);
  mskgov_governor_free(governor);

  unlink(path);
  unlink(strcat(path, ".lock"));
  snprintf(path, sizeof(path), "%s/mskgov", test_directory);
  rmdir(path);
  remove_directory();
}
END_TEST

/* What must not be used; each prepares the directory and returns the one to name. */

static char other_path[GOV_HOST_PATH_MAX * 2];

static const char *too_long(void) {
  memset(other_path, 'a', GOV_HOST_PATH_MAX);
  other_path[0] = '/';
  other_path[GOV_HOST_PATH_MAX] = '\0';

  return other_path;
}

static const char *without_parent(void) {
  snprintf(other_path, sizeof(other_path), "%s/none/store", test_directory);

  return other_path;
}

static const char *file_as_directory(void) {
  int fd = open(test_file, O_CREAT | O_RDWR, 0600);

  close(fd);

  return test_file;
}

static const char *link_as_directory(void) {
  snprintf(other_path, sizeof(other_path), "%s/link", test_directory);
  ck_assert_int_eq(symlink("/tmp", other_path), 0);

  return other_path;
}

static const char *link_with_slash(void) {
  snprintf(other_path, sizeof(other_path), "%s/link", test_directory);
  ck_assert_int_eq(symlink(test_directory, other_path), 0);

  return strcat(other_path, "/");
}

static const char *group_writable(void) {
  ck_assert_int_eq(chmod(test_directory, 0770), 0);

  return test_directory;
}

static const char *world_writable(void) {
  ck_assert_int_eq(chmod(test_directory, 01777), 0);

  return test_directory;
}

static const char *link_as_file(void) {
  snprintf(other_path, sizeof(other_path), "%s/target", test_directory);
  close(open(other_path, O_CREAT | O_RDWR, 0600));
  ck_assert_int_eq(symlink(other_path, test_file), 0);

  return test_directory;
}

static const char *link_to_nothing(void) {
  ck_assert_int_eq(symlink("nothing", test_file), 0);

  return test_directory;
}

static void make_store(void) {
  mskgov_governor_free(must_open(host_options(10, 1000, 10)));
}

static const char *readable_file(void) {
  make_store();
  ck_assert_int_eq(chmod(test_file, 0644), 0);

  return test_directory;
}

static const char *closed_file(void) {
  make_store();
  ck_assert_int_eq(chmod(test_file, 0700), 0);

  return test_directory;
}

static const char *two_names(void) {
  make_store();
  snprintf(other_path, sizeof(other_path), "%s/second", test_directory);
  ck_assert_int_eq(link(test_file, other_path), 0);

  return test_directory;
}

static const char *fifo_as_file(void) {
  ck_assert_int_eq(mkfifo(test_file, 0600), 0);

  return test_directory;
}

static const char *directory_as_file(void) {
  ck_assert_int_eq(mkdir(test_file, 0600), 0);

  return test_directory;
}

static const char *directory_as_lock(void) {
  ck_assert_int_eq(mkdir(strcat(strcpy(other_path, test_file), ".lock"), 0700), 0);

  return test_directory;
}

typedef struct refusal {
  const char *(*prepare)(void);
  int code;           /* HOST_STORE where we judge, SYSTEM where the system refuses */
  const char *expect; /* in the text, beside the path */
  bool can_be_viewed; /* what only who writes has to care about */
} refusal;

static const refusal refusals[] = {
    {too_long, MSKGOV_ERR_HOST_STORE, "longer than", false},
    {without_parent, MSKGOV_ERR_SYSTEM, "options.host_directory", false},
    {file_as_directory, MSKGOV_ERR_SYSTEM, "", false},
    {link_as_directory, MSKGOV_ERR_SYSTEM, "", false},
    {link_with_slash, MSKGOV_ERR_SYSTEM, "", false},
    {group_writable, MSKGOV_ERR_HOST_STORE, "mode 0770", true},
    {world_writable, MSKGOV_ERR_HOST_STORE, "mode 1777", true},
    {link_as_file, MSKGOV_ERR_SYSTEM, "", false},
    {link_to_nothing, MSKGOV_ERR_SYSTEM, "", false},
    {readable_file, MSKGOV_ERR_HOST_STORE, "mode 0644", true},
    {closed_file, MSKGOV_ERR_HOST_STORE, "mode 0700", true},
    {two_names, MSKGOV_ERR_HOST_STORE, "one name", false},
    {fifo_as_file, MSKGOV_ERR_HOST_STORE, "regular", false},
    {directory_as_file, MSKGOV_ERR_SYSTEM, "", false},
    {directory_as_lock, MSKGOV_ERR_SYSTEM, "lock", true},
};

START_TEST(unsafe_places_are_refused) {
  const refusal *row = &refusals[_i];
  mskgov_host_snapshot *snapshot = NULL;
  mskgov_governor *governor = NULL;
  mskgov_governor_options options;
  mskgov_error_info error;

  make_directory();
  options = host_options(10, 1000, 10);
  options.host_directory = row->prepare();

  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), row->code);
  ck_assert_int_eq(error.code, row->code);
  ck_assert_ptr_null(governor);
  ck_assert_msg(strstr(error.text, row->expect) != NULL, "%s", error.text);
  if (row->prepare != too_long)
    ck_assert_msg(strstr(error.text, test_directory) != NULL, "%s", error.text);
  /* and looking into it neither hangs nor believes it */
  if (!row->can_be_viewed) {
    ck_assert_int_ne(mskgov_host_snapshot_new(&snapshot, options.host_directory, &error),
                     0);
    ck_assert_ptr_null(snapshot);
    ck_assert_str_ne(error.text, "");
  }
  remove_directory();
}
END_TEST

/* Other users; as root only. */

/* In a process of user and group `id`: the code that opening gives, 0 or positive. */
static int open_as(unsigned id, mskgov_governor_options options) {
  mskgov_governor *governor;
  int status;
  pid_t pid = fork();

  if (pid == 0) {
    int rc =
        setgid(id) || setuid(id) ? 99 : -mskgov_governor_new(&governor, &options, NULL);

    _exit(rc);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFEXITED(status));

  return WEXITSTATUS(status);
}

START_TEST(another_users_store_is_refused) {
  mskgov_governor *governor = NULL;
  mskgov_governor_options options;
  mskgov_error_info error;

  if (geteuid()) {
    puts("skipped: only root can give a directory away");
    return;
  }
  make_directory();
  options = host_options(10, 1000, 10);
  ck_assert_int_eq(chown(test_directory, NOBODY, NOBODY), 0);
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, "belongs to user 65534") != NULL, "%s", error.text);

  /* its owner may, and after that the file is not root's either */
  ck_assert_int_eq(open_as(NOBODY, options), 0);
  ck_assert_int_eq(chown(test_directory, 0, 0), 0);
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, test_file) != NULL, "%s", error.text);

  /* a directory that everybody may enter is still root's */
  ck_assert_int_eq(chmod(test_directory, 0755), 0);
  ck_assert_int_eq(open_as(NOBODY, options), -MSKGOV_ERR_HOST_STORE);
  ck_assert_int_eq(chmod(test_directory, 0700), 0);
  ck_assert_int_eq(open_as(NOBODY, options), -MSKGOV_ERR_SYSTEM);
  remove_directory();
}
END_TEST

START_TEST(a_group_shares_it) {
  mskgov_governor *governor = NULL;
  mskgov_governor_options options;
  mskgov_error_info error;
  struct stat seen;

  make_directory();
  rmdir(test_directory);
  options = host_options(10, 1000, 10);
  options.host_group = "no-such-group-here";
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, "no-such-group-here") != NULL, "%s", error.text);
  if (geteuid()) {
    puts("skipped: only root is in every group");
    return;
  }

  umask(077);
  options.host_group = "nogroup";
  governor = must_open(options);
  ck_assert_int_eq(stat(test_directory, &seen), 0);
  ck_assert_uint_eq(seen.st_mode & 07777, 02770);
  ck_assert_uint_eq(seen.st_gid, NOBODY);
  ck_assert_int_eq(stat(test_file, &seen), 0);
  ck_assert_uint_eq(seen.st_mode & 07777, 0660);
  ck_assert_uint_eq(seen.st_gid, NOBODY);
  ck_assert_int_ne(open_as(NOBODY - 1, options), 0);
  if (TEST_CHILD_MAY_START_THREADS) /* while root has it open */
    ck_assert_int_eq(open_as(NOBODY, options), 0);
  options.host_group = NULL; /* two settings do not mix */
  ck_assert_int_eq(open_as(0, options), -MSKGOV_ERR_HOST_STORE);
  mskgov_governor_free(governor);
  options.host_group = "nogroup";
  ck_assert_int_eq(open_as(NOBODY, options), 0);
  remove_directory();
}
END_TEST

TEST_MAIN("host_file", TEST_TABLE(the_directory_is_found, places),
          TEST(it_is_made_for_the_user_alone),
          TEST_TABLE(unsafe_places_are_refused, refusals),
          TEST(another_users_store_is_refused), TEST(a_group_shares_it))
