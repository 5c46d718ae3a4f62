/*
 * The adapter under a real librdkafka: what it refuses, what it leaves to the
 * application, and how it waits, fails and lets go.
 */
#include "../unit/harness.h"
#include "kafka_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is refused, before a connection is tried. */

struct refusal {
  const char *property, *value; /* set in the conf; NULL: nothing */
  const char *region;
  const char *names[3]; /* what the error text has to name */
};

static const struct refusal refusals[] = {
    {"security.protocol",
     "plaintext",
     TEST_REGION,
     {"security.protocol", "plaintext", "sasl_ssl"}},
    {"security.protocol", "ssl", TEST_REGION, {"security.protocol", "ssl", "sasl_ssl"}},
    {NULL, NULL, "eu-wst-1", {"region", "eu-wst-1", "eu-west-1"}},
    {NULL, NULL, "", {"region", "\"\"", "eu-west-1"}},
    {NULL, NULL, NULL, {"127.0.0.1", "region", NULL}},
    {"bootstrap.servers",
     "127.0.0.1",
     TEST_REGION,
     {"bootstrap.servers", "127.0.0.1", "host:port"}},
    {"bootstrap.servers",
     "b-1:9098,b 2:9098",
     TEST_REGION,
     {"bootstrap.servers", "port", NULL}},
    {"bootstrap.servers",
     "b-1:90980",
     TEST_REGION,
     {"bootstrap.servers", "90980", "65535"}},
    {"enable.sasl.oauthbearer.unsecure.jwt",
     "true",
     TEST_REGION,
     {"unsecure.jwt", "true", "false"}},
};

START_TEST(test_refusals) {
  const struct refusal *refusal = &refusals[_i];
  mskgov_governor *governor = test_governor_new(20);
  mskgov_credentials_provider *provider = test_provider(MSKGOV_NEVER);
  mskgov_rdkafka_options options;
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:9098", NULL);
  mskgov_error_info error;

  if (refusal->property)
    test_conf_set(conf, refusal->property, refusal->value);
  mskgov_rdkafka_options_init(&options);
  options.region = refusal->region;
  options.credentials = provider;

  ck_assert_int_eq(mskgov_rdkafka_apply(conf, governor, &options, &error),
                   MSKGOV_ERR_INVALID);
  for (size_t i = 0; i < 3 && refusal->names[i]; i++)
    ck_assert_msg(strstr(error.text, refusal->names[i]) != NULL, "\"%s\" is not in: %s",
                  refusal->names[i], error.text);

  rd_kafka_conf_destroy(conf);
  mskgov_credentials_provider_free(provider);
  mskgov_governor_free(governor);
}
END_TEST

static void expect_credentials_error(mskgov_credentials_provider *provider, int code,
                                     const char *name) {
  mskgov_governor *governor = test_governor_new(20);
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:9098", NULL);
  mskgov_rdkafka_options options;
  mskgov_error_info error;

  mskgov_rdkafka_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_rdkafka_apply(conf, governor, &options, &error), code);
  ck_assert_msg(strstr(error.text, name) != NULL, "\"%s\" is not in: %s", name, error.text);

  rd_kafka_conf_destroy(conf);
  mskgov_governor_free(governor);
}

START_TEST(test_no_credentials) {
  unsetenv("AWS_ACCESS_KEY_ID");
  unsetenv("AWS_SECRET_ACCESS_KEY");
  expect_credentials_error(NULL, MSKGOV_ERR_NO_CREDENTIALS, "AWS_ACCESS_KEY_ID");
}
END_TEST

