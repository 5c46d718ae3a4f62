#include "storm/crew.h"

#include "common/clock.h"
#include "common/failure.h"
#include "storm/config.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REGION "us-east-1"
#define LINE_MAX_BYTES (64u << 20)
/* For workers to start and to end, on a machine that is busy. */
#define PATIENCE_NS (60 * BENCH_NS_PER_S)

extern char **environ;

typedef struct crew_worker {
  pid_t pid; /* 0: none */
  int in;    /* to its standard input; -1: none */
  int out;   /* from its standard output */
  char *line;
  size_t length, capacity;
  bool ready;
  uint32_t connected;
  json_t *result;
} crew_worker;

struct storm_crew {
  uint32_t count;
  crew_worker workers[STORM_PROCESSES_MAX];
};

/* Item `place` of `count` shares of `total`, as even as they can be. */
static uint32_t share_of(uint32_t total, uint32_t count, uint32_t place) {
  return total / count + (place < total % count);
}

static char *config_line(const storm_crew *crew, uint32_t place,
                         const storm_crew_job *job) {
  const storm_options *options = job->options;
  /* In a rolling restart the clients are there already when it matters. */
  bool spread = job->mode->spread && options->scenario == STORM_COLD;
  const storm_config config = {
      .mode = job->mode,
      .kind = options->kind,
      .clients = share_of(options->clients, crew->count, place),
      .brokers = options->brokers,
      .quota = job->mode->budget == STORM_BUDGET_SHARE ? options->quota / crew->count
                                                       : options->quota,
      .seed = (options->seed + place) & INT64_MAX,
      .spread_ns = spread ? options->clients * BENCH_NS_PER_S / options->quota : 0,
      .bootstrap_servers = mskgov_cluster_bootstrap_servers(job->cluster),
      .ca_pem = mskgov_cluster_ca_pem(job->cluster),
      .region = REGION,
      .access_key_id = mskgov_credentials_access_key_id(job->credentials),
      .secret_access_key = mskgov_credentials_secret_access_key(job->credentials),
      .host_directory = job->host_directory,
  };

  return storm_config_write(&config);
}

static int spawn(crew_worker *worker, mskgov_error_info *error) {
  char name[] = "mskgov-storm", option[] = "--worker";
  char *argv[] = {name, option, NULL};
  posix_spawn_file_actions_t actions;
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  int rc;

  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
    rc = errno;
    close(in[0]);
    close(in[1]);
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot make a pipe: %s", strerror(rc));
  }

  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  rc = posix_spawn(&worker->pid, "/proc/self/exe", &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  worker->in = in[1];
  worker->out = out[0];
  if (rc) {
    worker->pid = 0;
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot start a worker: %s", strerror(rc));
  }

  return 0;
}

static int send_text(crew_worker *worker, const char *text, mskgov_error_info *error) {
  size_t length = strlen(text);

  while (length) {
    ssize_t written = write(worker->in, text, length);

    if (written < 0 && errno != EINTR)
      return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot write to a worker: %s",
                        strerror(errno));
    if (written > 0) {
      text += written;
      length -= (size_t)written;
    }
  }

  return 0;
}

static int hear(crew_worker *worker, const char *line, mskgov_error_info *error) {
  json_t *json = json_loads(line, 0, NULL), *pairs;
  const char *text = NULL;
  int rc = 0;

  text = json_string_value(json_object_get(json, "error"));
  pairs = json_object_get(json, "pairs");
  if (text)
    rc = bench_fail(error, MSKGOV_ERR_SYSTEM, "%s", text);
  else if (pairs)
    worker->result = json_incref(json);
  else if (json_object_get(json, "up"))
    worker->connected = (uint32_t)json_integer_value(json_object_get(json, "up"));
  else if (json_object_get(json, "ready"))
    worker->ready = true;
  else
    rc = bench_fail(error, MSKGOV_ERR_SYSTEM, "a worker says what it should not");
  json_decref(json);

  return rc;
}

/* Hears the whole lines that have come, and keeps what follows them. */
static int hear_lines(crew_worker *worker, mskgov_error_info *error) {
  char *from = worker->line, *end;
  int rc = 0;

  while (!rc &&
         (end = memchr(from, '\n', worker->length - (size_t)(from - worker->line)))) {
    *end = '\0';
    rc = hear(worker, from, error);
    from = end + 1;
  }
  worker->length -= (size_t)(from - worker->line);
  memmove(worker->line, from, worker->length);

  return rc;
}

static int grow(crew_worker *worker, mskgov_error_info *error) {
  size_t capacity = worker->capacity ? worker->capacity * 2 : 65536;
  char *line = capacity <= LINE_MAX_BYTES ? realloc(worker->line, capacity) : NULL;

  if (!line)
    return bench_fail_memory(error);

  worker->line = line;
  worker->capacity = capacity;

  return 0;
}

static int read_from(crew_worker *worker, mskgov_error_info *error) {
  ssize_t got;
  int rc;

  if (worker->length == worker->capacity && (rc = grow(worker, error)))
    return rc;

  got = read(worker->out, worker->line + worker->length, worker->capacity - worker->length);
  if (got < 0)
    return errno == EINTR ? 0
                          : bench_fail(error, MSKGOV_ERR_SYSTEM,
                                       "cannot read from a worker: %s", strerror(errno));
  if (got == 0) {
    close(worker->out);
    worker->out = -1;
    if (!worker->result)
      return bench_fail(error, MSKGOV_ERR_SYSTEM, "a worker has ended too early");
    return 0;
  }
  worker->length += (size_t)got;

  return hear_lines(worker, error);
}

