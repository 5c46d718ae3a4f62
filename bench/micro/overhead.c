/*
 * mskgov-overhead: what does a governor cost that has nothing to hold back?
 *
 * The time until a fleet is connected, without and with a governor whose quota does not
 * bind, in rounds that take turns so that a change of the machine's mood hits both.
 */
#include "common/clock.h"
#include "common/failure.h"
#include "common/numbers.h"
#include "micro/rig.h"
#include "tool.h"

#include <jansson.h>

#define CLIENTS 50u
#define BROKERS 3u
#define QUOTA 100000u
#define RATIO_BOUND 1.05
#define ROUNDS_MAX 101u
#define ROUND_NS (60 * BENCH_NS_PER_S)

static const char help[] =
    "Usage: mskgov-overhead [--rounds N] [--json]\n"
    "Connects 50 librdkafka clients to 3 brokers, without and with a governor that has\n"
    "nothing to hold back, and compares the median times until all are connected.\n"
    "\n"
    "  --rounds N    rounds of each kind, 1 to 101 (7)\n"
    "  --json        the figures as JSON\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 governed takes at most 1.05 times as long; 1 it takes longer; 2 the\n"
    "command line is wrong; 3 it could not run.\n"
    "\n"
    "Example: mskgov-overhead --rounds 15\n";

/* Connects one fleet and takes it down again. Sets *ms to what the first took. */
static int run_round(const micro_rig *rig, int governed, double *ms,
                     mskgov_error_info *error) {
  /* The adapter spares handshakes Nagle's algorithm; that gain is not to hide a cost. */
  static const bench_setting settings[] = {{"socket.nagle.disable", "true"}, {NULL, NULL}};
  bench_fleet_options options = micro_rig_fleet_options(rig, CLIENTS, governed);
  bench_fleet *fleet = NULL;
  uint64_t from_ns;
  int rc;

  options.settings = settings;
  rc = bench_fleet_new(&fleet, &options, error);
  if (rc)
    return rc;

  from_ns = bench_now_ns();
  rc = bench_fleet_make_all(fleet, error);
  if (!rc && !bench_fleet_wait_connected(fleet, from_ns + ROUND_NS))
    rc = bench_fail(error, MSKGOV_ERR_DEADLINE, "%u of %u pairs were connected after 60 s",
                    bench_fleet_connected(fleet), bench_fleet_pairs(fleet));
  *ms = bench_ms(bench_now_ns() - from_ns);
  bench_fleet_free(fleet);

  return rc;
}

static int run_rounds(const micro_rig *rig, uint32_t rounds, double *ungoverned,
                      double *governed, mskgov_error_info *error) {
  double warm_up;
  int rc = run_round(rig, 1, &warm_up, error);

  for (uint32_t i = 0; !rc && i < rounds && !tool_signal(); i++) {
    /* who goes first changes too */
    rc = run_round(rig, i % 2, i % 2 ? &governed[i] : &ungoverned[i], error);
    if (!rc)
      rc = run_round(rig, !(i % 2), i % 2 ? &ungoverned[i] : &governed[i], error);
  }

  return rc;
}

static int print(double *ungoverned, double *governed, uint32_t rounds, bool as_json) {
  double without = bench_median(ungoverned, rounds);
  double with = bench_median(governed, rounds);
  double ratio = with / without;
  json_t *json;

  if (as_json) {
    json = json_pack("{s:i, s:I, s:f, s:f, s:f, s:f, s:b}", "schema", 1, "rounds",
                     (json_int_t)rounds, "ungoverned_ms", without, "governed_ms", with,
                     "ratio", ratio, "bound", RATIO_BOUND, "kept", ratio <= RATIO_BOUND);
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(json);
  } else {
    printf("%u clients x %u brokers, medians of %u rounds (least to most)\n", CLIENTS,
           BROKERS, rounds);
    printf("ungoverned  %7.1f ms  (%.1f to %.1f)\n", without, ungoverned[0],
           ungoverned[rounds - 1]);
    printf("governed    %7.1f ms  (%.1f to %.1f)\n", with, governed[0],
           governed[rounds - 1]);
    printf("ratio       %7.3f     bound %.2f: %s\n", ratio, RATIO_BOUND,
           ratio <= RATIO_BOUND ? "kept" : "BROKEN");
  }

  return ratio <= RATIO_BOUND ? TOOL_DONE : TOOL_NO;
}

static int run(uint32_t rounds, bool as_json) {
  double ungoverned[ROUNDS_MAX], governed[ROUNDS_MAX];
  mskgov_error_info error = {0};
  micro_rig rig;
  int rc;

  rc = micro_rig_init(&rig, BROKERS, CLIENTS, QUOTA, QUOTA, &error);
  if (!rc) {
    rc = run_rounds(&rig, rounds, ungoverned, governed, &error);
    micro_rig_fini(&rig);
  }
  if (tool_signal())
    return tool_die_of_signal();
  if (rc)
    return tool_cannot("%s", error.text);

  rc = print(ungoverned, governed, rounds, as_json);

  return tool_flush() ? TOOL_CANNOT : rc;
}

int main(int argc, char **argv) {
  static const micro_command command = {"mskgov-overhead", help, "rounds", 1, ROUNDS_MAX};
  uint32_t rounds = 7;
  bool as_json;
  int rc;

  if (!micro_parse(&command, argc, argv, &rounds, &as_json, &rc))
    return rc;

  tool_catch_signals();

  return run(rounds, as_json);
}
