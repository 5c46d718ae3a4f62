/*
 * A host store whose file is not what it should be: damaged, of another version, of another
 * boot, with and without members. Whatever it holds, opening it ends in a clear error or in
 * a store that works.
 */
#include "host_fixture.h"

#include <stddef.h>

#define WINDOW_MS 1000
#define COARSE_LAG_MS 10 /* a try is told the time of the last tick */

/* As many as fit, so that the pace is no obstacle. */
static mskgov_governor_options options_here(void) {
  return host_options(4096, WINDOW_MS, 100);
}

static void overwrite(size_t at, const void *bytes, size_t size) {
  int fd = open(test_file, O_WRONLY | O_CLOEXEC);

  ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
  close(fd);
}

static void must_be_refused(const char *reason) {
  mskgov_governor_options options = options_here();
  mskgov_governor *governor = NULL;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error), MSKGOV_ERR_HOST_STORE);
  ck_assert_ptr_null(governor);
  ck_assert_msg(strstr(error.text, test_file) != NULL, "%s", error.text);
  ck_assert_msg(strstr(error.text, reason) != NULL, "%s", error.text);
  ck_assert_msg(strstr(error.text, "in use") != NULL, "%s", error.text);
}

static void must_not_be_viewed(const char *reason) {
  mskgov_host_snapshot *snapshot = NULL;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, &error),
                   MSKGOV_ERR_HOST_STORE);
  ck_assert_msg(strstr(error.text, test_file) != NULL, "%s", error.text);
  ck_assert_msg(strstr(error.text, reason) != NULL, "%s", error.text);
}

/* The wait that a request is told, in ms; 0: it was granted. */
static uint64_t wait_of(mskgov_governor *governor) {
  mskgov_broker *broker;
  mskgov_permit *permit = NULL;
  uint64_t wait_ms = 0;

  ck_assert_int_eq(mskgov_governor_broker(governor, BROKER, &broker, NULL), 0);
  ck_assert_int_eq(mskgov_broker_try(broker, NULL, &permit, &wait_ms), 0);
  mskgov_permit_release(permit);

  return permit ? 0 : wait_ms;
}

/* The fields of the header, one by one. */

typedef struct damage {
  const char *field;
  size_t at, size;
  const char *reason;
  bool waits; /* what was granted before is not known, so a window has to pass */
} damage;

#define FIELD(name, reason, waits)                                                         \
  {                                                                                        \
#name, offsetof(gov_host_header, name), sizeof(((gov_host_header *)0)->name), reason,  \
        waits                                                                              \
  }

static const damage damages[] = {
    FIELD(magic, "damaged, or no host store", true),
    FIELD(version, "another version", true),
    FIELD(header_size, "damaged", true),
    FIELD(segment_size, "damaged", true),
    FIELD(members_max, "damaged", true),
    FIELD(brokers_max, "damaged", true),
    FIELD(boot_id, "before the system was started", false),
};

START_TEST(a_damaged_field_is_noticed) {
  const damage *row = &damages[_i];
  mskgov_governor *before, *after;
  unsigned char bytes[16];
  uint64_t wait_ms;

  make_directory();
  before = must_open(options_here());
  ck_assert_uint_eq(wait_of(before), 0);
  memset(bytes, 0xee, sizeof(bytes));
  overwrite(row->at, bytes, row->size);
  must_be_refused(row->reason);
  must_not_be_viewed(row->reason);
  ck_assert_uint_lt(wait_of(before), WINDOW_MS); /* who has it open goes on */
  mskgov_governor_free(before);

  /* nobody uses it any more */
  must_not_be_viewed(row->reason);
  after = must_open(options_here());
  wait_ms = wait_of(after);
  if (row->waits) {
    ck_assert_uint_gt(wait_ms, 0);
    ck_assert_uint_le(wait_ms, WINDOW_MS + COARSE_LAG_MS + 1);
    mskgov_permit_release(must_acquire(after, BROKER, 10 * WINDOW_MS));
  } else {
    ck_assert_uint_eq(wait_ms, 0);
  }
  mskgov_governor_free(after);
  remove_directory();
}
END_TEST

/* Sizes. In use only what is too small can be made without a SIGBUS in who has it open. */

static const size_t sizes[] = {0,
                               1,
                               offsetof(gov_host_header, boot_id),
                               GOV_HOST_PAGE - 1,
                               GOV_HOST_PAGE,
                               GOV_HOST_PAGE + 1,
                               sizeof(gov_host_header) - 1,
                               GOV_HOST_FILE_MAX + 1,
                               GOV_HOST_FILE_MAX * 16};

