#include "codec/kafka.h"

#include <mskgov/error.h>

#include <string.h>

/* librdkafka wants SaslHandshake 0 to be there before it uses SASL at all. */
const gov_kafka_api_range gov_kafka_apis[GOV_KAFKA_API_COUNT] = {
    {GOV_KAFKA_METADATA, 0, 9},
    {GOV_KAFKA_SASL_HANDSHAKE, 0, 1},
    {GOV_KAFKA_API_VERSIONS, 0, 3},
    {GOV_KAFKA_SASL_AUTHENTICATE, 0, 2},
};

/* "No operations were asked for", in the fields of authorized operations. */
#define OPERATIONS_UNKNOWN INT32_MIN

int gov_kafka_frame_length(const void *data, size_t length, size_t limit, size_t *needed) {
  gov_kafka_reader reader;
  int32_t frame;

  *needed = GOV_KAFKA_LENGTH_SIZE;
  if (length < GOV_KAFKA_LENGTH_SIZE)
    return 0;

  gov_kafka_reader_init(&reader, data, length);
  frame = gov_kafka_read_i32(&reader);
  if (frame < 0 || (size_t)frame > limit)
    return MSKGOV_ERR_PROTOCOL;

  *needed = GOV_KAFKA_LENGTH_SIZE + (size_t)frame;

  return 0;
}

static bool is_supported(int16_t api, int16_t version) {
  for (size_t i = 0; i < GOV_KAFKA_API_COUNT; i++)
    if (gov_kafka_apis[i].api == api)
      return version >= gov_kafka_apis[i].min_version &&
             version <= gov_kafka_apis[i].max_version;

  return false;
}

static bool is_flexible(const gov_kafka_request *request) {
  switch (request->api) {
  case GOV_KAFKA_METADATA:
    return request->version >= 9;
  case GOV_KAFKA_API_VERSIONS:
    return request->version >= 3;
  case GOV_KAFKA_SASL_AUTHENTICATE:
    return request->version >= 2;
  default:
    return false;
  }
}

static gov_kafka_view read_topic(gov_kafka_reader *reader, bool flexible) {
  gov_kafka_view name = gov_kafka_read_string(reader, flexible);

  gov_kafka_skip_tags(reader, flexible);
  if (!name.data)
    reader->failed = true;

  return name;
}

static void read_topics(gov_kafka_reader *reader, gov_kafka_request *request) {
  gov_kafka_topics *topics = &request->body.topics;
  bool flexible = is_flexible(request);
  int64_t count = gov_kafka_read_count(reader, flexible);

  if (count < 0 && request->version == 0)
    reader->failed = true;

  /* Version 0 has no null: there an empty list asks for all. */
  topics->all = count < 0 || (count == 0 && request->version == 0);
  topics->count = count < 0 ? 0 : (uint32_t)count;
  topics->flexible = flexible;
  topics->names = *reader;
  for (int64_t i = 0; i < count && !reader->failed; i++)
    read_topic(reader, flexible);

  if (request->version >= 4)
    gov_kafka_read_u8(reader); /* allow_auto_topic_creation */
  if (request->version >= 8) {
    gov_kafka_read_u8(reader); /* include_cluster_authorized_operations */
    gov_kafka_read_u8(reader); /* include_topic_authorized_operations */
  }
  gov_kafka_skip_tags(reader, flexible);
}

static void read_body(gov_kafka_reader *reader, gov_kafka_request *request) {
  bool flexible = is_flexible(request);

  switch (request->api) {
  case GOV_KAFKA_METADATA:
    read_topics(reader, request);
    return;
  case GOV_KAFKA_SASL_HANDSHAKE:
    request->body.mechanism = gov_kafka_read_string(reader, flexible);
    if (!request->body.mechanism.data)
      reader->failed = true;
    return;
  case GOV_KAFKA_SASL_AUTHENTICATE:
    request->body.auth_bytes = gov_kafka_read_bytes(reader, flexible);
    if (!request->body.auth_bytes.data)
      reader->failed = true;
    break;
  case GOV_KAFKA_API_VERSIONS:
    if (flexible) {
      gov_kafka_read_string(reader, flexible); /* client_software_name */
      gov_kafka_read_string(reader, flexible); /* client_software_version */
    }
    break;
  default:
    return;
  }
  gov_kafka_skip_tags(reader, flexible);
}

int gov_kafka_request_parse(gov_kafka_request *request, const void *frame, size_t length) {
  gov_kafka_reader reader;

  memset(request, 0, sizeof(*request));
  gov_kafka_reader_init(&reader, frame, length);
  request->api = gov_kafka_read_i16(&reader);
  request->version = gov_kafka_read_i16(&reader);
  request->correlation = gov_kafka_read_i32(&reader);
  request->supported = is_supported(request->api, request->version);

  /* The header of an unknown version is unknown as well, but for these three fields. */
  if (request->supported) {
    gov_kafka_read_string(&reader, false); /* client_id, compact in no version */
    gov_kafka_skip_tags(&reader, is_flexible(request));
    read_body(&reader, request);
  }

  return reader.failed ? MSKGOV_ERR_PROTOCOL : 0;
}

bool gov_kafka_topics_next(gov_kafka_topics *topics, gov_kafka_view *name) {
  if (topics->count == 0)
    return false;

  topics->count--;
  *name = read_topic(&topics->names, topics->flexible);

  return !topics->names.failed;
}

