/*
 * Processes that share a host store and are killed at random moments, by SIGKILL.
 *
 *   test_host_kills [--kills N] [--processes P] [--seed S]
 *
 * Each process asks for permits without end, arrives at an imaginary broker some time after
 * each grant, and writes the moment down in memory that all share. Many arrive together, at
 * the ends of common periods, as after a pause of the network: what the bucket has spread is
 * bunched up again, and only the arrival window keeps to the quota. The judge is that log:
 * no window ever holds more arrivals than the quota, whatever was killed when; and while
 * there is always somebody waiting, nobody arrives for longer than a window (and a busy
 * machine's delay) never. Connections that killed processes held open would fill the limit
 * within seconds, so that a leak shows as a standstill.
 *
 * They are killed one by one and several at once, while they start, while others clear up
 * after the last one, and while they are stopped; and some are stopped and go on. Two of
 * them race for the words of a store of their own (host_race.h).
 *
 * It is a program of its own, so that it can be left running. Without --kills it takes their
 * number from MSKGOV_TEST_KILLS. Exit status: 0 held, 1 not.
 */
#include "host_race.h"

#include "../unit/harness.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define BROKER "b-1.example:9098"
#define PROCESSES_MAX 64
#define RACERS 2
#define LOG_MAX (1u << 20)
#define NS_PER_MS UINT64_C(1000000)

/* 60 in any 100 ms; 90 open or on their way. */
#define WINDOW_MS 100u
#define WINDOW_NS (WINDOW_MS * NS_PER_MS)
#define PER_SECOND 600u
#define QUOTA 60u
#define OPEN_MAX 90u
/* Arrivals meet at multiples of this; two such moments lie within a window. */
#define PERIOD_NS (75 * NS_PER_MS)
/* Beyond a window, what a loaded machine may take to give a thread the processor; with
   sanitizers programs take long to start. */
#define DELAY_NS ((TEST_CHILD_MAY_START_THREADS ? 500 : 4000) * NS_PER_MS)
/* On top, what it took the machine to wake a thread that only slept, as often as there are
   threads between a word that becomes free and the next arrival. */
#define HOPS 4
/* After this, who has a place in the log has written to it, unless it was killed. */
#define LAG_NS (50 * NS_PER_MS)
/* Threads of a process that each hold a connection or wait for one. */
#define THREADS 12
#define RECENT_MAX 1024

extern char **environ;

typedef struct shared {
  atomic_uint_fast64_t count;
  _Atomic uint64_t at_ns[LOG_MAX]; /* a ring */
  race race;
} shared;

static uint64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static void sleep_ns(uint64_t ns) {
  struct timespec time = {.tv_sec = (time_t)(ns / (1000 * NS_PER_MS)),
                          .tv_nsec = (long)(ns % (1000 * NS_PER_MS))};

  nanosleep(&time, NULL);
}

static uint64_t draw(uint64_t *random, uint64_t below) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;

  return *random % below;
}

static shared *map_shared(const char *path) {
  FILE *file = fopen(path, "r+e");
  shared *memory = file ? mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED,
                               fileno(file), 0)
                        : MAP_FAILED;

  if (memory == MAP_FAILED) {
    perror(path);
    exit(3);
  }
  fclose(file);

  return memory;
}

/* One of the processes that are killed. */

typedef struct child {
  mskgov_governor *governor;
  shared *log;
  atomic_uint_fast64_t random;
} child;

static void arrive(shared *log) {
  uint64_t place = atomic_fetch_add(&log->count, 1);

  atomic_store(&log->at_ns[place % LOG_MAX], now_ns());
}

static void *connect_for_ever(void *argument) {
  child *self = argument;
  uint64_t random = atomic_fetch_add(&self->random, 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
  mskgov_permit *permit;

  for (;;) {
    if (mskgov_permit_acquire(self->governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL))
      exit(3);
    sleep_ns(draw(&random, 4) ? PERIOD_NS - now_ns() % PERIOD_NS
                              : draw(&random, 5 * NS_PER_MS));
    arrive(self->log);
    sleep_ns(draw(&random, 20 * NS_PER_MS));
    if (draw(&random, 4) == 0) {
      mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL);
    } else {
      mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
      sleep_ns(draw(&random, 20 * NS_PER_MS));
    }
    mskgov_permit_release(permit);
  }

  return NULL;
}

