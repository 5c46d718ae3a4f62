#include <mskgov/broker.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/error.h"
#include "broker/authority.h"
#include "broker/broker.h"
#include "broker/uuid.h"
#include "sign/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_PER_S_DEFAULT 100
#define CONNECTIONS_PER_S_MAX 1000000
#define MAX_CONNECTIONS_DEFAULT 3000
#define THREADS_MAX 64
#define CREDENTIALS_MAX 1024
#define HOST_MAX 253 /* bytes of a DNS name */
#define PORT_MAX 65535
/* Attempts that are copied without letting the broker go on. */
#define COPY_SLICE 4096
#define BOOTSTRAP_MAX (MSKGOV_CLUSTER_BROKERS_MAX * 24)

struct mskgov_cluster {
  pid_t pid;
  gov_broker_shared shared;
  gov_authority authority;
  char id[GOV_UUID_SIZE];
  char *host;
  gov_buffer bootstrap_servers;
  uint16_t ports[MSKGOV_CLUSTER_BROKERS_MAX];
  uint32_t brokers_count; /* initialised */
  gov_broker brokers[MSKGOV_CLUSTER_BROKERS_MAX];
  uint32_t loops_count; /* started; broker i lives on loop i % loops_count */
  gov_loop loops[THREADS_MAX];
};

void mskgov_cluster_options_init(mskgov_cluster_options *options) {
  *options = (mskgov_cluster_options){
      .struct_size = sizeof(*options),
      .brokers = 1,
      .connections_per_s = CONNECTIONS_PER_S_DEFAULT,
      .max_connections = MAX_CONNECTIONS_DEFAULT,
      .window = MSKGOV_WINDOW_SLIDING,
      .count_rejected = 1,
      .threads = 1,
      .advertised_host = "127.0.0.1",
      .region = "us-east-1",
  };
}

static int check_name(const char *field, const char *value, const char *allowed, size_t max,
                      mskgov_error_info *error) {
  if (value && *value && strlen(value) <= max && strspn(value, allowed) == strlen(value))
    return 0;

  return gov_error_set(error, MSKGOV_ERR_INVALID,
                       "%s is \"%.64s\"; allowed are 1 to %zu of the characters %s", field,
                       value ? value : "(null)", max, allowed);
}

static int check_credentials(const mskgov_cluster_options *options,
                             mskgov_error_info *error) {
  if (gov_check_range("options.credentials_count", options->credentials_count, 1,
                      CREDENTIALS_MAX, error))
    return MSKGOV_ERR_INVALID;

  for (size_t i = 0; i < options->credentials_count; i++)
    if (!options->credentials || !options->credentials[i])
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "options.credentials[%zu] is NULL; allowed are credentials", i);

  return 0;
}

static int check_window(const mskgov_cluster_options *options, mskgov_error_info *error) {
  if (gov_check_range("options.window", options->window, MSKGOV_WINDOW_FIXED,
                      MSKGOV_WINDOW_KAFKA, error) ||
      gov_check_range("options.burst", options->burst, 0, CONNECTIONS_PER_S_MAX, error))
    return MSKGOV_ERR_INVALID;
  if (options->burst && options->window != MSKGOV_WINDOW_BUCKET)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.burst is %u; allowed is 0, since options.window is not "
                         "MSKGOV_WINDOW_BUCKET",
                         options->burst);

  return 0;
}

static int check_options(const mskgov_cluster_options *options, mskgov_error_info *error) {
  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_cluster_options_init", error))
    return MSKGOV_ERR_INVALID;

  if (gov_check_range("options.brokers", options->brokers, 1, MSKGOV_CLUSTER_BROKERS_MAX,
                      error) ||
      gov_check_range("options.connections_per_s", options->connections_per_s, 1,
                      CONNECTIONS_PER_S_MAX, error) ||
      gov_check_range("options.max_connections", options->max_connections, 1, UINT32_MAX,
                      error) ||
      check_window(options, error) ||
      gov_check_range("options.threads", options->threads, 1, THREADS_MAX, error) ||
      gov_check_range("options.first_port", options->first_port, 0,
                      PORT_MAX + 1 - options->brokers, error) ||
      check_name("options.advertised_host", options->advertised_host,
                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
                 HOST_MAX, error) ||
      gov_region_check("options.region", options->region, error))
    return MSKGOV_ERR_INVALID;

  return check_credentials(options, error);
}

