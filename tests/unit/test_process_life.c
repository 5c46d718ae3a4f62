/*
 * The provider that runs a program: how the program ends, and that nothing of it is left.
 * Linked with --wrap for kill and read, so that a process survives, and its output cannot
 * be read, as the test says.
 */
#include "harness.h"
#include "program_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>

static const gov_program_limits brief = {.timeout_ms = 200, .kill_ms = 25000};

static bool kill_is_off;
static int read_errnum; /* of the next read; 0: it is made */

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);
ssize_t __real_read(int fd, void *data, size_t length);
ssize_t __wrap_read(int fd, void *data, size_t length);

int __wrap_kill(pid_t pid, int signal) {
  if (!kill_is_off)
    return __real_kill(pid, signal);
  errno = EPERM;

  return -1;
}

ssize_t __wrap_read(int fd, void *data, size_t length) {
  if (!read_errnum)
    return __real_read(fd, data, length);
  errno = read_errnum;
  read_errnum = 0;

  return -1;
}

/*
 * Whoever holds standard error, holds this pipe: it ends when the last of them has. From
 * `begin` on; `end` waits for it.
 */
static struct { int saved, from; } watch;

static void watch_begin(void) {
  int ends[2];

  ck_assert_int_eq(pipe(ends), 0);
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  watch.from = ends[0];
  watch.saved = fcntl(2, F_DUPFD_CLOEXEC, 100);
  dup2(ends[1], 2);
  close(ends[1]);
}

static void watch_end(void) {
  struct pollfd entry = {.fd = watch.from, .events = POLLIN};
  char byte;

  dup2(watch.saved, 2);
  close(watch.saved);
  ck_assert_int_eq(poll(&entry, 1, 20000), 1);
  ck_assert_int_eq(read(watch.from, &byte, 1), 0);
  close(watch.from);
}

/* Each would take 40 s. */
static const char *const slow[] = {
    "sleep 40",
    "exec sleep 40",
    "cat answer; sleep 40",
    "cat answer; exec >&-; sleep 40", /* the output has ended, and it goes on */
    "exec >&-; exec sleep 40",
    "sleep 40 & sleep 40 & wait",
    "trap '' TERM HUP INT; sleep 40 | sleep 40",
    "while :; do printf ' '; sleep 0.01; done",
};

START_TEST(test_time_is_over) {
  mskgov_credentials *got;
  mskgov_error_info error;

  for (int i = 0; i < 2; i++) {
    pidfd_is_off = i;
    set_up(slow[_i]);
    watch_begin();
    ck_assert_int_eq(run("sh script", &brief, &got, &error), MSKGOV_ERR_DEADLINE);
    watch_end();
    check_text(&error, "the credential process \"sh\" did not end within 200 ms");
    tear_down();
  }
}
END_TEST

START_TEST(test_too_much_is_killed) {
  mskgov_credentials *got;
  mskgov_error_info error;

  set_up("sleep 40 & head -c 65537 /dev/zero; sleep 40");
  watch_begin();
  ck_assert_int_eq(run("sh script", &ample, &got, &error), MSKGOV_ERR_PROTOCOL);
  watch_end();
  check_text(&error, "more than 65536 bytes");
  tear_down();
}
END_TEST

/* An agent keeps the pipe, and is left alone: it answers when it is spoken to. */
START_TEST(test_what_is_left_running) {
  static const char expected[] = "here\n";
  char text[16] = "";
  int fd;

  pidfd_is_off = _i;
  set_up("mkfifo fifo; { read line; echo $line >&2; } <fifo & cat answer");
  watch_begin();
  run_well("sh script");
  dup2(watch.saved, 2);
  fd = open(in_directory("fifo"), O_RDWR | O_CLOEXEC);
  ck_assert_int_eq(write(fd, expected, strlen(expected)), (int)strlen(expected));
  ck_assert_int_eq(read(watch.from, text, sizeof(text) - 1), (int)strlen(expected));
  ck_assert_str_eq(text, expected);
  close(fd);
  watch_end();
  tear_down();
}
END_TEST