static int be_child(char **argv) {
  const char *directory = argv[2], *log_path = argv[3];
  child self = {.log = map_shared(log_path), .random = strtoull(argv[4], NULL, 10)};
  mskgov_governor_options options;
  mskgov_error_info error;
  pthread_t thread;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (*argv[5] == 'r')
    return race_run(&self.log->race, directory, now_ns);

  mskgov_governor_options_init(&options);
  options.quota = mskgov_quota_custom(PER_SECOND, OPEN_MAX);
  options.quota.window_ms = WINDOW_MS;
  options.grant_spread_ms = 0;
  options.backoff_base_ms = options.backoff_cap_ms = 1;
  options.store = MSKGOV_STORE_HOST;
  options.host_directory = directory;
  if (mskgov_governor_new(&self.governor, &options, &error)) {
    fprintf(stderr, "%s\n", error.text);
    return 3;
  }
  for (int i = 1; i < THREADS; i++)
    if (pthread_create(&thread, NULL, connect_for_ever, &self))
      return 3;
  connect_for_ever(&self);

  return 3;
}

/* The judge. */

typedef struct judge {
  char directory[64], race_directory[96], log_path[96];
  shared *log;
  uint64_t read, until, until_ns; /* of the log; until where, and when that was */
  uint64_t pending[LOG_MAX];
  size_t pending_count;
  uint64_t judged;             /* arrivals */
  uint64_t recent[RECENT_MAX]; /* of a window, sorted */
  size_t recent_count, most;
  uint64_t worst_gap_ns, last_ns, began_ns;
  uint64_t broken;
  int processes;
  pid_t pids[PROCESSES_MAX];
  uint64_t random, kills, bursts, stops;
} judge;

static int compare_times(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

  return (a > b) - (a < b);
}

static void judge_one(judge *self, uint64_t at_ns) {

  size_t past = 0;

  if (self->last_ns && at_ns - self->last_ns > self->worst_gap_ns)
    self->worst_gap_ns = at_ns - self->last_ns;
  self->last_ns = at_ns;
  self->judged++;

  /* both ends of the window count */
  while (past < self->recent_count && at_ns - self->recent[past] > WINDOW_NS)
    past++;
  self->recent_count -= past;
  memmove(self->recent, self->recent + past, self->recent_count * sizeof(at_ns));
  if (self->recent_count < RECENT_MAX)
    self->recent[self->recent_count++] = at_ns;
  if (self->recent_count > self->most)
    self->most = self->recent_count;
  self->broken += self->recent_count > QUOTA;
}

/* Judges the arrivals before `before_ns`, of those that have been read. */
static void judge_pending(judge *self, uint64_t before_ns) {
  size_t done = 0;

  qsort(self->pending, self->pending_count, sizeof(self->pending[0]), compare_times);
  while (done < self->pending_count && self->pending[done] < before_ns)
    judge_one(self, self->pending[done++]);
  self->pending_count -= done;
  memmove(self->pending, self->pending + done,
          self->pending_count * sizeof(self->pending[0]));
}

/*
 * Reads the log up to where it was some time ago, with nobody stopped since: what has not
 * been written by now never will be. Who took a later place in it arrived later as well.
 */
static void judge_log(judge *self) {
  if (now_ns() < self->until_ns + LAG_NS)
    return;

  for (; self->read < self->until; self->read++) {
    uint64_t at_ns = atomic_exchange(&self->log->at_ns[self->read % LOG_MAX], 0);

    if (at_ns && self->pending_count < LOG_MAX)
      self->pending[self->pending_count++] = at_ns;
  }
  judge_pending(self, self->until_ns);
  self->until_ns = now_ns();
  self->until = atomic_load(&self->log->count);
}

