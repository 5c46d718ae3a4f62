/*
 * The Kafka codec against byte arrays written by hand from the protocol guide
 * (kafka.apache.org/protocol, "The Messages") and the schemas of Apache Kafka 3
 * (clients/src/main/resources/common/message). Every request is also cut short at every
 * byte, so that no read runs past the frame: each case is copied to memory of exactly its
 * size, for the sanitizers to watch.
 */
#include "base/random.h"
#include "codec/kafka.h"
#include "harness.h"

#include <mskgov/error.h>

#include <string.h>

#define BYTES(...)                                                                         \
  (const unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__})

/* Parses a copy of exactly this size. The copy is freed: the views are not to be used. */
static int parse(gov_kafka_request *request, const unsigned char *bytes, size_t length) {
  unsigned char *copy = malloc(length ? length : 1);
  int rc;

  memcpy(copy, bytes, length);
  rc = gov_kafka_request_parse(request, copy, length);
  free(copy);

  return rc;
}

/* --- Frames ---------------------------------------------------------------------------
 */

START_TEST(test_frame_length) {
  static const struct {
    const char *data;
    size_t length, limit;
    int rc;
    size_t needed;
  } cases[] = {
      {"", 0, 100, 0, 4},
      {"\0\0\0", 3, 100, 0, 4},
      {"\0\0\0\0", 4, 100, 0, 4},
      {"\0\0\0\12", 4, 100, 0, 14},
      {"\0\0\0\12more", 8, 100, 0, 14},
      {"\0\0\0\144", 4, 100, 0, 104},
      {"\0\0\0\145", 4, 100, MSKGOV_ERR_PROTOCOL, 0},
      {"\0\1\0\0", 4, 65536, 0, 65540},
      {"\0\1\0\1", 4, 65536, MSKGOV_ERR_PROTOCOL, 0},
      {"\177\377\377\377", 4, 100, MSKGOV_ERR_PROTOCOL, 0},
      {"\200\0\0\0", 4, 100, MSKGOV_ERR_PROTOCOL, 0},
      {"\377\377\377\377", 4, (size_t)-1, MSKGOV_ERR_PROTOCOL, 0},
      {"GET ", 4, 65536, MSKGOV_ERR_PROTOCOL, 0},
  };
  size_t needed;

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ck_assert_int_eq(
        gov_kafka_frame_length(cases[i].data, cases[i].length, cases[i].limit, &needed),
        cases[i].rc);
    if (!cases[i].rc)
      ck_assert_uint_eq(needed, cases[i].needed);
  }
}
END_TEST

