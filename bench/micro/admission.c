/*
 * mskgov-admission: what does it cost to ask "may I connect to this broker now"?
 *
 *   direct      the bare bucket and the clock it is asked with
 *   keyed       mskgov_broker_try on one of 1000 brokers, by the handle that a client keeps
 *   keyed-name  the same with the broker looked up by its name each time
 *   keyed-host  keyed, with the budgets in the host store
 *
 * bench/peers/run holds the figures against those of limiters of other languages; the order
 * of the brokers and the rules of timing are described there.
 */
#include "common/clock.h"
#include "common/failure.h"
#include "micro/rig.h"
#include "tool.h"

#include "base/clock.h"
#include "policy/bucket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BROKERS 1000u
#define THREADS_MAX 2
#define BATCH 1000u
#define WRONG_MAX 20
#define WARM_UP_NS (100 * BENCH_NS_PER_MS)

static const char help[] =
    "Usage: mskgov-admission [--millis N] [--json]\n"
    "Times the check whether a connection may be opened now: admitted and refused, by one\n"
    "thread and by two. bench/peers/run compares the figures with other limiters.\n"
    "\n"
    "  --millis N    how long each case is timed, 1 to 10000 (300)\n"
    "  --json        a line of JSON per case\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 done; 2 the command line is wrong; 3 it could not run.\n"
    "\n"
    "Example: mskgov-admission --millis 1000\n";

typedef struct names {
  char text[BROKERS][80];
} names;

typedef struct contest {
  const char *name; /* of the case */
  bool admitted;
  mskgov_governor *governor;
  mskgov_broker *brokers[BROKERS]; /* in the order of the visits */
  const names *names;              /* likewise; other objects than the governor's */
  bool by_name;
  gov_bucket *bucket; /* the direct case */
  gov_bucket_rate rate;
  uint64_t host_pace_ns; /* likewise, for one thread */
  uint64_t pace_ns; /* a thread's batches begin so far apart: what the quota can bear */
  uint64_t until_ns;
  pthread_barrier_t start;
} contest;

typedef struct runner {
  contest *of;
  uint32_t first; /* broker to begin with */
  uint64_t checks, spent_ns, wrong;
  mskgov_permit *permits[BATCH];
  pthread_t thread;
} runner;

static void make_names(names *all) {
  uint64_t x = UINT64_C(88172645463325252);

  for (uint32_t i = 0; i < BROKERS; i++)
    snprintf(all->text[i], sizeof(all->text[i]),
             "b-%u.mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com:9098", i + 1);
  for (uint32_t i = BROKERS - 1; i >= 1; i--) {
    char swap[sizeof(all->text[0])];
    uint32_t j;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    j = (uint32_t)(x % (i + 1));
    memcpy(swap, all->text[i], sizeof(swap));
    memcpy(all->text[i], all->text[j], sizeof(swap));
    memcpy(all->text[j], swap, sizeof(swap));
  }
}

static uint64_t check_direct(runner *self) {
  contest *of = self->of;
  uint64_t admitted = 0, at_ns;

  for (uint32_t i = 0; i < BATCH; i++)
    admitted +=
        gov_bucket_reserve(of->bucket, &of->rate, gov_clock_coarse_ns(&gov_clock_system), 0,
                           &at_ns) == GOV_BUCKET_GRANTED;

  return admitted;
}

static uint64_t check_keyed(runner *self) {
  contest *of = self->of;
  uint64_t admitted = 0;

  for (uint32_t i = 0, at = self->first; i < BATCH; i++) {
    mskgov_broker *broker = of->brokers[at];

    if (of->by_name)
      mskgov_governor_broker(of->governor, of->names->text[at], &broker, NULL);
    mskgov_broker_try(broker, NULL, &self->permits[i], NULL);
    admitted += self->permits[i] != NULL;
    at = at + 1 < BROKERS ? at + 1 : 0;
  }

  return admitted;
}

