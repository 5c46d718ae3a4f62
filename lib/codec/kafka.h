/*
 * The four requests that stand between a Kafka client and an authenticated connection, as
 * a broker reads and answers them: ApiVersions, SaslHandshake, SaslAuthenticate,
 * Metadata.
 *
 * Source: the message schemas of Apache Kafka (clients/src/main/resources/common/message)
 * and the protocol guide (kafka.apache.org/protocol). Requests have header version 1, or
 * 2 where the message is flexible; answers have header version 0, or 1 where flexible,
 * but ApiVersions always 0, so that a client can read the answer to a version it guessed.
 *
 * What is read is a peer's and never trusted: every length is checked against the frame,
 * every frame against the caller's limit.
 *
 * Threads: the caller's. Nothing here has state.
 */
#ifndef GOV_CODEC_KAFKA_H
#define GOV_CODEC_KAFKA_H

#include "codec/kafka_wire.h"

/* The length in front of every request and answer. */
#define GOV_KAFKA_LENGTH_SIZE 4

typedef enum gov_kafka_api {
  GOV_KAFKA_METADATA = 3,
  GOV_KAFKA_SASL_HANDSHAKE = 17,
  GOV_KAFKA_API_VERSIONS = 18,
  GOV_KAFKA_SASL_AUTHENTICATE = 36
} gov_kafka_api;

/* Error codes of the protocol guide that are used here. */
typedef enum gov_kafka_error {
  GOV_KAFKA_NONE = 0,
  GOV_KAFKA_UNKNOWN_TOPIC_OR_PARTITION = 3,
  GOV_KAFKA_UNSUPPORTED_SASL_MECHANISM = 33,
  GOV_KAFKA_ILLEGAL_SASL_STATE = 34,
  GOV_KAFKA_UNSUPPORTED_VERSION = 35,
  GOV_KAFKA_SASL_AUTHENTICATION_FAILED = 58
} gov_kafka_error;

typedef struct gov_kafka_api_range {
  int16_t api, min_version, max_version;
} gov_kafka_api_range;

/* What is implemented, and what ApiVersions tells. */
#define GOV_KAFKA_API_COUNT 4
extern const gov_kafka_api_range gov_kafka_apis[GOV_KAFKA_API_COUNT];

/*
 * How many bytes the frame that starts at `data` has, its length field included: sets
 * *needed, which may be more than `length`; GOV_KAFKA_LENGTH_SIZE while that field itself
 * is incomplete. Returns 0, or MSKGOV_ERR_PROTOCOL: the length is negative or what
 * follows it would be longer than `limit`; close the connection.
 */
int gov_kafka_frame_length(const void *data, size_t length, size_t limit, size_t *needed);

typedef struct gov_kafka_topics {
  bool all; /* every topic; `count` is 0 */
  uint32_t count;
  bool flexible;
  gov_kafka_reader names; /* for gov_kafka_topics_next */
} gov_kafka_topics;

/* A request; its views point into the frame. */
typedef struct gov_kafka_request {
  int16_t api;
  int16_t version;
  int32_t correlation;
  bool supported; /* api and version are among gov_kafka_apis, and `body` was read */
  union {
    gov_kafka_view mechanism;  /* SaslHandshake */
    gov_kafka_view auth_bytes; /* SaslAuthenticate */
    gov_kafka_topics topics;   /* Metadata */
  } body;
} gov_kafka_request;

/*
 * Reads a request from a frame without its length field. What follows the last known
 * field is ignored, as Kafka does. Returns 0 or MSKGOV_ERR_PROTOCOL.
 */
int gov_kafka_request_parse(gov_kafka_request *request, const void *frame, size_t length);

/* The next name of the topics that a Metadata request asks for; false after the last. */
bool gov_kafka_topics_next(gov_kafka_topics *topics, gov_kafka_view *name);

/*
 * The answers, each appended as a whole frame in the version of the request. A buffer
 * that is full or without memory is marked as failed; then nothing of it may be sent.
 */

/* With UNSUPPORTED_VERSION the answer is in version 0, whatever was asked (KIP-511). */
void gov_kafka_write_api_versions(gov_buffer *out, const gov_kafka_request *request,
                                  gov_kafka_error error);

/* `mechanisms` are those that the broker takes. */
void gov_kafka_write_sasl_handshake(gov_buffer *out, const gov_kafka_request *request,
                                    gov_kafka_error error, const char *const *mechanisms,
                                    uint32_t count);

/* `text` may be NULL. `auth_bytes` are the server's own SASL bytes, "" if it has none.
   Version 0 has no lifetime. */
void gov_kafka_write_sasl_authenticate(gov_buffer *out, const gov_kafka_request *request,
                                       gov_kafka_error error, const char *text,
                                       const char *auth_bytes,
                                       uint64_t session_lifetime_ms);

/* Brokers with node ids from 1, all on one host; the first one is the controller. */
typedef struct gov_kafka_cluster {
  const char *id;
  const char *host;
  const uint16_t *ports;
  uint32_t brokers;
} gov_kafka_cluster;

/* The cluster has no topics: each one asked for is UNKNOWN_TOPIC_OR_PARTITION. */
void gov_kafka_write_metadata(gov_buffer *out, const gov_kafka_request *request,
                              const gov_kafka_cluster *cluster);

#endif
