/*
 * Programs to run: scripts for sh, in a directory of the test's own. Linked with
 * --wrap=syscall, so that there are pidfds as the test says.
 */
#ifndef TEST_PROGRAM_FIXTURE_H
#define TEST_PROGRAM_FIXTURE_H

#include "credentials/process.h"
#include "example_credentials.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const gov_program_limits ample = {.timeout_ms = 25000, .kill_ms = 25000};

#define KEYS "{\"Version\":1,\"AccessKeyId\":\"" ID "\",\"SecretAccessKey\":\"" SECRET "\""
#define ANSWER KEYS ",\"SessionToken\":\"" SESSION "\",\"Expiration\":\"" EXPIRATION "\"}"

/* While it is on, the kernel has no pidfds. */
static bool pidfd_is_off;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...) {
  long arguments[6];
  va_list list;

  va_start(list, number);
  for (size_t i = 0; i < 6; i++)
    arguments[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_pidfd_open && pidfd_is_off) {
    errno = ENOSYS;
    return -1;
  }

  return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                        arguments[4], arguments[5]);
}

static char directory[64];

static inline const char *in_directory(const char *name) {
  static char path[128];

  snprintf(path, sizeof(path), "%s/%s", directory, name);

  return path;
}

static inline void put(const char *name, mode_t mode, const char *text, size_t length) {
  int fd = open(in_directory(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, length), (int)length);
  close(fd);
}

static inline void put_text(const char *name, const char *text) {
  put(name, 0700, text, strlen(text));
}

/* With a script, and an answer to write. Scripts are run in the directory. */
static inline void set_up(const char *script) {
  strcpy(directory, "/tmp/mskgov-process-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(directory));
  ck_assert_int_eq(chdir(directory), 0);
  put_text("answer", ANSWER);
  put_text("script", script);
}

static inline void tear_down(void) {
  static const char *const names[] = {"answer", "script", "seen", "quick", "fifo"};

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    unlink(in_directory(names[i]));
  ck_assert_int_eq(rmdir(directory), 0);
}

static inline mskgov_credentials_provider *make(const char *command,
                                                const gov_program_limits *limits) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  ck_assert_msg(gov_program_new(&provider, command, limits, &error) == 0, "%s", error.text);

  return provider;
}

static inline int count_descriptors(void) {
  int count = 0;

  for (int fd = 0; fd < 256; fd++)
    count += fcntl(fd, F_GETFD) >= 0;

  return count;
}

/* Neither processes nor descriptors are left behind. */
static inline int get_cleanly(mskgov_credentials_provider *provider,
                              mskgov_credentials **got, mskgov_error_info *error) {
  int before = count_descriptors(), rc;

  rc = mskgov_credentials_provider_get(provider, got, error);
  ck_assert_int_eq(error->code, rc);
  ck_assert_int_eq(count_descriptors(), before);
  ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
  ck_assert_int_eq(errno, ECHILD);

  return rc;
}

static inline int run(const char *command, const gov_program_limits *limits,
                      mskgov_credentials **got, mskgov_error_info *error) {
  mskgov_credentials_provider *provider = make(command, limits);
  int rc = get_cleanly(provider, got, error);

  mskgov_credentials_provider_free(provider);

  return rc;
}

static inline void run_well(const char *command) {
  mskgov_credentials *got;
  mskgov_error_info error;

  ck_assert_msg(run(command, &ample, &got, &error) == 0, "%s", error.text);
  check_example(got);
}

static inline void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"wJalr", "IQoJb", ID, "hunter2", "script"};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

#endif
