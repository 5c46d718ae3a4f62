/*
 * A connection of mskgov's own: against the cluster in a box, and against peers that do what
 * no broker should. Time is an argument, so no test waits for a time-out.
 */
#include "../unit/harness.h"
#include "fake_broker.h"
#include "kafka_client.h"

#include <poll.h>
#include <sys/epoll.h>

#define TOKEN "dG9rZW4" /* what the fake broker is shown; it does not look */

static uint64_t now_ns(void) {
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);

  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static mskgov_connector *connector_new(const char *ca_pem, uint64_t setup_timeout_ms) {
  mskgov_connector_options options;
  mskgov_connector *connector;
  mskgov_error_info error;

  mskgov_connector_options_init(&options);
  options.ca_pem = ca_pem;
  options.setup_timeout_ms = setup_timeout_ms;
  ck_assert_msg(mskgov_connector_new(&connector, &options, &error) == 0, "%s", error.text);

  return connector;
}

static mskgov_connection *begin(mskgov_connector *connector, const char *broker,
                                const char *token) {
  mskgov_connection *connection;
  mskgov_error_info error;

  ck_assert_msg(mskgov_connection_new(&connection, connector, broker, token, &error) == 0,
                "%s", error.text);

  return connection;
}

/* Waits for the events and for nothing else, then advances. */
static int wait_and_advance(mskgov_connection *connection, mskgov_error_info *error) {
  struct pollfd poll_fd = {.fd = mskgov_connection_fd(connection),
                           .events = mskgov_connection_events(connection)};

  ck_assert_int_eq(poll(&poll_fd, 1, 30000), 1);

  return mskgov_connection_advance(connection, now_ns(), error);
}

/* Advances until it is ready or has failed. */
static int finish(mskgov_connection *connection, mskgov_error_info *error) {
  int rc = MSKGOV_CONNECTION_CONNECTING;

  while (rc == MSKGOV_CONNECTION_CONNECTING)
    rc = wait_and_advance(connection, error);
  ck_assert_int_eq(error->code, rc < 0 ? rc : 0);

  return rc;
}

/* Expects a failure with these words. */
static void assert_fails(mskgov_connection *connection, int code, mskgov_outcome outcome,
                         const char *words) {
  mskgov_error_info error;
  int rc = finish(connection, &error);

  ck_assert_msg(rc == code, "%d: %s", rc, error.text);
  ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
  ck_assert_int_eq(mskgov_connection_outcome(connection), outcome);
  ck_assert_uint_eq(mskgov_connection_deadline_ns(connection), MSKGOV_NEVER);
  ck_assert_int_eq(mskgov_connection_advance(connection, 0, NULL), code);
  ck_assert_int_eq(mskgov_connection_advance(connection, MSKGOV_NEVER, &error), code);
  ck_assert_int_eq(error.code, code);
}

static void assert_ready(mskgov_connection *connection) {
  mskgov_error_info error;
  int rc = finish(connection, &error);

  ck_assert_msg(rc == MSKGOV_CONNECTION_READY, "%d: %s", rc, error.text);
  ck_assert_int_eq(mskgov_connection_outcome(connection), MSKGOV_OUTCOME_CONNECTED);
  ck_assert_uint_eq(mskgov_connection_deadline_ns(connection), MSKGOV_NEVER);
  ck_assert_int_eq(mskgov_connection_events(connection), POLLIN);
}

/* --- The cluster ----------------------------------------------------------------------
 */

static mskgov_token *token_for(mskgov_credentials_provider *provider) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_error_info error;
  mskgov_token *token;

  mskgov_authenticator_options_init(&options);
  options.region = TEST_REGION;
  options.credentials = provider;
  ck_assert_int_eq(mskgov_authenticator_new(&authenticator, &options, NULL), 0);
  ck_assert_msg(mskgov_authenticator_token(authenticator, &token, &error) == 0, "%s",
                error.text);
  mskgov_authenticator_free(authenticator);

  return token;
}

static const char *address_of(const test_cluster *test) {
  return mskgov_cluster_bootstrap_servers(test->cluster);
}

