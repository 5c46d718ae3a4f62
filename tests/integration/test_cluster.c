/*
 * The cluster under real clients: librdkafka, and a client of a few bytes that can do
 * what librdkafka never would. Tokens are signed by the test itself.
 */
#include "../unit/harness.h"
#include "wire.h"

#include <mskgov/broker.h>

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define PATIENCE_NS UINT64_C(20000000000)
#define SECOND_NS UINT64_C(1000000000)

static mskgov_cluster *cluster;
static mskgov_credentials *credentials;

static uint64_t now_ns(void) {
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);

  return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* Waits until the condition holds, for 20 s at most. */
#define wait_until(condition)                                                              \
  do {                                                                                     \
    uint64_t limit_ns = now_ns() + PATIENCE_NS;                                            \
    while (!(condition)) {                                                                 \
      ck_assert_msg(now_ns() < limit_ns, "not within 20 s: %s", #condition);               \
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);                             \
    }                                                                                      \
  } while (0)

static void options_default(mskgov_cluster_options *options) {
  if (!credentials)
    ck_assert_int_eq(mskgov_credentials_new(&credentials, WIRE_KEY_ID, WIRE_SECRET, NULL,
                                            MSKGOV_NEVER, NULL),
                     0);
  mskgov_cluster_options_init(options);
  options->region = WIRE_REGION;
  options->credentials = &credentials;
  options->credentials_count = 1;
}

static void start(const mskgov_cluster_options *options) {
  mskgov_error_info error;

  ck_assert_msg(mskgov_cluster_new(&cluster, options, &error) == 0, "%s", error.text);
}

static void stop(void) {
  mskgov_cluster_free(cluster);
  mskgov_credentials_free(credentials);
  cluster = NULL;
  credentials = NULL;
}

static mskgov_cluster_counters counters(uint32_t broker) {
  mskgov_cluster_counters counters = {.struct_size = sizeof(counters)};

  ck_assert_int_eq(mskgov_cluster_counters_get(cluster, broker, &counters, NULL), 0);

  return counters;
}

static void open_wire(test_wire *wire, uint32_t broker) {
  wire_open(wire, wire_port(mskgov_cluster_bootstrap_servers(cluster), broker),
            mskgov_cluster_ca_pem(cluster));
}

/* "[<uuid, version 4>]: <reason>" */
static void assert_refused(const wire_answer *answer, const char *reason) {
  static const char form[] = "[xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx]: ";

  ck_assert_int_eq(answer->error, 58);
  ck_assert_uint_eq(strlen(answer->text), strlen(form) + strlen(reason));
  for (size_t i = 0; form[i]; i++)
    ck_assert_msg(form[i] == 'x'   ? strchr("0123456789abcdef", answer->text[i]) != NULL
                  : form[i] == 'y' ? strchr("89ab", answer->text[i]) != NULL
                                   : form[i] == answer->text[i],
                  "%s", answer->text);
  ck_assert_str_eq(answer->text + strlen(form), reason);
}

/* --- librdkafka -----------------------------------------------------------------------
 */

/* What the client's error callback saw; told of one text at a time. */
static struct {
  pthread_mutex_t mutex;
  const char *wanted;
  int seen;
} errors = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
  (void)rk;
  (void)code;
  (void)opaque;
  pthread_mutex_lock(&errors.mutex);
  if (errors.wanted && strstr(reason, errors.wanted))
    errors.seen++;
  pthread_mutex_unlock(&errors.mutex);
}

static int errors_seen(rd_kafka_t *rk) {
  int seen;

  rd_kafka_poll(rk, 0);
  pthread_mutex_lock(&errors.mutex);
  seen = errors.seen;
  pthread_mutex_unlock(&errors.mutex);

  return seen;
}

