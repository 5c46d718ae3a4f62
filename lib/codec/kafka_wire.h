/*
 * The primitive types of Kafka's wire protocol, big-endian, read from a run of bytes and
 * appended to a buffer. Source: "Protocol Primitive Types" of the Kafka protocol guide
 * (kafka.apache.org/protocol); compact types and tagged fields are KIP-482.
 *
 * A reader that runs past its end, or meets a length that cannot be, fails and stays
 * failed; every later read answers zero. So a message is read without looking, and the
 * reader is asked once, at the end. Views point into what is read.
 *
 * Threads: the caller's.
 */
#ifndef GOV_CODEC_KAFKA_WIRE_H
#define GOV_CODEC_KAFKA_WIRE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string or bytes within a message; not NUL-terminated. NULL data: the null value. */
typedef struct gov_kafka_view {
  const char *data;
  size_t length;
} gov_kafka_view;

typedef struct gov_kafka_reader {
  const unsigned char *at;
  size_t left;
  bool failed;
} gov_kafka_reader;

void gov_kafka_reader_init(gov_kafka_reader *reader, const void *data, size_t length);

uint8_t gov_kafka_read_u8(gov_kafka_reader *reader);
int16_t gov_kafka_read_i16(gov_kafka_reader *reader);
int32_t gov_kafka_read_i32(gov_kafka_reader *reader);

/* UNSIGNED_VARINT: at most 32 bits in at most five bytes. */
uint32_t gov_kafka_read_uvarint(gov_kafka_reader *reader);

/* NULLABLE_STRING, or COMPACT_NULLABLE_STRING where `flexible`. */
gov_kafka_view gov_kafka_read_string(gov_kafka_reader *reader, bool flexible);

/* NULLABLE_BYTES, or COMPACT_NULLABLE_BYTES. */
gov_kafka_view gov_kafka_read_bytes(gov_kafka_reader *reader, bool flexible);

/* The length of an ARRAY or COMPACT_ARRAY: -1 for null. */
int64_t gov_kafka_read_count(gov_kafka_reader *reader, bool flexible);

/* Skips the tagged fields of a flexible message; nothing where not `flexible`. */
void gov_kafka_skip_tags(gov_kafka_reader *reader, bool flexible);

void gov_kafka_write_u8(gov_buffer *out, uint8_t value);
void gov_kafka_write_i16(gov_buffer *out, int16_t value);
void gov_kafka_write_i32(gov_buffer *out, int32_t value);
void gov_kafka_write_i64(gov_buffer *out, int64_t value);
void gov_kafka_write_uvarint(gov_buffer *out, uint32_t value);

/* A string or the null value (data NULL). A plain string longer than 32767 bytes marks
   the buffer as failed. */
void gov_kafka_write_string(gov_buffer *out, gov_kafka_view value, bool flexible);
void gov_kafka_write_bytes(gov_buffer *out, gov_kafka_view value, bool flexible);
void gov_kafka_write_count(gov_buffer *out, uint32_t count, bool flexible);

/* No tagged fields; nothing where not `flexible`. */
void gov_kafka_write_no_tags(gov_buffer *out, bool flexible);

/* A view of a C string; NULL is the null value. */
gov_kafka_view gov_kafka_view_of(const char *string);

#endif
