/*
 * A session without sockets: requests written by hand in, answers out, under a gate that
 * says what the test tells it to.
 */
#include "broker/session.h"
#include "harness.h"

#include <string.h>

/* What the gate answers, and what it was asked. */
static struct {
  int attempt_rc, check_rc;
  bool within_quota;
  gov_token_verdict verdict;
  int attempts, checks, settled;
  mskgov_verdict last;
  char payload[16];
} gate_state;

static int on_attempt(void *self, bool *within_quota) {
  (void)self;
  gate_state.attempts++;
  *within_quota = gate_state.within_quota;

  return gate_state.attempt_rc;
}

static int on_check(void *self, const char *payload, size_t length,
                    gov_token_verdict *verdict, uint64_t *lifetime_ms) {
  (void)self;
  ck_assert_uint_lt(length, sizeof(gate_state.payload));
  gate_state.checks++;
  memcpy(gate_state.payload, payload, length);
  gate_state.payload[length] = '\0';
  *verdict = gate_state.verdict;
  *lifetime_ms = 5000;

  return gate_state.check_rc;
}

static void on_settle(void *self, mskgov_verdict verdict) {
  (void)self;
  gate_state.settled++;
  gate_state.last = verdict;
}

static const gov_session_gate gate = {on_attempt, on_check, on_settle};
static const uint16_t ports[] = {1};
static const gov_kafka_cluster cluster = {
    .id = "id", .host = "h", .ports = ports, .brokers = 1};

/* Whole frames: length, api, version, correlation 0, no client id, body. */
#define FRAME(text)                                                                        \
  { text, sizeof(text) - 1 }

enum request {
  VERSIONS,
  VERSIONS_9,
  HANDSHAKE,
  HANDSHAKE_0,
  PLAIN,
  TOKEN,
  METADATA,
  FETCH
};

static const struct {
  const char *bytes;
  size_t length;
} frames[] = {
    [VERSIONS] = FRAME("\0\0\0\12\0\22\0\0\0\0\0\0\377\377"),
    [VERSIONS_9] = FRAME("\0\0\0\12\0\22\0\11\0\0\0\0\377\377"),
    [HANDSHAKE] = FRAME("\0\0\0\27\0\21\0\1\0\0\0\0\377\377\0\13OAUTHBEARER"),
    [HANDSHAKE_0] = FRAME("\0\0\0\27\0\21\0\0\0\0\0\0\377\377\0\13OAUTHBEARER"),
    [PLAIN] = FRAME("\0\0\0\21\0\21\0\1\0\0\0\0\377\377\0\5PLAIN"),
    [TOKEN] = FRAME("\0\0\0\23\0\44\0\1\0\0\0\0\377\377\0\0\0\5token"),
    [METADATA] = FRAME("\0\0\0\16\0\3\0\1\0\0\0\0\377\377\377\377\377\377"),
    [FETCH] = FRAME("\0\0\0\12\0\1\0\4\0\0\0\0\377\377"),
};

static void reset_gate(void) {
  memset(&gate_state, 0, sizeof(gate_state));
  gate_state.within_quota = true;
}

/* The error code of the one answer in `out`, at byte 8; -1 if there is no answer. */
static int error_of(const gov_buffer *out) {
  return out->length ? (unsigned char)out->data[8] << 8 | (unsigned char)out->data[9] : -1;
}

static int feed(gov_session *session, enum request request) {
  gov_buffer out;
  int error;

  gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
  ck_assert_uint_eq(
      gov_session_feed(session, frames[request].bytes, frames[request].length, &out),
      frames[request].length);
  error = error_of(&out);
  gov_buffer_fini(&out);

  return error;
}

#define NONE (-1)
#define OPENING GOV_SESSION_OPENING
#define HANDSHAKEN GOV_SESSION_HANDSHAKEN
#define OPEN GOV_SESSION_OPEN
#define RENEWING GOV_SESSION_RENEWING
#define ENDED GOV_SESSION_ENDED

