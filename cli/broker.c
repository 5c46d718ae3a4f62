#include "command.h"
#include "tool.h"

#include <mskgov/mskgov.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* In the order of mskgov_window. */
static const char *const windows[] = {"fixed", "sliding", "bucket", "kafka", NULL};
/* Serverless has one quota for all brokers together, which the cluster does not have yet. */
static const char *const classes[] = {"standard", "express", "t3.small", "legacy-2022",
                                      NULL};
static const char *const classes_later[] = {"serverless", NULL};
static mskgov_quota (*const quotas[])(void) = {mskgov_quota_standard, mskgov_quota_express,
                                               mskgov_quota_t3_small,
                                               mskgov_quota_legacy_2022};
static const char *const no_yes[] = {"no", "yes", NULL};

static const char help[] =
    "Usage: mskgov broker [OPTION]...\n"
    "Runs a cluster in a box on loopback: TLS, IAM by SASL OAUTHBEARER and AWS_MSK_IAM,\n"
    "and the connection quota of an Amazon MSK broker. There are no topics behind it.\n"
    "\n"
    "Clients have to sign with the credentials of this command's environment:\n"
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Any will do.\n"
    "\n"
    "  --brokers B             brokers, 1 to 64 (1)\n"
    "  --class C               the quota of a class of brokers: standard (the default),\n"
    "                          express, t3.small, legacy-2022\n"
    "  --quota Q               connections per second that a broker takes, 1 to 1000000\n"
    "                          (100)\n"
    "  --window W              what it goes by: fixed or sliding seconds, bucket (of\n"
    "                          tokens), or kafka, Apache Kafka's own rate (sliding)\n"
    "  --burst B               connections that a bucket takes at once, 1 to 1000000 (the\n"
    "                          quota)\n"
    "  --count-rejected yes|no whether rejected attempts count (yes)\n"
    "  --max-connections N     open connections per broker, 1 to 4294967295 (3000)\n"
    "  --port P                of the first broker, 1 to 65535 (free ports)\n"
    "  --region R              that clients have to sign for (us-east-1)\n"
    "  --ca-file FILE          where the certificate authority is written, PEM\n"
    "                          (mskgov-ca-<pid>.pem in TMPDIR, removed at the end)\n"
    "  --json                  data as JSON: a line at the start, a line at the end\n"
    "  --help                  this text\n"
    "\n"
    "It runs until SIGINT or SIGTERM, then prints what it has counted.\n"
    "Exit status: 0 done; 2 the command line is wrong; 3 it could not run.\n"
    "\n"
    "Example\n"
    "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n"
    "  mskgov broker --brokers 3 --quota 20 --port 9098 --ca-file ca.pem\n";

typedef struct broker_options {
  mskgov_cluster_options cluster;
  uint32_t quota, max_connections; /* 0: not given */
  mskgov_quota (*of_class)(void);  /* NULL: not given */
  const char *ca_path;
  char ca_path_memory[4096];
  bool remove_ca;
  bool as_json;
} broker_options;

static int read_option(broker_options *options, int opt, const char *text) {
  mskgov_cluster_options *cluster = &options->cluster;
  uint32_t port;
  int place, rc;

  switch (opt) {
  case 'b':
    return tool_number32("brokers", text, 1, MSKGOV_CLUSTER_BROKERS_MAX, &cluster->brokers);
  case 'q':
    return tool_number32("quota", text, 1, MSKGOV_QUOTA_RATE_MAX, &options->quota);
  case 'C':
    rc = tool_choice("class", text, classes, classes_later, &place);
    if (!rc)
      options->of_class = quotas[place];
    return rc;
  case 'w':
    rc = tool_choice("window", text, windows, NULL, &place);
    if (!rc)
      cluster->window = (mskgov_window)place;
    return rc;
  case 'u':
    return tool_number32("burst", text, 1, MSKGOV_QUOTA_RATE_MAX, &cluster->burst);
  case 'c':
    return tool_choice("count-rejected", text, no_yes, NULL, &cluster->count_rejected);
  case 'm':
    return tool_number32("max-connections", text, 1, UINT32_MAX, &options->max_connections);
  case 'p':
    rc = tool_number32("port", text, 1, UINT16_MAX, &port);
    if (!rc)
      cluster->first_port = (uint16_t)port;
    return rc;
  case 'r':
    cluster->region = text;
    return 0;
  case 'f':
    if (!*text)
      return tool_usage("--ca-file: the name of the file is empty");
    options->ca_path = text;
    return 0;
  default:
    options->as_json = true;
    return 0;
  }
}

