/*
 * mskgov-parked: does librdkafka go on serving while its sockets are parked?
 *
 * A governor that lets one connection per second through parks the sockets of a hundred
 * clients. Meanwhile three figures are taken, and each is held against a bound: how far
 * apart librdkafka's statistics come, how long a client that has one broker connected and
 * the others parked takes to answer rd_kafka_metadata, and how long rd_kafka_destroy
 * takes while the sockets are parked.
 */
#include "common/clock.h"
#include "common/failure.h"
#include "micro/rig.h"
#include "tool.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 100u
#define BROKERS 3u
#define CLUSTER_QUOTA 1000u /* not what binds */
#define GOVERNOR_QUOTA 1u
#define STATISTICS_MS 1000
/* Bounds. The statistics may be a quarter late; the others are what a user would notice.
 */
#define GAP_BOUND_MS 1250.0
#define METADATA_BOUND_MS 100.0
#define DESTROY_BOUND_MS 50.0
/* Waiters that hold the brokers' queues, so that the probe's sockets stay parked. */
#define FILLERS_MAX 4000u

static const char help[] =
    "Usage: mskgov-parked [--seconds N] [--json]\n"
    "Parks the sockets of 100 librdkafka clients and measures whether librdkafka goes "
    "on\n"
    "serving: statistics, metadata, destroy.\n"
    "\n"
    "  --seconds N   how long the sockets are parked, 3 to 600 (20)\n"
    "  --json        the figures as JSON\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 every bound is kept; 1 one is not; 2 the command line is wrong; 3 "
    "it\n"
    "could not run.\n"
    "\n"
    "Example: mskgov-parked --seconds 60\n";

typedef struct figure {
  const char *name;
  const char *what;
  double measured_ms; /* the worst */
  double bound_ms;
  uint32_t count; /* of what was measured */
  uint32_t least; /* fewer are a failure */
} figure;

/* When statistics came; the fleet's threads do not touch it, rd_kafka_poll does. */
typedef struct beat {
  uint64_t last_ns;
  uint64_t gap_ns; /* the worst */
  uint32_t count;
} beat;

static struct parked {
  micro_rig rig;
  bench_fleet *probe;   /* one client; its first broker connects, the others are parked */
  bench_fleet *clients; /* their sockets are parked */
  mskgov_permit *fillers[FILLERS_MAX];
  uint32_t filler_count;
} self;

static int on_statistics(rd_kafka_t *rk, char *json, size_t length, void *opaque) {
  uint64_t now_ns = bench_now_ns();
  beat *it = opaque;

  (void)rk, (void)json, (void)length;
  if (it->count++ && now_ns - it->last_ns > it->gap_ns)
    it->gap_ns = now_ns - it->last_ns;
  it->last_ns = now_ns;

  return 0;
}

/* A filler that is granted gives its slot up at once. */
static void on_filler(mskgov_permit *permit, int rc, void *user) {
  (void)user;
  if (!rc)
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
}

/* Fills the queues of all brokers but the first for `seconds`. */
static int fill_queues(uint32_t seconds, mskgov_error_info *error) {
  char list[BROKERS * 32];
  char *rest = list, *broker;
  int rc;

  snprintf(list, sizeof(list), "%s", mskgov_cluster_bootstrap_servers(self.rig.cluster));
  strsep(&rest, ",");
  while ((broker = strsep(&rest, ",")))
    for (uint32_t i = 0; i < 2 * seconds + 10 && self.filler_count < FILLERS_MAX; i++) {
      rc = mskgov_permit_acquire_async(self.rig.governor, broker, NULL, MSKGOV_NEVER,
                                       on_filler, NULL, &self.fillers[self.filler_count],
                                       error);
      if (rc)
        return rc;
      self.filler_count++;
    }

  return 0;
}

static int make_fleets(beat *heard, mskgov_error_info *error) {
  static const bench_setting settings[] = {{"statistics.interval.ms", "1000"},
                                           {NULL, NULL}};
  bench_fleet_options options = micro_rig_fleet_options(&self.rig, 1, 1);
  uint64_t until_ns = bench_now_ns() + 30 * BENCH_NS_PER_S;
  int rc;

  options.settings = settings;
  options.stats_cb = on_statistics;
  options.opaque = heard;
  rc = bench_fleet_new(&self.probe, &options, error);
  if (!rc)
    rc = bench_fleet_make_all(self.probe, error);
  while (!rc && bench_fleet_connected(self.probe) == 0 && !tool_signal() &&
         bench_now_ns() < until_ns)
    rd_kafka_poll(bench_fleet_client(self.probe, 0), 10);
  if (!rc && bench_fleet_connected(self.probe) == 0)
    rc = bench_fail(error, MSKGOV_ERR_DEADLINE, "the probe did not connect within 30 s");

  options.clients = CLIENTS;
  options.settings = NULL; /* a hundred statistics would be what is measured */
  options.stats_cb = NULL;
  if (!rc)
    rc = bench_fleet_new(&self.clients, &options, error);
  if (!rc)
    rc = bench_fleet_make_all(self.clients, error);

  return rc;
}

