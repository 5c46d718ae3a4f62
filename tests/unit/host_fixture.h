/*
 * What the tests of the host store share: a directory of its own for each test, governors
 * and bare stores in it, and its file as it lies in memory.
 */
#ifndef TEST_HOST_FIXTURE_H
#define TEST_HOST_FIXTURE_H

#include "harness.h"

#include "governor/host_file.h"

#include <mskgov/mskgov.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BROKER "b-1.example:9098"
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S (1000 * NS_PER_MS)

/* The directory of this test, and the store's file in it. */
static char test_directory[64], test_file[96];

static inline void make_directory(void) {
  strcpy(test_directory, "/tmp/mskgov-host-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(test_directory));
  snprintf(test_file, sizeof(test_file), "%s/" GOV_HOST_FILE_NAME, test_directory);
}

static inline void remove_directory(void) {
  DIR *directory = opendir(test_directory);
  struct dirent *entry;

  while (directory && (entry = readdir(directory)))
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
      if (unlinkat(dirfd(directory), entry->d_name, 0))
        unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
  if (directory)
    closedir(directory);
  if (rmdir(test_directory))
    unlink(test_directory);
}

/* A member of the test's store: so many in any window (rounded up, to a rate in whole
   connections per second), so many open. */
static inline mskgov_governor_options host_options(uint32_t per_window, uint32_t window_ms,
                                                   uint32_t open) {
  mskgov_governor_options options;

  mskgov_governor_options_init(&options);
  options.quota = mskgov_quota_custom(
      (uint32_t)(((uint64_t)per_window * 1000 + window_ms - 1) / window_ms), open);
  options.quota.window_ms = window_ms;
  options.backoff_base_ms = options.backoff_cap_ms = 1;
  options.store = MSKGOV_STORE_HOST;
  options.host_directory = test_directory;

  return options;
}

static inline mskgov_governor *must_open(mskgov_governor_options options) {
  mskgov_governor *governor = NULL;
  mskgov_error_info error;

  ck_assert_msg(mskgov_governor_new(&governor, &options, &error) == 0, "%s", error.text);

  return governor;
}

static inline mskgov_permit *must_acquire(mskgov_governor *governor, const char *broker,
                                          uint64_t timeout_ms) {
  mskgov_permit *permit = NULL;
  mskgov_error_info error;

  ck_assert_msg(
      mskgov_permit_acquire(governor, broker, NULL, timeout_ms, &permit, &error) == 0, "%s",
      error.text);

  return permit;
}

static inline mskgov_broker_metrics metrics_of(mskgov_governor *governor,
                                               const char *broker) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};

  ck_assert_int_eq(mskgov_governor_broker_metrics(governor, broker, &metrics, NULL), 0);

  return metrics;
}

/* The store's file as it is, writable: its header, and its segments behind it. */
static inline gov_host_header *map_file(size_t *size) {
  int fd = open(test_file, O_RDWR | O_CLOEXEC);
  gov_host_header *header;
  struct stat seen;

  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(fstat(fd, &seen), 0);
  *size = (size_t)seen.st_size;
  header = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ck_assert_ptr_ne(header, MAP_FAILED);
  close(fd);

  return header;
}

static inline gov_host_segment *segment_of(gov_host_header *header, uint32_t place) {
  return (gov_host_segment *)(void *)(header + 1) + place;
}

/* xorshift64*; never 0. */
static inline uint64_t draw(uint64_t *random) {
  *random ^= *random >> 12;
  *random ^= *random << 25;
  *random ^= *random >> 27;

  return *random * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t monotonic_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
