/*
 * A session under a gate that says what the test tells it to, and requests to it, written
 * by hand.
 */
#ifndef TEST_SESSION_FIXTURE_H
#define TEST_SESSION_FIXTURE_H

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
  gov_mechanism mechanism; /* of the last check */
  char payload[16];
} gate_state;

static int on_attempt(void *self, bool *within_quota) {
  (void)self;
  gate_state.attempts++;
  *within_quota = gate_state.within_quota;

  return gate_state.attempt_rc;
}

static int on_check(void *self, gov_mechanism mechanism, const char *payload, size_t length,
                    gov_token_verdict *verdict, uint64_t *lifetime_ms) {
  (void)self;
  ck_assert_uint_lt(length, sizeof(gate_state.payload));
  gate_state.checks++;
  gate_state.mechanism = mechanism;
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
  IAM,
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
    [IAM] = FRAME("\0\0\0\27\0\21\0\1\0\0\0\0\377\377\0\13AWS_MSK_IAM"),
    [PLAIN] = FRAME("\0\0\0\21\0\21\0\1\0\0\0\0\377\377\0\5PLAIN"),
    [TOKEN] = FRAME("\0\0\0\23\0\44\0\1\0\0\0\0\377\377\0\0\0\5token"),
    [METADATA] = FRAME("\0\0\0\16\0\3\0\1\0\0\0\0\377\377\377\377\377\377"),
    [FETCH] = FRAME("\0\0\0\12\0\1\0\4\0\0\0\0\377\377"),
};

static inline void reset_gate(void) {
  memset(&gate_state, 0, sizeof(gate_state));
  gate_state.within_quota = true;
}

/* The error code of the one answer in `out`, at byte 8; -1 if there is no answer. */
static inline int error_of(const gov_buffer *out) {
  return out->length ? (unsigned char)out->data[8] << 8 | (unsigned char)out->data[9] : -1;
}

static inline int feed(gov_session *session, enum request request) {
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
#define MISMATCHED GOV_SESSION_MISMATCHED
#define ENDED GOV_SESSION_ENDED

/* Requests, one after the other: the error in each answer and the state after it. */
typedef struct session_walk {
  struct {
    enum request request;
    int error;
    gov_session_state state;
  } steps[8];
  int count, attempts, checks;
} session_walk;

static inline void check_walk(const session_walk *walk) {
  gov_session session;

  reset_gate();
  gov_session_init(&session, &cluster, &gate, NULL);
  for (int i = 0; i < walk->count; i++) {
    int error = feed(&session, walk->steps[i].request);

    ck_assert_msg(error == walk->steps[i].error, "step %d: error %d", i, error);
    ck_assert_msg(session.state == walk->steps[i].state, "step %d: state %d", i,
                  (int)session.state);
  }
  ck_assert_int_eq(gate_state.attempts, walk->attempts);
  ck_assert_int_eq(gate_state.settled, walk->attempts);
  ck_assert_int_eq(gate_state.checks, walk->checks);
  ck_assert_int_eq(session.attempted, walk->attempts > 0);
  if (walk->checks)
    ck_assert_str_eq(gate_state.payload, "token");
}

#endif