/* What the brokers share, but for their ports. */
static int make_shared(mskgov_cluster *cluster, const mskgov_cluster_options *options,
                       mskgov_error_info *error) {
  int rc = gov_uuid_random(cluster->id);

  if (rc)
    return gov_error_set(error, rc, "cannot make the cluster's id: no randomness");

  cluster->host = strdup(options->advertised_host);
  if (!cluster->host ||
      gov_token_check_init(&cluster->shared.check, options->region, cluster->host,
                           options->credentials, options->credentials_count))
    return gov_error_no_memory(error);

  rc = gov_authority_init(&cluster->authority, cluster->host, error);
  if (!rc)
    rc = gov_authority_tls(&cluster->authority, &cluster->shared.tls, error);

  return rc;
}

static int start_loops(mskgov_cluster *cluster, const mskgov_cluster_options *options,
                       mskgov_error_info *error) {
  uint32_t count =
      options->threads < options->brokers ? options->threads : options->brokers;

  while (cluster->loops_count < count) {
    int rc = gov_loop_start(&cluster->loops[cluster->loops_count], cluster->loops_count,
                            options->files_per_thread != 0, error);
    if (rc)
      return rc;
    cluster->loops_count++;
  }

  return 0;
}

static int open_broker(void *broker, mskgov_error_info *error) {
  return gov_broker_open(broker, error);
}
static int stop_broker(void *broker, mskgov_error_info *error) {
  return gov_broker_stop(broker, error);
}
static int start_broker(void *broker, mskgov_error_info *error) {
  return gov_broker_start(broker, error);
}
static int close_broker(void *broker, mskgov_error_info *error) {
  (void)error;
  gov_broker_close(broker);

  return 0;
}

static int make_brokers(mskgov_cluster *cluster, const mskgov_cluster_options *options,
                        mskgov_error_info *error) {
  int rc = 0;

  cluster->shared.about = (gov_kafka_cluster){.id = cluster->id,
                                              .host = cluster->host,
                                              .ports = cluster->ports,
                                              .brokers = options->brokers};
  for (uint32_t i = 0; !rc && i < options->brokers; i++) {
    gov_broker *broker = &cluster->brokers[cluster->brokers_count++];
    uint16_t port = options->first_port ? (uint16_t)(options->first_port + i) : 0;

    rc = gov_broker_init(broker, i, port, options, &cluster->shared,
                         &cluster->loops[i % cluster->loops_count], error);
    if (!rc)
      rc = gov_loop_call(broker->loop, open_broker, broker, error);
    cluster->ports[i] = broker->port;
  }
  /* only now, since each of them tells clients of all */
  for (uint32_t i = 0; !rc && i < options->brokers; i++)
    rc = gov_loop_call(cluster->brokers[i].loop, start_broker, &cluster->brokers[i], error);

  return rc;
}

static int make_bootstrap_servers(mskgov_cluster *cluster, mskgov_error_info *error) {
  gov_buffer *text = &cluster->bootstrap_servers;
  char one[32];

  gov_buffer_init(text, BOOTSTRAP_MAX);
  for (uint32_t i = 0; i < cluster->brokers_count; i++) {
    snprintf(one, sizeof(one), "%s127.0.0.1:%u", i ? "," : "", cluster->ports[i]);
    gov_buffer_append_string(text, one);
  }

  return text->failed ? gov_error_no_memory(error) : 0;
}

int mskgov_cluster_new(mskgov_cluster **out, const mskgov_cluster_options *options,
                       mskgov_error_info *error) {
  mskgov_cluster *cluster;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = check_options(options, error);
  if (rc)
    return rc;

  cluster = calloc(1, sizeof(*cluster));
  if (!cluster)
    return gov_error_no_memory(error);

  cluster->pid = getpid();
  rc = make_shared(cluster, options, error);
  if (!rc)
    rc = start_loops(cluster, options, error);
  if (!rc)
    rc = make_brokers(cluster, options, error);
  if (!rc)
    rc = make_bootstrap_servers(cluster, error);
  if (rc) {
    mskgov_cluster_free(cluster);
    return rc;
  }

  *out = cluster;

  return 0;
}