START_TEST(test_expired_credentials) {
  mskgov_credentials_provider *provider = test_provider(UINT64_C(1700000000000000000));

  expect_credentials_error(provider, MSKGOV_ERR_CREDENTIALS_EXPIRED, "2023-11-14");
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_applied_twice) {
  mskgov_governor *governor = test_governor_new(20);
  mskgov_credentials_provider *provider = test_provider(MSKGOV_NEVER);
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:9098", NULL);
  mskgov_rdkafka_options options;
  mskgov_error_info error;

  test_apply(conf, governor, provider);
  mskgov_rdkafka_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_rdkafka_apply(conf, governor, &options, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert(strstr(error.text, "already") != NULL);

  rd_kafka_conf_destroy(conf);
  mskgov_credentials_provider_free(provider);
  mskgov_governor_free(governor);
}
END_TEST

static void expect_governor_error(mskgov_governor *governor, int code) {
  mskgov_credentials_provider *provider = test_provider(MSKGOV_NEVER);
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:9098", NULL);
  mskgov_rdkafka_options options;
  mskgov_error_info error;

  mskgov_rdkafka_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_rdkafka_apply(conf, governor, &options, &error), code);
  ck_assert_int_eq(error.code, code);

  rd_kafka_conf_destroy(conf);
  mskgov_credentials_provider_free(provider);
}