static rd_kafka_t *client(const char *token) {
  const char *const settings[][2] = {
      {"bootstrap.servers", mskgov_cluster_bootstrap_servers(cluster)},
      {"security.protocol", "sasl_ssl"},
      {"sasl.mechanisms", "OAUTHBEARER"},
      {"ssl.ca.pem", mskgov_cluster_ca_pem(cluster)},
      {"ssl.endpoint.identification.algorithm", "https"},
      {"enable.sparse.connections", "false"},
  };
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  char text[512];
  rd_kafka_t *rk;

  for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
    ck_assert_msg(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text,
                                    sizeof(text)) == RD_KAFKA_CONF_OK,
                  "%s", text);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
  ck_assert_msg(rk != NULL, "%s", text);
  ck_assert_msg(rd_kafka_oauthbearer_set_token(
                    rk, token, (int64_t)(time(NULL) + 900) * 1000, WIRE_KEY_ID, NULL, 0,
                    text, sizeof(text)) == RD_KAFKA_RESP_ERR_NO_ERROR,
                "%s", text);

  return rk;
}

START_TEST(test_librdkafka_connects_to_every_broker) {
  const struct rd_kafka_metadata *metadata;
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  rd_kafka_t *rk;

  options_default(&options);
  options.brokers = 3;
  options.threads = 2;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  rk = client(token);

  ck_assert_int_eq(rd_kafka_metadata(rk, 1, NULL, &metadata, 20000), 0);
  ck_assert_int_eq(metadata->broker_cnt, 3);
  ck_assert_int_eq(metadata->topic_cnt, 0);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(metadata->brokers[i].id, i + 1);
    ck_assert_str_eq(metadata->brokers[i].host, "127.0.0.1");
    ck_assert_int_eq(metadata->brokers[i].port,
                     wire_port(mskgov_cluster_bootstrap_servers(cluster), (unsigned)i));
  }
  rd_kafka_metadata_destroy(metadata);

  for (uint32_t i = 0; i < 3; i++) {
    wait_until(counters(i).open == 1);
    ck_assert_uint_eq(counters(i).attempts, 1);
    ck_assert_uint_eq(counters(i).accepted, 1);
    ck_assert_uint_eq(counters(i).rejected + counters(i).denied + counters(i).failed, 0);
    ck_assert_uint_eq(counters(i).tcp_accepted, 1);
    ck_assert_uint_eq(counters(i).peak_open, 1);
    ck_assert_uint_eq(counters(i).peak_window, 1);
  }
  rd_kafka_destroy(rk); /* may connect once more, without getting as far as SASL */
  for (uint32_t i = 0; i < 3; i++)
    wait_until(counters(i).open == 0);
  stop();
}
END_TEST

START_TEST(test_librdkafka_asks_for_an_unknown_topic) {
  const struct rd_kafka_metadata *metadata;
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  rd_kafka_topic_t *topic;
  rd_kafka_t *rk;

  options_default(&options);
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  rk = client(token);
  topic = rd_kafka_topic_new(rk, "nowhere", NULL);

  ck_assert_int_eq(rd_kafka_metadata(rk, 0, topic, &metadata, 20000), 0);
  ck_assert_int_eq(metadata->topic_cnt, 1);
  ck_assert_str_eq(metadata->topics[0].topic, "nowhere");
  ck_assert_int_eq(metadata->topics[0].err, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(rk);
  stop();
}
END_TEST

START_TEST(test_librdkafka_is_told_of_too_many_connects) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  rd_kafka_t *rks[5];

  errors.wanted = "]: Too many connects";
  options_default(&options);
  options.connections_per_s = 1;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  for (int i = 0; i < 5; i++)
    rks[i] = client(token);

  wait_until(errors_seen(rks[0]) + errors_seen(rks[1]) + errors_seen(rks[2]) +
                 errors_seen(rks[3]) + errors_seen(rks[4]) >
             0);
  for (int i = 0; i < 5; i++)
    rd_kafka_destroy(rks[i]);
  ck_assert_uint_ge(counters(0).accepted, 1);
  ck_assert_uint_ge(counters(0).rejected, 1);
  ck_assert_uint_eq(counters(0).denied, 0);
  ck_assert_uint_eq(counters(0).attempts, counters(0).accepted + counters(0).rejected);
  stop();
}
END_TEST

