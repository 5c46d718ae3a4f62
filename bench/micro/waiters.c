/*
 * mskgov-waiters: what do 100,000 waiters cost?
 *
 * Memory per waiter; the processor time of the pacing thread while it hands out 100 and
 * 3000 permits a second among them; and how the cost of a grant grows with their number.
 * Every grant's callback reports, releases and asks again, as a busy fleet would, so the
 * line keeps its length; half of the waiters have a deadline.
 */
#include "common/clock.h"
#include "common/failure.h"
#include "micro/rig.h"
#include "tool.h"

#include <dirent.h>
#include <jansson.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BROKER "b-1.example:9098"
#define WAITERS_DEFAULT 100000u
#define FEW 1000u
#define DEADLINE_MS 3600000
#define BYTES_BOUND 256.0
#define GROWTH_BOUND 4.0
#define PACING_THREAD "mskgov-pacing"

static const char help[] =
    "Usage: mskgov-waiters [--waiters N] [--json]\n"
    "Lets N waiters stand in a governor's line for one broker, and measures their memory\n"
    "and the processor time of the pacing thread.\n"
    "\n"
    "  --waiters N   waiters, 1000 to 100000 (100000)\n"
    "  --json        the figures as JSON\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 at most 256 bytes a waiter, 1 % of a core at 100 permits a second, 10 "
    "%\n"
    "at 3000, and a permit among N costs at most 4 times one among 1000; 1 it is more; 2\n"
    "the command line is wrong; 3 it could not run.\n"
    "\n"
    "Example: mskgov-waiters --json\n";

/* What one line of waiters came to. */
typedef struct figures {
  uint32_t waiters, rate;
  double bytes;   /* per waiter */
  double percent; /* of a core, of the pacing thread */
  double us;      /* of it, per grant */
  uint64_t granted;
} figures;

typedef struct line {
  mskgov_governor *governor;
  mskgov_permit **permits; /* one per waiter */
  atomic_uint_fast64_t granted;
  atomic_int failed, closing;
} line;

typedef struct place {
  line *in;
  uint32_t number;
} place;

static void on_grant(mskgov_permit *permit, int rc, void *user);

static int ask(place *at) {
  line *in = at->in;
  char name[32];
  mskgov_client client = {.name = name};

  snprintf(name, sizeof(name), "rdkafka#producer-%u", at->number);

  return mskgov_permit_acquire_async(in->governor, BROKER, &client,
                                     at->number % 2 ? DEADLINE_MS : MSKGOV_NEVER, on_grant,
                                     at, &in->permits[at->number], NULL);
}

static void on_grant(mskgov_permit *permit, int rc, void *user) {
  place *at = user;
  line *in = at->in;

  if (atomic_load(&in->closing))
    return; /* released with the others */
  if (rc)
    atomic_store(&in->failed, rc);
  mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
  mskgov_permit_release(permit);
  atomic_fetch_add(&in->granted, 1);
  rc = ask(at);
  if (rc) {
    in->permits[at->number] = NULL;
    atomic_store(&in->failed, rc);
  }
}