static void measure_metadata(figure *it) {
  const struct rd_kafka_metadata *metadata;
  uint64_t from_ns = bench_now_ns();
  rd_kafka_resp_err_t err;
  double ms;

  err = rd_kafka_metadata(bench_fleet_client(self.probe, 0), 0, NULL, &metadata, 5000);
  ms = bench_ms(bench_now_ns() - from_ns);
  if (!err) {
    rd_kafka_metadata_destroy(metadata);
    it->count++;
  }
  if (ms > it->measured_ms)
    it->measured_ms = ms;
}

/* Serves the probe for `seconds`, and asks it for metadata once a second. */
static void measure_while_parked(uint32_t seconds, const beat *heard, figure *statistics,
                                 figure *metadata) {
  uint64_t until_ns = bench_now_ns() + seconds * BENCH_NS_PER_S;
  uint64_t ask_ns = 0;

  while (bench_now_ns() < until_ns && !tool_signal()) {
    rd_kafka_poll(bench_fleet_client(self.probe, 0), 10);
    if (bench_now_ns() >= ask_ns) {
      measure_metadata(metadata);
      ask_ns = bench_now_ns() + BENCH_NS_PER_S;
    }
  }
  statistics->count = heard->count;
  statistics->measured_ms = bench_ms(heard->gap_ns);
}

static void measure_destroy(figure *it) {
  for (uint32_t i = 0; i < CLIENTS; i++) {
    uint64_t from_ns = bench_now_ns();
    double ms;

    bench_fleet_destroy_client(self.clients, i);
    ms = bench_ms(bench_now_ns() - from_ns);
    it->count++;
    if (ms > it->measured_ms)
      it->measured_ms = ms;
  }
}

static bool is_kept(const figure *it) {
  return it->measured_ms <= it->bound_ms && it->count >= it->least;
}

static void print(const figure *figures, int count, uint32_t parked, bool as_json) {
  json_t *json = json_array();

  if (!as_json)
    printf("%u clients x %u brokers, %u sockets parked at the end\n", CLIENTS, BROKERS,
           parked);
  for (int i = 0; i < count; i++) {
    const figure *it = &figures[i];

    if (as_json)
      json_array_append_new(json,
                            json_pack("{s:s, s:f, s:f, s:I, s:b}", "name", it->name,
                                      "worst_ms", it->measured_ms, "bound_ms", it->bound_ms,
                                      "count", (json_int_t)it->count, "kept", is_kept(it)));
    else
      printf("%-10s  %-44s  worst %8.1f ms, bound %6.0f ms, of %3u: %s\n", it->name,
             it->what, it->measured_ms, it->bound_ms, it->count,
             is_kept(it) ? "kept" : "BROKEN");
  }
  if (as_json) {
    json = json_pack("{s:i, s:I, s:o}", "schema", 1, "parked", (json_int_t)parked,
                     "figures", json);
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
  }
  json_decref(json);
}

static int run(uint32_t seconds, bool as_json, mskgov_error_info *error) {
  figure figures[] = {
      {"statistics", "between two callbacks, interval 1000 ms", 0, GAP_BOUND_MS, 0,
       seconds - 2},
      {"metadata", "rd_kafka_metadata, one broker connected", 0, METADATA_BOUND_MS, 0,
       seconds - 2},
      {"destroy", "rd_kafka_destroy of a client", 0, DESTROY_BOUND_MS, 0, CLIENTS},
  };
  uint32_t parked;
  beat heard = {0};
  int rc;

  rc =
      micro_rig_init(&self.rig, BROKERS, CLIENTS + 1, CLUSTER_QUOTA, GOVERNOR_QUOTA, error);
  if (!rc)
    rc = fill_queues(seconds, error);
  if (!rc)
    rc = make_fleets(&heard, error);
  if (rc)
    return rc;

  measure_while_parked(seconds, &heard, &figures[0], &figures[1]);
  parked = bench_fleet_pairs(self.clients) - bench_fleet_connected(self.clients);
  measure_destroy(&figures[2]);
  print(figures, 3, parked, as_json);

  if (parked == 0)
    return bench_fail(error, MSKGOV_ERR_STATE, "no socket was parked: nothing was shown");

  return is_kept(&figures[0]) && is_kept(&figures[1]) && is_kept(&figures[2]) ? TOOL_DONE
                                                                              : TOOL_NO;
}

static void tidy(void) {
  bench_fleet_free(self.clients);
  bench_fleet_free(self.probe);
  for (uint32_t i = 0; i < self.filler_count; i++)
    mskgov_permit_release(self.fillers[i]);
  micro_rig_fini(&self.rig);
}

int main(int argc, char **argv) {
  static const micro_command command = {"mskgov-parked", help, "seconds", 3, 600};
  mskgov_error_info error = {0};
  uint32_t seconds = 20;
  bool as_json;
  int rc;

  if (!micro_parse(&command, argc, argv, &seconds, &as_json, &rc))
    return rc;

  tool_catch_signals();
  rc = run(seconds, as_json, &error);
  tidy();
  if (tool_signal())
    return tool_die_of_signal();
  if (rc < 0)
    return tool_cannot("%s", error.text);

  return tool_flush() ? TOOL_CANNOT : rc;
}
