#include "storm/storm.h"

#include "common/clock.h"
#include "common/credentials.h"
#include "common/failure.h"
#include "storm/collect.h"
#include "storm/crew.h"
#include "storm/live.h"
#include "storm/scratch.h"
#include "storm/tally.h"
#include "storm/target.h"

#include <stdlib.h>

#define TICK_NS (100 * BENCH_NS_PER_MS)
/* How long all pairs have to stay connected before they count as connected. */
#define STAY_NS BENCH_NS_PER_S
#define SAMPLES_MAX (STORM_HORIZON_MAX_S * 100u)
/* A quota that is out of the way. */
#define NO_QUOTA 1000000u
#define STOPPED_BROKER 0

/* A mode while it runs. */
typedef struct storm {
  const storm_options *options;
  mskgov_credentials *credentials;
  mskgov_cluster *cluster;
  storm_scratch scratch;
  storm_crew *crew;
  storm_result *result;
  storm_tally tally; /* since the beginning of the phase */
  storm_phase phase;
  double cpu_mark_s;
  bool away;            /* a broker is stopped */
  uint64_t complete_ns; /* all pairs are connected since; MSKGOV_NEVER: they are not */
  size_t sample_capacity;
} storm;

/* A phase begins: what was counted until now is forgotten. */
static void begin(storm *self) {
  self->cpu_mark_s = storm_crew_cpu_s(self->crew);
  storm_tally_mark(&self->tally, self->cluster, self->options->brokers);
  self->phase = (storm_phase){.begin_ns = self->tally.marked_ns};
  self->complete_ns = MSKGOV_NEVER;
  self->result->sample_count = 0;
}

static int add_sample(storm *self, uint64_t now_ns, mskgov_error_info *error) {
  storm_result *result = self->result;
  size_t capacity = self->sample_capacity ? self->sample_capacity * 2 : 256;
  storm_sample *samples;

  if (result->sample_count >= SAMPLES_MAX)
    return 0;
  if (result->sample_count == self->sample_capacity) {
    samples = realloc(result->samples, capacity * sizeof(*samples));
    if (!samples)
      return bench_fail_memory(error);
    result->samples = samples;
    self->sample_capacity = capacity;
  }

  result->samples[result->sample_count++] =
      (storm_sample){.at_s = bench_seconds(now_ns - self->phase.begin_ns),
                     .connected = storm_crew_connected(self->crew)};

  return 0;
}

/* Ten times a second: the live line, and a sample for the picture. */
static int tick(storm *self, const char *what, uint64_t now_ns, uint64_t until_ns,
                mskgov_error_info *error) {
  storm_live live = {.mode = self->result->mode->name,
                     .phase = what,
                     .at_s = bench_seconds(now_ns - self->phase.begin_ns),
                     .horizon_s = bench_seconds(until_ns - self->phase.begin_ns),
                     .connected = storm_crew_connected(self->crew),
                     .pairs = self->result->pairs,
                     .rejected = self->tally.rejected};

  storm_live_draw(&live);

  return add_sample(self, now_ns, error);
}

static void measure_cpu(storm *self, uint64_t now_ns) {
  storm_result *result = self->result;

  result->cpu_s = storm_crew_cpu_s(self->crew) - self->cpu_mark_s;
  if (now_ns > self->phase.begin_ns)
    result->cpu_share = 100 * result->cpu_s / bench_seconds(now_ns - self->phase.begin_ns);
}

/*
 * Sees whether all pairs are connected. What the clients tell is a moment old, so the
 * brokers have to have the connections as well.
 */
static void look(storm *self, uint64_t now_ns) {
  bool was_complete = self->complete_ns != MSKGOV_NEVER;
  bool complete;

  storm_tally_count(&self->tally);
  complete = storm_crew_connected(self->crew) == self->result->pairs &&
             self->tally.open >= self->result->pairs;
  if (complete && was_complete)
    return;

  self->complete_ns = complete ? now_ns : MSKGOV_NEVER;
  measure_cpu(self, now_ns);
}

/* The stopped broker comes back when it is due. */
static int bring_back(storm *self, uint64_t now_ns, uint64_t due_ns,
                      mskgov_error_info *error) {
  int rc;

  if (!self->away || now_ns < due_ns)
    return 0;

  rc = mskgov_cluster_start_broker(self->cluster, STOPPED_BROKER, error);
  self->phase.back_ns = bench_now_ns();
  self->away = false;

  return rc;
}