/* What is given counts, wherever it stands; else the class, else the defaults. */
static void settle_quota(broker_options *options) {
  mskgov_cluster_options *cluster = &options->cluster;

  if (options->of_class) {
    cluster->connections_per_s = options->of_class().connections_per_s;
    cluster->max_connections = options->of_class().max_connections;
  }
  if (options->quota)
    cluster->connections_per_s = options->quota;
  if (options->max_connections)
    cluster->max_connections = options->max_connections;
}

static int check(broker_options *options) {
  const char *directory = getenv("TMPDIR");
  uint32_t last = options->cluster.first_port + options->cluster.brokers - 1;

  if (options->cluster.first_port && last > UINT16_MAX)
    return tool_usage("--port: \"%u\" leaves no room for %u brokers below 65536",
                      options->cluster.first_port, options->cluster.brokers);
  if (options->cluster.burst && options->cluster.window != MSKGOV_WINDOW_BUCKET)
    return tool_usage("--burst: \"%u\" is for --window bucket only; --window is %s",
                      options->cluster.burst, windows[options->cluster.window]);
  if (options->ca_path)
    return 0;

  snprintf(options->ca_path_memory, sizeof(options->ca_path_memory), "%s/mskgov-ca-%ld.pem",
           directory && *directory ? directory : "/tmp", (long)getpid());
  options->ca_path = options->ca_path_memory;
  options->remove_ca = true;

  return 0;
}

static int write_ca(const broker_options *options, const char *pem) {
  /* a file of ours in a directory of everyone's must not follow what stands there */
  FILE *file = fopen(options->ca_path, options->remove_ca ? "wxe" : "we");
  int failed;

  if (!file)
    return tool_cannot("cannot write %s: %s", options->ca_path, strerror(errno));

  failed = fputs(pem, file) < 0;
  failed = fclose(file) || failed;

  return failed ? tool_cannot("cannot write %s: %s", options->ca_path, strerror(errno)) : 0;
}

/* The counters of all brokers in one; the peaks are the highest of any broker. */
static mskgov_cluster_counters count(mskgov_cluster *cluster, uint32_t brokers) {
  mskgov_cluster_counters all = {.struct_size = sizeof(all)};

  for (uint32_t i = 0; i < brokers; i++) {
    mskgov_cluster_counters one = {.struct_size = sizeof(one)};

    mskgov_cluster_counters_get(cluster, i, &one, NULL);
    all.tcp_accepted += one.tcp_accepted;
    all.attempts += one.attempts;
    all.accepted += one.accepted;
    all.rejected += one.rejected;
    all.denied += one.denied;
    all.failed += one.failed;
    all.open += one.open;
    if (one.peak_open > all.peak_open)
      all.peak_open = one.peak_open;
    if (one.peak_window > all.peak_window)
      all.peak_window = one.peak_window;
  }

  return all;
}

static void print_json(json_t *json) {
  json_dumpf(json, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(json);
}

static int print_start(const broker_options *options, const mskgov_cluster *cluster) {
  const char *servers = mskgov_cluster_bootstrap_servers(cluster);

  if (options->as_json)
    print_json(json_pack("{s:i, s:s, s:s, s:s}", "schema", 1, "bootstrap_servers", servers,
                         "ca_file", options->ca_path, "region", options->cluster.region));
  else
    printf("bootstrap.servers=%s\nssl.ca.location=%s\n", servers, options->ca_path);

  return tool_flush();
}

static int print_end(const broker_options *options, mskgov_cluster *cluster) {
  mskgov_cluster_counters seen = count(cluster, options->cluster.brokers);

  if (options->as_json)
    print_json(json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tcp_accepted",
        (json_int_t)seen.tcp_accepted, "attempts", (json_int_t)seen.attempts, "accepted",
        (json_int_t)seen.accepted, "rejected", (json_int_t)seen.rejected, "denied",
        (json_int_t)seen.denied, "failed", (json_int_t)seen.failed, "peak_open",
        (json_int_t)seen.peak_open, "peak_window", (json_int_t)seen.peak_window));
  else
    printf("attempts     %" PRIu64 "\naccepted     %" PRIu64 "\nrejected     %" PRIu64
           "\ndenied       %" PRIu64 "\nfailed       %" PRIu64
           "\npeak in 1 s  %u per broker, quota %u\npeak open    %u per broker, limit %u\n",
           seen.attempts, seen.accepted, seen.rejected, seen.denied, seen.failed,
           seen.peak_window, options->cluster.connections_per_s, seen.peak_open,
           options->cluster.max_connections);

  return tool_flush();
}