/* What was admitted is given back, which is not timed. */
static void give_back(runner *self) {
  for (uint32_t i = 0; i < BATCH; i++) {
    if (!self->permits[i])
      continue;
    mskgov_permit_report(self->permits[i], MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(self->permits[i]);
    self->permits[i] = NULL;
  }
}

static void *run(void *argument) {
  runner *self = argument;
  contest *of = self->of;
  uint64_t from_ns, now_ns, timed_from_ns, expected = of->admitted ? BATCH : 0;

  pthread_barrier_wait(&of->start);
  timed_from_ns = bench_now_ns() + WARM_UP_NS;
  do {
    uint64_t admitted;

    from_ns = bench_now_ns();
    admitted = of->bucket ? check_direct(self) : check_keyed(self);
    now_ns = bench_now_ns();
    if (admitted != expected) {
      self->wrong++; /* not timed */
    } else if (from_ns >= timed_from_ns) {
      self->checks += BATCH;
      self->spent_ns += now_ns - from_ns;
    }
    if (!of->bucket && of->admitted)
      give_back(self);
    while (bench_now_ns() < from_ns + of->pace_ns)
      ;
  } while (now_ns < of->until_ns);

  return NULL;
}

static int measure(contest *of, int threads, double *ns, mskgov_error_info *error) {
  static runner runners[THREADS_MAX];
  uint64_t wrong = 0;

  memset(runners, 0, sizeof(runners));
  pthread_barrier_init(&of->start, NULL, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    runners[i].of = of;
    runners[i].first = (uint32_t)i * BROKERS / THREADS_MAX;
    if (i && pthread_create(&runners[i].thread, NULL, run, &runners[i]))
      return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot start a thread");
  }
  run(&runners[0]);
  *ns = 0;
  for (int i = 0; i < threads; i++) {
    if (i)
      pthread_join(runners[i].thread, NULL);
    wrong += runners[i].wrong;
    *ns += (double)runners[i].spent_ns / (double)runners[i].checks / threads;
  }
  pthread_barrier_destroy(&of->start);
  /* the clock of a busy machine may stand still for longer than slots keep */
  if (wrong > WRONG_MAX)
    return bench_fail(error, MSKGOV_ERR_STATE, "%s, %s: %llu batches had another answer",
                      of->name, of->admitted ? "admitted" : "refused",
                      (unsigned long long)wrong);

  return 0;
}

static void print_line(const contest *of, int threads, double ns, bool as_json) {
  const char *answer = of->admitted ? "admitted" : "refused";

  if (as_json)
    printf("{\"peer\":\"mskgov\",\"version\":\"%s\",\"language\":\"c\",\"case\":\"%s\","
           "\"answer\":\"%s\",\"threads\":%d,\"ns\":%.2f}\n",
           mskgov_version(), of->name, answer, threads, ns);
  else
    printf("%-11s %-9s %d thread%s %8.1f ns\n", of->name, answer, threads,
           threads > 1 ? "s" : " ", ns);
  fflush(stdout);
}

static int run_contest(contest *of, uint32_t millis, bool as_json,
                       mskgov_error_info *error) {
  int rc = 0;

  for (int threads = 1; !rc && threads <= THREADS_MAX && !tool_signal(); threads++) {
    double ns = 0;

    of->pace_ns = of->host_pace_ns * (unsigned)threads;
    of->until_ns = bench_now_ns() + WARM_UP_NS + millis * BENCH_NS_PER_MS;
    rc = measure(of, threads, &ns, error);
    if (!rc)
      print_line(of, threads, ns, as_json);
  }

  return rc;
}

/* As fast as the bucket can count; or one in an hour, which is taken already. */
static int run_direct(bool admitted, uint32_t millis, bool as_json,
                      mskgov_error_info *error) {
  contest of = {.name = "direct", .admitted = admitted};
  gov_bucket bucket;
  uint64_t at_ns;

  gov_bucket_init(&bucket);
  gov_bucket_rate_init(&of.rate, admitted ? UINT32_MAX : 1, 1,
                       admitted ? BENCH_NS_PER_S : 3600 * BENCH_NS_PER_S,
                       20 * BENCH_NS_PER_MS);
  of.bucket = &bucket;
  gov_bucket_reserve(&bucket, &of.rate, bench_now_ns(), 0, &at_ns);

  return run_contest(&of, millis, as_json, error);
}

/* As many as each store takes in a second; or one in a minute, which is taken already. */
static mskgov_quota quota_for(bool admitted, bool host) {
  mskgov_quota quota = mskgov_quota_custom(1, 3000);

  quota.window_ms = MSKGOV_QUOTA_WINDOW_MAX_MS;
  if (admitted)
    quota =
        mskgov_quota_custom(host ? MSKGOV_HOST_WINDOW_MAX : MSKGOV_QUOTA_RATE_MAX, 3000);
  else
    quota.connections_per_s = 1;

  return quota;
}

static int prepare(contest *of, mskgov_error_info *error) {
  int rc = 0;

  for (uint32_t i = 0; !rc && i < BROKERS; i++)
    rc = mskgov_governor_broker(of->governor, of->names->text[i], &of->brokers[i], error);
  /* takes what there is at each broker; where there is always more, once */
  for (uint32_t i = 0; !rc && i < BROKERS; i++) {
    mskgov_permit *permit;

    do {
      rc = mskgov_broker_try(of->brokers[i], NULL, &permit, NULL);
      if (permit)
        mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
      mskgov_permit_release(permit);
    } while (!rc && permit && !of->admitted);
  }

  return rc;
}

static int run_keyed(const char *name, bool admitted, const char *directory,
                     const names *all, uint32_t millis, bool as_json,
                     mskgov_error_info *error) {
  static contest of;
  mskgov_governor_options options;
  int rc;

  of = (contest){.name = name, .admitted = admitted, .names = all};
  of.by_name = !strcmp(name, "keyed-name");
  if (directory && admitted)
    of.host_pace_ns = BENCH_NS_PER_S / MSKGOV_HOST_WINDOW_MAX * 11 / 10;
  mskgov_governor_options_init(&options);
  options.quota = quota_for(admitted, directory != NULL);
  if (directory) {
    options.store = MSKGOV_STORE_HOST;
    options.host_directory = directory;
  }
  rc = mskgov_governor_new(&of.governor, &options, error);
  if (!rc)
    rc = prepare(&of, error);
  if (!rc)
    rc = run_contest(&of, millis, as_json, error);
  mskgov_governor_free(of.governor);

  return rc;
}

static void remove_store(const char *directory) {
  static const char *const files[] = {"host-store", "host-store.lock"};
  char path[256];

  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
    unlink(path);
  }
  rmdir(directory);
}