/* Processor time of the pacing thread, ns; the kernel counts it. 0: not to be had. */
static uint64_t pacing_ns(void) {
  DIR *tasks = opendir("/proc/self/task");
  unsigned long long ns = 0;
  struct dirent *entry;

  while (tasks && (entry = readdir(tasks))) {
    char path[300], comm[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
    file = fopen(path, "re");
    if (file && fgets(comm, sizeof(comm), file))
      comm[strcspn(comm, "\n")] = '\0';
    if (file)
      fclose(file);
    if (strcmp(comm, PACING_THREAD) != 0)
      continue;
    snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
    file = fopen(path, "re");
    if (file && fscanf(file, "%llu", &ns) != 1)
      ns = 0;
    if (file)
      fclose(file);
  }
  if (tasks)
    closedir(tasks);

  return ns;
}

static void watch(line *in, figures *to, uint64_t span_ns) {
  uint64_t granted = atomic_load(&in->granted), cpu_ns = pacing_ns();
  uint64_t from_ns = bench_now_ns();

  while (bench_now_ns() < from_ns + span_ns && !tool_signal())
    usleep(10000);
  cpu_ns = pacing_ns() - cpu_ns;
  to->granted = atomic_load(&in->granted) - granted;
  to->percent = 100 * (double)cpu_ns / (double)(bench_now_ns() - from_ns);
  to->us = to->granted ? (double)cpu_ns / 1000 / (double)to->granted : 0;
}

static int fill(line *in, place *places, figures *to, mskgov_error_info *error) {
  size_t before = mallinfo2().uordblks;
  int rc = 0;

  for (uint32_t i = 0; !rc && i < to->waiters; i++) {
    places[i] = (place){in, i};
    rc = ask(&places[i]);
  }
  to->bytes = (double)(mallinfo2().uordblks - before) / to->waiters;

  return rc ? bench_fail(error, rc, "waiter: %s", mskgov_strerror(rc)) : 0;
}

static int run_line(figures *to, uint64_t span_ns, mskgov_error_info *error) {
  place *places = calloc(to->waiters, sizeof(*places));
  line in = {.permits = calloc(to->waiters, sizeof(*in.permits))};
  mskgov_governor_options options;
  int rc;

  mskgov_governor_options_init(&options);
  options.quota = mskgov_quota_custom(to->rate, UINT32_MAX);
  rc = places && in.permits ? mskgov_governor_new(&in.governor, &options, error)
                            : bench_fail_memory(error);
  if (!rc)
    rc = fill(&in, places, to, error);
  if (!rc) {
    watch(&in, to, span_ns);
    if (atomic_load(&in.failed))
      rc = bench_fail(error, atomic_load(&in.failed), "a waiter: %s",
                      mskgov_strerror(atomic_load(&in.failed)));
  }

  /* each permit's callback has returned by the time its release returns */
  atomic_store(&in.closing, 1);
  if (in.governor)
    mskgov_governor_stop(in.governor);
  for (uint32_t i = 0; in.permits && i < to->waiters; i++)
    mskgov_permit_release(in.permits[i]);
  mskgov_governor_free(in.governor);
  free(in.permits);
  free(places);

  return rc;
}

static int print(const figures *slow, const figures *fast, const figures *few,
                 bool as_json) {
  double growth = few->us > 0 ? fast->us / few->us : 0;
  bool kept = slow->bytes <= BYTES_BOUND && slow->percent <= 1 && fast->percent <= 10 &&
              growth <= GROWTH_BOUND;
  json_t *json;

  if (as_json) {
    json = json_pack("{s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "schema", 1,
                     "waiters", (json_int_t)fast->waiters, "bytes_per_waiter", slow->bytes,
                     "percent_at_100", slow->percent, "percent_at_3000", fast->percent,
                     "us_per_grant", fast->us, "us_per_grant_among_1000", few->us, "growth",
                     growth, "kept", kept);
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(json);
  } else {
    printf("%u waiters of one broker, half of them with a deadline\n", fast->waiters);
    printf("memory         %7.1f bytes a waiter               bound 256\n", slow->bytes);
    printf("100 permits/s  %7.2f %% of a core (%llu granted)   bound 1\n", slow->percent,
           (unsigned long long)slow->granted);
    printf("3000 permits/s %7.2f %% of a core (%llu granted) bound 10\n", fast->percent,
           (unsigned long long)fast->granted);
    printf("a permit       %7.1f us, among %u waiters %.1f us: %.2f times  bound %.0f\n",
           fast->us, few->waiters, few->us, growth, GROWTH_BOUND);
    printf("%s\n", kept ? "kept" : "BROKEN");
  }

  return kept ? TOOL_DONE : TOOL_NO;
}

int main(int argc, char **argv) {
  static const micro_command command = {"mskgov-waiters", help, "waiters", FEW,
                                        WAITERS_DEFAULT};
  figures slow = {.rate = 100}, fast = {.rate = 3000}, few = {.waiters = FEW, .rate = 3000};
  mskgov_error_info error = {0};
  uint32_t waiters = WAITERS_DEFAULT;
  bool as_json;
  int rc;

  if (!micro_parse(&command, argc, argv, &waiters, &as_json, &rc))
    return rc;

  tool_catch_signals();
  slow.waiters = fast.waiters = waiters;
  rc = run_line(&slow, 5 * BENCH_NS_PER_S, &error);
  if (!rc)
    rc = run_line(&fast, 3 * BENCH_NS_PER_S, &error);
  if (!rc)
    rc = run_line(&few, 3 * BENCH_NS_PER_S, &error);
  if (tool_signal())
    return tool_die_of_signal();
  if (rc)
    return tool_cannot("%s", error.text);

  rc = print(&slow, &fast, &few, as_json);

  return tool_flush() ? TOOL_CANNOT : rc;
}
