/*
 * Real processes that share the host store of a test: this program, started again with what
 * it is to do. They tell on their standard output, a line each time, what they have done.
 */
#ifndef TEST_HOST_CHILDREN_H
#define TEST_HOST_CHILDREN_H

#include "../unit/harness.h"

#include <mskgov/mskgov.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKER "b-1.example:9098"
#define NS_PER_MS UINT64_C(1000000)
#define WINDOW_MS 1000u
#define CHILD_ARGUMENTS 5

extern char **environ;

static char test_directory[64];

/* What a child does: a name, and its arguments. */
typedef struct role {
  const char *name;
  int (*play)(mskgov_governor *governor, int first, int second);
} role;

typedef struct child {
  pid_t pid;
  FILE *told;
} child;

static inline uint64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static inline void sleep_ms(uint64_t ms) {
  struct timespec time = {.tv_sec = (time_t)(ms / 1000),
                          .tv_nsec = (long)(ms % 1000) * 1000000};

  nanosleep(&time, NULL);
}

static inline uint64_t ms_since(uint64_t ns) {
  return (now_ns() - ns) / NS_PER_MS;
}

static inline void make_directory(void) {
  strcpy(test_directory, "/tmp/mskgov-host-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(test_directory));
}

static inline void remove_directory(void) {
  char path[96];

  snprintf(path, sizeof(path), "%s/host-store", test_directory);
  unlink(path);
  unlink(strcat(path, ".lock"));
  rmdir(test_directory);
}

/* A member: so many a second, so many open. */
static inline mskgov_governor *open_store(uint32_t per_s, uint32_t open) {
  mskgov_governor_options options;
  mskgov_governor *governor = NULL;
  mskgov_error_info error;

  mskgov_governor_options_init(&options);
  options.quota = mskgov_quota_custom(per_s, open);
  options.backoff_base_ms = options.backoff_cap_ms = 1;
  options.store = MSKGOV_STORE_HOST;
  options.host_directory = test_directory;
  if (mskgov_governor_new(&governor, &options, &error))
    fprintf(stderr, "%s\n", error.text);

  return governor;
}

static inline void tell(const char *what) {
  puts(what);
  fflush(stdout);
}

/* Some are meant to be held until the process ends; they are noted, so as to be no leak. */
static _Atomic(mskgov_permit *) test_held[64];

/* NULL: not within the time. */
static inline mskgov_permit *acquire(mskgov_governor *governor, uint64_t timeout_ms) {
  static atomic_uint count;
  mskgov_permit *permit = NULL;

  mskgov_permit_acquire(governor, BROKER, NULL, timeout_ms, &permit, NULL);
  test_held[atomic_fetch_add(&count, 1) % 64] = permit;

  return permit;
}

/* NULL: not within the time. */
static inline mskgov_permit *connect_one(mskgov_governor *governor, uint64_t timeout_ms) {
  mskgov_permit *permit = acquire(governor, timeout_ms);

  if (permit)
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);

  return permit;
}

/* The main function of a child: "--child directory role quota first second". */
static inline int be_child(char **argv, const role *roles, size_t count) {
  unsigned per_s = 0, open = 0;
  mskgov_governor *governor = NULL;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  snprintf(test_directory, sizeof(test_directory), "%s", argv[2]);
  if (sscanf(argv[4], "%u/%u", &per_s, &open) == 2) {
    governor = open_store(per_s, open);
    if (!governor)
      return 3;
  }
  for (size_t i = 0; i < count; i++)
    if (!strcmp(argv[3], roles[i].name))
      return roles[i].play(governor, atoi(argv[5]), atoi(argv[6]));

  return 3;
}

/* `quota`: "per second/open"; "": not a member. */
static inline child spawn_child(const char *name, const char *quota, int first,
                                int second) {
  char numbers[2][16], option[] = "--child", name_copy[32], quota_copy[32];
  char *argv[] = {option,     option,     test_directory, name_copy,
                  quota_copy, numbers[0], numbers[1],     NULL};
  posix_spawn_file_actions_t actions;
  child spawned;
  int ends[2];

  snprintf(name_copy, sizeof(name_copy), "%s", name);
  snprintf(quota_copy, sizeof(quota_copy), "%s", quota);
  snprintf(numbers[0], sizeof(numbers[0]), "%d", first);
  snprintf(numbers[1], sizeof(numbers[1]), "%d", second);
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ck_assert_int_eq(
      posix_spawn(&spawned.pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  spawned.told = fdopen(ends[0], "r");

  return spawned;
}

/* Waits until the child tells something; its number, if it is one. */
static inline uint64_t hear(child *from) {
  char line[64] = "";

  ck_assert_ptr_nonnull(fgets(line, sizeof(line), from->told));

  return strtoull(line, NULL, 10);
}

static inline void kill_child(child *victim) {
  kill(victim->pid, SIGKILL);
  waitpid(victim->pid, NULL, 0);
  fclose(victim->told);
}

static inline int pause_for_ever(void) {
  for (;;)
    pause();

  return 0;
}

#endif
