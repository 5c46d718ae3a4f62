/*
 * Kafka clients at their loudest, for test_leaks_client: all of librdkafka's debug contexts,
 * statistics, and whatever governor and brokers have to tell. MSKGOV_TEST_WAY says how it is
 * to go: "right", "wrong" (the secret is), "expired", "quota" or "leaking".
 */
#include "../unit/harness.h"
#include "kafka_client.h"
#include "leak_canaries.h"

#include <string.h>

#define ID "AKIDCLIENT"
#define RUN_MS 1200

static mskgov_credentials *make_credentials(const char *secret, uint64_t expires_at_ns) {
  mskgov_credentials *credentials;
  mskgov_error_info error;

  ck_assert_msg(mskgov_credentials_new(&credentials, ID, secret, CANARY_CLIENT_SESSION,
                                       expires_at_ns, &error) == 0,
                "%s", error.text);

  return credentials;
}

static void print_event(const mskgov_event *event, void *user) {
  (void)user;
  printf("event %s: broker %s, client %s, outcome %d, detail %s\n",
         mskgov_event_name(event->kind), event->broker, event->client, event->outcome,
         event->detail);
}

static int print_statistics(rd_kafka_t *rk, char *json, size_t length, void *opaque) {
  (void)rk;
  (void)opaque;
  printf("statistics %.*s\n", (int)length, json);

  return 0;
}

static void print_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
  (void)rk;
  (void)opaque;
  printf("error %d: %s\n", code, reason);
}

static void print_governor(mskgov_governor *governor, const char *broker) {
  mskgov_broker_metrics metrics = test_metrics(governor, broker);
  char *text;

  printf("last failure: %s\n", metrics.last_failure);
  ck_assert_int_eq(mskgov_governor_metrics_json(governor, &text, NULL), 0);
  puts(text);
  mskgov_text_free(text);
  ck_assert_int_eq(mskgov_governor_metrics_prometheus(governor, &text, NULL), 0);
  puts(text);
  mskgov_text_free(text);
}

static void print_cluster(mskgov_cluster *cluster) {
  mskgov_cluster_counters counters = {.struct_size = sizeof(counters)};
  mskgov_cluster_attempt attempts[64];
  int64_t count;

  ck_assert_int_eq(mskgov_cluster_counters_get(cluster, 0, &counters, NULL), 0);
  count = mskgov_cluster_attempts(cluster, 0, 0, attempts, 64);
  printf("broker %s: accepted %d, rejected %d, denied %d\n",
         mskgov_cluster_bootstrap_servers(cluster), counters.accepted > 0,
         counters.rejected > 0, counters.denied > 0);
  for (int64_t i = 0; i < count; i++)
    printf("attempt: verdict %d\n", attempts[i].verdict);
  /* as they are in memory, too */
  fwrite(&counters, sizeof(counters), 1, stdout);
  fwrite(attempts, sizeof(attempts[0]), (size_t)count, stdout);
  puts("");
}

static mskgov_cluster *start_cluster(mskgov_credentials *credentials, uint32_t quota) {
  mskgov_cluster_options options;
  mskgov_cluster *cluster;
  mskgov_error_info error;

  mskgov_cluster_options_init(&options);
  options.connections_per_s = quota;
  options.region = TEST_REGION;
  options.credentials = &credentials;
  options.credentials_count = 1;
  ck_assert_msg(mskgov_cluster_new(&cluster, &options, &error) == 0, "%s", error.text);

  return cluster;
}

static mskgov_governor *start_governor(void) {
  mskgov_governor_options options;
  mskgov_governor *governor;
  mskgov_error_info error;

  mskgov_governor_options_init(&options);
  options.quota.connections_per_s = 20;
  options.event_cb = print_event;
  ck_assert_msg(mskgov_governor_new(&governor, &options, &error) == 0, "%s", error.text);

  return governor;
}

static rd_kafka_conf_t *make_conf(mskgov_cluster *cluster) {
  rd_kafka_conf_t *conf = test_conf_new(mskgov_cluster_bootstrap_servers(cluster),
                                        mskgov_cluster_ca_pem(cluster));

  test_conf_set(conf, "debug", "all");
  test_conf_set(conf, "log_level", "7");
  test_conf_set(conf, "statistics.interval.ms", "100");
  rd_kafka_conf_set_stats_cb(conf, print_statistics);
  rd_kafka_conf_set_error_cb(conf, print_error);

  return conf;
}

/* Two clients, so that with a low quota one is rejected. */
static void run_clients(mskgov_cluster *cluster, mskgov_governor *governor,
                        mskgov_credentials_provider *provider) {
  rd_kafka_conf_t *conf = make_conf(cluster);
  mskgov_rdkafka_options options;
  mskgov_error_info error;
  rd_kafka_t *rk[2];
  uint64_t until_ms;

  mskgov_rdkafka_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  if (mskgov_rdkafka_apply(conf, governor, &options, &error)) {
    printf("not applied: %s\n", error.text);
    rd_kafka_conf_destroy(conf);
    return;
  }

  rk[0] = test_client_new(rd_kafka_conf_dup(conf));
  rk[1] = test_client_new(conf);
  until_ms = test_now_ms() + RUN_MS;
  while (test_now_ms() < until_ms)
    for (int i = 0; i < 2; i++)
      rd_kafka_poll(rk[i], 20);
  rd_kafka_dump(stdout, rk[0]);
  for (int i = 0; i < 2; i++)
    rd_kafka_destroy(rk[i]);
}

/* For "leaking": what must not happen. */
static void print_token(mskgov_credentials_provider *provider) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_token *token;

  mskgov_authenticator_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  ck_assert_int_eq(mskgov_authenticator_token(authenticator, &token, NULL), 0);
  fprintf(stderr, "%.800s\n", mskgov_token_value(token));
  mskgov_token_free(token);
  mskgov_authenticator_free(authenticator);
}

START_TEST(test_client) {
  const char *way = getenv("MSKGOV_TEST_WAY") ? getenv("MSKGOV_TEST_WAY") : "right";
  bool is_wrong = strcmp(way, "wrong") == 0, is_expired = strcmp(way, "expired") == 0;
  mskgov_credentials *known = make_credentials(CANARY_CLIENT_SECRET, MSKGOV_NEVER);
  mskgov_credentials *own = make_credentials(
      is_wrong ? CANARY_CLIENT_WRONG : CANARY_CLIENT_SECRET, is_expired ? 1 : MSKGOV_NEVER);
  mskgov_cluster *cluster = start_cluster(known, strcmp(way, "quota") == 0 ? 1 : 100);
  mskgov_governor *governor = start_governor();
  mskgov_credentials_provider *provider;

  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, own, NULL), 0);
  run_clients(cluster, governor, provider);
  if (strcmp(way, "leaking") == 0)
    print_token(provider);
  print_governor(governor, mskgov_cluster_bootstrap_servers(cluster));
  print_cluster(cluster);

  mskgov_governor_free(governor);
  mskgov_credentials_provider_free(provider);
  mskgov_cluster_free(cluster);
  mskgov_credentials_free(own);
  mskgov_credentials_free(known);
}
END_TEST

TEST_MAIN("leak_client", TEST(test_client))