/* Sits until a signal comes; tells how it goes if somebody can see it. */
static void serve(const broker_options *options, mskgov_cluster *cluster) {
  const struct timespec second = {.tv_sec = 1};
  bool told = isatty(STDERR_FILENO);

  while (!tool_signal()) {
    mskgov_cluster_counters seen = count(cluster, options->cluster.brokers);

    if (told)
      fprintf(stderr,
              "%u open, %" PRIu64 " attempts, %" PRIu64 " accepted, %" PRIu64
              " rejected, %" PRIu64 " denied, %" PRIu64 " failed\n",
              seen.open, seen.attempts, seen.accepted, seen.rejected, seen.denied,
              seen.failed);
    nanosleep(&second, NULL);
  }
}

static int get_credentials(mskgov_credentials **credentials) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  int rc;

  rc = mskgov_credentials_provider_new_environment(&provider, &error);
  if (!rc) {
    rc = mskgov_credentials_provider_get(provider, credentials, &error);
    mskgov_credentials_provider_free(provider);
  }
  if (rc == MSKGOV_ERR_NO_CREDENTIALS)
    return tool_cannot("no credentials to accept: set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY, here and for the clients; any will do");
  if (rc)
    return tool_cannot("%s", error.text);

  return 0;
}

static int run(broker_options *options) {
  mskgov_credentials *credentials = NULL;
  mskgov_cluster *cluster = NULL;
  mskgov_error_info error;
  int status, rc;

  status = get_credentials(&credentials);
  if (status)
    return status;

  options->cluster.credentials = &credentials;
  options->cluster.credentials_count = 1;
  rc = mskgov_cluster_new(&cluster, &options->cluster, &error);
  if (rc) {
    status = rc == MSKGOV_ERR_INVALID ? tool_usage("%s", error.text)
                                      : tool_cannot("%s", error.text);
    goto done;
  }
  status = write_ca(options, mskgov_cluster_ca_pem(cluster));
  if (status)
    goto done;

  status = print_start(options, cluster);
  if (!status) {
    serve(options, cluster);
    status = print_end(options, cluster);
  }
  if (options->remove_ca)
    unlink(options->ca_path);

done:
  mskgov_cluster_free(cluster);
  mskgov_credentials_free(credentials);

  return status;
}

int cli_broker_run(int argc, char **argv) {
  static const struct option longs[] = {{"brokers", required_argument, NULL, 'b'},
                                        {"quota", required_argument, NULL, 'q'},
                                        {"class", required_argument, NULL, 'C'},
                                        {"window", required_argument, NULL, 'w'},
                                        {"burst", required_argument, NULL, 'u'},
                                        {"count-rejected", required_argument, NULL, 'c'},
                                        {"max-connections", required_argument, NULL, 'm'},
                                        {"port", required_argument, NULL, 'p'},
                                        {"region", required_argument, NULL, 'r'},
                                        {"ca-file", required_argument, NULL, 'f'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  broker_options options = {0};
  int opt, rc;

  mskgov_cluster_options_init(&options.cluster);
  while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(help, stdout);
      return tool_flush();
    }
    rc = opt == '?' || opt == ':' ? tool_bad_option(opt, argv[optind - 1])
                                  : read_option(&options, opt, optarg);
    if (rc)
      return rc;
  }
  if (optind < argc)
    return tool_usage("there is no argument \"%s\"", argv[optind]);
  settle_quota(&options);
  rc = check(&options);
  if (rc)
    return rc;

  tool_catch_signals();

  return run(&options);
}
