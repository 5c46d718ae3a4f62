/*
 * What can be done to a cluster while it runs: brokers that stop and come back, and another
 * quota. And clusters of more connections than a process may have files.
 */
#include "../unit/harness.h"
#include "wire.h"

#include <mskgov/broker.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define DESCRIPTORS_ARE_FOLLOWED true /* by their number, whatever table they are in */
#else
#define DESCRIPTORS_ARE_FOLLOWED false
#endif

#define SECOND_NS UINT64_C(1000000000)
#define PATIENCE_NS (20 * SECOND_NS)

static mskgov_cluster *cluster;
static mskgov_credentials *credentials;
static char token[WIRE_TOKEN_MAX];

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

static void options_default(mskgov_cluster_options *options, uint32_t brokers) {
  ck_assert_int_eq(mskgov_credentials_new(&credentials, WIRE_KEY_ID, WIRE_SECRET, NULL,
                                          MSKGOV_NEVER, NULL),
                   0);
  mskgov_cluster_options_init(options);
  options->brokers = brokers;
  options->connections_per_s = 1000;
  options->region = WIRE_REGION;
  options->credentials = &credentials;
  options->credentials_count = 1;
}

static void start(const mskgov_cluster_options *options) {
  mskgov_error_info error;

  ck_assert_msg(mskgov_cluster_new(&cluster, options, &error) == 0, "%s", error.text);
  wire_token(token, WIRE_SECRET, WIRE_REGION, 0);
}

static void start_default(uint32_t brokers) {
  mskgov_cluster_options options;

  options_default(&options, brokers);
  start(&options);
}

static void stop(void) {
  mskgov_cluster_free(cluster);
  mskgov_credentials_free(credentials);
}

static mskgov_cluster_counters counters(uint32_t broker) {
  mskgov_cluster_counters seen = {.struct_size = sizeof(seen)};

  ck_assert_int_eq(mskgov_cluster_counters_get(cluster, broker, &seen, NULL), 0);

  return seen;
}

static void stop_broker(uint32_t broker) {
  mskgov_error_info error;

  ck_assert_msg(mskgov_cluster_stop_broker(cluster, broker, &error) == 0, "%s", error.text);
}

static void start_broker(uint32_t broker) {
  mskgov_error_info error;

  ck_assert_msg(mskgov_cluster_start_broker(cluster, broker, &error) == 0, "%s",
                error.text);
}

static uint16_t port_of(uint32_t broker) {
  return wire_port(mskgov_cluster_bootstrap_servers(cluster), broker);
}

/* Connects, and returns the error of SaslAuthenticate. */
static int attempt(test_wire *wire, uint32_t broker) {
  wire_answer answer;

  wire_open(wire, port_of(broker), mskgov_cluster_ca_pem(cluster));
  wire_authenticate(wire, token, &answer);

  return answer.error;
}

static struct sockaddr_in address_of(uint32_t broker) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_of(broker))};

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

  return address;
}

/* The errno of a connect to the broker, 0 if it is taken. */
static int connect_error(uint32_t broker) {
  struct sockaddr_in address = address_of(broker);
  int fd = wire_socket();
  int errnum = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;

  close(fd);

  return errnum;
}

/* The errno of somebody else's bind to the broker's port. */
static int bind_error(uint32_t broker, int reuse) {
  struct sockaddr_in address = address_of(broker);
  int fd = wire_socket(), errnum;

  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  errnum = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
  close(fd);

  return errnum;
}

static bool answers(test_wire *wire) {
  unsigned char bytes[256];

  wire_send(wire, 18, 0, "", 0);

  return wire_receive(wire, bytes, sizeof(bytes)) > 0;
}

/* --- A broker that stops --------------------------------------------------------------
 */

START_TEST(test_a_stopped_broker_drops_and_refuses) {
  test_wire wires[3], other, setup;
  int fd;

  start_default(2);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(attempt(&wires[i], 0), 0);
  ck_assert_int_eq(attempt(&other, 1), 0);
  fd = wire_tcp(port_of(0));
  wire_open(&setup, port_of(0), mskgov_cluster_ca_pem(cluster));
  wait_until(counters(0).tcp_accepted == 5);

  stop_broker(0);
  ck_assert_uint_eq(counters(0).open, 0);
  ck_assert_uint_eq(counters(0).dropped, 3);
  ck_assert_uint_eq(counters(0).failed, 2); /* those that had not authenticated */
  ck_assert_int_eq(connect_error(0), ECONNREFUSED);
  for (int i = 0; i < 3; i++) {
    ck_assert(wire_is_ended(&wires[i]));
    wire_close(&wires[i]);
  }
  ck_assert(wire_is_ended(&setup));
  ck_assert_int_eq(read(fd, &(char){0}, 1), 0);
  ck_assert(answers(&other));
  ck_assert_uint_eq(counters(1).open, 1);
  ck_assert_uint_eq(counters(1).dropped, 0);

  close(fd);
  wire_close(&setup);
  wire_close(&other);
  stop();
}
END_TEST