/* The pipe cannot be read: once for a reason that passes, or for good. */
START_TEST(test_read_fails) {
  mskgov_credentials *got;
  mskgov_error_info error;

  set_up("cat answer");
  read_errnum = EINTR;
  run_well("sh script");
  ck_assert_int_eq(read_errnum, 0);

  put_text("script", "sleep 40 & sleep 40");
  read_errnum = EIO;
  watch_begin();
  ck_assert_int_eq(run("sh script", &ample, &got, &error), MSKGOV_ERR_SYSTEM);
  watch_end();
  check_text(&error, "cannot read what the credential process \"sh\" writes: Input/output");
  tear_down();
}
END_TEST

static void ignore(int number) {
  (void)number;
}

static void reap_any(int number) {
  int errnum = errno;

  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0)
    ;
  errno = errnum;
}

static const struct sigaction hosts[] = {
    {.sa_handler = SIG_IGN},
    {.sa_handler = ignore, .sa_flags = SA_NOCLDWAIT},
    {.sa_handler = reap_any, .sa_flags = SA_RESTART},
    {.sa_handler = reap_any}, /* calls are interrupted */
};

START_TEST(test_application_reaps) {
  mskgov_credentials *got;
  mskgov_error_info error;

  ck_assert_int_eq(sigaction(SIGCHLD, &hosts[_i], NULL), 0);
  for (int i = 0; i < 2; i++) {
    pidfd_is_off = i;
    set_up("cat answer");
    run_well("sh script");
    put_text("script", "sleep 0.05; cat answer");
    run_well("sh script");
    put_text("script", "echo; exit 3");
    ck_assert_int_eq(run("sh script", &ample, &got, &error),
                     _i < 2 ? MSKGOV_ERR_PROTOCOL : error.code);
    ck_assert_int_ne(error.code, 0);

    /* It is still there, so it is killed. */
    put_text("script", "sleep 40 & sleep 40");
    watch_begin();
    ck_assert_int_eq(run("sh script", &brief, &got, &error), MSKGOV_ERR_DEADLINE);
    watch_end();
    tear_down();
  }
  if (_i < 2) { /* nobody knows the status */
    set_up("cat answer; exit 3");
    run_well("sh script");
    tear_down();
  }
}
END_TEST

/* An alarm every millisecond, which restarts no call. */
START_TEST(test_interrupted) {
  const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  const struct sigaction action = {.sa_handler = ignore};

  pidfd_is_off = _i;
  set_up("sleep 0.1; cat answer; exec >&-; sleep 0.1");
  ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
  setitimer(ITIMER_REAL, &often, NULL);
  run_well("sh script");
  setitimer(ITIMER_REAL, &never, NULL);
  tear_down();
}
END_TEST

/* The number of the process that an error names, killed for good and not reaped. */
static void kill_named(const mskgov_error_info *error) {
  const char *place = strstr(error->text, "as process ");
  siginfo_t info;
  pid_t pid;

  ck_assert_ptr_nonnull(place);
  pid = (pid_t)atol(place + strlen("as process "));
  ck_assert_int_gt(pid, 1);
  ck_assert_int_eq(__real_kill(-pid, SIGKILL), 0);
  ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

START_TEST(test_not_to_be_killed) {
  static const gov_program_limits limits = {.timeout_ms = 2000, .kill_ms = 20};
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;
  mskgov_error_info error;

  set_up("[ -e quick ] || exec sleep 40; cat answer");
  provider = make("sh script", &limits);
  kill_is_off = true;
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                   MSKGOV_ERR_DEADLINE);
  check_text(&error, "did not end within 2000 ms");
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error),
                     MSKGOV_ERR_DEADLINE);
    check_text(&error, "\"sh\" was killed and is still there, as process ");
  }

  kill_named(&error);
  put_text("quick", "");
  if (_i == 0) {
    ck_assert_msg(get_cleanly(provider, &got, &error) == 0, "%s", error.text);
    check_example(got);
  }
  mskgov_credentials_provider_free(provider);
  ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
  tear_down();
}
END_TEST

TEST_MAIN("process_life", TEST_TABLE(test_time_is_over, slow),
          TEST(test_too_much_is_killed), TEST_LOOP(test_what_is_left_running, 2),
          TEST(test_read_fails), TEST_TABLE(test_application_reaps, hosts),
          TEST_LOOP(test_interrupted, 2), TEST_LOOP(test_not_to_be_killed, 2))