START_TEST(test_governor_that_cannot_serve) {
  mskgov_governor *governor = test_governor_new(20);
  int status;
  pid_t pid;

  expect_governor_error(NULL, MSKGOV_ERR_INVALID);
  pid = fork();
  if (pid == 0) {
    expect_governor_error(governor, MSKGOV_ERR_FORKED);
    _exit(0);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  mskgov_governor_stop(governor);
  expect_governor_error(governor, MSKGOV_ERR_STOPPED);
  mskgov_governor_free(governor);
}
END_TEST

/* A child makes a client of its own, and destroys what it inherited. Port 1 refuses. */
static void live_in_a_child(rd_kafka_conf_t *inherited,
                            mskgov_credentials_provider *provider) {
  mskgov_governor *governor = test_governor_new(20);
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:1", NULL);
  rd_kafka_t *rk;

  test_apply(conf, governor, provider);
  rk = test_client_new(conf);
  rd_kafka_conf_destroy(inherited);
  test_wait_until(test_metrics(governor, "127.0.0.1:1").failed_transport >= 1);
  rd_kafka_destroy(rk);
  mskgov_governor_free(governor);
}

START_TEST(test_fork_with_an_applied_conf) {
  mskgov_governor *governor = test_governor_new(20);
  mskgov_credentials_provider *provider = test_provider(MSKGOV_NEVER);
  rd_kafka_conf_t *conf = test_conf_new("127.0.0.1:9098", NULL);
  int status;
  pid_t pid;

  test_apply(conf, governor, provider);
  pid = fork();
  if (pid == 0) {
    if (TEST_CHILD_MAY_START_THREADS)
      live_in_a_child(conf, provider);
    _exit(0);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
                (unsigned)status);

  rd_kafka_conf_destroy(conf);
  mskgov_credentials_provider_free(provider);
  mskgov_governor_free(governor);
}
END_TEST

/* What stays the application's. */

static int the_opaque;
static atomic_int app_connects, app_closes, app_logs, wrong_opaques;

static int app_connect(int fd, const struct sockaddr *address, int length, const char *id,
                       void *opaque) {
  (void)id;
  atomic_fetch_add(&app_connects, 1);
  if (opaque != &the_opaque)
    atomic_fetch_add(&wrong_opaques, 1);

  return connect(fd, address, (socklen_t)length) == 0 || errno == EINPROGRESS ? 0 : errno;
}

static int app_closesocket(int fd, void *opaque) {
  atomic_fetch_add(&app_closes, 1);
  if (opaque != &the_opaque)
    atomic_fetch_add(&wrong_opaques, 1);

  return close(fd);
}

static void app_log(const rd_kafka_t *rk, int level, const char *facility,
                    const char *text) {
  (void)rk, (void)level, (void)facility, (void)text;
  atomic_fetch_add(&app_logs, 1);
}

static void set_app_callbacks(rd_kafka_conf_t *conf) {
  rd_kafka_conf_set_opaque(conf, &the_opaque);
  rd_kafka_conf_set_connect_cb(conf, app_connect);
  rd_kafka_conf_set_closesocket_cb(conf, app_closesocket);
  rd_kafka_conf_set_log_cb(conf, app_log);
}

/* Callbacks set before (0) or after (1) the conf is applied, and then duplicated (2, 3);
   3: duplicated from a running client's own conf. */
START_TEST(test_callbacks_are_chained) {
  mskgov_governor *governor = test_governor_new(2);
  rd_kafka_conf_t *conf, *duplicate;
  test_cluster cluster;
  rd_kafka_t *rk, *first = NULL;
  int clients = _i == 3 ? 2 : 1;

  test_cluster_start(&cluster, 3, 20);
  conf = test_conf_new(mskgov_cluster_bootstrap_servers(cluster.cluster),
                       mskgov_cluster_ca_pem(cluster.cluster));
  if (_i != 1)
    set_app_callbacks(conf);
  test_apply(conf, governor, cluster.provider);
  if (_i == 1)
    set_app_callbacks(conf);
  if (_i == 2) {
    duplicate = rd_kafka_conf_dup(conf);
    rd_kafka_conf_destroy(conf);
    conf = duplicate;
  } else if (_i == 3) {
    first = test_client_new(conf);
    conf = rd_kafka_conf_dup(rd_kafka_conf(first));
  }

  rk = test_client_new(conf);
  ck_assert_ptr_eq(rd_kafka_opaque(rk), &the_opaque);
  test_wait_until(test_cluster_counters(&cluster).open == 3u * (unsigned)clients);
  /* A governed client, whichever way: three brokers, one permit each. */
  ck_assert_uint_eq(test_cluster_counters(&cluster).rejected, 0);
  rd_kafka_destroy(rk);
  if (first)
    rd_kafka_destroy(first);

  /* At least: a broker thread may try once more before it learns that it is to end, and
     an attempt that waits is closed without having been connected. */
  ck_assert_int_ge(app_connects, 3 * clients);
  ck_assert_int_ge(app_closes, app_connects);
  ck_assert_int_eq(wrong_opaques, 0);
  mskgov_governor_free(governor);
  test_cluster_stop(&cluster);
}
END_TEST

/* Waiting and letting go. */

/* Permits of one a second: of 20 clients, most are parked when they are destroyed. */
START_TEST(test_destroy_while_parked) {
  enum { CLIENTS = 20 };
  mskgov_governor *governor = test_governor_new(1);
  rd_kafka_t *clients[CLIENTS];
  test_cluster cluster;
  uint64_t before_ms;

  test_cluster_start(&cluster, 2, 1);
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = test_cluster_client(&cluster, governor, cluster.provider, NULL);
  test_wait_until(test_cluster_counters(&cluster).open > 0);

  before_ms = test_now_ms();
  for (int i = 0; i < CLIENTS; i++)
    rd_kafka_destroy(clients[i]);
  /* The bench has the sharp bound; here it only must not be a time-out of some kind. */
  ck_assert_uint_lt(test_now_ms() - before_ms, 10000);
  ck_assert_uint_eq(test_cluster_counters(&cluster).rejected, 0);
  ck_assert_uint_le(test_cluster_counters(&cluster).peak_window, 1);

  mskgov_governor_free(governor);
  test_cluster_stop(&cluster);
}
END_TEST

/* The governor is stopped, then freed, with clients that wait and clients that live. */
START_TEST(test_governor_goes_first) {
  mskgov_governor *governor = test_governor_new(1);
  rd_kafka_t *clients[4];
  test_cluster cluster;

  test_cluster_start(&cluster, 1, 1);
  for (int i = 0; i < 4; i++)
    clients[i] = test_cluster_client(&cluster, governor, cluster.provider, app_log);
  test_wait_until(test_cluster_counters(&cluster).open > 0);
  mskgov_governor_free(governor);

  test_wait_until(app_logs > 0); /* the others are told, as a failed connection */
  for (int i = 0; i < 4; i++)
    rd_kafka_destroy(clients[i]);
  test_cluster_stop(&cluster);
}
END_TEST

/* Failures. */

static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;
static char seen_failure[512];

static void keep_failure(const rd_kafka_t *rk, int level, const char *facility,
                         const char *text) {
  (void)rk, (void)level;
  if (strcmp(facility, "FAIL") != 0)
    return;

  pthread_mutex_lock(&seen_mutex);
  snprintf(seen_failure, sizeof(seen_failure), "%s", text);
  pthread_mutex_unlock(&seen_mutex);
}

static bool failure_has(const char *words) {
  bool has;

  pthread_mutex_lock(&seen_mutex);
  has = strstr(seen_failure, words) != NULL;
  pthread_mutex_unlock(&seen_mutex);

  return has;
}

/* A TCP port on loopback; `backlog` negative: nobody listens. Returns the descriptor. */
static int open_port(int backlog, char address[32]) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(in);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &length), 0);
  if (backlog >= 0)
    ck_assert_int_eq(listen(fd, backlog), 0);
  snprintf(address, 32, "127.0.0.1:%d", ntohs(in.sin_port));

  return fd;
}