START_TEST(a_wrong_size_is_noticed) {
  mskgov_governor *governor;

  make_directory();
  mskgov_governor_free(must_open(options_here()));
  ck_assert_int_eq(truncate(test_file, (off_t)sizes[_i]), 0);
  must_not_be_viewed("its size");
  governor = must_open(options_here());
  ck_assert_uint_gt(wait_of(governor), 0);
  mskgov_permit_release(must_acquire(governor, BROKER, 10 * WINDOW_MS));
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

START_TEST(a_size_that_is_too_large_is_noticed_in_use) {
  mskgov_governor *governor;

  make_directory();
  governor = must_open(options_here());
  ck_assert_int_eq(truncate(test_file, (off_t)GOV_HOST_FILE_MAX + 1), 0);
  must_be_refused("its size");
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

/* A file cut short between segments: the brokers that it lacks are made again. */
START_TEST(a_file_cut_within_a_segment_works) {
  mskgov_governor *governor;

  make_directory();
  governor = must_open(options_here());
  wait_of(governor);
  mskgov_governor_free(governor);
  ck_assert_int_eq(
      truncate(test_file, (off_t)(sizeof(gov_host_header) + sizeof(gov_host_segment) / 2)),
      0);
  governor = must_open(options_here());
  mskgov_permit_release(must_acquire(governor, BROKER, 10 * WINDOW_MS));
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

static void fill_with(uint64_t *random, size_t size, bool zeros) {
  static unsigned char bytes[sizeof(gov_host_header)];
  int fd = open(test_file, O_CREAT | O_TRUNC | O_WRONLY, 0600);

  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = zeros ? 0 : (unsigned char)draw(random);
  for (size_t done = 0; done < size; done += sizeof(bytes))
    ck_assert_int_gt(
        write(fd, bytes, size - done < sizeof(bytes) ? size - done : sizeof(bytes)), 0);
  close(fd);
}

START_TEST(other_contents_are_noticed) {
  uint64_t random = test_seed() | 1;

  make_directory();
  for (int zeros = 0; zeros < 2; zeros++) {
    mskgov_governor *governor;

    fill_with(&random, sizeof(gov_host_header) + sizeof(gov_host_segment), zeros);
    must_not_be_viewed("no host store");
    governor = must_open(options_here());
    ck_assert_uint_gt(wait_of(governor), 0);
    mskgov_governor_free(governor);
  }
  remove_directory();
}
END_TEST

/* Random damage anywhere in the header, a thousand times. */

typedef struct hit {
  size_t at;
  unsigned char bytes[64];
  size_t size;
} hit;

/* Small fields would hardly ever be hit by chance, so half of the hits are at the start. */
static void damage_header(gov_host_header *header, uint64_t *random) {
  unsigned char *bytes = (unsigned char *)header;
  int hits = 1 + (int)(draw(random) % 8);

  while (hits--) {
    size_t range = draw(random) % 2 ? 80 : sizeof(*header);
    size_t size = 1 + draw(random) % (draw(random) % 4 ? 8 : 4096);
    size_t at = draw(random) % range;

    for (size_t i = at; i < at + size && i < sizeof(*header); i++)
      bytes[i] = (unsigned char)draw(random);
  }
}

/* Returns whether the store could be opened; then it has to work. */
static bool open_damaged(bool wait, const char *context) {
  mskgov_governor_options options = options_here();
  mskgov_host_snapshot *snapshot = NULL;
  mskgov_governor *governor = NULL;
  mskgov_permit *permit = NULL;
  mskgov_error_info error;
  int rc;

  rc = mskgov_host_snapshot_new(&snapshot, test_directory, &error);
  ck_assert_msg(rc == 0 || (rc == MSKGOV_ERR_HOST_STORE && error.text[0]), "%s", context);
  mskgov_host_snapshot_free(snapshot);

  rc = mskgov_governor_new(&governor, &options, &error);
  if (rc) {
    ck_assert_msg(rc == MSKGOV_ERR_HOST_STORE, "%s: %s", context, error.text);
    ck_assert_ptr_nonnull(strstr(error.text, test_file));
    return false;
  }

  rc = mskgov_permit_acquire(governor, BROKER, NULL, wait ? 5 * WINDOW_MS : 0, &permit,
                             &error);
  if (rc == MSKGOV_ERR_HOST_STORE) /* an index full of noise */
    ck_assert_ptr_nonnull(strstr(error.text, "no more fit"));
  else
    ck_assert_msg(rc == 0 || (!wait && rc == MSKGOV_ERR_DEADLINE), "%s: %s", context,
                  error.text);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);

  return true;
}

START_TEST(random_damage_ends_well) {
  uint64_t seed = test_seed(), random = seed | 1;
  static gov_host_header whole;
  int opened[2] = {0, 0};
  char context[64];

  make_directory();
  for (int i = 0; i < 1000; i++) {
    mskgov_governor *user = must_open(options_here());
    bool in_use = draw(&random) % 2;
    gov_host_header *header;
    size_t size;

    snprintf(context, sizeof(context), "seed %llu, round %d", (unsigned long long)seed, i);
    wait_of(user);
    if (!in_use)
      mskgov_governor_free(user);
    header = map_file(&size);
    memcpy(&whole, header, sizeof(whole));
    damage_header(header, &random);
    opened[in_use] += open_damaged(i % 250 == 0, context);
    if (in_use) { /* who had it open before still gets an answer, and can leave */
      wait_of(user);
      mskgov_governor_free(user);
    }
    munmap(header, size);
    unlink(test_file);
  }
  /* unused, it can always be made anew */
  ck_assert_int_gt(opened[0], 400);
  ck_assert_int_gt(opened[1], 0);
  printf("opened %d unused and %d in use\n", opened[0], opened[1]);
  remove_directory();
}
END_TEST

TEST_MAIN("host_damage", TEST_TABLE(a_damaged_field_is_noticed, damages),
          TEST_TABLE(a_wrong_size_is_noticed, sizes),
          TEST(a_size_that_is_too_large_is_noticed_in_use),
          TEST(a_file_cut_within_a_segment_works), TEST(other_contents_are_noticed),
          TEST(random_damage_ends_well))