static void start(judge *self, int place) {
  char name[] = "host-kills-child", option[] = "--child", seed[32];
  char racer[] = "race", storm[] = "storm";
  char *directory = place < RACERS ? self->race_directory : self->directory;
  char *argv[] = {
      name, option, directory, self->log_path, seed, place < RACERS ? racer : storm, NULL};

  snprintf(seed, sizeof(seed), "%llu",
           (unsigned long long)draw(&self->random, UINT64_C(1) << 40));
  if (posix_spawn(&self->pids[place], "/proc/self/exe", NULL, NULL, argv, environ)) {
    perror("posix_spawn");
    exit(3);
  }
}

static void end(judge *self, int place) {
  int status;

  kill(self->pids[place], SIGKILL);
  waitpid(self->pids[place], &status, 0);
  if (!WIFSIGNALED(status)) {
    fprintf(stderr, "a process ended by itself, with %d\n", WEXITSTATUS(status));
    exit(3);
  }
}

/* So many at the same moment; they start again together, or one after the other. */
static void kill_some(judge *self, int count) {
  int first = (int)draw(&self->random, (uint64_t)self->processes);

  for (int i = 0; i < count; i++)
    kill(self->pids[(first + i) % self->processes], SIGKILL);
  for (int i = 0; i < count; i++) {
    end(self, (first + i) % self->processes);
    if (draw(&self->random, 2))
      sleep_ns(draw(&self->random, NS_PER_MS));
    start(self, (first + i) % self->processes);
    self->kills++;
  }
  self->bursts += count > 1;
}

/* Stops one for a while; then it goes on, or is killed as it stands. */
static void stop_one(judge *self) {
  int place = (int)draw(&self->random, (uint64_t)self->processes);

  kill(self->pids[place], SIGSTOP);
  sleep_ns(draw(&self->random, 40 * NS_PER_MS));
  if (draw(&self->random, 2)) {
    end(self, place);
    start(self, place);
    self->kills++;
  } else {
    kill(self->pids[place], SIGCONT);
  }
  self->stops++;
  /* it may have been stopped in the middle of writing its arrival down */
  self->until_ns = now_ns();
  self->until = atomic_load(&self->log->count);
}

static void one_round(judge *self) {
  switch (draw(&self->random, 8)) {
  case 0: /* several at once */
    kill_some(self, 2 + (int)draw(&self->random, 3));
    break;
  case 1: /* while it starts */
    kill_some(self, 1);
    sleep_ns(draw(&self->random, 2 * NS_PER_MS));
    break;
  case 2:
    stop_one(self);
    break;
  case 3: /* those who clear up after it, about the time that they notice */
    kill_some(self, 1);
    sleep_ns(draw(&self->random, 25 * NS_PER_MS));
    kill_some(self, 2);
    break;
  default:
    sleep_ns(draw(&self->random, 40 * NS_PER_MS));
    kill_some(self, 1);
  }
}

static void prepare(judge *self) {
  int fd;

  strcpy(self->directory, "/tmp/mskgov-kills-XXXXXX");
  if (!mkdtemp(self->directory)) {
    perror("mkdtemp");
    exit(3);
  }
  snprintf(self->race_directory, sizeof(self->race_directory), "%s/race", self->directory);
  snprintf(self->log_path, sizeof(self->log_path), "%s/arrivals", self->directory);
  fd = mkstemp(strcat(self->log_path, "XXXXXX"));
  if (fd < 0 || ftruncate(fd, sizeof(shared))) {
    perror("arrivals");
    exit(3);
  }
  close(fd);
  self->log = map_shared(self->log_path);
  race_init(&self->log->race, now_ns());
}

static void clean_up(judge *self) {
  const char *directories[] = {self->race_directory, self->directory};
  char path[128];

  unlink(self->log_path);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "%s/host-store", directories[i]);
    unlink(path);
    unlink(strcat(path, ".lock"));
    rmdir(directories[i]);
  }
}

static _Atomic uint64_t worst_wake_ns;

/* Measures how late the machine wakes a thread, for as long as the judge is there. */
static void *doze(void *unused) {
  (void)unused;
  for (;;) {
    uint64_t before = now_ns(), late_ns;

    sleep_ns(NS_PER_MS);
    late_ns = now_ns() - before - NS_PER_MS;
    if (late_ns > atomic_load(&worst_wake_ns))
      atomic_store(&worst_wake_ns, late_ns);
  }

  return NULL;
}