/* Requests, one after the other: the error in each answer and the state after it. */
static const struct {
  struct {
    enum request request;
    int error;
    gov_session_state state;
  } steps[8];
  int count, attempts, checks;
} walks[] = {
    {{{VERSIONS, 0, OPENING},
      {HANDSHAKE, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {VERSIONS, 0, OPEN},
      {HANDSHAKE, 0, RENEWING},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, RENEWING},
      {TOKEN, 0, OPEN}},
     8,
     1,
     3},
    {{{VERSIONS_9, 35, OPENING}, {VERSIONS, 0, OPENING}, {HANDSHAKE, 0, HANDSHAKEN}},
     3,
     0,
     0},
    {{{TOKEN, 34, ENDED}}, 1, 0, 0},
    {{{HANDSHAKE_0, 35, ENDED}, {HANDSHAKE, NONE, ENDED}}, 2, 0, 0},
    {{{PLAIN, 33, ENDED}}, 1, 0, 0},
    {{{METADATA, NONE, ENDED}}, 1, 0, 0},
    {{{FETCH, NONE, ENDED}}, 1, 0, 0},
    {{{HANDSHAKE, 0, HANDSHAKEN}, {HANDSHAKE, 34, ENDED}}, 2, 0, 0},
    {{{HANDSHAKE, 0, HANDSHAKEN}, {VERSIONS, NONE, ENDED}}, 2, 0, 0},
    {{{HANDSHAKE, 0, HANDSHAKEN}, {METADATA, NONE, ENDED}}, 2, 0, 0},
    {{{HANDSHAKE, 0, HANDSHAKEN}, {TOKEN, 0, OPEN}, {TOKEN, 34, ENDED}}, 3, 1, 1},
    {{{HANDSHAKE, 0, HANDSHAKEN}, {TOKEN, 0, OPEN}, {FETCH, NONE, ENDED}}, 3, 1, 1},
    {{{HANDSHAKE, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, RENEWING},
      {METADATA, NONE, ENDED}},
     4,
     1,
     1},
};

START_TEST(test_order) {
  gov_session session;

  reset_gate();
  gov_session_init(&session, &cluster, &gate, NULL);
  for (int i = 0; i < walks[_i].count; i++) {
    int error = feed(&session, walks[_i].steps[i].request);

    ck_assert_msg(error == walks[_i].steps[i].error, "step %d: error %d", i, error);
    ck_assert_msg(session.state == walks[_i].steps[i].state, "step %d: state %d", i,
                  (int)session.state);
  }
  ck_assert_int_eq(gate_state.attempts, walks[_i].attempts);
  ck_assert_int_eq(gate_state.settled, walks[_i].attempts);
  ck_assert_int_eq(gate_state.checks, walks[_i].checks);
  ck_assert_int_eq(session.attempted, walks[_i].attempts > 0);
  if (walks[_i].checks)
    ck_assert_str_eq(gate_state.payload, "token");
}
END_TEST

static const struct {
  bool within_quota;
  gov_token_verdict verdict;
  const char *reason;
  mskgov_verdict settled;
  int checks;
} refusals[] = {
    {false, GOV_TOKEN_VALID, "Too many connects", MSKGOV_VERDICT_REJECTED, 0},
    {true, GOV_TOKEN_DENIED, "Access denied", MSKGOV_VERDICT_DENIED, 1},
    {true, GOV_TOKEN_MALFORMED, "Invalid authentication payload", MSKGOV_VERDICT_DENIED, 1},
    {true, GOV_TOKEN_TOO_SHORT, "Session too short", MSKGOV_VERDICT_DENIED, 1},
};

