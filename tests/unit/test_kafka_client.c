/*
 * The client's side of the Kafka codec against byte arrays written by hand from the
 * protocol guide (kafka.apache.org/protocol, "The Messages": SaslHandshake 1,
 * SaslAuthenticate 1). Each answer is also cut short at every byte, in memory of exactly
 * its size, for the sanitizers to watch.
 */
#include "base/random.h"
#include "codec/kafka.h"
#include "codec/kafka_client.h"
#include "harness.h"

#include <mskgov/error.h>

#include <string.h>

#define BYTES(...)                                                                         \
  (const unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__})

/* --- Requests -------------------------------------------------------------------------
 */

static const struct {
  const char *name;
  bool handshake;
  const char *client_id;
  const char *body; /* mechanism or auth bytes */
  const unsigned char *bytes;
  size_t length;
} requests[] = {
    {"SaslHandshake: length, key 17, version 1, correlation, client id, mechanism", true,
     "me", "PLAIN",
     BYTES(0, 0, 0, 19, 0, 17, 0, 1, 1, 2, 3, 4, 0, 2, 'm', 'e', 0, 5, 'P', 'L', 'A', 'I',
           'N')},
    {"SaslHandshake without a client id", true, NULL, "X",
     BYTES(0, 0, 0, 13, 0, 17, 0, 1, 1, 2, 3, 4, 255, 255, 0, 1, 'X')},
    {"SaslAuthenticate: length, key 36, version 1, correlation, client id, bytes", false,
     "me", "n,,",
     BYTES(0, 0, 0, 19, 0, 36, 0, 1, 1, 2, 3, 4, 0, 2, 'm', 'e', 0, 0, 0, 3, 'n', ',',
           ',')},
    {"SaslAuthenticate without a client id, empty bytes", false, NULL, "",
     BYTES(0, 0, 0, 14, 0, 36, 0, 1, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0)},
};

static void write_request(gov_buffer *out, int i) {
  if (requests[i].handshake)
    gov_kafka_write_handshake_request(out, 0x01020304, requests[i].client_id,
                                      requests[i].body);
  else
    gov_kafka_write_authenticate_request(out, 0x01020304, requests[i].client_id,
                                         gov_kafka_view_of(requests[i].body));
}

START_TEST(test_requests) {
  gov_buffer out;

  gov_buffer_init(&out, 1000);
  write_request(&out, _i);
  ck_assert(!out.failed);
  ck_assert_uint_eq(out.length, requests[_i].length);
  ck_assert_msg(memcmp(out.data, requests[_i].bytes, out.length) == 0, "%s",
                requests[_i].name);
  gov_buffer_fini(&out);

  for (size_t limit = 0; limit < requests[_i].length; limit++) {
    gov_buffer_init(&out, limit);
    write_request(&out, _i);
    ck_assert(out.failed);
    gov_buffer_fini(&out);
  }
}
END_TEST

/* A length that no frame can have marks the buffer as failed, before anything is read. */
START_TEST(test_request_too_long) {
  gov_buffer out;

  gov_buffer_init(&out, SIZE_MAX);
  gov_kafka_write_authenticate_request(&out, 1, NULL,
                                       (gov_kafka_view){"", (size_t)INT32_MAX - 13});
  ck_assert(out.failed);
  gov_buffer_fini(&out);
}
END_TEST

/* --- Answers --------------------------------------------------------------------------
 */

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
  int16_t error;
  const char *mechanisms;
} handshakes[] = {
    {"one mechanism", BYTES(0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 0, 1, 'M'), 0, "M "},
    {"error 33, two mechanisms",
     BYTES(0, 0, 0, 9, 0, 33, 0, 0, 0, 2, 0, 1, 'M', 0, 2, 'N', 'O'), 33, "M NO "},
    {"no mechanism", BYTES(0, 0, 0, 9, 0, 34, 0, 0, 0, 0), 34, ""},
    {"the null array is none", BYTES(0, 0, 0, 9, 255, 255, 255, 255, 255, 255), -1, ""},
};

static int parse_handshake(gov_kafka_handshake_answer *answer, const unsigned char *bytes,
                           size_t length) {
  unsigned char *copy = malloc(length ? length : 1);
  int rc;

  memcpy(copy, bytes, length);
  rc = gov_kafka_handshake_answer_parse(answer, copy, length);
  free(copy);

  return rc;
}

