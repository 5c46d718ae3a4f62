#include "storm/storm.h"

#include "common/clock.h"
#include "common/credentials.h"
#include "common/failure.h"
#include "common/limits.h"
#include "common/numbers.h"
#include "storm/crew.h"
#include "storm/live.h"

#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 100
/* How long all pairs have to stay connected before a mode counts as done. */
#define STAY_NS BENCH_NS_PER_S
#define SAMPLES_MAX (STORM_HORIZON_MAX_S * 100u)
#define OPEN_CONNECTIONS_MIN 3000u /* what MSK allows per broker */
#define THREADS_MAX 8

/* A mode while it runs. */
typedef struct storm {
  const storm_options *options;
  mskgov_credentials *credentials;
  mskgov_cluster *cluster;
  storm_crew *crew;
  storm_result *result;
  uint64_t go_ns, end_ns;
  size_t sample_capacity;
} storm;

static int make_cluster(storm *self, mskgov_error_info *error) {
  const storm_options *from = self->options;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  mskgov_cluster_options options;
  int rc;

  rc = bench_limits_raise_files((uint64_t)from->clients * from->brokers *
                                        BENCH_FILES_PER_CONNECTION +
                                    BENCH_FILES_SPARE,
                                error);
  if (rc)
    return rc;

  mskgov_cluster_options_init(&options);
  options.brokers = from->brokers;
  options.connections_per_s = from->quota;
  options.window = (mskgov_window)from->window;
  options.count_rejected = from->count_rejected;
  /* the rate is what is measured, so the limit of open connections stays out of the way
   */
  options.max_connections = from->clients * BENCH_FILES_PER_CONNECTION;
  if (options.max_connections < OPEN_CONNECTIONS_MIN)
    options.max_connections = OPEN_CONNECTIONS_MIN;
  options.threads = (uint32_t)(cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : cores);
  options.credentials = &self->credentials;
  options.credentials_count = 1;

  return mskgov_cluster_new(&self->cluster, &options, error);
}

/* Adds up the brokers' counters. Returns the place of the one with the most attempts. */
static uint32_t count(storm *self) {
  storm_result *result = self->result;
  uint64_t most = 0;
  uint32_t busiest = 0;

  result->attempts = result->rejected = 0;
  result->peak_window = 0;
  for (uint32_t i = 0; i < self->options->brokers; i++) {
    mskgov_cluster_counters seen = {.struct_size = sizeof(seen)};

    mskgov_cluster_counters_get(self->cluster, i, &seen, NULL);
    result->attempts += seen.attempts;
    result->rejected += seen.rejected;
    if (seen.peak_window > result->peak_window)
      result->peak_window = seen.peak_window;
    if (seen.attempts > most) {
      most = seen.attempts;
      busiest = i;
    }
  }

  return busiest;
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
      (storm_sample){.at_s = bench_seconds(now_ns - self->go_ns),
                     .connected = storm_crew_connected(self->crew)};

  return 0;
}

static void draw_live(storm *self, uint64_t now_ns) {
  storm_live live = {.mode = self->result->mode->name,
                     .at_s = bench_seconds(now_ns - self->go_ns),
                     .horizon_s = self->options->horizon_s,
                     .connected = storm_crew_connected(self->crew),
                     .pairs = self->result->pairs,
                     .rejected = self->result->rejected};

  storm_live_draw(&live);
}

/* Watches the clients until they are all connected and stay so, or until the horizon. */
static int watch(storm *self, mskgov_error_info *error) {
  uint64_t horizon_ns = self->go_ns + self->options->horizon_s * BENCH_NS_PER_S;
  uint64_t stay_ns = MSKGOV_NEVER, tick_ns = self->go_ns, now_ns;
  int rc;

  for (;;) {
    now_ns = bench_now_ns();
    if (storm_crew_connected(self->crew) < self->result->pairs)
      stay_ns = MSKGOV_NEVER;
    else if (stay_ns == MSKGOV_NEVER)
      stay_ns = now_ns + STAY_NS;

    if (now_ns >= tick_ns) {
      count(self);
      draw_live(self, now_ns);
      rc = add_sample(self, now_ns, error);
      if (rc)
        return rc;
      tick_ns = now_ns + TICK_MS * BENCH_NS_PER_MS;
    }
    if (now_ns >= stay_ns || (now_ns >= horizon_ns && stay_ns == MSKGOV_NEVER))
      break;

    rc =
        storm_crew_wait(self->crew, (int)((tick_ns - now_ns) / BENCH_NS_PER_MS) + 1, error);
    if (rc)
      return rc;
  }
  self->end_ns = now_ns;

  return 0;
}