static const struct {
  const char *secret; /* NULL: the token is garbage */
  const char *region;
  int age_s;
  const char *text;
} refused[] = {
    {"another secret", WIRE_REGION, 0, "]: Access denied"},
    {WIRE_SECRET, "eu-west-2", 0, "]: Access denied"},
    {WIRE_SECRET, WIRE_REGION, 901, "]: Access denied"},
    {WIRE_SECRET, WIRE_REGION, -400, "]: Access denied"},
    {WIRE_SECRET, "", 0, "]: Invalid authentication payload"},
    {NULL, NULL, 0, "]: Invalid authentication payload"},
};

START_TEST(test_librdkafka_is_told_of_a_bad_token) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX] = "garbage";
  rd_kafka_t *rk;

  errors.wanted = refused[_i].text;
  options_default(&options);
  start(&options);
  if (refused[_i].secret)
    wire_token(token, refused[_i].secret, refused[_i].region, refused[_i].age_s);
  rk = client(token);
  wait_until(errors_seen(rk) > 0);
  rd_kafka_destroy(rk);
  ck_assert_uint_ge(counters(0).denied, 1);
  ck_assert_uint_eq(counters(0).attempts, counters(0).denied);
  ck_assert_uint_eq(counters(0).open, 0);
  stop();
}
END_TEST

/* --- The quota ------------------------------------------------------------------------
 */

/* The most attempts in any one second, the plainest way. */
static uint32_t peak_of(const mskgov_cluster_attempt *attempts, int64_t count) {
  uint32_t peak = 0;

  for (int64_t i = 0; i < count; i++) {
    uint32_t within = 0;

    for (int64_t j = i; j < count; j++)
      within += attempts[j].at_ns - attempts[i].at_ns < SECOND_NS;
    if (within > peak)
      peak = within;
  }

  return peak;
}

START_TEST(test_counters_and_log_are_exact) {
  mskgov_cluster_attempt log[64];
  mskgov_cluster_options options;
  uint32_t accepted = 0, rejected = 0, denied = 0;
  char token[WIRE_TOKEN_MAX], bad[WIRE_TOKEN_MAX];
  mskgov_cluster_counters seen;
  wire_answer answer;
  test_wire wires[20];
  int64_t count;

  options_default(&options);
  options.brokers = 2;
  options.connections_per_s = 5;
  options.count_rejected = 0;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  wire_token(bad, "another", WIRE_REGION, 0);

  for (int i = 0; i < 20; i++) {
    open_wire(&wires[i], 1);
    wire_authenticate(&wires[i], i % 4 == 3 ? bad : token, &answer);
    accepted += answer.error == 0;
    rejected += strstr(answer.text, "Too many connects") != NULL;
    denied += strstr(answer.text, "Access denied") != NULL;
    if (strstr(answer.text, "Too many connects"))
      assert_refused(&answer, "Too many connects");
    ck_assert(answer.error == 0 || wire_is_ended(&wires[i]));
  }

  seen = counters(1);
  ck_assert_uint_eq(accepted + rejected + denied, 20);
  ck_assert_uint_eq(seen.tcp_accepted, 20);
  ck_assert_uint_eq(seen.attempts, 20);
  ck_assert_uint_eq(seen.accepted, accepted);
  ck_assert_uint_eq(seen.rejected, rejected);
  ck_assert_uint_eq(seen.denied, denied);
  ck_assert_uint_eq(seen.failed, 0);
  ck_assert_uint_eq(seen.open, accepted);
  ck_assert_uint_eq(seen.peak_open, accepted);

  count = mskgov_cluster_attempts(cluster, 1, 0, log, 64);
  ck_assert_int_eq(count, 20);
  ck_assert_uint_eq(seen.first_attempt_ns, log[0].at_ns);
  ck_assert_uint_eq(seen.last_attempt_ns, log[19].at_ns);
  ck_assert_uint_eq(seen.peak_window, peak_of(log, count));
  for (int i = 0; i < 20; i++) {
    ck_assert_uint_eq(log[i].broker, 1);
    accepted -= log[i].verdict == MSKGOV_VERDICT_ACCEPTED;
    rejected -= log[i].verdict == MSKGOV_VERDICT_REJECTED;
    denied -= log[i].verdict == MSKGOV_VERDICT_DENIED;
  }
  ck_assert_uint_eq(accepted + rejected + denied, 0);
  ck_assert_int_eq(mskgov_cluster_attempts(cluster, 1, 18, log, 64), 2);
  ck_assert_int_eq(mskgov_cluster_attempts(cluster, 1, 20, log, 64), 0);
  ck_assert_int_eq(mskgov_cluster_attempts(cluster, 0, 0, log, 64), 0);
  ck_assert_int_eq(mskgov_cluster_attempts(cluster, 2, 0, log, 64), MSKGOV_ERR_INVALID);

  for (int i = 0; i < 20; i++)
    wire_close(&wires[i]);
  wait_until(counters(1).open == 0);
  stop();
}
END_TEST

