/*
 * Requests, as a broker reads them: every view lies in the frame, what follows the frame's
 * last field changes nothing, and what the client's side writes is read as it was. The
 * answer to a request is one whole frame with its correlation.
 */
#include "codec/kafka.h"
#include "codec/kafka_client.h"

#include "fuzz.h"

#include <mskgov/error.h>

#define ROOM ((size_t)1 << 20)

/* One frame, of the length that it tells; its next four bytes are `first`. */
static void check_frame(const gov_buffer *out, int32_t first) {
  gov_kafka_reader reader;
  size_t needed;

  FUZZ_CHECK(!out->failed);
  FUZZ_CHECK(gov_kafka_frame_length(out->data, out->length, ROOM, &needed) == 0);
  FUZZ_CHECK(needed == out->length);
  gov_kafka_reader_init(&reader, out->data + 4, out->length - 4);
  FUZZ_CHECK(gov_kafka_read_i32(&reader) == first && !reader.failed);
}

static void answer(gov_buffer *out, const gov_kafka_request *request) {
  static const uint16_t ports[] = {9098, 9198};
  static const gov_kafka_cluster cluster = {"fuzz", "127.0.0.1", ports, 2};
  static const char *const mechanisms[] = {"OAUTHBEARER", "AWS_MSK_IAM"};

  if (!request->supported || request->api == GOV_KAFKA_API_VERSIONS)
    gov_kafka_write_api_versions(
        out, request, request->supported ? GOV_KAFKA_NONE : GOV_KAFKA_UNSUPPORTED_VERSION);
  else if (request->api == GOV_KAFKA_METADATA)
    gov_kafka_write_metadata(out, request, &cluster);
  else if (request->api == GOV_KAFKA_SASL_HANDSHAKE)
    gov_kafka_write_sasl_handshake(out, request, GOV_KAFKA_NONE, mechanisms, 2);
  else
    gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_NONE, NULL, "", 900000);
}

static void check_topics(gov_kafka_topics topics, const uint8_t *data, size_t size) {
  uint32_t count = topics.count, found = 0;
  gov_kafka_view name;

  FUZZ_CHECK(count <= size && !(topics.all && count > 0));
  for (; gov_kafka_topics_next(&topics, &name); found++)
    FUZZ_CHECK(fuzz_is_within(name.data, name.length, data, size));
  FUZZ_CHECK(found == count);
}

/* The bytes of SaslAuthenticate through the client's side and back. */
static void check_written(const gov_kafka_request *request) {
  gov_kafka_view bytes = request->body.auth_bytes;
  gov_kafka_request again;
  gov_buffer frame;

  gov_buffer_init(&frame, ROOM);
  gov_kafka_write_authenticate_request(&frame, request->correlation, "fuzz", bytes);
  check_frame(&frame, GOV_KAFKA_SASL_AUTHENTICATE << 16 | 1); /* api and version */
  FUZZ_CHECK(gov_kafka_request_parse(&again, frame.data + 4, frame.length - 4) == 0);
  FUZZ_CHECK(again.api == GOV_KAFKA_SASL_AUTHENTICATE && again.version == 1);
  FUZZ_CHECK(again.correlation == request->correlation && again.supported);
  FUZZ_CHECK(again.body.auth_bytes.length == bytes.length &&
             memcmp(again.body.auth_bytes.data, bytes.data, bytes.length) == 0);
  gov_buffer_fini(&frame);
}

static void check_read(const gov_kafka_request *request, const uint8_t *data, size_t size) {
  gov_buffer out;

  if (request->supported && request->api == GOV_KAFKA_METADATA)
    check_topics(request->body.topics, data, size);
  if (request->supported && request->api == GOV_KAFKA_SASL_HANDSHAKE)
    FUZZ_CHECK(fuzz_is_within(request->body.mechanism.data, request->body.mechanism.length,
                              data, size));
  if (request->supported && request->api == GOV_KAFKA_SASL_AUTHENTICATE) {
    FUZZ_CHECK(fuzz_is_within(request->body.auth_bytes.data,
                              request->body.auth_bytes.length, data, size));
    check_written(request);
  }

  gov_buffer_init(&out, ROOM);
  answer(&out, request);
  check_frame(&out, request->correlation);
  gov_buffer_fini(&out);
}

/* With a byte more behind it is the same request. */
static void check_longer(const gov_kafka_request *request, const uint8_t *data,
                         size_t size) {
  gov_kafka_request longer;
  uint8_t *more = malloc(size + 1);

  FUZZ_CHECK(more);
  memcpy(more, data, size);
  more[size] = 0xff;
  FUZZ_CHECK(gov_kafka_request_parse(&longer, more, size + 1) == 0);
  FUZZ_CHECK(longer.api == request->api && longer.version == request->version &&
             longer.correlation == request->correlation &&
             longer.supported == request->supported);
  if (request->supported && request->api == GOV_KAFKA_METADATA)
    FUZZ_CHECK(longer.body.topics.count == request->body.topics.count);
  else
    FUZZ_CHECK(longer.body.auth_bytes.length == request->body.auth_bytes.length);
  free(more);
}

static uint32_t number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
         bytes[3];
}

static void check_length(const uint8_t *data, size_t size, size_t limit) {
  size_t needed;
  int rc = gov_kafka_frame_length(data, size, limit, &needed);
  bool fits = size < GOV_KAFKA_LENGTH_SIZE || number(data) <= limit;

  FUZZ_CHECK(rc == (fits ? 0 : MSKGOV_ERR_PROTOCOL));
  if (fits)
    FUZZ_CHECK(needed ==
               GOV_KAFKA_LENGTH_SIZE + (size < GOV_KAFKA_LENGTH_SIZE ? 0 : number(data)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gov_kafka_request request;
  int rc = gov_kafka_request_parse(&request, data, size);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  if (!rc) {
    FUZZ_CHECK(number(data) ==
               ((uint32_t)(uint16_t)request.api << 16 | (uint16_t)request.version));
    FUZZ_CHECK(number(data + 4) == (uint32_t)request.correlation);
    check_read(&request, data, size);
    check_longer(&request, data, size);
  }

  check_length(data, size, size);
  check_length(data, size, ROOM);

  return 0;
}
