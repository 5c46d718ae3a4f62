/*
 * A process is over when its first process, the one started here, has ended: what is in
 * the pipe by then is the answer. The end of the pipe says nothing: one that lives on may
 * have closed it, and an agent that was left behind, or a child that the application forked
 * at the wrong moment, may hold it open for good.
 *
 * The process leads a group of its own, by which all of it is killed. It is reaped last:
 * up to then its number, and that of the group, is nobody else's. An application may reap
 * it first, though (it ignores SIGCHLD, or waits for any child): then there is no status,
 * the answer is judged by what it says, and nothing is killed any more.
 */
#include "credentials/process.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "credentials/command.h"
#include "credentials/credentials.h"
#include "credentials/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As for GOV_SERVICE_ANSWER_MAX: three parts of at most 16 KiB, some of it escaped. */
#define OUTPUT_MAX 65536

/* How often a process is looked at where the kernel does not tell of its end. */
#define TICK_NS (10 * GOV_NS_PER_MS)

/* The minute is that of the AWS SDK for Go (processcreds.DefaultTimeout). */
static const gov_program_limits default_limits = {.timeout_ms = 60000, .kill_ms = 1000};

typedef struct program {
  gov_program_limits limits;
  gov_command command;
  char who[96]; /* the program, and none of its arguments: they may be secrets */
  pid_t left;   /* one that did not die when it was killed, to be reaped; 0: none */
} program;

typedef struct running {
  pid_t pid;
  int output; /* of the pipe; -1: it was closed at the other end */
  int end;    /* a pidfd; -1: there is none (Linux before 5.3), or it has told */
} running;

typedef enum state { RUNNING, ENDED /* and not reaped */, GONE } state;

static state look(pid_t pid, siginfo_t *info) {
  *info = (siginfo_t){0};
  if (waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | WNOWAIT))
    return GONE;

  return info->si_pid ? ENDED : RUNNING;
}

/* Whether it is no child of ours any more. */
static bool reap(pid_t pid) {
  siginfo_t info = {0};

  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) || info.si_pid;
}

/* Standard error is the application's; all else that it has open stays with it. */
static int set_files(posix_spawn_file_actions_t *files, int output) {
  int rc = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);

  if (!rc)
    rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

  return rc ? rc : posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
}

/* Signals that the application ignores or blocks would stay so in the program. */
static int spawn(char *const *words, int output, pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t all, none;
  int rc;

  sigfillset(&all);
  sigemptyset(&none);
  rc = posix_spawn_file_actions_init(&files);
  if (rc)
    return rc;
  rc = posix_spawnattr_init(&attributes);
  if (rc)
    goto free_files;

  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                            POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  rc = set_files(&files, output);
  if (!rc)
    rc = posix_spawnp(pid, words[0], &files, &attributes, words, environ);

  posix_spawnattr_destroy(&attributes);
free_files:
  posix_spawn_file_actions_destroy(&files);

  return rc;
}

static int start(const program *self, running *child, mskgov_error_info *error) {
  int ends[2], rc;

  if (pipe2(ends, O_CLOEXEC))
    return gov_error_set_errno(error, errno, "cannot make a pipe to %s", self->who);

  rc = spawn(self->command.words, ends[1], &child->pid);
  close(ends[1]);
  if (rc) {
    close(ends[0]);
    return gov_error_set_errno(error, rc, "cannot start %s", self->who);
  }

  fcntl(ends[0], F_SETFL, O_NONBLOCK); /* this end alone: the other is the program's */
  child->output = ends[0];
  child->end = (int)syscall(SYS_pidfd_open, child->pid, 0);

  return 0;
}

static void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* Takes what is in the pipe. */
static int drain(const program *self, running *child, gov_buffer *output,
                 mskgov_error_info *error) {
  char chunk[4096];
  ssize_t got = 1;
  int errnum = 0;

  while (child->output >= 0 && !output->failed && (got > 0 || errnum == EINTR)) {
    got = read(child->output, chunk, sizeof(chunk));
    errnum = got < 0 ? errno : 0;
    if (got > 0)
      gov_buffer_append(output, chunk, (size_t)got);
    else if (got == 0)
      close_fd(&child->output);
  }
  gov_secret_wipe(chunk, sizeof(chunk));

  if (output->failed && output->length + (size_t)got <= OUTPUT_MAX)
    return gov_error_no_memory(error);
  if (output->failed)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL, "%s wrote more than %d bytes",
                         self->who, OUTPUT_MAX);
  if (errnum && errnum != EAGAIN)
    return gov_error_set_errno(error, errnum, "cannot read what %s writes", self->who);

  return 0;
}

/* Until there is something to read, the process has ended, or the time is over. */
static void rest(running *child, uint64_t ns) {
  struct pollfd entries[] = {{.fd = child->output, .events = POLLIN},
                             {.fd = child->end, .events = POLLIN}};
  uint64_t ms;

  if (child->end < 0 && ns > TICK_NS)
    ns = TICK_NS;
  ms = ns / GOV_NS_PER_MS + 1;
  if (poll(entries, 2, ms < INT_MAX ? (int)ms : INT_MAX) > 0 && entries[1].revents)
    close_fd(&child->end); /* so that there is no spinning, should it not be seen yet */
}

