#include "storm/options.h"

#include "tool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Clients, where the command line does not tell how many. */
#define CLIENTS_COLD 100
#define CLIENTS_ROLLING 400
#define CLIENTS_MAX 100000 /* of any kind */

const char *const storm_scenario_names[] = {"cold", "rolling", NULL};
const char *const storm_window_names[] = {"fixed", "sliding", "bucket", "kafka", NULL};
static const char *const yes_no[] = {"no", "yes", NULL};

static const char help[] =
    "Usage: mskgov-storm [OPTION]...\n"
    "Lets a fleet of Kafka clients connect to a cluster in a box, all at once, and\n"
    "measures what they do to its connection quota. The cluster runs in this process, on\n"
    "loopback: TLS, IAM, and the quota of an Amazon MSK broker.\n"
    "\n"
    "The storm\n"
    "  --scenario S            cold (the default): all clients connect at once; or\n"
    "                          rolling: all are connected, then one broker stops for 3 s\n"
    "                          and its clients come back; only that is measured\n"
    "  --clients N             clients, 1 to 10000, light ones to 100000 (100; rolling: "
    "400)\n"
    "  --brokers B             brokers; every client connects to all, 1 to 64 (3)\n"
    "  --quota Q               connections per second that a broker takes, 1 to 1000000 "
    "(20)\n"
    "  --window W              what a broker goes by: fixed or sliding seconds, bucket "
    "(of\n"
    "                          tokens), or kafka, Apache Kafka's own rate (sliding)\n"
    "  --burst B               connections that a bucket takes at once, 1 to 1000000 (the\n"
    "                          quota)\n"
    "  --count-rejected yes|no whether rejected attempts count (yes)\n"
    "  --modes M,...           how clients behave, one after the other; all, but host and\n"
    "                          adaptive only with more processes than one:\n"
    "                            ungoverned  librdkafka's back-off as it comes\n"
    "                            advised     AWS's advice: a fixed back-off of 1 s and a\n"
    "                                        random sleep before a client is created\n"
    "                            local       one mskgov governor per process, with\n"
    "                                        quota / processes\n"
    "                            host        the same, and they share the quota through "
    "the\n"
    "                                        store of the host\n"
    "                            adaptive    the same, with the whole quota each and no\n"
    "                                        store: the rate follows the rejections\n"
    "  --client C              what the clients are made of: rdkafka, or light, which are\n"
    "                          mskgov's own connections, many to a thread (rdkafka)\n"
    "  --processes P           processes that the clients are spread over, 1 to 64 (1)\n"
    "  --horizon SECONDS       a mode that is not done by then ends, 1 to 3600 (120)\n"
    "  --seed S                repeats random choices (1)\n"
    "\n"
    "What is left behind, besides the table on standard output\n"
    "  --json FILE             the results as JSON\n"
    "  --report FILE           a page to look at, HTML\n"
    "  --svg FILE              the picture of that page, SVG\n"
    "\n"
    "  --help                  this text\n"
    "  --version               the version\n"
    "\n"
    "Exit status: 0 done; 1 done, and a governed mode did not keep its promise: all\n"
    "connected, none rejected and the quota kept (adaptive: all connected); 2 the command\n"
    "line is wrong; 3 it could not run.\n"
    "\n"
    "Example: 200 clients of four processes against kafka.t3.small, half a minute each\n"
    "  mskgov-storm --clients 200 --processes 4 --quota 4 --horizon 30 --report "
    "storm.html\n";

enum {
  OPT_SCENARIO = 1,
  OPT_CLIENTS,
  OPT_BROKERS,
  OPT_QUOTA,
  OPT_WINDOW,
  OPT_BURST,
  OPT_COUNT_REJECTED,
  OPT_MODES,
  OPT_CLIENT,
  OPT_PROCESSES,
  OPT_HORIZON,
  OPT_SEED,
  OPT_JSON,
  OPT_REPORT,
  OPT_SVG,
  OPT_HELP,
  OPT_VERSION,
  OPT_WORKER
};

static const struct option longs[] = {
    {"scenario", required_argument, NULL, OPT_SCENARIO},
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"brokers", required_argument, NULL, OPT_BROKERS},
    {"quota", required_argument, NULL, OPT_QUOTA},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"burst", required_argument, NULL, OPT_BURST},
    {"count-rejected", required_argument, NULL, OPT_COUNT_REJECTED},
    {"modes", required_argument, NULL, OPT_MODES},
    {"client", required_argument, NULL, OPT_CLIENT},
    {"processes", required_argument, NULL, OPT_PROCESSES},
    {"horizon", required_argument, NULL, OPT_HORIZON},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", required_argument, NULL, OPT_JSON},
    {"report", required_argument, NULL, OPT_REPORT},
    {"svg", required_argument, NULL, OPT_SVG},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"worker", no_argument, NULL, OPT_WORKER}, /* for mskgov-storm itself */
    {NULL, 0, NULL, 0},
};

static int read_mode(storm_options *options, const char *name) {
  int place, rc;

  rc = tool_choice("modes", name, storm_mode_names, storm_mode_names_later, &place);
  if (rc)
    return rc;

  for (int i = 0; i < options->mode_count; i++)
    if (options->modes[i] == &storm_modes[place])
      return tool_usage("--modes: \"%s\" stands there twice", name);
  options->modes[options->mode_count++] = &storm_modes[place];

  return 0;
}