/* Returns where the frame begins, for end_frame. */
static size_t begin_frame(gov_buffer *out, const gov_kafka_request *request,
                          bool flexible_header) {
  size_t begin = out->length;

  gov_kafka_write_i32(out, 0); /* the length, known at the end */
  gov_kafka_write_i32(out, request->correlation);
  gov_kafka_write_no_tags(out, flexible_header);

  return begin;
}

static void end_frame(gov_buffer *out, size_t begin) {
  size_t length;

  if (out->failed)
    return;

  length = out->length - begin - GOV_KAFKA_LENGTH_SIZE;
  for (size_t i = 0; i < GOV_KAFKA_LENGTH_SIZE; i++)
    out->data[begin + i] = (char)(unsigned char)(length >> 8 * (3 - i));
}

void gov_kafka_write_api_versions(gov_buffer *out, const gov_kafka_request *request,
                                  gov_kafka_error error) {
  int16_t version = error == GOV_KAFKA_UNSUPPORTED_VERSION ? 0 : request->version;
  bool flexible = version >= 3;
  size_t begin = begin_frame(out, request, false);

  gov_kafka_write_i16(out, (int16_t)error);
  gov_kafka_write_count(out, GOV_KAFKA_API_COUNT, flexible);
  for (size_t i = 0; i < GOV_KAFKA_API_COUNT; i++) {
    gov_kafka_write_i16(out, gov_kafka_apis[i].api);
    gov_kafka_write_i16(out, gov_kafka_apis[i].min_version);
    gov_kafka_write_i16(out, gov_kafka_apis[i].max_version);
    gov_kafka_write_no_tags(out, flexible);
  }
  if (version >= 1)
    gov_kafka_write_i32(out, 0); /* throttle_time_ms */
  gov_kafka_write_no_tags(out, flexible);
  end_frame(out, begin);
}

void gov_kafka_write_sasl_handshake(gov_buffer *out, const gov_kafka_request *request,
                                    gov_kafka_error error, const char *const *mechanisms,
                                    uint32_t count) {
  size_t begin = begin_frame(out, request, false);

  gov_kafka_write_i16(out, (int16_t)error);
  gov_kafka_write_count(out, count, false);
  for (uint32_t i = 0; i < count; i++)
    gov_kafka_write_string(out, gov_kafka_view_of(mechanisms[i]), false);
  end_frame(out, begin);
}

void gov_kafka_write_sasl_authenticate(gov_buffer *out, const gov_kafka_request *request,
                                       gov_kafka_error error, const char *text,
                                       const char *auth_bytes,
                                       uint64_t session_lifetime_ms) {
  bool flexible = is_flexible(request);
  size_t begin = begin_frame(out, request, flexible);

  gov_kafka_write_i16(out, (int16_t)error);
  gov_kafka_write_string(out, gov_kafka_view_of(text), flexible);
  gov_kafka_write_bytes(out, gov_kafka_view_of(auth_bytes), flexible);
  if (request->version >= 1)
    gov_kafka_write_i64(out, (int64_t)session_lifetime_ms);
  gov_kafka_write_no_tags(out, flexible);
  end_frame(out, begin);
}

static void write_brokers(gov_buffer *out, int16_t version, bool flexible,
                          const gov_kafka_cluster *cluster) {
  gov_kafka_write_count(out, cluster->brokers, flexible);
  for (uint32_t i = 0; i < cluster->brokers; i++) {
    gov_kafka_write_i32(out, (int32_t)i + 1);
    gov_kafka_write_string(out, gov_kafka_view_of(cluster->host), flexible);
    gov_kafka_write_i32(out, cluster->ports[i]);
    if (version >= 1)
      gov_kafka_write_string(out, gov_kafka_view_of(NULL), flexible); /* rack */
    gov_kafka_write_no_tags(out, flexible);
  }
}

static void write_topics(gov_buffer *out, int16_t version, gov_kafka_topics topics) {
  gov_kafka_view name;

  gov_kafka_write_count(out, topics.count, topics.flexible);
  while (gov_kafka_topics_next(&topics, &name)) {
    gov_kafka_write_i16(out, GOV_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    gov_kafka_write_string(out, name, topics.flexible);
    if (version >= 1)
      gov_kafka_write_u8(out, 0);                   /* is_internal */
    gov_kafka_write_count(out, 0, topics.flexible); /* partitions */
    if (version >= 8)
      gov_kafka_write_i32(out, OPERATIONS_UNKNOWN);
    gov_kafka_write_no_tags(out, topics.flexible);
  }
}

void gov_kafka_write_metadata(gov_buffer *out, const gov_kafka_request *request,
                              const gov_kafka_cluster *cluster) {
  bool flexible = is_flexible(request);
  int16_t version = request->version;
  size_t begin = begin_frame(out, request, flexible);

  if (version >= 3)
    gov_kafka_write_i32(out, 0); /* throttle_time_ms */
  write_brokers(out, version, flexible, cluster);
  if (version >= 2)
    gov_kafka_write_string(out, gov_kafka_view_of(cluster->id), flexible);
  if (version >= 1)
    gov_kafka_write_i32(out, 1); /* controller_id */
  write_topics(out, version, request->body.topics);
  if (version >= 8)
    gov_kafka_write_i32(out, OPERATIONS_UNKNOWN);
  gov_kafka_write_no_tags(out, flexible);
  end_frame(out, begin);
}
