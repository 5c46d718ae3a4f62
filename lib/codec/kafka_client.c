#include "codec/kafka_client.h"

#include "codec/kafka.h"

#include <mskgov/error.h>

#include <string.h>

#define VERSION 1
/* api, version, correlation, and the length in front of the client id. */
#define HEADER_SIZE (2 + 2 + 4 + 2)

static void write_header(gov_buffer *out, gov_kafka_api api, int32_t correlation,
                         const char *client_id, size_t body_length) {
  gov_kafka_view id = gov_kafka_view_of(client_id);

  if (body_length > INT32_MAX - HEADER_SIZE - id.length) {
    out->failed = true;
    return;
  }

  gov_kafka_write_i32(out, (int32_t)(HEADER_SIZE + id.length + body_length));
  gov_kafka_write_i16(out, (int16_t)api);
  gov_kafka_write_i16(out, VERSION);
  gov_kafka_write_i32(out, correlation);
  gov_kafka_write_string(out, id, false);
}

void gov_kafka_write_handshake_request(gov_buffer *out, int32_t correlation,
                                       const char *client_id, const char *mechanism) {
  write_header(out, GOV_KAFKA_SASL_HANDSHAKE, correlation, client_id,
               2 + strlen(mechanism));
  gov_kafka_write_string(out, gov_kafka_view_of(mechanism), false);
}

void gov_kafka_write_authenticate_request(gov_buffer *out, int32_t correlation,
                                          const char *client_id,
                                          gov_kafka_view auth_bytes) {
  write_header(out, GOV_KAFKA_SASL_AUTHENTICATE, correlation, client_id,
               4 + auth_bytes.length);
  gov_kafka_write_bytes(out, auth_bytes, false);
}

static gov_kafka_view read_name(gov_kafka_reader *reader) {
  gov_kafka_view name = gov_kafka_read_string(reader, false);

  if (!name.data)
    reader->failed = true;

  return name;
}

int gov_kafka_handshake_answer_parse(gov_kafka_handshake_answer *answer, const void *frame,
                                     size_t length) {
  gov_kafka_reader reader;
  int64_t count;

  gov_kafka_reader_init(&reader, frame, length);
  answer->correlation = gov_kafka_read_i32(&reader);
  answer->error = gov_kafka_read_i16(&reader);
  count = gov_kafka_read_count(&reader, false);
  answer->count = count < 0 ? 0 : (uint32_t)count;
  answer->mechanisms = reader;
  for (int64_t i = 0; i < count && !reader.failed; i++)
    read_name(&reader);

  return reader.failed ? MSKGOV_ERR_PROTOCOL : 0;
}

bool gov_kafka_mechanisms_next(gov_kafka_handshake_answer *answer, gov_kafka_view *name) {
  if (answer->count == 0)
    return false;

  answer->count--;
  *name = read_name(&answer->mechanisms);

  return !answer->mechanisms.failed;
}

static int64_t read_i64(gov_kafka_reader *reader) {
  uint64_t high = (uint32_t)gov_kafka_read_i32(reader);

  return (int64_t)(high << 32 | (uint32_t)gov_kafka_read_i32(reader));
}

int gov_kafka_authenticate_answer_parse(gov_kafka_authenticate_answer *answer,
                                        const void *frame, size_t length) {
  gov_kafka_reader reader;

  gov_kafka_reader_init(&reader, frame, length);
  answer->correlation = gov_kafka_read_i32(&reader);
  answer->error = gov_kafka_read_i16(&reader);
  answer->text = gov_kafka_read_string(&reader, false);
  answer->auth_bytes = gov_kafka_read_bytes(&reader, false);
  answer->session_lifetime_ms = read_i64(&reader);

  return reader.failed || answer->session_lifetime_ms < 0 ? MSKGOV_ERR_PROTOCOL : 0;
}