/* --- Requests -------------------------------------------------------------------------
 */

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
  int16_t api, version;
  bool supported;
  const char *value; /* mechanism, token, or the topics' names */
  bool all_topics;
} requests[] = {
    {"ApiVersions 0, client \"rdkafka\"",
     BYTES(0, 18, 0, 0, 0, 0, 0, 1, 0, 7, 'r', 'd', 'k', 'a', 'f', 'k', 'a'), 18, 0, true,
     NULL, false},
    {"ApiVersions 3: header 2 (tags), compact name \"l\" and version \"2.0\", tags",
     BYTES(0, 18, 0, 3, 0, 0, 0, 1, 0, 1, 'x', 0, 2, 'l', 4, '2', '.', '0', 0), 18, 3, true,
     NULL, false},
    {"ApiVersions 3: one tagged field in the header, one in the body",
     BYTES(0, 18, 0, 3, 0, 0, 0, 1, 255, 255, 1, 5, 2, 9, 9, 2, 'l', 1, 1, 0, 0), 18, 3,
     true, NULL, false},
    {"ApiVersions 4 is not known; its body is not read", BYTES(0, 18, 0, 4, 0, 0, 0, 1), 18,
     4, false, NULL, false},
    {"Produce 7 is not known", BYTES(0, 0, 0, 7, 0, 0, 0, 1), 0, 7, false, NULL, false},
    {"a version below zero", BYTES(0, 3, 255, 255, 0, 0, 0, 1), 3, -1, false, NULL, false},
    {"SaslHandshake 1",
     BYTES(0, 17, 0, 1, 0, 0, 0, 1, 255, 255, 0, 5, 'P', 'L', 'A', 'I', 'N'), 17, 1, true,
     "PLAIN", false},
    {"SaslAuthenticate 0: BYTES",
     BYTES(0, 36, 0, 0, 0, 0, 0, 1, 255, 255, 0, 0, 0, 3, 'n', ',', ','), 36, 0, true,
     "n,,", false},
    {"SaslAuthenticate 2: COMPACT_BYTES, tags",
     BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 0, 4, 'n', ',', ',', 0), 36, 2, true, "n,,",
     false},
    {"SaslAuthenticate 1 with empty bytes",
     BYTES(0, 36, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0), 36, 1, true, "", false},
    {"Metadata 0: an empty list is every topic",
     BYTES(0, 3, 0, 0, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0), 3, 0, true, "", true},
    {"Metadata 1: an empty list is none",
     BYTES(0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0), 3, 1, true, "", false},
    {"Metadata 1: null is every topic",
     BYTES(0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255), 3, 1, true, "", true},
    {"Metadata 4: two topics, allow_auto_topic_creation",
     BYTES(0, 3, 0, 4, 0, 0, 0, 1, 255, 255, 0, 0, 0, 2, 0, 1, 'a', 0, 2, 'b', 'c', 1), 3,
     4, true, "a bc ", false},
    {"Metadata 8: three booleans",
     BYTES(0, 3, 0, 8, 0, 0, 0, 1, 255, 255, 0, 0, 0, 1, 0, 1, 'a', 1, 0, 0), 3, 8, true,
     "a ", false},
    {"Metadata 9: compact, with tags everywhere",
     BYTES(0, 3, 0, 9, 0, 0, 0, 1, 255, 255, 0, 3, 2, 'a', 0, 3, 'b', 'c', 0, 1, 0, 0, 0),
     3, 9, true, "a bc ", false},
    {"Metadata 9: null", BYTES(0, 3, 0, 9, 0, 0, 0, 1, 255, 255, 0, 0, 1, 0, 0, 0), 3, 9,
     true, "", true},
};

/* What the request asks for, as one string. */
static void describe(const gov_kafka_request *request, char text[64]) {
  gov_kafka_topics topics = request->body.topics;
  gov_kafka_view name = {0};

  text[0] = '\0';
  if (request->api == GOV_KAFKA_METADATA)
    while (gov_kafka_topics_next(&topics, &name))
      sprintf(text + strlen(text), "%.*s ", (int)name.length, name.data);
  else if (request->api == GOV_KAFKA_SASL_HANDSHAKE)
    sprintf(text, "%.*s", (int)request->body.mechanism.length,
            request->body.mechanism.data);
  else
    sprintf(text, "%.*s", (int)request->body.auth_bytes.length,
            request->body.auth_bytes.data);
}

START_TEST(test_requests) {
  gov_kafka_request request;
  char text[64];

  ck_assert_msg(
      gov_kafka_request_parse(&request, requests[_i].bytes, requests[_i].length) == 0, "%s",
      requests[_i].name);
  ck_assert_int_eq(request.api, requests[_i].api);
  ck_assert_int_eq(request.version, requests[_i].version);
  ck_assert_int_eq(request.correlation, 1);
  ck_assert_int_eq(request.supported, requests[_i].supported);
  if (requests[_i].value) {
    describe(&request, text);
    ck_assert_str_eq(text, requests[_i].value);
  }
  if (request.api == GOV_KAFKA_METADATA && request.supported)
    ck_assert_int_eq(request.body.topics.all, requests[_i].all_topics);

  for (size_t length = 0; length < requests[_i].length; length++)
    ck_assert_msg(parse(&request, requests[_i].bytes, length) == MSKGOV_ERR_PROTOCOL,
                  "%s, cut to %zu", requests[_i].name, length);
}
END_TEST

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
} hostile[] = {
    {"client id of 32767 bytes", BYTES(0, 18, 0, 0, 0, 0, 0, 1, 127, 255)},
    {"client id of -2 bytes", BYTES(0, 18, 0, 0, 0, 0, 0, 1, 255, 254)},
    {"mechanism null", BYTES(0, 17, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255)},
    {"auth bytes null", BYTES(0, 36, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255)},
    {"auth bytes of 2^31 - 1",
     BYTES(0, 36, 0, 1, 0, 0, 0, 1, 255, 255, 127, 255, 255, 255, 'x')},
    {"auth bytes of -2", BYTES(0, 36, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255, 254)},
    {"compact auth bytes null", BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 0, 0, 0)},
    {"compact auth bytes of 2^32 - 2",
     BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 0, 255, 255, 255, 255, 15, 0)},
    {"varint of six bytes",
     BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 0, 128, 128, 128, 128, 128, 0)},
    {"varint over 32 bits",
     BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 0, 129, 128, 128, 128, 16, 0)},
    {"2^32 - 1 tags", BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 15)},
    {"a tag longer than the frame", BYTES(0, 36, 0, 2, 0, 0, 0, 1, 255, 255, 1, 0, 127, 0)},
    {"2^31 - 1 topics",
     BYTES(0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 127, 255, 255, 255, 0, 1, 'a')},
    {"-2 topics", BYTES(0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255, 254)},
    {"null topics in version 0",
     BYTES(0, 3, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255)},
    {"a topic without a name",
     BYTES(0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 1, 255, 255)},
    {"2^32 - 2 compact topics",
     BYTES(0, 3, 0, 9, 0, 0, 0, 1, 255, 255, 0, 255, 255, 255, 255, 15, 2, 'a', 0)},
};