START_TEST(test_connection_limit) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  wire_answer answer;
  test_wire wires[4];

  options_default(&options);
  options.max_connections = 2;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  for (int i = 0; i < 3; i++) {
    open_wire(&wires[i], 0);
    wire_authenticate(&wires[i], token, &answer);
    if (i < 2)
      ck_assert_int_eq(answer.error, 0);
  }
  assert_refused(&answer, "Too many connects");

  wire_close(&wires[0]);
  wait_until(counters(0).open == 1);
  open_wire(&wires[3], 0);
  wire_authenticate(&wires[3], token, &answer);
  ck_assert_int_eq(answer.error, 0);
  ck_assert_uint_eq(counters(0).peak_open, 2);
  for (int i = 1; i < 4; i++)
    wire_close(&wires[i]);
  stop();
}
END_TEST

/* --- The protocol ---------------------------------------------------------------------
 */

START_TEST(test_renewal_is_no_attempt) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  wire_answer answer;
  test_wire wire;

  options_default(&options);
  options.connections_per_s = 1;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 100);
  open_wire(&wire, 0);
  for (int i = 0; i < 3; i++) {
    wire_authenticate(&wire, token, &answer);
    ck_assert_int_eq(answer.error, 0);
    ck_assert_uint_le(answer.lifetime_ms, 800000); /* 900 s, 100 s ago */
    ck_assert_uint_gt(answer.lifetime_ms, 770000);
  }
  ck_assert_uint_eq(counters(0).attempts, 1);
  ck_assert_uint_eq(counters(0).open, 1);

  wire_authenticate(&wire, "garbage", &answer);
  assert_refused(&answer, "Invalid authentication payload");
  ck_assert(wire_is_ended(&wire));
  wait_until(counters(0).open == 0);
  ck_assert_uint_eq(counters(0).attempts, 1);
  ck_assert_uint_eq(counters(0).denied, 0);
  wire_close(&wire);
  stop();
}
END_TEST

START_TEST(test_wrong_order) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  unsigned char bytes[64];
  wire_answer answer;
  test_wire wires[5];

  options_default(&options);
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  for (int i = 0; i < 5; i++)
    open_wire(&wires[i], 0);

  wire_send_token(&wires[0], token);
  wire_receive_answer(&wires[0], &answer);
  ck_assert_int_eq(answer.error, 34);

  wire_send_handshake(&wires[1], 1, "OAUTHBEARER");
  ck_assert_int_eq(wire_receive(&wires[1], bytes, sizeof(bytes)), 32);
  wire_send_handshake(&wires[1], 1, "OAUTHBEARER");
  ck_assert_int_eq(wire_receive(&wires[1], bytes, sizeof(bytes)), 32);
  ck_assert_int_eq(bytes[1], 34);

  wire_send_handshake(&wires[2], 1, "PLAIN");
  ck_assert_int_eq(wire_receive(&wires[2], bytes, sizeof(bytes)), 32);
  ck_assert_mem_eq(bytes, "\0\041\0\0\0\2\0\013OAUTHBEARER\0\013AWS_MSK_IAM", 32);

  wire_send_handshake(&wires[3], 0, "OAUTHBEARER");
  ck_assert_int_eq(wire_receive(&wires[3], bytes, sizeof(bytes)), 32);
  ck_assert_int_eq(bytes[1], 35);

  wire_send(&wires[4], 3, 1, "\377\377\377\377", 4); /* Metadata before authentication */

  for (int i = 0; i < 5; i++) {
    ck_assert(wire_is_ended(&wires[i]));
    wire_close(&wires[i]);
  }
  wait_until(counters(0).failed == 5);
  ck_assert_uint_eq(counters(0).attempts, 0);
  stop();
}
END_TEST