START_TEST(test_refusals) {
  gov_session session;
  gov_buffer out;
  size_t text;

  reset_gate();
  gate_state.within_quota = refusals[_i].within_quota;
  gate_state.verdict = refusals[_i].verdict;
  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, HANDSHAKE);
  gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
  gov_session_feed(&session, frames[TOKEN].bytes, frames[TOKEN].length, &out);

  ck_assert_int_eq(session.state, ENDED);
  ck_assert_int_eq(error_of(&out), 58);
  ck_assert_int_eq(gate_state.checks, refusals[_i].checks);
  ck_assert_int_eq(gate_state.settled, 1);
  ck_assert_int_eq(gate_state.last, refusals[_i].settled);
  text = strlen("[00000000-0000-4000-8000-000000000000]: ") + strlen(refusals[_i].reason);
  ck_assert_uint_eq((unsigned char)out.data[11], text);
  ck_assert_uint_eq(out.length, 12 + text + 4 + 8);
  ck_assert_mem_eq(out.data + 12 + text - strlen(refusals[_i].reason), refusals[_i].reason,
                   strlen(refusals[_i].reason));
  gov_buffer_fini(&out);
}
END_TEST

/* Neither failure of the gate is an answer: the session just ends. */
START_TEST(test_failing_gate) {
  gov_session session;

  reset_gate();
  gate_state.attempt_rc = MSKGOV_ERR_NO_MEMORY;
  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, HANDSHAKE);
  ck_assert_int_eq(feed(&session, TOKEN), NONE);
  ck_assert_int_eq(session.state, ENDED);
  ck_assert(!session.attempted);
  ck_assert_int_eq(gate_state.settled, 0);

  reset_gate();
  gate_state.check_rc = MSKGOV_ERR_CRYPTO;
  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, HANDSHAKE);
  ck_assert_int_eq(feed(&session, TOKEN), NONE);
  ck_assert_int_eq(session.state, ENDED);
  ck_assert_int_eq(gate_state.last, MSKGOV_VERDICT_DENIED);
}
END_TEST

/* Less than a request does nothing; more than one leaves the rest. */
START_TEST(test_framing) {
  gov_session session;
  gov_buffer out;
  char two[28];

  reset_gate();
  gov_session_init(&session, &cluster, &gate, NULL);
  gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
  ck_assert_uint_eq(session.needed, 4);
  for (size_t length = 0; length < 14; length++) {
    ck_assert_uint_eq(gov_session_feed(&session, frames[VERSIONS].bytes, length, &out), 0);
    ck_assert_uint_eq(session.needed, length < 4 ? 4 : 14);
  }
  ck_assert_uint_eq(out.length, 0);

  memcpy(two, frames[VERSIONS].bytes, 14);
  memcpy(two + 14, frames[VERSIONS].bytes, 14);
  ck_assert_uint_eq(gov_session_feed(&session, two, 28, &out), 14);
  ck_assert_uint_eq(session.needed, 4);
  ck_assert_uint_eq(out.length, 38);
  gov_buffer_fini(&out);
}
END_TEST

/* 64 KiB before authentication, 1 MiB after it, and again 64 KiB during a renewal. */
START_TEST(test_frame_limits) {
  static const char over_64k[] = "\0\1\0\1", at_64k[] = "\0\1\0\0", at_1m[] = "\0\20\0\0",
                    over_1m[] = "\0\20\0\1";
  gov_session session;
  gov_buffer out;

  reset_gate();
  gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
  gov_session_init(&session, &cluster, &gate, NULL);
  ck_assert_uint_eq(gov_session_feed(&session, at_64k, 4, &out), 0);
  ck_assert_uint_eq(session.needed, 65540);
  gov_session_feed(&session, over_64k, 4, &out);
  ck_assert_int_eq(session.state, ENDED);

  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, HANDSHAKE);
  feed(&session, TOKEN);
  ck_assert_uint_eq(gov_session_feed(&session, at_1m, 4, &out), 0);
  ck_assert_uint_eq(session.needed, 1048580);
  gov_session_feed(&session, over_1m, 4, &out);
  ck_assert_int_eq(session.state, ENDED);

  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, HANDSHAKE);
  feed(&session, TOKEN);
  feed(&session, HANDSHAKE);
  gov_session_feed(&session, over_64k, 4, &out);
  ck_assert_int_eq(session.state, ENDED);
  ck_assert_uint_eq(out.length, 0);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("session", TEST_TABLE(test_order, walks), TEST_TABLE(test_refusals, refusals),
          TEST(test_failing_gate), TEST(test_framing), TEST(test_frame_limits))