typedef struct failing_client {
  mskgov_governor *governor;
  mskgov_credentials_provider *provider;
  rd_kafka_t *rk;
} failing_client;

static void failing_client_start(failing_client *test, const char *address) {
  rd_kafka_conf_t *conf = test_conf_new(address, NULL);

  test->governor = test_governor_new(1);
  test->provider = test_provider(MSKGOV_NEVER);
  test_conf_set(conf, "socket.connection.setup.timeout.ms", "1000");
  rd_kafka_conf_set_log_cb(conf, keep_failure);
  test_apply(conf, test->governor, test->provider);
  test->rk = test_client_new(conf);
}

static void failing_client_stop(failing_client *test) {
  rd_kafka_destroy(test->rk);
  mskgov_credentials_provider_free(test->provider);
  mskgov_governor_free(test->governor);
}

/* The second attempt is parked (one a second), and is refused in librdkafka's own words.
 */
START_TEST(test_refused_connection) {
  failing_client client;
  char address[32];
  int port = open_port(-1, address);

  failing_client_start(&client, address);
  test_wait_until(test_metrics(client.governor, address).failed_transport >= 2);
  ck_assert(failure_has("Connection refused"));
  failing_client_stop(&client);
  close(port);
}
END_TEST

/* A broker that accepts and says nothing: the limit counts from the grant. */
START_TEST(test_setup_timeout) {
  failing_client client;
  char address[32];
  int port = open_port(16, address);

  failing_client_start(&client, address);
  test_wait_until(test_metrics(client.governor, address).failed_transport >= 2);
  ck_assert_str_eq(test_metrics(client.governor, address).last_failure,
                   "connection set-up timed out");
  failing_client_stop(&client);
  close(port);
}
END_TEST

/* A governor that believes in a larger quota than there is: rejections, back-off, and all
   connected in the end. */
START_TEST(test_rejections_are_survived) {
  enum { CLIENTS = 6 };
  mskgov_governor *governor = test_governor_new(1000);
  rd_kafka_t *clients[CLIENTS];
  mskgov_broker_metrics metrics;
  test_cluster cluster;

  test_cluster_start(&cluster, 1, 2);
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = test_cluster_client(&cluster, governor, cluster.provider, keep_failure);
  test_wait_until(test_cluster_counters(&cluster).open == CLIENTS);

  metrics = test_metrics(governor, mskgov_cluster_bootstrap_servers(cluster.cluster));
  ck_assert_msg(metrics.failed_quota > 0, "last failure: %s", metrics.last_failure);
  ck_assert_uint_eq(metrics.failed_authentication, 0);
  ck_assert(strstr(metrics.last_failure, "Too many connects") != NULL);
  test_wait_until(
      test_metrics(governor, mskgov_cluster_bootstrap_servers(cluster.cluster)).open ==
      CLIENTS);

  for (int i = 0; i < CLIENTS; i++)
    rd_kafka_destroy(clients[i]);
  metrics = test_metrics(governor, mskgov_cluster_bootstrap_servers(cluster.cluster));
  ck_assert_uint_eq(metrics.open + metrics.connecting + metrics.waiting, 0);
  mskgov_governor_free(governor);
  test_cluster_stop(&cluster);
}
END_TEST

