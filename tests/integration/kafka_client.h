/*
 * What the tests with a real librdkafka client share: a small cluster, a conf for it, and
 * waiting with a limit.
 */
#ifndef TEST_KAFKA_CLIENT_H
#define TEST_KAFKA_CLIENT_H

#include <mskgov/mskgov.h>

#include <check.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define TEST_REGION "eu-west-1"

static inline uint64_t test_now_ms(void) {
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);

  return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Waits until the condition holds; fails the test after 30 s. */
#define test_wait_until(condition)                                                         \
  do {                                                                                     \
    uint64_t limit_ms = test_now_ms() + 30000;                                             \
    while (!(condition)) {                                                                 \
      ck_assert_msg(test_now_ms() < limit_ms, "not within 30 s: " #condition);             \
      nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);                             \
    }                                                                                      \
  } while (0)

static inline mskgov_credentials *test_credentials(uint64_t expires_at_ns) {
  mskgov_credentials *credentials;
  mskgov_error_info error;

  ck_assert_msg(mskgov_credentials_new(&credentials, "AKIDTEST",
                                       "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL,
                                       expires_at_ns, &error) == 0,
                "%s", error.text);

  return credentials;
}

/* A provider that always answers credentials with this expiry. */
static inline mskgov_credentials_provider *test_provider(uint64_t expires_at_ns) {
  mskgov_credentials *credentials = test_credentials(expires_at_ns);
  mskgov_credentials_provider *provider;

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  mskgov_credentials_free(credentials);

  return provider;
}

typedef struct test_cluster {
  mskgov_cluster *cluster;
  mskgov_credentials *credentials;
  mskgov_credentials_provider *provider;
  uint32_t brokers;
} test_cluster;

static inline void test_cluster_start(test_cluster *test, uint32_t brokers,
                                      uint32_t quota) {
  mskgov_cluster_options options;
  mskgov_error_info error;

  test->brokers = brokers;
  test->credentials = test_credentials(MSKGOV_NEVER);
  ck_assert_int_eq(
      mskgov_credentials_provider_new_static(&test->provider, test->credentials, NULL), 0);
  mskgov_cluster_options_init(&options);
  options.brokers = brokers;
  options.connections_per_s = quota;
  options.region = TEST_REGION;
  options.credentials = &test->credentials;
  options.credentials_count = 1;
  ck_assert_msg(mskgov_cluster_new(&test->cluster, &options, &error) == 0, "%s",
                error.text);
}

static inline void test_cluster_stop(test_cluster *test) {
  mskgov_cluster_free(test->cluster);
  mskgov_credentials_provider_free(test->provider);
  mskgov_credentials_free(test->credentials);
}

/* The counters of all brokers, added up; peak_window is the highest. */
static inline mskgov_cluster_counters test_cluster_counters(const test_cluster *test) {
  mskgov_cluster_counters sum = {0};

  for (uint32_t i = 0; i < test->brokers; i++) {
    mskgov_cluster_counters one = {.struct_size = sizeof(one)};

    ck_assert_int_eq(mskgov_cluster_counters_get(test->cluster, i, &one, NULL), 0);
    sum.attempts += one.attempts;
    sum.accepted += one.accepted;
    sum.rejected += one.rejected;
    sum.denied += one.denied;
    sum.open += one.open;
    if (one.peak_window > sum.peak_window)
      sum.peak_window = one.peak_window;
  }

  return sum;
}

static inline void test_conf_set(rd_kafka_conf_t *conf, const char *name,
                                 const char *value) {
  char text[256];

  ck_assert_msg(rd_kafka_conf_set(conf, name, value, text, sizeof(text)) ==
                    RD_KAFKA_CONF_OK,
                "%s", text);
}

/* A conf whose client connects to every broker by itself. */
static inline rd_kafka_conf_t *test_conf_new(const char *servers, const char *ca_pem) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();

  test_conf_set(conf, "bootstrap.servers", servers);
  test_conf_set(conf, "security.protocol", "sasl_ssl");
  test_conf_set(conf, "enable.sparse.connections", "false");
  if (ca_pem)
    test_conf_set(conf, "ssl.ca.pem", ca_pem);

  return conf;
}

static inline mskgov_governor *test_governor_new(uint32_t quota) {
  mskgov_governor_options options;
  mskgov_governor *governor;
  mskgov_error_info error;

  mskgov_governor_options_init(&options);
  options.quota.connections_per_s = quota;
  ck_assert_msg(mskgov_governor_new(&governor, &options, &error) == 0, "%s", error.text);

  return governor;
}

static inline void test_apply(rd_kafka_conf_t *conf, mskgov_governor *governor,
                              mskgov_credentials_provider *provider) {
  mskgov_rdkafka_options options;
  mskgov_error_info error;

  mskgov_rdkafka_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_msg(mskgov_rdkafka_apply(conf, governor, &options, &error) == 0, "%s",
                error.text);
}

/* A client; takes the conf. */
static inline rd_kafka_t *test_client_new(rd_kafka_conf_t *conf) {
  char text[256];
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));

  ck_assert_msg(rk != NULL, "%s", text);

  return rk;
}

/* A governed client of the cluster; `log` NULL: librdkafka's own. */
static inline rd_kafka_t *
test_cluster_client(const test_cluster *test, mskgov_governor *governor,
                    mskgov_credentials_provider *provider,
                    void (*log)(const rd_kafka_t *, int, const char *, const char *)) {
  rd_kafka_conf_t *conf = test_conf_new(mskgov_cluster_bootstrap_servers(test->cluster),
                                        mskgov_cluster_ca_pem(test->cluster));

  if (log)
    rd_kafka_conf_set_log_cb(conf, log);
  test_apply(conf, governor, provider);

  return test_client_new(conf);
}

static inline mskgov_broker_metrics test_metrics(mskgov_governor *governor,
                                                 const char *broker) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};
  mskgov_error_info error;

  ck_assert_msg(mskgov_governor_broker_metrics(governor, broker, &metrics, &error) == 0,
                "%s", error.text);

  return metrics;
}

#endif
