/*
 * The provider that runs a program: what it is run with, and what it answers. Linked with
 * --wrap for gov_secret_free and gov_secret_wipe, so that the test sees what is wiped.
 */
#include "base/secret.h"
#include "harness.h"
#include "program_fixture.h"

#include <signal.h>

/* What was wiped: the output as a whole and in a piece of it, and the command. */
static bool buffer_wiped, chunk_wiped, command_wiped;

void __real_gov_secret_free(void *memory, size_t length);
void __wrap_gov_secret_free(void *memory, size_t length);
void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

static bool holds(const void *memory, size_t length, const char *text) {
  return memory && memmem(memory, length, text, strlen(text));
}

void __wrap_gov_secret_free(void *memory, size_t length) {
  buffer_wiped = buffer_wiped || holds(memory, length, "Key\":\"" SECRET);
  command_wiped = command_wiped || holds(memory, length, "hunter2");
  __real_gov_secret_free(memory, length);
}

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  chunk_wiped = chunk_wiped || holds(memory, length, "Key\":\"" SECRET);
  __real_gov_secret_wipe(memory, length);
}

START_TEST(test_credentials) {
  mskgov_credentials *got;
  mskgov_error_info error;

  pidfd_is_off = _i;
  set_up("cat answer");
  run_well("sh script");

  put_text("answer", KEYS "}");
  ck_assert_int_eq(run("sh script", &ample, &got, &error), 0);
  ck_assert_ptr_null(mskgov_credentials_session_token(got));
  ck_assert(mskgov_credentials_expires_at_ns(got) == MSKGOV_NEVER);
  ck_assert_str_eq(mskgov_credentials_source(got), "process sh");
  mskgov_credentials_free(got);

  put_text("answer", KEYS ",\"Expiration\":\"2020-01-02T03:04:05Z\"}");
  ck_assert_int_eq(run("sh script", &ample, &got, &error), MSKGOV_ERR_CREDENTIALS_EXPIRED);
  tear_down();
}
END_TEST

