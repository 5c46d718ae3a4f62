/*
 * The two requests that authenticate a connection, as a client writes them and reads their
 * answers: SaslHandshake 1 and SaslAuthenticate 1. The broker's side is codec/kafka.h.
 *
 * Version 1 of both is what every broker since Kafka 2.2 takes (KIP-368, the session's
 * lifetime); newer versions say nothing more. Requests have header version 1, answers
 * header version 0. Source: as codec/kafka.h.
 *
 * What is read is a peer's and never trusted: every length is checked against the frame.
 *
 * Threads: the caller's. Nothing here has state.
 */
#ifndef GOV_CODEC_KAFKA_CLIENT_H
#define GOV_CODEC_KAFKA_CLIENT_H

#include "codec/kafka_wire.h"

/*
 * The requests, each appended as a whole frame. `client_id` NULL is the null value. A
 * buffer that is full or without memory is marked as failed; then nothing of it may be
 * sent.
 */
void gov_kafka_write_handshake_request(gov_buffer *out, int32_t correlation,
                                       const char *client_id, const char *mechanism);
void gov_kafka_write_authenticate_request(gov_buffer *out, int32_t correlation,
                                          const char *client_id, gov_kafka_view auth_bytes);

/* What SaslHandshake answers; its views point into the frame. */
typedef struct gov_kafka_handshake_answer {
  int32_t correlation;
  int16_t error; /* gov_kafka_error */
  uint32_t count;
  gov_kafka_reader mechanisms; /* for gov_kafka_mechanisms_next */
} gov_kafka_handshake_answer;

/*
 * Reads an answer from a frame without its length field. What follows the last known field
 * is ignored. Returns 0 or MSKGOV_ERR_PROTOCOL.
 */
int gov_kafka_handshake_answer_parse(gov_kafka_handshake_answer *answer, const void *frame,
                                     size_t length);

/* The next mechanism that the broker offers; false after the last. */
bool gov_kafka_mechanisms_next(gov_kafka_handshake_answer *answer, gov_kafka_view *name);

/* What SaslAuthenticate answers. */
typedef struct gov_kafka_authenticate_answer {
  int32_t correlation;
  int16_t error;
  gov_kafka_view text;       /* why it failed; may be null */
  gov_kafka_view auth_bytes; /* what SASL's mechanism says; null is taken for empty */
  /* Milliseconds until the broker wants to see a new token; 0: it does not. */
  int64_t session_lifetime_ms;
} gov_kafka_authenticate_answer;

/* Likewise. */
int gov_kafka_authenticate_answer_parse(gov_kafka_authenticate_answer *answer,
                                        const void *frame, size_t length);

#endif