static bool tell(const judge *self, uint64_t seed, double seconds) {
  const race *raced = &self->log->race;
  uint64_t patience_ns = DELAY_NS + HOPS * atomic_load(&worst_wake_ns);
  bool held = self->broken == 0 && self->worst_gap_ns <= WINDOW_NS + patience_ns &&
              self->judged >= self->kills && raced->doubly_taken == 0 &&
              raced->doubly_reserved == 0 && raced->taken >= self->kills;

  printf("%llu kills among %d processes, %llu of them in bursts, %llu stops, seed %llu: "
         "%llu arrivals in %.1f s, at most %zu in %u ms, %llu over the quota of %u, "
         "longest pause %.0f ms, latest waking %.0f ms; %llu words and %llu slots raced "
         "for, %llu and %llu of "
         "them had twice: %s\n",
         (unsigned long long)self->kills, self->processes, (unsigned long long)self->bursts,
         (unsigned long long)self->stops, (unsigned long long)seed,
         (unsigned long long)self->judged, seconds, self->most, WINDOW_MS,
         (unsigned long long)self->broken, QUOTA, (double)self->worst_gap_ns / 1e6,
         (double)atomic_load(&worst_wake_ns) / 1e6, (unsigned long long)raced->taken,
         (unsigned long long)raced->slots, (unsigned long long)raced->doubly_taken,
         (unsigned long long)raced->doubly_reserved, held ? "held" : "BROKEN");

  return held;
}

static int judge_kills(uint64_t kills, int processes, uint64_t seed) {
  static judge self;
  pthread_t dozer;
  uint64_t ended_ns;
  double seconds;
  bool held;

  self.random = seed * 2 + 1;
  self.processes = processes;
  prepare(&self);
  if (pthread_create(&dozer, NULL, doze, NULL))
    return 3;
  for (int i = 0; i < processes; i++)
    start(&self, i);
  while (atomic_load(&self.log->count) == 0) /* programs are loaded */
    sleep_ns(NS_PER_MS);
  self.began_ns = self.until_ns = now_ns();

  for (uint64_t told = 10000; self.kills < kills;) {
    one_round(&self);
    judge_log(&self);
    if (self.kills >= told) {
      told += 10000;
      fprintf(stderr, "%llu kills, %llu arrivals, %llu windows over the quota\n",
              (unsigned long long)self.kills, (unsigned long long)self.judged,
              (unsigned long long)self.broken);
    }
  }
  ended_ns = now_ns();
  for (int i = 0; i < processes; i++)
    end(&self, i);
  seconds = (double)(ended_ns - self.began_ns) / 1e9;
  for (int i = 0; i < 2; i++) { /* what was left, and what came since */
    self.until_ns = now_ns() - LAG_NS;
    self.until = atomic_load(&self.log->count);
    judge_log(&self);
  }
  judge_pending(&self, UINT64_MAX);
  if (ended_ns > self.last_ns && ended_ns - self.last_ns > self.worst_gap_ns)
    self.worst_gap_ns = ended_ns - self.last_ns;
  clean_up(&self);
  held = tell(&self, seed, seconds);

  return held ? 0 : 1;
}

int main(int argc, char **argv) {
  const char *given = getenv("MSKGOV_TEST_KILLS");
  uint64_t kills = given ? strtoull(given, NULL, 10) : 2000, processes = 12, seed;

  if (argc == 6 && !strcmp(argv[1], "--child"))
    return be_child(argv);

  seed = test_seed();
  for (int i = 1; i + 1 < argc; i += 2) {
    uint64_t value = strtoull(argv[i + 1], NULL, 10);

    if (!strcmp(argv[i], "--kills"))
      kills = value;
    else if (!strcmp(argv[i], "--processes") && value > RACERS + 1 &&
             value <= PROCESSES_MAX)
      processes = value;
    else if (!strcmp(argv[i], "--seed"))
      seed = value;
    else
      return 2;
  }

  return judge_kills(kills, (int)processes, seed);
}
