/*
 * A host store that has no room left: on its file system, for members, for brokers. What is
 * there goes on, what does not fit gets a clear error. And a file that grows or goes away
 * while it is in use.
 */
#include "host_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>

static mskgov_governor_options options_here(void) {
  return host_options(4096, 1000, 100);
}

static int open_broker(mskgov_governor *governor, int number, mskgov_error_info *error) {
  mskgov_broker *broker;
  char address[32];

  snprintf(address, sizeof(address), "b-%d.example:9098", number);

  return mskgov_governor_broker(governor, address, &broker, error);
}

/* A file system of `pages`, in a mount namespace that goes with this test's process. */
static bool mount_small(unsigned pages) {
  char options[64];

  snprintf(options, sizeof(options), "size=%u,mode=0700", pages * GOV_HOST_PAGE);
  make_directory();
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
      mount("small", test_directory, "tmpfs", 0, options)) {
    puts("skipped: no file system can be mounted here");
    remove_directory();
    return false;
  }

  return true;
}

static void unmount_small(void) {
  umount2(test_directory, MNT_DETACH);
  remove_directory();
}

#define PAGES(type) ((unsigned)(sizeof(type) / GOV_HOST_PAGE))

START_TEST(a_full_file_system_at_creation) {
  mskgov_governor *governor = NULL;
  mskgov_governor_options options;
  mskgov_error_info error;

  if (!mount_small(PAGES(gov_host_header) / 2))
    return;
  options = options_here();
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_SYSTEM);
  ck_assert_msg(strstr(error.text, test_file) && strstr(error.text, "No space"), "%s",
                error.text);
  /* nothing half made is left in the way */
  ck_assert_int_ne(access(test_file, F_OK), 0);
  ck_assert_int_eq(mount(NULL, test_directory, NULL, MS_REMOUNT, "size=100m"), 0);
  governor = must_open(options);
  mskgov_permit_release(must_acquire(governor, BROKER, 1000));
  mskgov_governor_free(governor);
  unmount_small();
}
END_TEST

/* Uses up what is left of the file system. */
static int fill_up(void) {
  static const char zeros[GOV_HOST_PAGE];
  char path[128];
  int fd;

  snprintf(path, sizeof(path), "%s/filler", test_directory);
  fd = open(path, O_CREAT | O_WRONLY, 0600);
  while (write(fd, zeros, sizeof(zeros)) > 0)
    ;

  return fd;
}

START_TEST(a_full_file_system_at_growth) {
  mskgov_governor *governor, *other;
  mskgov_error_info error;
  struct statfs left;
  int filler;

  if (!mount_small(PAGES(gov_host_header) + 3 * PAGES(gov_host_segment) +
                   PAGES(gov_host_segment) / 2))
    return;
  governor = must_open(options_here());
  other = must_open(options_here());
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(open_broker(governor, i, &error), 0);
  /* from here on nothing may be touched that has no memory yet */
  filler = fill_up();
  for (int i = 3; i < 8; i++) {
    ck_assert_int_eq(open_broker(i % 2 ? governor : other, i, &error), MSKGOV_ERR_SYSTEM);
    ck_assert_msg(strstr(error.text, test_file) && strstr(error.text, "No space"), "%s",
                  error.text);
  }
  for (int i = 0; i < 3; i++) {
    char address[32];

    snprintf(address, sizeof(address), "b-%d.example:9098", i);
    mskgov_permit_release(must_acquire(governor, address, 1000));
    mskgov_permit_release(must_acquire(other, address, 1000));
  }

  /* Room for two: the last that asked is behind four that found none. It has either room
     for all that lies before it, or none; never a hole, which would end in a SIGBUS when
     the members clear up. */
  ck_assert_int_eq(ftruncate(filler, (off_t)(GOV_HOST_PAGE * PAGES(gov_host_segment) / 2)),
                   0);
  ck_assert_int_eq(mount(NULL, test_directory, NULL, MS_REMOUNT, "size=64m"), 0);
  ck_assert_int_eq(open_broker(other, 7, &error), 0);
  ck_assert_int_eq(statfs(test_directory, &left), 0);
  close(filler);
  filler = fill_up();
  mskgov_governor_free(other); /* looks at every segment */
  mskgov_governor_free(governor);
  close(filler);
  unmount_small();
}
END_TEST

START_TEST(no_more_brokers_than_fit) {
  mskgov_governor *governor;
  mskgov_error_info error;

  make_directory();
  governor = must_open(options_here());
  for (int i = 0; i < (int)MSKGOV_HOST_BROKERS_MAX; i++)
    ck_assert_msg(open_broker(governor, i, &error) == 0, "broker %d: %s", i, error.text);
  ck_assert_int_eq(open_broker(governor, MSKGOV_HOST_BROKERS_MAX, &error),
                   MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, test_file) && strstr(error.text, "1024"), "%s",
                error.text);
  /* those that fitted go on, for others as well, and the index holds after reopening */
  mskgov_permit_release(must_acquire(governor, "b-1023.example:9098", 1000));
  mskgov_governor_free(governor);
  governor = must_open(options_here());
  ck_assert_int_eq(open_broker(governor, 1023, &error), 0);
  ck_assert_int_eq(open_broker(governor, 5000, &error), MSKGOV_ERR_HOST_STORE);
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

