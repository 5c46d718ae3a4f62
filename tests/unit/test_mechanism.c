/*
 * The two mechanisms of SASL: which are told and taken, what is said to a client that is
 * let in, and that a renewal keeps to its session's.
 */
#include "broker/mechanism.h"

#include "session_fixture.h"

#include <jansson.h>

START_TEST(test_names) {
  static const struct {
    const char *name;
    int found; /* -1: none */
  } rows[] = {{"OAUTHBEARER", GOV_MECHANISM_OAUTHBEARER},
              {"AWS_MSK_IAM", GOV_MECHANISM_AWS_MSK_IAM},
              {"aws_msk_iam", -1},
              {"AWS_MSK_IA", -1},
              {"AWS_MSK_IAM2", -1},
              {"", -1}};

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    gov_mechanism found = GOV_MECHANISM_COUNT;

    ck_assert_int_eq(gov_mechanism_find(rows[i].name, strlen(rows[i].name), &found),
                     rows[i].found >= 0);
    if (rows[i].found >= 0)
      ck_assert_int_eq(found, rows[i].found);
  }
}
END_TEST

/* As Kafka has it (SaslServerAuthenticator): another mechanism's handshake is answered, and
   nothing that follows. */
static const session_walk walks[] = {
    {{{VERSIONS, 0, OPENING},
      {IAM, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {METADATA, 0, OPEN},
      {IAM, 0, RENEWING},
      {TOKEN, 0, OPEN},
      {IAM, 0, RENEWING},
      {TOKEN, 0, OPEN}},
     8,
     1,
     3},
    {{{IAM, 0, HANDSHAKEN}, {HANDSHAKE, 34, ENDED}}, 2, 0, 0},
    {{{IAM, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, MISMATCHED},
      {TOKEN, NONE, ENDED}},
     4,
     1,
     1},
    {{{HANDSHAKE, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, RENEWING},
      {TOKEN, 0, OPEN},
      {IAM, 0, MISMATCHED},
      {TOKEN, NONE, ENDED}},
     6,
     1,
     2},
    {{{IAM, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, MISMATCHED},
      {IAM, NONE, ENDED}},
     4,
     1,
     1},
    {{{IAM, 0, HANDSHAKEN},
      {TOKEN, 0, OPEN},
      {HANDSHAKE, 0, MISMATCHED},
      {VERSIONS, NONE, ENDED}},
     4,
     1,
     1},
};

START_TEST(test_order) {
  check_walk(&walks[_i]);
}
END_TEST

/* Both mechanisms are told, whatever comes of the handshake. */
START_TEST(test_handshake_answer) {
  static const struct {
    enum request request;
    const char *error;
  } rows[] = {
      {HANDSHAKE, "\0\0"}, {IAM, "\0\0"}, {PLAIN, "\0\041"}, {HANDSHAKE_0, "\0\043"}};

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    gov_session session;
    gov_buffer out;

    reset_gate();
    gov_session_init(&session, &cluster, &gate, NULL);
    gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
    gov_session_feed(&session, frames[rows[i].request].bytes,
                     frames[rows[i].request].length, &out);
    ck_assert_uint_eq(out.length, 40);
    ck_assert_mem_eq(out.data + 8, rows[i].error, 2);
    ck_assert_mem_eq(out.data + 10, "\0\0\0\2\0\13OAUTHBEARER\0\13AWS_MSK_IAM", 30);
    gov_buffer_fini(&out);
  }
}
END_TEST

/* The bytes of a server to a client that has just been let in; to be freed. */
static char *server_bytes(enum request handshake) {
  gov_session session;
  gov_buffer out;
  char *bytes;
  size_t length;

  reset_gate();
  gov_session_init(&session, &cluster, &gate, NULL);
  feed(&session, handshake);
  gov_buffer_init(&out, GOV_SESSION_ANSWER_MAX);
  gov_session_feed(&session, frames[TOKEN].bytes, frames[TOKEN].length, &out);
  ck_assert_int_eq(session.state, OPEN);
  /* length, correlation, error 0, no text, bytes, lifetime 5000 ms */
  ck_assert_mem_eq(out.data + 8, "\0\0\377\377\0\0\0", 7);
  length = (unsigned char)out.data[15];
  ck_assert_uint_eq(out.length, 16 + length + 8);
  ck_assert_mem_eq(out.data + 16 + length, "\0\0\0\0\0\0\23\210", 8);
  bytes = strndup(out.data + 16, length);
  gov_buffer_fini(&out);

  return bytes;
}

/* "Message exchange with Kafka broker" in the README of aws-msk-iam-auth. */
START_TEST(test_server_bytes) {
  char ids[2][64], *bytes = server_bytes(HANDSHAKE);

  ck_assert_str_eq(bytes, "");
  ck_assert_int_eq(gate_state.mechanism, GOV_MECHANISM_OAUTHBEARER);
  free(bytes);

  for (int i = 0; i < 2; i++) {
    json_t *answer;
    const char *id;

    bytes = server_bytes(IAM);
    ck_assert_int_eq(gate_state.mechanism, GOV_MECHANISM_AWS_MSK_IAM);
    answer = json_loads(bytes, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(answer != NULL, "%s", bytes);
    ck_assert_uint_eq(json_object_size(answer), 2);
    ck_assert_str_eq(json_string_value(json_object_get(answer, "version")), "2020_10_22");
    id = json_string_value(json_object_get(answer, "request-id"));
    ck_assert_uint_eq(strlen(id), 36);
    ck_assert_uint_eq(strspn(id, "0123456789abcdef-"), 36);
    strcpy(ids[i], id);
    json_decref(answer);
    free(bytes);
  }
  ck_assert_str_ne(ids[0], ids[1]);
}
END_TEST

TEST_MAIN("mechanism", TEST(test_names), TEST_TABLE(test_order, walks),
          TEST(test_handshake_answer), TEST(test_server_bytes))