static mskgov_connector *connector_for(const test_cluster *test) {
  return connector_new(mskgov_cluster_ca_pem(test->cluster), 10000);
}

START_TEST(test_success) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;

  test_cluster_start(&test, 1, 100);
  connector = connector_for(&test);
  token = token_for(test.provider);
  connection = begin(connector, address_of(&test), mskgov_token_value(token));
  mskgov_connector_free(connector); /* the connection has a hold of its own */
  ck_assert_int_eq(mskgov_connection_outcome(connection), MSKGOV_OUTCOME_TRANSPORT);
  ck_assert_uint_le(mskgov_connection_deadline_ns(connection),
                    now_ns() + UINT64_C(10000000000));
  ck_assert_uint_gt(mskgov_connection_deadline_ns(connection), now_ns());
  ck_assert_uint_eq(mskgov_connection_session_lifetime_ms(connection), MSKGOV_NEVER);

  assert_ready(connection);
  ck_assert_uint_gt(mskgov_connection_session_lifetime_ms(connection), 0);
  ck_assert_uint_le(mskgov_connection_session_lifetime_ms(connection), 900000);
  ck_assert_uint_eq(test_cluster_counters(&test).open, 1);
  ck_assert_int_eq(mskgov_connection_advance(connection, MSKGOV_NEVER - 1, NULL),
                   MSKGOV_CONNECTION_READY);

  mskgov_connection_free(connection);
  test_wait_until(test_cluster_counters(&test).open == 0);
  ck_assert_uint_eq(test_cluster_counters(&test).attempts, 1);
  mskgov_token_free(token);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_by_name) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;
  char address[64];

  test_cluster_start(&test, 1, 100);
  connector = connector_for(&test);
  token = token_for(test.provider);
  snprintf(address, sizeof(address), "localhost%s", strchr(address_of(&test), ':'));
  connection = begin(connector, address, mskgov_token_value(token));
  assert_ready(connection);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  mskgov_token_free(token);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_wrong_authority) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  test_cluster test, other;

  test_cluster_start(&test, 1, 100);
  test_cluster_start(&other, 1, 100);
  connector = connector_for(&other);
  connection = begin(connector, address_of(&test), TOKEN);
  assert_fails(connection, MSKGOV_ERR_TRANSPORT, MSKGOV_OUTCOME_TRANSPORT,
               "TLS: the broker's certificate does not verify: ");
  mskgov_connection_free(connection);
  ck_assert_uint_eq(test_cluster_counters(&test).attempts, 0);
  mskgov_connector_free(connector);
  test_cluster_stop(&other);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_several_authorities) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  test_cluster test, other;
  mskgov_token *token;
  char pem[8192];

  test_cluster_start(&test, 1, 100);
  test_cluster_start(&other, 1, 100);
  snprintf(pem, sizeof(pem), "The first\n%sThe second\n%sThe end\n",
           mskgov_cluster_ca_pem(other.cluster), mskgov_cluster_ca_pem(test.cluster));
  connector = connector_new(pem, 10000);
  token = token_for(test.provider);
  connection = begin(connector, address_of(&test), mskgov_token_value(token));
  assert_ready(connection);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  mskgov_token_free(token);
  test_cluster_stop(&other);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_access_denied) {
  mskgov_credentials_provider *provider;
  mskgov_credentials *credentials;
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;

  test_cluster_start(&test, 1, 100);
  connector = connector_for(&test);
  ck_assert_int_eq(
      mskgov_credentials_new(&credentials, "AKIDTEST", "another", NULL, MSKGOV_NEVER, NULL),
      0);
  ck_assert_int_eq(mskgov_credentials_provider_new_static(&provider, credentials, NULL), 0);
  token = token_for(provider);
  connection = begin(connector, address_of(&test), mskgov_token_value(token));
  assert_fails(connection, MSKGOV_ERR_AUTHENTICATION, MSKGOV_OUTCOME_AUTHENTICATION,
               "]: Access denied");
  mskgov_connection_free(connection);
  ck_assert_uint_eq(test_cluster_counters(&test).denied, 1);
  mskgov_token_free(token);
  mskgov_credentials_provider_free(provider);
  mskgov_credentials_free(credentials);
  mskgov_connector_free(connector);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_over_the_quota) {
  mskgov_connection *first, *second;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;

  test_cluster_start(&test, 1, 1);
  connector = connector_for(&test);
  token = token_for(test.provider);
  first = begin(connector, address_of(&test), mskgov_token_value(token));
  assert_ready(first);
  second = begin(connector, address_of(&test), mskgov_token_value(token));
  assert_fails(second, MSKGOV_ERR_QUOTA, MSKGOV_OUTCOME_QUOTA, "]: Too many connects");
  ck_assert_int_eq(mskgov_error_category(MSKGOV_ERR_QUOTA), MSKGOV_CATEGORY_QUOTA);
  mskgov_connection_free(first);
  mskgov_connection_free(second);
  ck_assert_uint_eq(test_cluster_counters(&test).rejected, 1);
  mskgov_token_free(token);
  mskgov_connector_free(connector);
  test_cluster_stop(&test);
}
END_TEST