START_TEST(no_more_members_than_fit) {
  static mskgov_governor *governors[MSKGOV_HOST_MEMBERS_MAX];
  mskgov_governor_options options;
  mskgov_governor *governor = NULL;
  mskgov_host_snapshot *snapshot;
  mskgov_error_info error;

  make_directory();
  options = options_here();
  for (size_t i = 0; i < COUNT(governors); i++)
    governors[i] = must_open(options);
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, test_file) && strstr(error.text, "512"), "%s",
                error.text);
  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, NULL), 0);
  ck_assert_uint_eq(mskgov_host_snapshot_members(snapshot), MSKGOV_HOST_MEMBERS_MAX);
  mskgov_host_snapshot_free(snapshot);
  mskgov_permit_release(must_acquire(governors[511], BROKER, 1000));

  mskgov_governor_free(governors[200]); /* makes room for one */
  governors[200] = must_open(options);
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, NULL), MSKGOV_ERR_HOST_STORE);
  for (size_t i = 0; i < COUNT(governors); i++)
    mskgov_governor_free(governors[i]);
  remove_directory();
}
END_TEST

/* Two governors of one process are two members, and what one adds the other sees. */
START_TEST(it_grows_while_others_have_it_mapped) {
  mskgov_governor *one, *two;
  mskgov_permit *held[10], *permit = NULL;

  make_directory();
  one = must_open(host_options(4096, 1000, 10));
  two = must_open(host_options(4096, 1000, 10));
  for (int i = 0; i < 20; i++)
    ck_assert_int_eq(open_broker(i % 2 ? one : two, i, NULL), 0);
  for (size_t i = 0; i < COUNT(held); i++) {
    held[i] = must_acquire(i % 2 ? one : two, "b-7.example:9098", 1000);
    ck_assert_int_eq(mskgov_permit_report(held[i], MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  }
  ck_assert_int_eq(mskgov_permit_acquire(one, "b-7.example:9098", NULL, 0, &permit, NULL),
                   MSKGOV_ERR_DEADLINE);
  ck_assert_int_eq(mskgov_permit_acquire(two, "b-7.example:9098", NULL, 0, &permit, NULL),
                   MSKGOV_ERR_DEADLINE);
  mskgov_permit_release(held[0]);
  mskgov_permit_release(must_acquire(one, "b-7.example:9098", 5000));
  for (size_t i = 1; i < COUNT(held); i++)
    mskgov_permit_release(held[i]);
  mskgov_governor_free(one);
  mskgov_governor_free(two);
  remove_directory();
}
END_TEST

/*
 * The file is deleted under its users: they go on with it, and new ones make another, with a
 * budget of its own. So the limit of 4 holds for each of the two, and not for both.
 */
START_TEST(a_deleted_file_splits_the_budget) {
  mskgov_governor *before[2], *after;
  mskgov_permit *held[4], *permit = NULL;

  make_directory();
  for (int i = 0; i < 2; i++)
    before[i] = must_open(host_options(4096, 1000, 4));
  for (int i = 0; i < 2; i++)
    held[i] = must_acquire(before[i], BROKER, 1000);
  ck_assert_int_eq(unlink(test_file), 0);
  for (int i = 2; i < 4; i++)
    held[i] = must_acquire(before[i % 2], BROKER, 1000);
  ck_assert_int_eq(mskgov_permit_acquire(before[0], BROKER, NULL, 0, &permit, NULL),
                   MSKGOV_ERR_DEADLINE);
  ck_assert_int_eq(open_broker(before[0], 5, NULL), 0);

  after = must_open(host_options(4096, 1000, 4));
  ck_assert_uint_eq(metrics_of(after, BROKER).connections_used, 0);
  mskgov_permit_release(must_acquire(after, BROKER, 1000));
  for (int i = 0; i < 4; i++)
    mskgov_permit_release(held[i]);
  mskgov_governor_free(before[0]);
  mskgov_governor_free(before[1]);
  mskgov_governor_free(after);
  remove_directory();
}
END_TEST

TEST_MAIN("host_room", TEST(a_full_file_system_at_creation),
          TEST(a_full_file_system_at_growth), TEST(no_more_brokers_than_fit),
          TEST(no_more_members_than_fit), TEST(it_grows_while_others_have_it_mapped),
          TEST(a_deleted_file_splits_the_budget))