START_TEST(test_hostile_requests) {
  gov_kafka_request request;

  for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
    ck_assert_msg(parse(&request, hostile[i].bytes, hostile[i].length) ==
                      MSKGOV_ERR_PROTOCOL,
                  "%s", hostile[i].name);
}
END_TEST

/* Random changes to good requests: any answer will do, as long as it is one. */
START_TEST(test_mangled_requests) {
  unsigned char bytes[64];
  gov_kafka_request request;
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int round = 0; round < 50000; round++) {
    size_t i =
        (size_t)gov_random_uniform(&random, sizeof(requests) / sizeof(requests[0]) - 1);

    memcpy(bytes, requests[i].bytes, requests[i].length);
    for (int change = 0; change < 3; change++)
      bytes[gov_random_uniform(&random, requests[i].length - 1)] =
          (unsigned char)gov_random_uniform(&random, 255);
    parse(&request, bytes, requests[i].length);
  }
}
END_TEST

/* --- Answers --------------------------------------------------------------------------
 */

static const uint16_t ports[] = {9098, 65535};
static const gov_kafka_cluster cluster = {
    .id = "id", .host = "h", .ports = ports, .brokers = 2};

enum answer { VERSIONS, VERSIONS_REFUSED, HANDSHAKE, GOOD, WITH_BYTES, BAD, METADATA };