START_TEST(test_broker_goes) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;

  test_cluster_start(&test, 1, 100);
  connector = connector_for(&test);
  token = token_for(test.provider);
  connection = begin(connector, address_of(&test), mskgov_token_value(token));
  assert_ready(connection);
  test_cluster_stop(&test);
  /* ready once, it stays a success to report */
  ck_assert_int_eq(wait_and_advance(connection, NULL), MSKGOV_ERR_TRANSPORT);
  ck_assert_int_eq(mskgov_connection_outcome(connection), MSKGOV_OUTCOME_CONNECTED);
  ck_assert_int_eq(mskgov_connection_advance(connection, 0, NULL), MSKGOV_ERR_TRANSPORT);
  mskgov_connection_free(connection);
  mskgov_token_free(token);
  mskgov_connector_free(connector);
}
END_TEST

/* A crowd on one epoll, each registered once, edge-triggered. */
START_TEST(test_edge_triggered_crowd) {
  enum { CROWD = 100 };
  mskgov_connection *connections[CROWD];
  struct epoll_event events[CROWD];
  int epoll = epoll_create1(EPOLL_CLOEXEC), ready = 0;
  mskgov_connector *connector;
  mskgov_token *token;
  test_cluster test;

  test_cluster_start(&test, 1, CROWD);
  connector = connector_for(&test);
  token = token_for(test.provider);
  for (int i = 0; i < CROWD; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.u32 = (uint32_t)i};

    connections[i] = begin(connector, address_of(&test), mskgov_token_value(token));
    ck_assert_int_eq(
        epoll_ctl(epoll, EPOLL_CTL_ADD, mskgov_connection_fd(connections[i]), &event), 0);
  }
  while (ready < CROWD) {
    int count = epoll_wait(epoll, events, CROWD, 30000);

    ck_assert_int_gt(count, 0);
    for (int i = 0; i < count; i++) {
      mskgov_connection *it = connections[events[i].data.u32];
      mskgov_error_info error;
      int before = mskgov_connection_outcome(it), rc;

      rc = mskgov_connection_advance(it, now_ns(), &error);
      ck_assert_msg(rc >= 0, "%s", error.text);
      ready += rc == MSKGOV_CONNECTION_READY && before != MSKGOV_OUTCOME_CONNECTED;
    }
  }
  ck_assert_uint_eq(test_cluster_counters(&test).open, CROWD);
  for (int i = 0; i < CROWD; i++)
    mskgov_connection_free(connections[i]);
  close(epoll);
  mskgov_token_free(token);
  mskgov_connector_free(connector);
  test_cluster_stop(&test);
}
END_TEST

typedef struct crew {
  mskgov_connector *connector;
  const char *broker, *token;
} crew;

static void *connect_some(void *argument) {
  const crew *self = argument;

  for (int i = 0; i < 10; i++) {
    mskgov_connection *connection = begin(self->connector, self->broker, self->token);

    assert_ready(connection);
    mskgov_connection_free(connection);
  }

  return NULL;
}