static int run_all(uint32_t millis, bool as_json, mskgov_error_info *error) {
  static names all;
  int rc = 0;

  make_names(&all);
  for (int admitted = 1; !rc && admitted >= 0; admitted--) {
    char directory[] = "/dev/shm/mskgov-admission-XXXXXX";

    rc = run_direct(admitted, millis, as_json, error);
    if (!rc)
      rc = run_keyed("keyed", admitted, NULL, &all, millis, as_json, error);
    if (!rc)
      rc = run_keyed("keyed-name", admitted, NULL, &all, millis, as_json, error);
    if (!rc && !mkdtemp(directory))
      rc = bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot make a directory in /dev/shm");
    if (!rc) {
      rc = run_keyed("keyed-host", admitted, directory, &all, millis, as_json, error);
      remove_store(directory);
    }
  }

  return rc;
}

int main(int argc, char **argv) {
  static const micro_command command = {"mskgov-admission", help, "millis", 1, 10000};
  mskgov_error_info error = {0};
  uint32_t millis = 300;
  bool as_json;
  int rc;

  if (!micro_parse(&command, argc, argv, &millis, &as_json, &rc))
    return rc;

  tool_catch_signals();
  rc = run_all(millis, as_json, &error);
  if (tool_signal())
    return tool_die_of_signal();
  if (rc)
    return tool_cannot("%s", error.text);

  return tool_flush();
}