/* Each: the request that is answered (parsed first), and the whole frame. */
static const struct {
  const char *name;
  enum answer answer;
  const unsigned char *request;
  size_t request_length;
  const unsigned char *bytes;
  size_t length;
} answers[] = {
    {"ApiVersions 0: error, four of (key, min, max)", VERSIONS,
     BYTES(0, 18, 0, 0, 1, 2, 3, 4, 255, 255),
     BYTES(0, 0, 0, 34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 4, 0, 3, 0, 0, 0, 9, 0, 17, 0, 0, 0, 1,
           0, 18, 0, 0, 0, 3, 0, 36, 0, 0, 0, 2)},
    {"ApiVersions 1: and throttle_time_ms", VERSIONS,
     BYTES(0, 18, 0, 1, 1, 2, 3, 4, 255, 255),
     BYTES(0, 0, 0, 38, 1, 2, 3, 4, 0, 0, 0, 0, 0, 4, 0, 3, 0, 0, 0, 9, 0, 17, 0, 0, 0, 1,
           0, 18, 0, 0, 0, 3, 0, 36, 0, 0, 0, 2, 0, 0, 0, 0)},
    {"ApiVersions 3: header 0 all the same, compact array, tags", VERSIONS,
     BYTES(0, 18, 0, 3, 1, 2, 3, 4, 255, 255, 0, 1, 1, 0),
     BYTES(0, 0, 0, 40, 1, 2, 3, 4, 0, 0, 5, 0, 3, 0, 0, 0, 9, 0, 0, 17, 0, 0, 0, 1, 0, 0,
           18, 0, 0, 0, 3, 0, 0, 36, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0)},
    {"ApiVersions 9: UNSUPPORTED_VERSION in version 0", VERSIONS_REFUSED,
     BYTES(0, 18, 0, 9, 1, 2, 3, 4),
     BYTES(0, 0, 0, 34, 1, 2, 3, 4, 0, 35, 0, 0, 0, 4, 0, 3, 0, 0, 0, 9, 0, 17, 0, 0, 0, 1,
           0, 18, 0, 0, 0, 3, 0, 36, 0, 0, 0, 2)},
    {"SaslHandshake 1: error 33, two mechanisms", HANDSHAKE,
     BYTES(0, 17, 0, 1, 1, 2, 3, 4, 255, 255, 0, 1, 'X'),
     BYTES(0, 0, 0, 17, 1, 2, 3, 4, 0, 33, 0, 0, 0, 2, 0, 1, 'M', 0, 2, 'N', 'O')},
    {"SaslAuthenticate 0: no lifetime", GOOD,
     BYTES(0, 36, 0, 0, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0),
     BYTES(0, 0, 0, 12, 1, 2, 3, 4, 0, 0, 255, 255, 0, 0, 0, 0)},
    {"SaslAuthenticate 1: lifetime 3592000 ms = 0x36cf40", GOOD,
     BYTES(0, 36, 0, 1, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0),
     BYTES(0, 0, 0, 20, 1, 2, 3, 4, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x36, 0xcf,
           0x40)},
    {"SaslAuthenticate 2: header 1, compact", GOOD,
     BYTES(0, 36, 0, 2, 1, 2, 3, 4, 255, 255, 0, 1, 0),
     BYTES(0, 0, 0, 18, 1, 2, 3, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x36, 0xcf, 0x40, 0)},
    {"SaslAuthenticate 1: the server's bytes", WITH_BYTES,
     BYTES(0, 36, 0, 1, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0),
     BYTES(0, 0, 0, 22, 1, 2, 3, 4, 0, 0, 255, 255, 0, 0, 0, 2, '{', '}', 0, 0, 0, 0, 0, 0,
           0, 1)},
    {"SaslAuthenticate 2: the same, compact", WITH_BYTES,
     BYTES(0, 36, 0, 2, 1, 2, 3, 4, 255, 255, 0, 1, 0),
     BYTES(0, 0, 0, 20, 1, 2, 3, 4, 0, 0, 0, 0, 3, '{', '}', 0, 0, 0, 0, 0, 0, 0, 1, 0)},
    {"SaslAuthenticate 1: error 58 with a text", BAD,
     BYTES(0, 36, 0, 1, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0),
     BYTES(0, 0, 0, 22, 1, 2, 3, 4, 0, 58, 0, 2, 'n', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0)},
    {"SaslAuthenticate 2: error 58 with a text", BAD,
     BYTES(0, 36, 0, 2, 1, 2, 3, 4, 255, 255, 0, 1, 0),
     BYTES(0, 0, 0, 20, 1, 2, 3, 4, 0, 0, 58, 3, 'n', 'o', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"Metadata 0: brokers (node, host, port), topics (error, name, partitions)", METADATA,
     BYTES(0, 3, 0, 0, 1, 2, 3, 4, 255, 255, 0, 0, 0, 1, 0, 1, 't'),
     BYTES(0, 0, 0, 43, 1, 2, 3, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 'h', 0, 0, 0x23, 0x8a, 0,
           0, 0, 2, 0, 1, 'h', 0, 0, 255, 255, 0, 0, 0, 1, 0, 3, 0, 1, 't', 0, 0, 0, 0)},
    {"Metadata 1: rack, controller, is_internal", METADATA,
     BYTES(0, 3, 0, 1, 1, 2, 3, 4, 255, 255, 0, 0, 0, 1, 0, 1, 't'),
     BYTES(0, 0, 0, 52, 1, 2, 3, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 'h', 0, 0, 0x23, 0x8a,
           255, 255, 0, 0, 0, 2, 0, 1, 'h', 0, 0, 255, 255, 255, 255, 0, 0, 0, 1, 0, 0, 0,
           1, 0, 3, 0, 1, 't', 0, 0, 0, 0, 0)},
    {"Metadata 4: throttle_time_ms, cluster_id", METADATA,
     BYTES(0, 3, 0, 4, 1, 2, 3, 4, 255, 255, 0, 0, 0, 0, 0),
     BYTES(0, 0, 0, 50, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 'h', 0, 0,
           0x23, 0x8a, 255, 255, 0, 0, 0, 2, 0, 1, 'h', 0, 0, 255, 255, 255, 255, 0, 2, 'i',
           'd', 0, 0, 0, 1, 0, 0, 0, 0)},
    {"Metadata 8: authorized operations, INT32_MIN where none were asked for", METADATA,
     BYTES(0, 3, 0, 8, 1, 2, 3, 4, 255, 255, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0),
     BYTES(0, 0, 0, 68, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 'h', 0, 0,
           0x23, 0x8a, 255, 255, 0, 0, 0, 2, 0, 1, 'h', 0, 0, 255, 255, 255, 255, 0, 2, 'i',
           'd', 0, 0, 0, 1, 0, 0, 0, 1, 0, 3, 0, 1, 't', 0, 0, 0, 0, 0, 128, 0, 0, 0, 128,
           0, 0, 0)},
    {"Metadata 9: header 1, everything compact, tags", METADATA,
     BYTES(0, 3, 0, 9, 1, 2, 3, 4, 255, 255, 0, 2, 2, 't', 0, 0, 0, 0, 0),
     BYTES(0, 0, 0, 58, 1, 2, 3, 4, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 2, 'h', 0, 0, 0x23, 0x8a,
           0, 0, 0, 0, 0, 2, 2, 'h', 0, 0, 255, 255, 0, 0, 3, 'i', 'd', 0, 0, 0, 1, 2, 0, 3,
           2, 't', 0, 1, 128, 0, 0, 0, 0, 128, 0, 0, 0, 0)},
};

static void write_answer(gov_buffer *out, enum answer answer,
                         const gov_kafka_request *request) {
  static const char *const mechanisms[] = {"M", "NO"};

  switch (answer) {
  case VERSIONS:
    gov_kafka_write_api_versions(out, request, GOV_KAFKA_NONE);
    break;
  case VERSIONS_REFUSED:
    gov_kafka_write_api_versions(out, request, GOV_KAFKA_UNSUPPORTED_VERSION);
    break;
  case HANDSHAKE:
    gov_kafka_write_sasl_handshake(out, request, GOV_KAFKA_UNSUPPORTED_SASL_MECHANISM,
                                   mechanisms, 2);
    break;
  case GOOD:
    gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_NONE, NULL, "", 3592000);
    break;
  case WITH_BYTES:
    gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_NONE, NULL, "{}", 1);
    break;
  case BAD:
    gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_SASL_AUTHENTICATION_FAILED,
                                      "no", "", 0);
    break;
  case METADATA:
    gov_kafka_write_metadata(out, request, &cluster);
    break;
  }
}