START_TEST(test_threads_share_a_connector) {
  pthread_t threads[4];
  mskgov_token *token;
  test_cluster test;
  crew shared;

  test_cluster_start(&test, 1, 100);
  token = token_for(test.provider);
  shared = (crew){connector_for(&test), address_of(&test), mskgov_token_value(token)};
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, connect_some, &shared), 0);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  ck_assert_uint_eq(test_cluster_counters(&test).accepted, 40);
  mskgov_connector_free(shared.connector);
  mskgov_token_free(token);
  test_cluster_stop(&test);
}
END_TEST

/* --- Peers that misbehave -------------------------------------------------------------
 */

static const unsigned char handshake_answer[] = {0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
static const unsigned char good_answer[] = {0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 255, 255,
                                            0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0,   0};
static const unsigned char good_and_more[] = {
    0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 255, 255, 0, 0, 0,   0,   0,   0,   0,
    0, 0, 0, 0,  0, 0, 0, 0, 9, 0, 0,   0,   0, 0, 'm', 'o', 'r', 'e', '!'};
static const unsigned char too_long[] = {0, 0, 0x40, 1};

#define ANSWER(bytes) (bytes), sizeof(bytes)

static const struct {
  const char *name;
  fake_script script;
  int code;
  const char *words;
} misbehaviours[] = {
    {"accepts and closes", {.names = NULL}, MSKGOV_ERR_TRANSPORT, ""},
    {"closes in the middle of the handshake",
     {.wait = true},
     MSKGOV_ERR_TRANSPORT,
     "TLS: "},
    {"resets in the middle of the handshake",
     {.wait = true, .end = FAKE_RESET},
     MSKGOV_ERR_TRANSPORT,
     "TLS: "},
    {"speaks no TLS",
     {.wait = true, .raw = "HTTP/1.1 400 Bad Request\r\n\r\n", .stay = true},
     MSKGOV_ERR_TRANSPORT,
     "TLS: "},
    {"a certificate for another address",
     {.names = "IP:127.0.0.2"},
     MSKGOV_ERR_TRANSPORT,
     "certificate does not verify: IP address mismatch"},
    {"a certificate for the address as if it were a name",
     {.names = "DNS:127.0.0.1"},
     MSKGOV_ERR_TRANSPORT,
     "certificate does not verify: IP address mismatch"},
    {"closes after TLS", {.names = "IP:127.0.0.1"}, MSKGOV_ERR_TRANSPORT, "SASL: "},
    {"closes instead of the second answer, as serverless brokers do",
     {.names = "IP:127.0.0.1",
      .answers = {handshake_answer, ""},
      .lengths = {sizeof(handshake_answer), 0}},
     MSKGOV_ERR_TRANSPORT,
     "SASL: the broker closed the connection"},
    {"garbage for an answer",
     {.names = "IP:127.0.0.1",
      .answers = {"HTTP/1.1 400 Bad Request\r\n"},
      .lengths = {26},
      .stay = true},
     MSKGOV_ERR_PROTOCOL,
     "the broker's answer is none, or longer than 16384 bytes"},
    {"the answer to something else",
     {.names = "IP:127.0.0.1",
      .answers = {good_answer},
      .lengths = {sizeof(good_answer)},
      .stay = true},
     MSKGOV_ERR_PROTOCOL,
     "the broker's answer to SaslHandshake is malformed"},
    {"an answer that is too long",
     {.names = "IP:127.0.0.1",
      .answers = {handshake_answer, too_long},
      .lengths = {sizeof(handshake_answer), sizeof(too_long)},
      .stay = true},
     MSKGOV_ERR_PROTOCOL,
     "the broker's answer is none, or longer than 16384 bytes"},
    {"an answer and more in one",
     {.names = "IP:127.0.0.1",
      .answers = {handshake_answer, good_and_more},
      .lengths = {sizeof(handshake_answer), sizeof(good_and_more)},
      .stay = true},
     MSKGOV_ERR_PROTOCOL,
     "the broker answered something before it was asked"},
};

START_TEST(test_misbehaviour) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  fake_broker fake;

  fake_start(&fake, &misbehaviours[_i].script);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, fake.address, TOKEN);
  assert_fails(connection, misbehaviours[_i].code, MSKGOV_OUTCOME_TRANSPORT,
               misbehaviours[_i].words);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