START_TEST(test_the_port_stays_its_own) {
  test_wire before, after;
  uint16_t port;

  start_default(2);
  port = port_of(1);
  ck_assert_int_eq(attempt(&before, 1), 0);
  for (int round = 0; round < 3; round++) {
    stop_broker(1);
    ck_assert_int_eq(bind_error(1, 0), EADDRINUSE);
    ck_assert_int_eq(bind_error(1, 1), EADDRINUSE);
    start_broker(1);
    ck_assert_int_eq(bind_error(1, 1), EADDRINUSE);
  }
  ck_assert_uint_eq(port_of(1), port);
  ck_assert_int_eq(attempt(&after, 1), 0);
  ck_assert(answers(&after));
  wire_close(&before);
  wire_close(&after);
  stop();
}
END_TEST

/* A port that was asked for by its number comes back as well. */
START_TEST(test_a_given_port_comes_back) {
  mskgov_cluster_options options;
  test_wire wire;
  uint16_t port;

  start_default(1);
  port = port_of(0);
  stop();

  options_default(&options, 1);
  options.first_port = port;
  start(&options);
  stop_broker(0);
  ck_assert_int_eq(connect_error(0), ECONNREFUSED);
  ck_assert_int_eq(bind_error(0, 1), EADDRINUSE);
  start_broker(0);
  ck_assert_uint_eq(port_of(0), port);
  ck_assert_int_eq(attempt(&wire, 0), 0);
  wire_close(&wire);
  stop();
}
END_TEST

START_TEST(test_counters_and_the_window_go_on) {
  mskgov_cluster_options options;
  mskgov_cluster_counters seen;
  test_wire wires[4];
  uint64_t first_ns;

  options_default(&options, 1);
  options.connections_per_s = 2;
  start(&options);
  ck_assert_int_eq(attempt(&wires[0], 0), 0);
  first_ns = counters(0).first_attempt_ns;
  ck_assert_int_eq(attempt(&wires[1], 0), 0);
  stop_broker(0);
  start_broker(0);
  ck_assert_int_eq(attempt(&wires[2], 0), 58); /* within a second of the first two */
  ck_assert_uint_lt(counters(0).last_attempt_ns, first_ns + SECOND_NS);

  wait_until(now_ns() > counters(0).last_attempt_ns + SECOND_NS);
  ck_assert_int_eq(attempt(&wires[3], 0), 0);
  seen = counters(0);
  ck_assert_uint_eq(seen.tcp_accepted, 4);
  ck_assert_uint_eq(seen.attempts, 4);
  ck_assert_uint_eq(seen.accepted, 3);
  ck_assert_uint_eq(seen.rejected, 1);
  ck_assert_uint_eq(seen.dropped, 2);
  ck_assert_uint_eq(seen.failed, 0);
  ck_assert_uint_eq(seen.open, 1);
  ck_assert_uint_eq(seen.peak_open, 2);
  ck_assert_uint_eq(seen.peak_window, 3);
  ck_assert_uint_eq(seen.first_attempt_ns, first_ns);
  for (int i = 0; i < 4; i++)
    wire_close(&wires[i]);
  stop();
}
END_TEST

START_TEST(test_twice_is_once) {
  test_wire wire;

  start_default(1);
  start_broker(0);
  ck_assert_int_eq(attempt(&wire, 0), 0);
  start_broker(0);
  ck_assert(answers(&wire));
  ck_assert_uint_eq(counters(0).dropped, 0);

  stop_broker(0);
  stop_broker(0);
  ck_assert_uint_eq(counters(0).dropped, 1);
  ck_assert_int_eq(connect_error(0), ECONNREFUSED);
  start_broker(0);
  start_broker(0);
  ck_assert_int_eq(connect_error(0), 0);
  wire_close(&wire);
  stop();
}
END_TEST

START_TEST(test_metadata_goes_on_naming_it) {
  /* version 1, all topics; the answer begins with the number of brokers */
  static const unsigned char all_topics[] = {0xff, 0xff, 0xff, 0xff};
  unsigned char bytes[512];
  test_wire wire;

  start_default(3);
  stop_broker(2);
  ck_assert_int_eq(attempt(&wire, 0), 0);
  wire_send(&wire, 3, 1, all_topics, sizeof(all_topics));
  ck_assert_int_gt(wire_receive(&wire, bytes, sizeof(bytes)), 4);
  ck_assert_int_eq(bytes[3], 3);
  wire_close(&wire);
  stop();
}
END_TEST