START_TEST(test_words) {
  static const char expected[] = "<a b><><$HOME><*>";
  char seen[64] = "";
  int fd;

  set_up("for word; do printf '<%s>' \"$word\"; done >seen; cat answer");
  run_well("sh script 'a b' \"\" $HOME *");
  fd = open(in_directory("seen"), O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(read(fd, seen, sizeof(seen) - 1), (int)strlen(expected));
  ck_assert_str_eq(seen, expected);
  close(fd);
  tear_down();
}
END_TEST

START_TEST(test_program_is_found_by_path) {
  char path[4096];

  set_up("#!/bin/sh\ncat answer");
  snprintf(path, sizeof(path), "%s:%s", directory, getenv("PATH"));
  setenv("PATH", path, 1);
  run_well("script");
  run_well("./script");
  tear_down();
}
END_TEST

/* Each exit status is one of the checks. glibc ignores the two signals of its own. */
START_TEST(test_surroundings) {
  sigset_t blocked;

  set_up("glibc=0000000180000000\n"
         "[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] || exit 3\n"
         "[ ! -e /proc/$$/fd/100 ] || exit 4\n"
         "[ -e /proc/$$/fd/2 ] || exit 5\n"
         "read -r pid name state parent group rest </proc/$$/stat\n"
         "[ $group = $$ ] || exit 6\n"
         "while read -r key value; do\n"
         "  case $key in\n"
         "  SigBlk:) [ $value = 0000000000000000 ] || exit 7 ;;\n"
         "  SigIgn:) [ $value = 0000000000000000 ] || [ $value = $glibc ] || exit 8 ;;\n"
         "  esac\n"
         "done </proc/$$/status\n"
         "[ \"$MSKGOV_TEST\" = here ] || exit 9\n"
         "cat answer");
  ck_assert_int_eq(dup2(0, 100), 100);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  setenv("MSKGOV_TEST", "here", 1);
  run_well("sh script");
  tear_down();
}
END_TEST

/* The pipe then gets a number that the program's own descriptors have. */
START_TEST(test_standard_descriptors_are_closed) {
  mskgov_credentials_provider *provider;
  mskgov_credentials *got = NULL;
  int saved[3], rc;

  set_up("cat answer");
  provider = make("sh script", &ample);
  for (int mask = 0; mask < 8; mask++) {
    for (int fd = 0; fd < 3; fd++) {
      saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
      if (mask & 1 << fd)
        close(fd);
    }
    rc = mskgov_credentials_provider_get(provider, &got, NULL);
    for (int fd = 0; fd < 3; fd++) {
      dup2(saved[fd], fd);
      close(saved[fd]);
    }
    ck_assert_msg(rc == 0, "%d, with mask %d", rc, mask);
    check_example(got);
  }
  mskgov_credentials_provider_free(provider);
  tear_down();
}
END_TEST

static const struct {
  const char *command, *script;
  int rc;
  const char *expected;
} failures[] = {
    {"sh script hunter2", "cat answer; exit 3", MSKGOV_ERR_REFUSED,
     "the credential process \"sh\" ended with the status 3"},
    {"sh script", "cat answer; kill -KILL $$", MSKGOV_ERR_REFUSED,
     "the credential process \"sh\" was ended by signal 9 (SIGKILL)"},
    {"sh script", "kill -TERM $$", MSKGOV_ERR_REFUSED, "signal 15 (SIGTERM)"},
    {"sh script", "", MSKGOV_ERR_PROTOCOL,
     "the credential process \"sh\" answered with something else than an object in JSON"},
    {"sh script", "echo " SECRET, MSKGOV_ERR_PROTOCOL, "JSON"},
    {"sh script", "cat answer answer", MSKGOV_ERR_PROTOCOL, "JSON"},
    {"sh script", "cat answer >&2", MSKGOV_ERR_PROTOCOL, "JSON"},
    {"sh script", "echo '{\"Version\":2}'", MSKGOV_ERR_PROTOCOL, "Version is 2"},
    {"sh script", "head -c 65537 /dev/zero", MSKGOV_ERR_PROTOCOL,
     "the credential process \"sh\" wrote more than 65536 bytes"},
    {"sh script", "cat /dev/zero", MSKGOV_ERR_PROTOCOL, "wrote more than 65536 bytes"},
    {"/nowhere/tool hunter2", "", MSKGOV_ERR_SYSTEM,
     "cannot start the credential process \"/nowhere/tool\": No such file or directory"},
    {"/tmp hunter2", "", MSKGOV_ERR_SYSTEM, "\"/tmp\": Permission denied"},
};

START_TEST(test_failures) {
  mskgov_credentials *got;
  mskgov_error_info error;
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(2);

  dup2(null, 2);
  set_up(failures[_i].script);
  ck_assert_int_eq(run(failures[_i].command, &ample, &got, &error), failures[_i].rc);
  check_text(&error, failures[_i].expected);
  ck_assert_ptr_null(got);
  tear_down();
  dup2(saved, 2);
  close(saved);
  close(null);
}
END_TEST

START_TEST(test_longest_output) {
  static char text[65536];

  set_up("cat answer");
  memset(text, ' ', sizeof(text));
  memcpy(text + sizeof(text) - strlen(ANSWER), ANSWER, strlen(ANSWER));
  put("answer", 0600, text, sizeof(text));
  run_well("sh script");
  tear_down();
}
END_TEST

START_TEST(test_all_is_wiped) {
  mskgov_credentials *got;
  mskgov_error_info error;

  set_up("cat answer");
  run_well("sh script hunter2");
  ck_assert(buffer_wiped && chunk_wiped && command_wiped);

  buffer_wiped = chunk_wiped = command_wiped = false;
  put_text("script", "cat answer; exit 3");
  ck_assert_int_ne(run("sh script hunter2", &ample, &got, &error), 0);
  ck_assert(buffer_wiped && chunk_wiped && command_wiped);
  tear_down();
}
END_TEST

START_TEST(test_commands_are_checked_at_once) {
  static const char *const bad[] = {NULL, "", " ", "tool 'hunter2", "tool hunter2\\"};
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ck_assert_int_eq(mskgov_credentials_provider_new_process(&provider, bad[i], &error),
                     MSKGOV_ERR_INVALID);
    check_text(&error, "command");
    ck_assert_ptr_null(provider);
  }

  set_up("cat answer");
  ck_assert_int_eq(mskgov_credentials_provider_new_process(&provider, "sh script", &error),
                   0);
  mskgov_credentials_provider_free(provider);
  tear_down();
}
END_TEST

TEST_MAIN("process", TEST_LOOP(test_credentials, 2), TEST(test_words),
          TEST(test_program_is_found_by_path), TEST(test_surroundings),
          TEST(test_standard_descriptors_are_closed), TEST_TABLE(test_failures, failures),
          TEST(test_longest_output), TEST(test_all_is_wiped),
          TEST(test_commands_are_checked_at_once))
