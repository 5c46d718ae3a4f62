#include "codec/kafka_wire.h"

#include <string.h>

void gov_kafka_reader_init(gov_kafka_reader *reader, const void *data, size_t length) {
  *reader = (gov_kafka_reader){.at = data, .left = length};
}

static const unsigned char *take(gov_kafka_reader *reader, size_t length) {
  const unsigned char *taken = reader->at;

  if (reader->failed || length > reader->left) {
    reader->failed = true;
    return NULL;
  }

  if (length) {
    reader->at += length;
    reader->left -= length;
  }

  return taken;
}

uint8_t gov_kafka_read_u8(gov_kafka_reader *reader) {
  const unsigned char *byte = take(reader, 1);

  return byte ? *byte : 0;
}

int16_t gov_kafka_read_i16(gov_kafka_reader *reader) {
  const unsigned char *byte = take(reader, 2);

  return byte ? (int16_t)(uint16_t)(byte[0] << 8 | byte[1]) : 0;
}

int32_t gov_kafka_read_i32(gov_kafka_reader *reader) {
  const unsigned char *byte = take(reader, 4);

  return byte ? (int32_t)((uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 |
                          (uint32_t)byte[2] << 8 | byte[3])
              : 0;
}

uint32_t gov_kafka_read_uvarint(gov_kafka_reader *reader) {
  uint32_t value = 0;

  for (unsigned shift = 0; shift < 35; shift += 7) {
    uint8_t byte = gov_kafka_read_u8(reader);

    if (shift == 28 && byte > 0x0f)
      break;
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return reader->failed ? 0 : value;
  }
  reader->failed = true;

  return 0;
}

/* `length` is -1 for null. */
static gov_kafka_view take_view(gov_kafka_reader *reader, int64_t length) {
  gov_kafka_view view = {NULL, 0};

  if (length < -1)
    reader->failed = true;
  if (length < 0 || reader->failed)
    return view;

  view.data = (const char *)take(reader, (size_t)length);
  view.length = view.data ? (size_t)length : 0;

  return view;
}

gov_kafka_view gov_kafka_read_string(gov_kafka_reader *reader, bool flexible) {
  return take_view(reader, flexible ? (int64_t)gov_kafka_read_uvarint(reader) - 1
                                    : gov_kafka_read_i16(reader));
}

gov_kafka_view gov_kafka_read_bytes(gov_kafka_reader *reader, bool flexible) {
  return take_view(reader, gov_kafka_read_count(reader, flexible));
}

int64_t gov_kafka_read_count(gov_kafka_reader *reader, bool flexible) {
  int64_t count =
      flexible ? (int64_t)gov_kafka_read_uvarint(reader) - 1 : gov_kafka_read_i32(reader);

  if (count < -1)
    reader->failed = true;

  return reader->failed ? 0 : count;
}

void gov_kafka_skip_tags(gov_kafka_reader *reader, bool flexible) {
  uint32_t tags;

  if (!flexible)
    return;

  tags = gov_kafka_read_uvarint(reader);
  for (uint32_t i = 0; i < tags && !reader->failed; i++) {
    gov_kafka_read_uvarint(reader);
    take(reader, gov_kafka_read_uvarint(reader));
  }
}

static void write_big_endian(gov_buffer *out, uint64_t value, size_t size) {
  unsigned char bytes[8];

  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)(value >> 8 * (size - 1 - i));
  gov_buffer_append(out, bytes, size);
}

void gov_kafka_write_u8(gov_buffer *out, uint8_t value) {
  write_big_endian(out, value, 1);
}

void gov_kafka_write_i16(gov_buffer *out, int16_t value) {
  write_big_endian(out, (uint16_t)value, 2);
}

void gov_kafka_write_i32(gov_buffer *out, int32_t value) {
  write_big_endian(out, (uint32_t)value, 4);
}

void gov_kafka_write_i64(gov_buffer *out, int64_t value) {
  write_big_endian(out, (uint64_t)value, 8);
}

void gov_kafka_write_uvarint(gov_buffer *out, uint32_t value) {
  while (value > 0x7f) {
    gov_kafka_write_u8(out, (uint8_t)(value | 0x80));
    value >>= 7;
  }
  gov_kafka_write_u8(out, (uint8_t)value);
}

/* A length of `size` bytes (flexible: a varint, one more), then the bytes; NULL is -1. */
static void write_view(gov_buffer *out, gov_kafka_view value, bool flexible, size_t size,
                       size_t max) {
  if (value.length > max) {
    out->failed = true;
    return;
  }

  if (flexible)
    gov_kafka_write_uvarint(out, value.data ? (uint32_t)value.length + 1 : 0);
  else
    write_big_endian(out, value.data ? value.length : UINT64_MAX, size);
  if (value.data)
    gov_buffer_append(out, value.data, value.length);
}

void gov_kafka_write_string(gov_buffer *out, gov_kafka_view value, bool flexible) {
  write_view(out, value, flexible, 2, INT16_MAX);
}

void gov_kafka_write_bytes(gov_buffer *out, gov_kafka_view value, bool flexible) {
  write_view(out, value, flexible, 4, INT32_MAX - 1);
}

void gov_kafka_write_count(gov_buffer *out, uint32_t count, bool flexible) {
  if (flexible)
    gov_kafka_write_uvarint(out, count + 1);
  else
    gov_kafka_write_i32(out, (int32_t)count);
}

void gov_kafka_write_no_tags(gov_buffer *out, bool flexible) {
  if (flexible)
    gov_kafka_write_uvarint(out, 0);
}

gov_kafka_view gov_kafka_view_of(const char *string) {
  return (gov_kafka_view){string, string ? strlen(string) : 0};
}