START_TEST(test_a_cluster_is_freed_with_stopped_brokers) {
  test_wire wires[2];

  start_default(3);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(attempt(&wires[i], (uint32_t)i), 0);
  for (uint32_t i = 1; i < 3; i++)
    stop_broker(i);
  stop();
  for (int i = 0; i < 2; i++) {
    ck_assert(wire_is_ended(&wires[i]));
    wire_close(&wires[i]);
  }
}
END_TEST

START_TEST(test_what_is_refused) {
  mskgov_error_info error;
  int status;
  pid_t child;

  start_default(2);
  ck_assert_int_eq(mskgov_cluster_stop_broker(cluster, 2, &error), MSKGOV_ERR_INVALID);
  ck_assert_msg(strstr(error.text, "broker is 2") != NULL, "%s", error.text);
  ck_assert_int_eq(mskgov_cluster_start_broker(cluster, UINT32_MAX, NULL),
                   MSKGOV_ERR_INVALID);

  child = fork();
  ck_assert_int_ge(child, 0);
  if (!child)
    _exit(mskgov_cluster_stop_broker(cluster, 0, NULL) == MSKGOV_ERR_FORKED ? 0 : 1);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(connect_error(0), 0);
  stop();
}
END_TEST

/* --- From several threads -------------------------------------------------------------
 */

#define BROKERS 3
#define STOPPERS 4
#define CONNECTORS 2
#define ROUNDS 40

static atomic_bool over;

/* Stops and starts brokers, in an order of its own. */
static void *stopper(void *argument) {
  uint32_t place = (uint32_t)(uintptr_t)argument;

  for (uint32_t i = 0; i < ROUNDS; i++) {
    stop_broker((place + i) % BROKERS);
    start_broker((place + 2 * i) % BROKERS);
  }

  return NULL;
}

/* Connects to whatever is there, and is cut off at any point of it. */
static void *connector(void *argument) {
  uint32_t place = (uint32_t)(uintptr_t)argument;

  for (uint32_t i = 0; !atomic_load(&over); i++) {
    struct sockaddr_in address = address_of((place + i) % BROKERS);
    SSL_CTX *context = wire_context(mskgov_cluster_ca_pem(cluster));
    SSL *ssl = SSL_new(context);
    int fd = wire_socket();

    SSL_set_fd(ssl, fd);
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) && SSL_connect(ssl) == 1)
      SSL_read(ssl, &(char){0}, 1); /* until the broker is stopped, or for 10 s */
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
  }

  return NULL;
}

START_TEST(test_stopped_from_several_threads) {
  pthread_t threads[STOPPERS + CONNECTORS];
  mskgov_cluster_options options;
  test_wire wire;

  options_default(&options, BROKERS);
  options.threads = 2;
  start(&options);
  for (uintptr_t i = 0; i < STOPPERS + CONNECTORS; i++)
    ck_assert_int_eq(
        pthread_create(&threads[i], NULL, i < STOPPERS ? stopper : connector, (void *)i),
        0);
  for (int i = 0; i < STOPPERS; i++)
    pthread_join(threads[i], NULL);
  atomic_store(&over, true);
  for (uint32_t i = 0; i < BROKERS; i++)
    stop_broker(i);
  for (int i = STOPPERS; i < STOPPERS + CONNECTORS; i++)
    pthread_join(threads[i], NULL);

  for (uint32_t i = 0; i < BROKERS; i++) {
    ck_assert_uint_eq(counters(i).failed, counters(i).tcp_accepted);
    start_broker(i);
    ck_assert_int_eq(attempt(&wire, i), 0);
    ck_assert_uint_eq(counters(i).open, 1);
    wire_close(&wire);
  }
  stop();
}
END_TEST

/* --- Another quota --------------------------------------------------------------------
 */

static const struct {
  mskgov_window window;
  uint32_t burst;
  uint32_t before, after;
  int made;   /* attempts under the quota before */
  int within; /* of two attempts under the quota after it, at once */
  int later;  /* and of three a second later */
} quotas[] = {
    {MSKGOV_WINDOW_SLIDING, 0, 1000000, 4, 3, 1, 3}, /* what was counted stays counted */
    {MSKGOV_WINDOW_FIXED, 0, 3, 4, 3, 1, 3},
    {MSKGOV_WINDOW_BUCKET, 5, 2, 1, 5, 0, 1},
    {MSKGOV_WINDOW_BUCKET, 0, 1, 2, 1, 1, 2}, /* the burst is the quota */
    {MSKGOV_WINDOW_KAFKA, 0, 2, 1, 11, 0, 0}, /* ten seconds' worth, and that is for long */
};

static int within(int count) {
  int accepted = 0;
  test_wire wire;

  for (int i = 0; i < count; i++) {
    accepted += attempt(&wire, 0) == 0;
    wire_close(&wire);
  }

  return accepted;
}