static int read_modes(storm_options *options, const char *text) {
  char *copy = strdup(text), *rest = copy, *name;
  int rc = copy ? 0 : tool_cannot("out of memory");

  options->mode_count = 0;
  while (!rc && (name = strsep(&rest, ",")))
    rc = read_mode(options, name);
  free(copy);

  return rc;
}

static int read_path(const char *option, const char *text, const char **path) {
  if (!*text)
    return tool_usage("--%s: the name of the file is empty", option);

  *path = text;

  return 0;
}

static int read_kind(storm_options *options, const char *name) {
  int place, rc;

  rc = tool_choice("client", name, storm_clients_names, NULL, &place);
  if (!rc)
    options->kind = storm_clients_kinds[place];

  return rc;
}

static int read_option(storm_options *options, int opt, const char *text) {
  switch (opt) {
  case OPT_SCENARIO:
    return tool_choice("scenario", text, storm_scenario_names, NULL, &options->scenario);
  case OPT_CLIENTS:
    return tool_number32("clients", text, 1, CLIENTS_MAX, &options->clients);
  case OPT_BROKERS:
    return tool_number32("brokers", text, 1, MSKGOV_CLUSTER_BROKERS_MAX, &options->brokers);
  case OPT_QUOTA:
    return tool_number32("quota", text, 1, MSKGOV_QUOTA_RATE_MAX, &options->quota);
  case OPT_WINDOW:
    return tool_choice("window", text, storm_window_names, NULL, &options->window);
  case OPT_BURST:
    return tool_number32("burst", text, 1, MSKGOV_QUOTA_RATE_MAX, &options->burst);
  case OPT_COUNT_REJECTED:
    return tool_choice("count-rejected", text, yes_no, NULL, &options->count_rejected);
  case OPT_MODES:
    return read_modes(options, text);
  case OPT_CLIENT:
    return read_kind(options, text);
  case OPT_PROCESSES:
    return tool_number32("processes", text, 1, STORM_PROCESSES_MAX, &options->processes);
  case OPT_HORIZON:
    return tool_number32("horizon", text, 1, STORM_HORIZON_MAX_S, &options->horizon_s);
  case OPT_SEED:
    return tool_number("seed", text, 0, INT64_MAX, &options->seed);
  case OPT_JSON:
    return read_path("json", text, &options->json_path);
  case OPT_REPORT:
    return read_path("report", text, &options->report_path);
  default:
    return read_path("svg", text, &options->svg_path);
  }
}

static int check(const storm_options *options) {
  if (options->clients > options->kind->clients_max)
    return tool_usage("--clients: \"%u\" is more than %u, the most of --client %s",
                      options->clients, options->kind->clients_max, options->kind->name);
  if (options->processes > options->clients)
    return tool_usage("--processes: \"%u\" is more than --clients, which is %u",
                      options->processes, options->clients);

  if (options->burst && options->window != MSKGOV_WINDOW_BUCKET)
    return tool_usage("--burst: \"%u\" is for --window bucket only; --window is %s",
                      options->burst, storm_window_names[options->window]);

  if (options->scenario == STORM_ROLLING && options->horizon_s <= STORM_AWAY_S)
    return tool_usage("--horizon: \"%u\" is not more than the %u s for which the broker of "
                      "a rolling restart is away",
                      options->horizon_s, STORM_AWAY_S);

  for (int i = 0; i < options->mode_count; i++)
    if (options->modes[i]->budget == STORM_BUDGET_SHARE &&
        options->processes > options->quota)
      return tool_usage("--processes: \"%u\" is more than --quota, which is %u: mode %s "
                        "needs one connection per second for each process",
                        options->processes, options->quota, options->modes[i]->name);

  return STORM_OPTIONS_GO;
}

static void set_defaults(storm_options *options) {
  *options = (storm_options){.kind = &storm_clients_rdkafka,
                             .brokers = 3,
                             .quota = 20,
                             .window = MSKGOV_WINDOW_SLIDING,
                             .count_rejected = 1,
                             .processes = 1,
                             .horizon_s = 120,
                             .seed = 1};
}

/* What depends on other options. */
static void fill_in(storm_options *options) {
  if (!options->clients)
    options->clients = options->scenario == STORM_ROLLING ? CLIENTS_ROLLING : CLIENTS_COLD;
  if (options->mode_count)
    return;

  options->mode_count = options->processes > 1 ? STORM_MODES : STORM_MODES_ALONE;
  for (int i = 0; i < options->mode_count; i++)
    options->modes[i] = &storm_modes[i];
}

int storm_options_read(storm_options *options, int argc, char **argv) {
  int opt, rc;

  set_defaults(options);
  while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == OPT_HELP || opt == OPT_VERSION) {
      fputs(opt == OPT_HELP ? help : "mskgov-storm " MSKGOV_VERSION "\n", stdout);
      return tool_flush();
    }
    if (opt == OPT_WORKER) {
      options->worker = 1;
      return STORM_OPTIONS_GO;
    }
    rc = opt == '?' || opt == ':' ? tool_bad_option(opt, argv[optind - 1])
                                  : read_option(options, opt, optarg);
    if (rc)
      return rc;
  }
  if (optind < argc)
    return tool_usage("there is no argument \"%s\"", argv[optind]);

  fill_in(options);

  return check(options);
}