START_TEST(test_hostile_bytes_do_no_harm) {
  static const char *const frames[] = {
      "\377\377\377\377", "\177\377\377\377", "\0\1\0\1",
      "\0\0\0\0",         "\0\0\0\3abc",      "\0\0\0\12\0\44\0\1\0\0\0\7\177\377"};
  static const size_t lengths[] = {4, 4, 4, 4, 7, 14};
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX], junk[4096];
  wire_answer answer;
  uint16_t port;
  test_wire wire;
  int fds[2];

  options_default(&options);
  start(&options);
  port = wire_port(mskgov_cluster_bootstrap_servers(cluster), 0);

  /* No TLS at all, and half of it: "handshake record of 512 bytes", then nothing. */
  memset(junk, 'x', sizeof(junk));
  fds[0] = wire_tcp(port);
  ck_assert_int_gt(send(fds[0], junk, sizeof(junk), MSG_NOSIGNAL), 0);
  fds[1] = wire_tcp(port);
  ck_assert_int_gt(send(fds[1], "\26\3\1\2\0\1\0", 7, MSG_NOSIGNAL), 0);
  wait_until(counters(0).failed == 1);
  wait_until(counters(0).tcp_accepted == 2);
  close(fds[0]);

  for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
    open_wire(&wire, 0);
    ck_assert_int_gt(SSL_write(wire.ssl, frames[i], (int)lengths[i]), 0);
    ck_assert_msg(wire_is_ended(&wire), "frame %zu", i);
    wire_close(&wire);
    wait_until(counters(0).failed == 2 + i);
  }

  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  open_wire(&wire, 0);
  wire_authenticate(&wire, token, &answer);
  ck_assert_int_eq(answer.error, 0);
  ck_assert_uint_eq(counters(0).attempts, 1);
  wire_close(&wire);
  stop(); /* with half a handshake still open */
  close(fds[1]);
}
END_TEST

/* A request that comes byte by byte, and many in one piece. */
START_TEST(test_any_cut_of_the_stream) {
  static const unsigned char versions[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255};
  unsigned char bytes[64], many[sizeof(versions) * 100];
  mskgov_cluster_options options;
  test_wire wire;

  options_default(&options);
  start(&options);
  open_wire(&wire, 0);
  for (size_t i = 0; i < sizeof(versions); i++)
    ck_assert_int_eq(SSL_write(wire.ssl, versions + i, 1), 1);
  ck_assert_int_eq(wire_receive(&wire, bytes, sizeof(bytes)), 2 + 4 + 4 * 6);

  for (size_t i = 0; i < 100; i++)
    memcpy(many + i * sizeof(versions), versions, sizeof(versions));
  ck_assert_int_eq(SSL_write(wire.ssl, many, sizeof(many)), (int)sizeof(many));
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq(wire_receive(&wire, bytes, sizeof(bytes)), 2 + 4 + 4 * 6);
  wire_close(&wire);
  stop();
}
END_TEST

/* --- Crowds ---------------------------------------------------------------------------
 */

#define CROWD 200

START_TEST(test_a_crowd_at_once) {
  mskgov_cluster_options options;
  char token[WIRE_TOKEN_MAX];
  wire_answer answer;
  test_wire *wires = calloc(CROWD, sizeof(*wires));
  struct rlimit files;
  int fds[CROWD];

  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);

  options_default(&options);
  options.connections_per_s = 1000000;
  start(&options);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
  for (int i = 0; i < CROWD; i++)
    fds[i] = wire_tcp(wire_port(mskgov_cluster_bootstrap_servers(cluster), 0));
  for (int i = 0; i < CROWD; i++) {
    wire_tls(&wires[i], fds[i], mskgov_cluster_ca_pem(cluster));
    wire_authenticate(&wires[i], token, &answer);
    ck_assert_int_eq(answer.error, 0);
  }
  ck_assert_uint_eq(counters(0).open, CROWD);
  ck_assert_uint_eq(counters(0).accepted, CROWD);
  for (int i = 0; i < CROWD; i++)
    wire_close(&wires[i]);
  wait_until(counters(0).open == 0);
  free(wires);
  stop();
}
END_TEST