/* Tokens. */

static atomic_int gets;

/* Credentials that live four seconds more, each time. */
static int short_lived_get(void *self, mskgov_credentials **credentials,
                           mskgov_error_info *error) {
  struct timespec now;

  (void)self;
  clock_gettime(CLOCK_REALTIME, &now);
  atomic_fetch_add(&gets, 1);

  return mskgov_credentials_new(credentials, "AKIDTEST", "secret", NULL,
                                ((uint64_t)now.tv_sec + 4) * 1000000000u, error);
}

static const mskgov_credentials_provider_ops short_lived = {short_lived_get, NULL};

/* Tokens are renewed without the application polling, from a thread of mskgov's. */
START_TEST(test_tokens_are_renewed) {
  mskgov_governor *governor = test_governor_new(1);
  mskgov_credentials_provider *provider;
  rd_kafka_conf_t *conf;
  char address[32];
  int port = open_port(16, address);
  rd_kafka_t *rk;

  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &short_lived, NULL, NULL), 0);
  conf = test_conf_new(address, NULL);
  test_apply(conf, governor, provider);
  rk = test_client_new(conf);
  test_wait_until(gets >= 4);

  rd_kafka_destroy(rk);
  mskgov_credentials_provider_free(provider);
  mskgov_governor_free(governor);
  close(port);
}
END_TEST

/* The cluster's own credentials, counted. */
static int counted_get(void *self, mskgov_credentials **credentials,
                       mskgov_error_info *error) {
  const test_cluster *cluster = self;

  (void)error;
  atomic_fetch_add(&gets, 1);
  *credentials = mskgov_credentials_ref(cluster->credentials);

  return 0;
}

static const mskgov_credentials_provider_ops counted = {counted_get, NULL};

/* However many clients, their provider is asked once. */
START_TEST(test_clients_share_a_token) {
  enum { CLIENTS = 10 };
  mskgov_governor *governor = test_governor_new(1000);
  mskgov_credentials_provider *provider;
  rd_kafka_t *clients[CLIENTS];
  test_cluster cluster;

  test_cluster_start(&cluster, 1, 1000);
  ck_assert_int_eq(mskgov_credentials_provider_new(&provider, &counted, &cluster, NULL), 0);
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = test_cluster_client(&cluster, governor, provider, NULL);
  test_wait_until(test_cluster_counters(&cluster).open == CLIENTS);
  ck_assert_int_eq(gets, 1);

  for (int i = 0; i < CLIENTS; i++)
    rd_kafka_destroy(clients[i]);
  mskgov_credentials_provider_free(provider);
  mskgov_governor_free(governor);
  test_cluster_stop(&cluster);
}
END_TEST

TEST_MAIN("rdkafka", TEST_TABLE(test_refusals, refusals), TEST(test_no_credentials),
          TEST(test_expired_credentials), TEST(test_applied_twice),
          TEST(test_governor_that_cannot_serve), TEST(test_fork_with_an_applied_conf),
          TEST_LOOP(test_callbacks_are_chained, 4), TEST(test_destroy_while_parked),
          TEST(test_governor_goes_first), TEST(test_refused_connection),
          TEST(test_setup_timeout), TEST(test_rejections_are_survived),
          TEST(test_tokens_are_renewed), TEST(test_clients_share_a_token))