/* Watches the clients until they are all connected and stay so, or until the limit. */
static int watch(storm *self, const char *what, uint64_t until_ns,
                 mskgov_error_info *error) {
  uint64_t due_ns = self->phase.begin_ns + STORM_AWAY_S * BENCH_NS_PER_S;
  uint64_t tick_ns = self->phase.begin_ns, now_ns, next_ns;
  int rc;

  for (;;) {
    now_ns = bench_now_ns();
    rc = bring_back(self, now_ns, due_ns, error);
    look(self, now_ns);
    if (!rc && now_ns >= tick_ns) {
      rc = tick(self, what, now_ns, until_ns, error);
      tick_ns = now_ns + TICK_NS;
    }
    if (rc)
      return rc;
    if (self->complete_ns == MSKGOV_NEVER ? now_ns >= until_ns
                                          : now_ns >= self->complete_ns + STAY_NS)
      break;

    next_ns = self->away && due_ns < tick_ns ? due_ns : tick_ns;
    rc = storm_crew_wait(
        self->crew, next_ns > now_ns ? (int)((next_ns - now_ns) / BENCH_NS_PER_MS) + 1 : 0,
        error);
    if (rc)
      return rc;
  }
  self->phase.end_ns = now_ns;

  return 0;
}

/* Rolling: all clients connect, then a broker stops and the measured phase begins. */
static int connect_and_stop(storm *self, mskgov_error_info *error) {
  const storm_options *options = self->options;
  uint64_t limit_s = options->horizon_s + 2 * (uint64_t)options->clients / options->quota;
  int rc;

  rc = watch(self, "connecting first", self->phase.begin_ns + limit_s * BENCH_NS_PER_S,
             error);
  if (rc)
    return rc;
  if (self->complete_ns == MSKGOV_NEVER)
    return bench_fail(error, MSKGOV_ERR_DEADLINE,
                      "mode %s: only %u of %u pairs were connected after %llu s, before "
                      "any broker was stopped",
                      self->result->mode->name, storm_crew_connected(self->crew),
                      self->result->pairs, (unsigned long long)limit_s);

  rc = mskgov_cluster_set_quota(self->cluster, options->quota, error);
  if (rc)
    return rc;

  begin(self);
  self->away = true;

  return mskgov_cluster_stop_broker(self->cluster, STOPPED_BROKER, error);
}

static int prepare(storm *self, mskgov_error_info *error) {
  const storm_options *options = self->options;
  bool rolling = options->scenario == STORM_ROLLING;
  storm_crew_job job = {.options = options, .mode = self->result->mode};
  int rc;

  rc = bench_credentials_new(&self->credentials, options->seed, error);
  if (!rc)
    rc = storm_target_new(&self->cluster, options, rolling ? NO_QUOTA : options->quota,
                          self->credentials, error);
  if (!rc && self->result->mode->budget == STORM_BUDGET_HOST)
    rc = storm_scratch_make(&self->scratch, error);
  if (rc)
    return rc;

  job.cluster = self->cluster;
  job.credentials = self->credentials;
  job.host_directory = self->scratch.path;

  return storm_crew_new(&self->crew, &job, error);
}

/* What the brokers saw; before the clients go, so that their going changes nothing. */
static int count(storm *self, mskgov_error_info *error) {
  storm_result *result = self->result;
  int rc;

  storm_tally_count(&self->tally);
  result->attempts = self->tally.attempts;
  result->rejected = self->tally.rejected;
  result->duration_s = bench_seconds(self->phase.end_ns - self->phase.begin_ns);
  result->rate_count = (size_t)result->duration_s + 1;
  result->rates = calloc(result->rate_count, sizeof(*result->rates));
  if (!result->rates)
    return bench_fail_memory(error);

  rc = storm_tally_peak(&self->tally, &result->peak_window, error);
  if (!rc)
    rc = storm_tally_rates(&self->tally, result->rates, result->rate_count, error);

  return rc;
}

static int measure(storm *self, mskgov_error_info *error) {
  bool rolling = self->options->scenario == STORM_ROLLING;
  int rc;

  begin(self);
  rc = storm_crew_go(self->crew, error);
  if (!rc && rolling)
    rc = connect_and_stop(self, error);
  if (!rc)
    rc = watch(self, rolling ? "reconnecting" : "connecting",
               self->phase.begin_ns + self->options->horizon_s * BENCH_NS_PER_S, error);

  return rc;
}

static int run(storm *self, mskgov_error_info *error) {
  storm_result *result = self->result;
  int rc;

  rc = prepare(self, error);
  if (!rc)
    rc = measure(self, error);
  if (!rc)
    rc = count(self, error);
  if (!rc)
    rc = storm_crew_finish(self->crew, error);
  if (!rc)
    rc = storm_collect(result, self->crew, self->options->processes, &self->phase, error);
  if (rc)
    return rc;

  /* the brokers know how many they cut off themselves */
  result->dropped -=
      result->dropped < self->tally.dropped ? result->dropped : self->tally.dropped;

  return 0;
}

int storm_run(storm_result *result, const storm_options *options, const storm_mode *mode,
              mskgov_error_info *error) {
  storm self = {.options = options, .result = result};
  int rc;

  *result = (storm_result){.mode = mode,
                           .pairs = options->clients * options->brokers,
                           .bound_s = (double)(options->clients - 1) / options->quota};
  rc = run(&self, error);
  storm_live_clear();
  storm_crew_free(self.crew);
  mskgov_cluster_free(self.cluster);
  storm_scratch_remove(&self.scratch);
  mskgov_credentials_free(self.credentials);
  if (rc)
    storm_result_fini(result);

  return rc;
}