START_TEST(test_out_of_descriptors) {
  mskgov_cluster_options options;
  struct rlimit before, tight;
  int fds[8];

  options_default(&options);
  start(&options);
  for (int i = 0; i < 8; i++)
    fds[i] = wire_socket();
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
  tight = before;
  tight.rlim_cur = (rlim_t)fds[7] + 1 + 3;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int i = 0; i < 8; i++)
    wire_connect_socket(fds[i], wire_port(mskgov_cluster_bootstrap_servers(cluster), 0));

  wait_until(counters(0).tcp_accepted == 3);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
  wait_until(counters(0).tcp_accepted == 8);
  for (int i = 0; i < 8; i++)
    close(fds[i]);
  wait_until(counters(0).failed == 8);
  stop();
}
END_TEST

/* --- Options --------------------------------------------------------------------------
 */

#define REFUSED(field, value, ...)                                                         \
  do {                                                                                     \
    options_default(&options);                                                             \
    options.field = value;                                                                 \
    ck_assert_int_eq(mskgov_cluster_new(&cluster, &options, &error), MSKGOV_ERR_INVALID);  \
    ck_assert_ptr_null(cluster);                                                           \
    ck_assert_msg(strstr(error.text, #field) != NULL, "%s", error.text);                   \
  } while (0)

START_TEST(test_options_are_checked) {
  mskgov_cluster_options options;
  mskgov_cluster *second = NULL;
  mskgov_error_info error;

  REFUSED(struct_size, 3);
  REFUSED(brokers, 0);
  REFUSED(brokers, 65);
  REFUSED(connections_per_s, 0);
  REFUSED(connections_per_s, 1000001);
  REFUSED(max_connections, 0);
  REFUSED(window, (mskgov_window)4);
  REFUSED(burst, 1); /* the window is no bucket */
  REFUSED(burst, 1000001);
  REFUSED(threads, 0);
  REFUSED(threads, 65);
  REFUSED(region, NULL);
  REFUSED(region, "");
  REFUSED(region, "eu west");
  REFUSED(advertised_host, "");
  REFUSED(advertised_host, "a\nb");
  REFUSED(credentials, NULL);
  REFUSED(credentials_count, 0);

  options_default(&options);
  options.brokers = 2;
  options.first_port = 65535;
  ck_assert_int_eq(mskgov_cluster_new(&cluster, &options, &error), MSKGOV_ERR_INVALID);

  options_default(&options);
  options.brokers = 2;
  start(&options);
  options.first_port = wire_port(mskgov_cluster_bootstrap_servers(cluster), 1);
  options.brokers = 1;
  ck_assert_int_eq(mskgov_cluster_new(&second, &options, &error), MSKGOV_ERR_SYSTEM);
  ck_assert_ptr_null(second);
  stop();
  mskgov_cluster_free(NULL);
}
END_TEST

int main(void) {
  const test_entry entries[] = {
      TEST(test_librdkafka_connects_to_every_broker),
      TEST(test_librdkafka_asks_for_an_unknown_topic),
      TEST(test_librdkafka_is_told_of_too_many_connects),
      TEST(test_counters_and_log_are_exact),
      TEST(test_connection_limit),
      TEST(test_renewal_is_no_attempt),
      TEST(test_wrong_order),
      TEST(test_hostile_bytes_do_no_harm),
      TEST(test_any_cut_of_the_stream),
      TEST(test_a_crowd_at_once),
      TEST(test_out_of_descriptors),
      TEST(test_options_are_checked),
      TEST_TABLE(test_librdkafka_is_told_of_a_bad_token, refused)};

  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to what the broker has closed */

  return test_run("cluster", entries, sizeof(entries) / sizeof(entries[0]));
}
