/*
 * A session without sockets: requests written by hand in, answers out, under a gate that
 * says what the test tells it to.
 */
#include "session_fixture.h"

static const session_walk walks[] = {
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
  check_walk(&walks[_i]);
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