/* Names count as alternative names only; as a subject they have not for decades. */
START_TEST(test_name_as_subject) {
  const fake_script script = {.names = "IP:127.0.0.1"};
  mskgov_connection *connection;
  mskgov_connector *connector;
  fake_broker fake;
  char address[64];

  fake_start(&fake, &script);
  snprintf(address, sizeof(address), "localhost:%u", fake.port);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, address, TOKEN);
  assert_fails(connection, MSKGOV_ERR_TRANSPORT, MSKGOV_OUTCOME_TRANSPORT,
               "certificate does not verify: hostname mismatch");
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

static const fake_script good_script = {
    .names = "IP:127.0.0.1",
    .answers = {handshake_answer, good_answer},
    .lengths = {sizeof(handshake_answer), sizeof(good_answer)},
    .stay = true};

/* Answers in pieces, and a lifetime of 0: without end. */
START_TEST(test_dribbling_broker) {
  fake_script script = good_script;
  mskgov_connection *connection;
  mskgov_connector *connector;
  fake_broker fake;

  script.dribble = true;
  fake_start(&fake, &script);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, fake.address, TOKEN);
  assert_ready(connection);
  ck_assert_uint_eq(mskgov_connection_session_lifetime_ms(connection), MSKGOV_NEVER);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

/* More after a good answer: it was ready, and is not trusted any more. */
START_TEST(test_unasked_bytes) {
  fake_script script = good_script;
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_error_info error;
  fake_broker fake;
  int rc = 0;

  script.dribble = true;
  script.answers[1] = good_and_more;
  script.lengths[1] = sizeof(good_and_more);
  fake_start(&fake, &script);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, fake.address, TOKEN);
  while (rc >= 0)
    rc = wait_and_advance(connection, &error);
  ck_assert_msg(rc == MSKGOV_ERR_PROTOCOL, "%d: %s", rc, error.text);
  ck_assert_msg(strstr(error.text, "nobody asked for") != NULL, "%s", error.text);
  ck_assert_int_eq(mskgov_connection_outcome(connection), MSKGOV_OUTCOME_CONNECTED);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

START_TEST(test_ipv6) {
  fake_script script = good_script;
  mskgov_connection *connection;
  mskgov_connector *connector;
  fake_broker fake;
  int probe = socket(AF_INET6, SOCK_STREAM, 0);
  const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                        .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  bool possible =
      probe >= 0 && bind(probe, (const struct sockaddr *)&loopback, sizeof(loopback)) == 0;

  close(probe);
  if (!possible) {
    printf("there is no IPv6 here\n");
    return;
  }

  script.names = "IP:::1";
  fake_start(&fake, &script);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, fake.address, TOKEN);
  assert_ready(connection);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

/* The farewell goes to a peer that has reset: by default, that kills the process. */
START_TEST(test_no_sigpipe) {
  fake_script script = good_script;
  mskgov_connection *connection;
  mskgov_connector *connector;
  fake_broker fake;

  script.end = FAKE_RESET;
  fake_start(&fake, &script);
  connector = connector_new(fake.ca_pem, 10000);
  connection = begin(connector, fake.address, TOKEN);
  signal(SIGPIPE, SIG_DFL);
  assert_ready(connection);
  fake_join(&fake); /* by now it has reset */
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_stop(&fake);
}
END_TEST