START_TEST(test_answers) {
  gov_kafka_request request;
  gov_buffer out;

  gov_buffer_init(&out, 1024);
  gov_buffer_append_string(&out, "before");
  ck_assert_int_eq(
      gov_kafka_request_parse(&request, answers[_i].request, answers[_i].request_length),
      0);
  write_answer(&out, answers[_i].answer, &request);
  ck_assert(!out.failed);
  ck_assert_msg(out.length == 6 + answers[_i].length, "%s: %zu bytes, not %zu",
                answers[_i].name, out.length - 6, answers[_i].length);
  for (size_t i = 0; i < answers[_i].length; i++)
    ck_assert_msg((unsigned char)out.data[6 + i] == answers[_i].bytes[i],
                  "%s: byte %zu is %d, not %d", answers[_i].name, i,
                  (unsigned char)out.data[6 + i], answers[_i].bytes[i]);
  gov_buffer_fini(&out);

  /* In a buffer that is too small by any number of bytes it fails, and does no harm. */
  for (size_t limit = 0; limit < answers[_i].length; limit++) {
    gov_buffer_init(&out, limit);
    write_answer(&out, answers[_i].answer, &request);
    ck_assert(out.failed);
    gov_buffer_fini(&out);
  }
}
END_TEST

/* A name that fits into a compact string only cannot be answered as a plain one. */
START_TEST(test_string_limit) {
  char *name = calloc(1, 32769);
  gov_buffer out;

  gov_buffer_init(&out, 100000);
  gov_kafka_write_string(&out, (gov_kafka_view){name, 32767}, false);
  ck_assert(!out.failed);
  ck_assert_uint_eq(out.length, 32769);
  gov_kafka_write_string(&out, (gov_kafka_view){name, 32768}, false);
  ck_assert(out.failed);
  gov_buffer_fini(&out);
  free(name);
}
END_TEST

TEST_MAIN("kafka", TEST(test_frame_length), TEST_TABLE(test_requests, requests),
          TEST(test_hostile_requests), TEST(test_mangled_requests),
          TEST_TABLE(test_answers, answers), TEST(test_string_limit))