int storm_crew_wait(storm_crew *crew, int timeout_ms, mskgov_error_info *error) {
  struct pollfd polled[STORM_PROCESSES_MAX];
  int count, rc;

  for (uint32_t i = 0; i < crew->count; i++)
    polled[i] = (struct pollfd){.fd = crew->workers[i].out, .events = POLLIN};

  count = tool_signal() ? -1 : poll(polled, crew->count, timeout_ms);
  if (tool_signal())
    return bench_fail(error, MSKGOV_ERR_CANCELED, "interrupted");
  if (count < 0 && errno != EINTR)
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot poll: %s", strerror(errno));

  for (uint32_t i = 0; count > 0 && i < crew->count; i++) {
    if (!polled[i].revents)
      continue;
    rc = read_from(&crew->workers[i], error);
    if (rc)
      return rc;
  }

  return 0;
}

static int start(storm_crew *crew, const storm_crew_job *job, mskgov_error_info *error) {
  int rc = 0;

  for (uint32_t i = 0; !rc && i < crew->count; i++) {
    char *line = config_line(crew, i, job);

    rc = line ? spawn(&crew->workers[i], error) : bench_fail_memory(error);
    if (!rc)
      rc = send_text(&crew->workers[i], line, error);
    storm_config_free_line(line);
  }

  return rc;
}

static bool is_ready(const crew_worker *worker) {
  return worker->ready;
}
static bool is_finished(const crew_worker *worker) {
  return worker->result != NULL;
}

static int wait_for_all(storm_crew *crew, bool (*arrived)(const crew_worker *),
                        const char *what, mskgov_error_info *error) {
  uint64_t until_ns = bench_now_ns() + PATIENCE_NS;
  uint32_t count;
  int rc;

  for (;;) {
    count = 0;
    for (uint32_t i = 0; i < crew->count; i++)
      count += arrived(&crew->workers[i]);
    if (count == crew->count)
      return 0;
    if (bench_now_ns() > until_ns)
      return bench_fail(error, MSKGOV_ERR_SYSTEM, "%u of %u workers have not %s in time",
                        crew->count - count, crew->count, what);

    rc = storm_crew_wait(crew, 100, error);
    if (rc)
      return rc;
  }
}

int storm_crew_new(storm_crew **crew_out, const storm_crew_job *job,
                   mskgov_error_info *error) {
  storm_crew *crew = calloc(1, sizeof(*crew));
  int rc;

  if (!crew)
    return bench_fail_memory(error);

  crew->count = job->options->processes;
  for (uint32_t i = 0; i < crew->count; i++)
    crew->workers[i].in = crew->workers[i].out = -1;

  rc = start(crew, job, error);
  if (!rc)
    rc = wait_for_all(crew, is_ready, "started", error);
  if (rc) {
    storm_crew_free(crew);
    return rc;
  }
  *crew_out = crew;

  return 0;
}

/* Waits for a worker that has nothing more to do, a while; then it is killed. */
static void reap(crew_worker *worker) {
  const struct timespec pause = {.tv_nsec = 5 * BENCH_NS_PER_MS};
  uint64_t until_ns = bench_now_ns() + (worker->result ? 20 * BENCH_NS_PER_S : 0);

  while (waitpid(worker->pid, NULL, WNOHANG) == 0) {
    if (bench_now_ns() >= until_ns || tool_signal())
      kill(worker->pid, SIGKILL);
    nanosleep(&pause, NULL);
  }
}

void storm_crew_free(storm_crew *crew) {
  if (!crew)
    return;

  for (uint32_t i = 0; i < crew->count; i++) {
    crew_worker *worker = &crew->workers[i];

    if (worker->in >= 0)
      close(worker->in);
    if (worker->out >= 0)
      close(worker->out);
    if (worker->pid)
      reap(worker);
    json_decref(worker->result);
    free(worker->line);
  }
  free(crew);
}

static int send_all(storm_crew *crew, const char *text, mskgov_error_info *error) {
  int rc = 0;

  for (uint32_t i = 0; !rc && i < crew->count; i++)
    rc = send_text(&crew->workers[i], text, error);

  return rc;
}

int storm_crew_go(storm_crew *crew, mskgov_error_info *error) {
  return send_all(crew, "go\n", error);
}

uint32_t storm_crew_connected(const storm_crew *crew) {
  uint32_t connected = 0;

  for (uint32_t i = 0; i < crew->count; i++)
    connected += crew->workers[i].connected;

  return connected;
}

double storm_crew_cpu_s(const storm_crew *crew) {
  double sum = 0;

  for (uint32_t i = 0; i < crew->count; i++) {
    struct timespec used;
    clockid_t clock;

    if (!clock_getcpuclockid(crew->workers[i].pid, &clock) && !clock_gettime(clock, &used))
      sum += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
  }

  return sum;
}

int storm_crew_finish(storm_crew *crew, mskgov_error_info *error) {
  int rc = send_all(crew, "stop\n", error);

  return rc ? rc : wait_for_all(crew, is_finished, "finished", error);
}

json_t *storm_crew_result(const storm_crew *crew, uint32_t worker) {
  return crew->workers[worker].result;
}