/* What the busiest broker saw, second by second, from its log. */
static int collect_rates(storm *self, uint32_t broker, mskgov_error_info *error) {
  storm_result *result = self->result;
  mskgov_cluster_attempt attempts[1024];
  uint64_t first = 0;
  int64_t got;

  result->rate_count = (size_t)result->duration_s + 1;
  result->rates = calloc(result->rate_count, sizeof(*result->rates));
  if (!result->rates)
    return bench_fail_memory(error);

  while ((got = mskgov_cluster_attempts(self->cluster, broker, first, attempts, 1024)) >
         0) {
    for (int64_t i = 0; i < got; i++) {
      uint64_t second = (attempts[i].at_ns - self->go_ns) / BENCH_NS_PER_S;

      if (attempts[i].at_ns < self->go_ns || second >= result->rate_count)
        continue;
      result->rates[second].accepted += attempts[i].verdict == MSKGOV_VERDICT_ACCEPTED;
      result->rates[second].rejected += attempts[i].verdict == MSKGOV_VERDICT_REJECTED;
    }
    first += (uint64_t)got;
  }

  return 0;
}

/* The pairs of one worker: appends their waits; sets first want and last connect. */
static void collect_pairs(storm *self, json_t *pairs, double *waits, uint64_t *first_ns,
                          uint64_t *last_ns, double *rate) {
  uint32_t connected = 0;
  uint64_t until_ns = 0;
  json_t *pair;
  size_t i;

  json_array_foreach(pairs, i, pair) {
    uint64_t wanted_ns = (uint64_t)json_integer_value(json_array_get(pair, 0));
    uint64_t up_ns = (uint64_t)json_integer_value(json_array_get(pair, 1));

    if (wanted_ns && wanted_ns < *first_ns)
      *first_ns = wanted_ns;
    if (!up_ns)
      continue;
    waits[self->result->connected + connected++] = bench_ms(up_ns - wanted_ns);
    if (up_ns > until_ns)
      until_ns = up_ns;
  }
  if (connected < json_array_size(pairs))
    until_ns = self->end_ns;
  if (until_ns > *last_ns)
    *last_ns = until_ns;

  self->result->connected += connected;
  *rate = until_ns > self->go_ns ? connected / bench_seconds(until_ns - self->go_ns) : 0;
}

static int collect(storm *self, mskgov_error_info *error) {
  storm_result *result = self->result;
  double *waits = calloc(result->pairs, sizeof(*waits));
  double rates[STORM_PROCESSES_MAX];
  uint64_t first_ns = MSKGOV_NEVER, last_ns = 0;

  if (!waits)
    return bench_fail_memory(error);

  for (uint32_t i = 0; i < self->options->processes; i++) {
    json_t *from = storm_crew_result(self->crew, i);

    collect_pairs(self, json_object_get(from, "pairs"), waits, &first_ns, &last_ns,
                  &rates[i]);
    result->cpu_s += json_number_value(json_object_get(from, "cpu_s"));
    result->rss_mib += json_number_value(json_object_get(from, "rss_mib"));
    result->dropped += (uint64_t)json_integer_value(json_object_get(from, "dropped"));
  }

  result->done = result->connected == result->pairs;
  result->connect_s = result->done ? bench_seconds(last_ns - first_ns) : 0;
  bench_sort(waits, result->connected);
  result->wait_p50_ms = bench_percentile(waits, result->connected, 50);
  result->wait_p99_ms = bench_percentile(waits, result->connected, 99);
  result->wait_max_ms = bench_percentile(waits, result->connected, 100);
  result->jain = bench_jain(rates, self->options->processes);
  free(waits);

  return 0;
}

static int run(storm *self, mskgov_error_info *error) {
  storm_result *result = self->result;
  uint32_t busiest;
  int rc;

  rc = bench_credentials_new(&self->credentials, self->options->seed, error);
  if (!rc)
    rc = make_cluster(self, error);
  if (!rc)
    rc = storm_crew_new(&self->crew, self->options, result->mode, self->cluster,
                        self->credentials, error);
  if (rc)
    return rc;

  self->go_ns = bench_now_ns();
  rc = storm_crew_go(self->crew, error);
  if (!rc)
    rc = watch(self, error);
  if (rc)
    return rc;

  /* counted before the clients go, so that their going changes nothing */
  busiest = count(self);
  result->duration_s = bench_seconds(self->end_ns - self->go_ns);
  rc = collect_rates(self, busiest, error);
  if (!rc)
    rc = storm_crew_finish(self->crew, error);
  if (!rc)
    rc = collect(self, error);

  return rc;
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
  mskgov_credentials_free(self.credentials);
  if (rc)
    storm_result_fini(result);

  return rc;
}