static int judge(const program *self, const siginfo_t *info, mskgov_error_info *error) {
  const char *name;

  if (info->si_code == CLD_EXITED)
    return info->si_status
               ? gov_error_set(error, MSKGOV_ERR_REFUSED, "%s ended with the status %d",
                               self->who, info->si_status)
               : 0;

  name = sigabbrev_np(info->si_status);

  return gov_error_set(error, MSKGOV_ERR_REFUSED, "%s was ended by signal %d (SIG%s)",
                       self->who, info->si_status, name ? name : "?");
}

/* Collects the output until the process has ended. *cut: it was not waited for. */
static int follow(const program *self, running *child, gov_buffer *output, bool *cut,
                  mskgov_error_info *error) {
  uint64_t until_ns = gov_time_add(gov_clock_monotonic_ns(&gov_clock_system),
                                   gov_ms_to_ns(self->limits.timeout_ms));
  uint64_t now_ns;
  siginfo_t info;
  state seen;
  int rc;

  *cut = true;
  for (;;) {
    seen = look(child->pid, &info); /* before the pipe, so that nothing comes after */
    rc = drain(self, child, output, error);
    if (rc)
      return rc;
    if (seen != RUNNING)
      break;

    now_ns = gov_clock_monotonic_ns(&gov_clock_system);
    if (now_ns >= until_ns)
      return gov_error_set(error, MSKGOV_ERR_DEADLINE, "%s did not end within %u ms",
                           self->who, self->limits.timeout_ms);
    rest(child, until_ns - now_ns);
  }
  *cut = false;

  return seen == ENDED ? judge(self, &info, error) : 0;
}

static void kill_group(pid_t pid) {
  siginfo_t info;

  if (look(pid, &info) != GONE)
    kill(-pid, SIGKILL);
}

/* A process that may not be killed (sudo), or not yet, is not waited for for good. */
static void finish(program *self, running *child) {
  uint64_t until_ns = gov_time_add(gov_clock_monotonic_ns(&gov_clock_system),
                                   gov_ms_to_ns(self->limits.kill_ms));
  uint64_t now_ns;

  close_fd(&child->output);
  while (!reap(child->pid)) {
    now_ns = gov_clock_monotonic_ns(&gov_clock_system);
    if (now_ns >= until_ns) {
      self->left = child->pid;
      break;
    }
    rest(child, until_ns - now_ns);
  }
  close_fd(&child->end);
}

static int run(program *self, gov_buffer *output, mskgov_error_info *error) {
  running child;
  bool cut;
  int rc;

  if (self->left && !reap(self->left))
    return gov_error_set(error, MSKGOV_ERR_DEADLINE,
                         "%s was killed and is still there, as process %ld", self->who,
                         (long)self->left);
  self->left = 0;

  rc = start(self, &child, error);
  if (rc)
    return rc;

  rc = follow(self, &child, output, &cut, error);
  if (cut)
    kill_group(child.pid);
  finish(self, &child);

  return rc;
}

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  program *self = object;
  gov_buffer output;
  int rc;

  gov_buffer_init(&output, OUTPUT_MAX);
  rc = run(self, &output, error);
  if (!rc)
    rc = gov_credentials_json_read(&gov_credentials_shape_process, self->who, output.data,
                                   output.length, credentials, error);
  gov_buffer_fini(&output);
  if (!rc)
    gov_credentials_set_source(*credentials, "process %s", self->command.words[0]);

  return rc;
}

static void release(void *object) {
  program *self = object;

  if (self->left)
    reap(self->left);
  gov_secret_free(self, sizeof(*self));
}

static const mskgov_credentials_provider_ops operations = {get, release};

/* Up to what shows that it is more than a program: a variable, or all of a command in one
   pair of quotes. */
static int name_length(const char *word) {
  size_t length = strcspn(word, " \t=");

  return length < 64 ? (int)length : 64;
}

int gov_program_new(mskgov_credentials_provider **provider, const char *command,
                    const gov_program_limits *limits, mskgov_error_info *error) {
  program *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  self = gov_secret_zalloc(sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  self->limits = *limits;
  rc = gov_command_split(&self->command, command, error);
  if (!rc) {
    snprintf(self->who, sizeof(self->who), "the credential process \"%.*s\"",
             name_length(self->command.words[0]), self->command.words[0]);
    rc = mskgov_credentials_provider_new(provider, &operations, self, error);
  }
  if (rc)
    release(self);

  return rc;
}

int mskgov_credentials_provider_new_process(mskgov_credentials_provider **provider,
                                            const char *command, mskgov_error_info *error) {
  return gov_program_new(provider, command, &default_limits, error);
}