/* Where a peer falls silent, the deadline ends it, and not a nanosecond before. */
static const struct {
  const char *name;
  fake_script script;
  const char *words;
} silences[] = {
    {"nothing but TCP", {.wait = true, .stay = true}, "TLS: no answer within 77 ms"},
    {"TLS and nothing more",
     {.names = "IP:127.0.0.1", .stay = true},
     "SASL: no answer within 77 ms"},
    {"no second answer",
     {.names = "IP:127.0.0.1",
      .answers = {handshake_answer, ""},
      .lengths = {sizeof(handshake_answer), 0},
      .stay = true},
     "SASL: no answer within 77 ms"},
};

START_TEST(test_setup_timeout) {
  mskgov_connection *connection;
  mskgov_connector *connector;
  mskgov_error_info error;
  uint64_t deadline_ns;
  fake_broker fake;
  struct pollfd poll_fd;

  fake_start(&fake, &silences[_i].script);
  connector = connector_new(fake.ca_pem, 77);
  connection = begin(connector, fake.address, TOKEN);
  deadline_ns = mskgov_connection_deadline_ns(connection);
  ck_assert_uint_le(deadline_ns, now_ns() + 77000000);
  ck_assert_uint_gt(deadline_ns + 77000000, now_ns());
  do { /* until nothing more comes */
    ck_assert_msg(mskgov_connection_advance(connection, deadline_ns - 1, &error) ==
                      MSKGOV_CONNECTION_CONNECTING,
                  "%s", error.text);
    poll_fd = (struct pollfd){.fd = mskgov_connection_fd(connection),
                              .events = mskgov_connection_events(connection)};
  } while (poll(&poll_fd, 1, 1000) == 1);

  ck_assert_int_eq(mskgov_connection_advance(connection, deadline_ns - 1, NULL),
                   MSKGOV_CONNECTION_CONNECTING);
  ck_assert_int_eq(mskgov_connection_advance(connection, deadline_ns, &error),
                   MSKGOV_ERR_TRANSPORT);
  ck_assert_str_eq(error.text, silences[_i].words);
  ck_assert_int_eq(mskgov_connection_outcome(connection), MSKGOV_OUTCOME_TRANSPORT);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  fake_join(&fake);
  fake_stop(&fake);
}
END_TEST

/* A refusal comes at once or later, as the kernel likes. */
START_TEST(test_nobody_listens) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;
  mskgov_connection *connection = NULL;
  mskgov_connector *connector = connector_new(NULL, 10000);
  mskgov_error_info error;
  char broker[64];

  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  snprintf(broker, sizeof(broker), "127.0.0.1:%u", ntohs(address.sin_port));
  rc = mskgov_connection_new(&connection, connector, broker, TOKEN, &error);
  if (!rc)
    rc = finish(connection, &error);
  ck_assert_int_eq(rc, MSKGOV_ERR_TRANSPORT);
  ck_assert_msg(strstr(error.text, "TCP: Connection refused") != NULL, "%s", error.text);
  mskgov_connection_free(connection);
  mskgov_connector_free(connector);
  close(fd);
}
END_TEST

START_TEST(test_name_is_not_known) {
  mskgov_connector *connector = connector_new(NULL, 10000);
  mskgov_connection *connection;
  mskgov_error_info error;

  ck_assert_int_eq(
      mskgov_connection_new(&connection, connector, "nowhere.invalid:9098", TOKEN, &error),
      MSKGOV_ERR_TRANSPORT); /* RFC 6761: .invalid is never there */
  ck_assert_ptr_null(connection);
  ck_assert_msg(strstr(error.text, "nowhere.invalid:9098") != NULL, "%s", error.text);
  mskgov_connector_free(connector);
}
END_TEST

/* --- Arguments ------------------------------------------------------------------------
 */

static const struct {
  const char *broker, *token, *words;
} arguments[] = {
    {NULL, TOKEN, "broker is NULL"},
    {"127.0.0.1", TOKEN, "the port is missing"},
    {"127.0.0.1:0", TOKEN, "the port is not a number"},
    {"::1:9098", TOKEN, "stands in brackets"},
    {"127.0.0.1:9098", NULL, "token is NULL"},
    {"127.0.0.1:9098", "", "token is empty"},
    {"127.0.0.1:9098", "secret\001secret", "byte 6 of token"},
    {"127.0.0.1:9098", "secret secret", "byte 6 of token"},
};