void mskgov_cluster_free(mskgov_cluster *cluster) {
  /* In a forked child there are no threads to end, and the sockets are the parent's. */
  if (!cluster || cluster->pid != getpid())
    return;

  for (uint32_t i = 0; i < cluster->brokers_count; i++)
    gov_loop_call(cluster->brokers[i].loop, close_broker, &cluster->brokers[i], NULL);
  for (uint32_t i = 0; i < cluster->loops_count; i++)
    gov_loop_stop(&cluster->loops[i]);
  for (uint32_t i = 0; i < cluster->brokers_count; i++)
    gov_broker_fini(&cluster->brokers[i]);
  SSL_CTX_free(cluster->shared.tls);
  gov_token_check_fini(&cluster->shared.check);
  gov_authority_fini(&cluster->authority);
  gov_buffer_fini(&cluster->bootstrap_servers);
  free(cluster->host);
  free(cluster);
}

const char *mskgov_cluster_bootstrap_servers(const mskgov_cluster *cluster) {
  return cluster->bootstrap_servers.data;
}

const char *mskgov_cluster_ca_pem(const mskgov_cluster *cluster) {
  return cluster->authority.ca_pem;
}

/* Has something done to a broker by the thread that it lives on. */
static int call(mskgov_cluster *cluster, uint32_t broker, gov_loop_task *task,
                mskgov_error_info *error) {
  gov_error_reset(error);
  if (cluster->pid != getpid())
    return gov_error_set(error, MSKGOV_ERR_FORKED,
                         "the cluster belongs to the process before the fork");
  if (gov_check_range("broker", broker, 0, cluster->brokers_count - 1, error))
    return MSKGOV_ERR_INVALID;

  return gov_loop_call(cluster->brokers[broker].loop, task, &cluster->brokers[broker],
                       error);
}

int mskgov_cluster_stop_broker(mskgov_cluster *cluster, uint32_t broker,
                               mskgov_error_info *error) {
  return call(cluster, broker, stop_broker, error);
}

int mskgov_cluster_start_broker(mskgov_cluster *cluster, uint32_t broker,
                                mskgov_error_info *error) {
  return call(cluster, broker, start_broker, error);
}

int mskgov_cluster_set_quota(mskgov_cluster *cluster, uint32_t connections_per_s,
                             mskgov_error_info *error) {
  int rc;

  gov_error_reset(error);
  rc = gov_check_range("connections_per_s", connections_per_s, 1, CONNECTIONS_PER_S_MAX,
                       error);
  for (uint32_t i = 0; !rc && i < cluster->brokers_count; i++)
    rc = gov_broker_set_quota(&cluster->brokers[i], connections_per_s, error);

  return rc;
}

int mskgov_cluster_counters_get(mskgov_cluster *cluster, uint32_t broker,
                                mskgov_cluster_counters *counters,
                                mskgov_error_info *error) {
  gov_error_reset(error);
  if (gov_check_range("broker", broker, 0, cluster->brokers_count - 1, error))
    return MSKGOV_ERR_INVALID;
  if (gov_check_struct("counters", counters, sizeof(*counters),
                       "set it to sizeof(mskgov_cluster_counters)", error))
    return MSKGOV_ERR_INVALID;

  gov_broker_counters(&cluster->brokers[broker], counters);

  return 0;
}

int64_t mskgov_cluster_attempts(mskgov_cluster *cluster, uint32_t broker, uint64_t first,
                                mskgov_cluster_attempt *attempts, size_t capacity) {
  size_t copied = 0, slice;

  if (broker >= cluster->brokers_count)
    return MSKGOV_ERR_INVALID;

  do {
    size_t left = capacity - copied;

    slice =
        gov_broker_copy_attempts(&cluster->brokers[broker], first + copied,
                                 attempts + copied, left < COPY_SLICE ? left : COPY_SLICE);
    copied += slice;
  } while (slice == COPY_SLICE);

  return (int64_t)copied;
}