START_TEST(test_handshake_answers) {
  gov_kafka_handshake_answer answer;
  gov_kafka_view name;
  char text[64] = "";

  ck_assert_msg(gov_kafka_handshake_answer_parse(&answer, handshakes[_i].bytes,
                                                 handshakes[_i].length) == 0,
                "%s", handshakes[_i].name);
  ck_assert_int_eq(answer.correlation, 9);
  ck_assert_int_eq(answer.error, handshakes[_i].error);
  while (gov_kafka_mechanisms_next(&answer, &name))
    sprintf(text + strlen(text), "%.*s ", (int)name.length, name.data);
  ck_assert_str_eq(text, handshakes[_i].mechanisms);

  for (size_t length = 0; length < handshakes[_i].length; length++)
    ck_assert_msg(parse_handshake(&answer, handshakes[_i].bytes, length) ==
                      MSKGOV_ERR_PROTOCOL,
                  "%s, cut to %zu", handshakes[_i].name, length);
}
END_TEST

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
  int16_t error;
  const char *text, *auth_bytes;
  int64_t session_lifetime_ms;
} authentications[] = {
    {"success: null text, no bytes, 3592000 ms = 0x36cf40",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x36, 0xcf, 0x40), 0,
     NULL, "", 3592000},
    {"error 58 with a text",
     BYTES(0, 0, 0, 9, 0, 58, 0, 2, 'n', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 58, "no",
     "", 0},
    {"bytes of the mechanism",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 2, '{', '}', 0, 0, 0, 0, 0, 0, 0, 0), 0,
     NULL, "{}", 0},
    {"a lifetime beyond 32 bits: 0x0102030405060708",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), 0, NULL, "",
     INT64_C(72623859790382856)},
    {"a lower half with its top bit set: 0x80000000",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0), 0, NULL, "",
     INT64_C(2147483648)},
    {"what a later version appends is ignored",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 42), 0, NULL, "",
     1},
    {"null bytes",
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 1), 0, NULL,
     "", 1},
};

static int parse_authentication(gov_kafka_authenticate_answer *answer,
                                const unsigned char *bytes, size_t length) {
  unsigned char *copy = malloc(length ? length : 1);
  int rc;

  memcpy(copy, bytes, length);
  rc = gov_kafka_authenticate_answer_parse(answer, copy, length);
  free(copy);

  return rc;
}

static void assert_view(gov_kafka_view view, const char *expected) {
  ck_assert_uint_eq(view.length, expected ? strlen(expected) : 0);
  if (expected && *expected)
    ck_assert(memcmp(view.data, expected, view.length) == 0);
}

START_TEST(test_authenticate_answers) {
  size_t length = authentications[_i].length;
  gov_kafka_authenticate_answer answer;

  ck_assert_msg(
      gov_kafka_authenticate_answer_parse(&answer, authentications[_i].bytes, length) == 0,
      "%s", authentications[_i].name);
  ck_assert_int_eq(answer.correlation, 9);
  ck_assert_int_eq(answer.error, authentications[_i].error);
  assert_view(answer.text, authentications[_i].text);
  assert_view(answer.auth_bytes, authentications[_i].auth_bytes);
  ck_assert_int_eq(answer.session_lifetime_ms, authentications[_i].session_lifetime_ms);

  if (authentications[_i].bytes[length - 1] == 42)
    length--;
  while (length-- > 0)
    ck_assert_msg(parse_authentication(&answer, authentications[_i].bytes, length) ==
                      MSKGOV_ERR_PROTOCOL,
                  "%s, cut to %zu", authentications[_i].name, length);
}
END_TEST

/* --- Hostile answers ------------------------------------------------------------------
 */

static const struct {
  const char *name;
  bool handshake;
  const unsigned char *bytes;
  size_t length;
} hostile[] = {
    {"2^31 - 1 mechanisms", true, BYTES(0, 0, 0, 9, 0, 0, 127, 255, 255, 255, 0, 1, 'M')},
    {"-2 mechanisms", true, BYTES(0, 0, 0, 9, 0, 0, 255, 255, 255, 254)},
    {"a mechanism of 32767 bytes", true,
     BYTES(0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 127, 255, 'M')},
    {"a null mechanism", true, BYTES(0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 255, 255)},
    {"a text of 32767 bytes", false,
     BYTES(0, 0, 0, 9, 0, 58, 127, 255, 'n', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"a text of -2 bytes", false,
     BYTES(0, 0, 0, 9, 0, 58, 255, 254, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"2^31 - 1 bytes", false,
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 127, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"-2 bytes", false,
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 255, 255, 255, 254, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"a negative lifetime", false,
     BYTES(0, 0, 0, 9, 0, 0, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)},
};

START_TEST(test_hostile_answers) {
  gov_kafka_authenticate_answer authentication;
  gov_kafka_handshake_answer handshake;
  int rc =
      hostile[_i].handshake
          ? parse_handshake(&handshake, hostile[_i].bytes, hostile[_i].length)
          : parse_authentication(&authentication, hostile[_i].bytes, hostile[_i].length);

  ck_assert_msg(rc == MSKGOV_ERR_PROTOCOL, "%s", hostile[_i].name);
}
END_TEST

TEST_MAIN("kafka_client", TEST_TABLE(test_requests, requests), TEST(test_request_too_long),
          TEST_TABLE(test_handshake_answers, handshakes),
          TEST_TABLE(test_authenticate_answers, authentications),
          TEST_TABLE(test_hostile_answers, hostile))