START_TEST(test_arguments) {
  mskgov_connector *connector = connector_new(NULL, 10000);
  mskgov_connection *connection = (mskgov_connection *)1;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_connection_new(&connection, connector, arguments[_i].broker,
                                         arguments[_i].token, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(connection);
  ck_assert_msg(strstr(error.text, arguments[_i].words) != NULL, "%s", error.text);
  ck_assert_ptr_null(strstr(error.text, "secret"));
  mskgov_connector_free(connector);
}
END_TEST

START_TEST(test_token_is_too_long) {
  char *token = calloc(1, MSKGOV_CONNECTION_TOKEN_MAX + 2);
  mskgov_connector *connector = connector_new(NULL, 10000);
  mskgov_connection *connection;

  memset(token, 'a', MSKGOV_CONNECTION_TOKEN_MAX + 1);
  ck_assert_int_eq(
      mskgov_connection_new(&connection, connector, "127.0.0.1:1", token, NULL),
      MSKGOV_ERR_INVALID);
  mskgov_connector_free(connector);
  free(token);
}
END_TEST

START_TEST(test_null) {
  mskgov_connection *connection;

  ck_assert_int_eq(mskgov_connection_new(&connection, NULL, "127.0.0.1:9098", TOKEN, NULL),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(connection);
  mskgov_connection_free(NULL);
  mskgov_connector_free(NULL);
}
END_TEST

/* Expects the options to be refused, with these words. */
static void assert_refused(const mskgov_connector_options *options, const char *words) {
  mskgov_connector *connector = (mskgov_connector *)1;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_connector_new(&connector, options, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(connector);
  ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
}

START_TEST(test_options_are_checked) {
  static const char broken[] = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n"
                               "-----END CERTIFICATE-----\n";
  mskgov_connector_options options;
  char client_id[MSKGOV_CLIENT_ID_MAX + 2];
  mskgov_connector *connector;

  assert_refused(NULL, "options");
  memset(&options, 0, sizeof(options));
  assert_refused(&options, "mskgov_connector_options_init");
  mskgov_connector_options_init(&options);
  options.setup_timeout_ms = 0;
  assert_refused(&options, "options.setup_timeout_ms is 0");
  options.setup_timeout_ms = 3600001;
  assert_refused(&options, "options.setup_timeout_ms is 3600001");
  mskgov_connector_options_init(&options);
  options.client_id = "";
  assert_refused(&options, "options.client_id");
  memset(client_id, 'a', sizeof(client_id) - 1);
  client_id[sizeof(client_id) - 1] = '\0';
  options.client_id = client_id;
  assert_refused(&options, "options.client_id");
  mskgov_connector_options_init(&options);
  options.ca_pem = "";
  assert_refused(&options, "options.ca_pem has no certificate");
  options.ca_pem = broken;
  assert_refused(&options, "options.ca_pem: certificate 1 is malformed");

  mskgov_connector_options_init(&options);
  options.client_id = NULL;
  options.setup_timeout_ms = 3600000;
  ck_assert_int_eq(mskgov_connector_new(&connector, &options, NULL), 0);
  mskgov_connector_free(connector);
}
END_TEST

TEST_MAIN("connection", TEST(test_success), TEST(test_by_name), TEST(test_wrong_authority),
          TEST(test_several_authorities), TEST(test_access_denied),
          TEST(test_over_the_quota), TEST(test_broker_goes),
          TEST(test_edge_triggered_crowd), TEST(test_threads_share_a_connector),
          TEST_TABLE(test_misbehaviour, misbehaviours), TEST(test_name_as_subject),
          TEST(test_dribbling_broker), TEST(test_unasked_bytes), TEST(test_ipv6),
          TEST(test_no_sigpipe), TEST_TABLE(test_setup_timeout, silences),
          TEST(test_nobody_listens), TEST(test_name_is_not_known),
          TEST_TABLE(test_arguments, arguments), TEST(test_token_is_too_long),
          TEST(test_null), TEST(test_options_are_checked))