/* Where windows are fixed: the beginning of a second of the clock that they go by. */
static void wait_for_window(mskgov_window window) {
  uint64_t second = now_ns() / SECOND_NS;

  if (window == MSKGOV_WINDOW_FIXED)
    wait_until(now_ns() / SECOND_NS > second);
}

START_TEST(test_another_quota) {
  mskgov_cluster_options options;
  mskgov_error_info error;

  options_default(&options, 1);
  options.window = quotas[_i].window;
  options.burst = quotas[_i].burst;
  options.connections_per_s = quotas[_i].before;
  options.count_rejected = 0;
  start(&options);
  wait_for_window(quotas[_i].window);
  ck_assert_int_eq(within(quotas[_i].made), quotas[_i].made);
  ck_assert_msg(mskgov_cluster_set_quota(cluster, quotas[_i].after, &error) == 0, "%s",
                error.text);
  ck_assert_int_eq(within(2), quotas[_i].within);
  ck_assert_uint_lt(counters(0).last_attempt_ns, counters(0).first_attempt_ns + SECOND_NS);

  wait_until(now_ns() > counters(0).last_attempt_ns + SECOND_NS);
  wait_for_window(quotas[_i].window);
  ck_assert_int_eq(within(3), quotas[_i].later);
  stop();
}
END_TEST

START_TEST(test_quotas_that_are_refused) {
  mskgov_error_info error;

  start_default(1);
  ck_assert_int_eq(mskgov_cluster_set_quota(cluster, 0, &error), MSKGOV_ERR_INVALID);
  ck_assert_msg(strstr(error.text, "connections_per_s") != NULL, "%s", error.text);
  ck_assert_int_eq(mskgov_cluster_set_quota(cluster, 1000001, NULL), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(within(2), 2);
  stop();
}
END_TEST

/* --- Descriptors ----------------------------------------------------------------------
 */

#define FILES 64  /* that the process may have */
#define CROWD 40u /* connections to each broker */

static void limit_files(rlim_t files) {
  struct rlimit limit;

  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = files < limit.rlim_max ? files : limit.rlim_max;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The clients, in a process that may have enough files; they stay until `until` ends. */
static void crowd(int until) {
  static test_wire wires[BROKERS * CROWD];

  limit_files(4096);
  for (uint32_t i = 0; i < BROKERS * CROWD; i++)
    if (attempt(&wires[i], i % BROKERS))
      _exit(1);
  _exit(read(until, &(char){0}, 1) == 0 ? 0 : 2);
}

START_TEST(test_more_connections_than_files) {
  int until[2], bystander[2], status;
  mskgov_cluster_options options;
  pid_t child;

  if (DESCRIPTORS_ARE_FOLLOWED)
    return;

  ck_assert_int_eq(pipe(until), 0);
  ck_assert_int_eq(pipe(bystander), 0);
  limit_files(FILES);
  options_default(&options, BROKERS);
  options.threads = BROKERS;
  options.files_per_thread = 1;
  start(&options);

  /* what was open before is not held open by the cluster's threads */
  close(bystander[1]);
  ck_assert_int_eq(poll(&(struct pollfd){.fd = bystander[0], .events = POLLIN}, 1, 5000),
                   1);
  ck_assert_int_eq(read(bystander[0], &(char){0}, 1), 0);
  close(bystander[0]);

  child = fork();
  ck_assert_int_ge(child, 0);
  if (!child) {
    close(until[1]);
    crowd(until[0]);
  }
  for (uint32_t i = 0; i < BROKERS; i++)
    wait_until(counters(i).open == CROWD);
  stop_broker(1);
  ck_assert_uint_eq(counters(1).dropped, CROWD);
  ck_assert_int_eq(connect_error(1), ECONNREFUSED);
  ck_assert_int_eq(bind_error(1, 1), EADDRINUSE);
  start_broker(1);
  ck_assert_int_eq(connect_error(1), 0);

  close(until[1]);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  wait_until(counters(0).open == 0 && counters(2).open == 0);
  close(until[0]);
  stop();
}
END_TEST

int main(void) {
  const test_entry entries[] = {
      TEST(test_a_stopped_broker_drops_and_refuses),
      TEST(test_the_port_stays_its_own),
      TEST(test_a_given_port_comes_back),
      TEST(test_counters_and_the_window_go_on),
      TEST(test_twice_is_once),
      TEST(test_metadata_goes_on_naming_it),
      TEST(test_a_cluster_is_freed_with_stopped_brokers),
      TEST(test_what_is_refused),
      TEST(test_stopped_from_several_threads),
      TEST_TABLE(test_another_quota, quotas),
      TEST(test_quotas_that_are_refused),
      TEST(test_more_connections_than_files),
  };

  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to what the broker has closed */

  return test_run("cluster_faults", entries, sizeof(entries) / sizeof(entries[0]));
}
