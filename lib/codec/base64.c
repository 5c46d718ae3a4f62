#include "codec/base64.h"

#include <mskgov/error.h>

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void gov_base64url_encode(const void *data, size_t length, gov_buffer *out) {
  const unsigned char *in = data;
  uint32_t bits = 0;
  unsigned count = 0;
  char *room;

  /* A full room ahead, so that a long value grows the buffer once. */
  room = gov_buffer_extend(out, length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0));
  if (!room)
    return;

  for (size_t i = 0; i < length; i++) {
    bits = bits << 8 | in[i];
    for (count += 8; count >= 6; count -= 6)
      *room++ = alphabet[bits >> (count - 6) & 63];
  }

  if (count)
    *room = alphabet[bits << (6 - count) & 63];
}

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '-')
    return 62;

  return c == '_' ? 63 : -1;
}

/* The bits of the last letter that no byte takes up. */
static int stray_bits(char last, size_t length) {
  switch (length % 4) {
  case 2:
    return value_of(last) & 15;
  case 3:
    return value_of(last) & 3;
  default:
    return 0;
  }
}

int gov_base64url_decode(const char *text, size_t length, gov_buffer *out) {
  uint32_t bits = 0;
  unsigned count = 0;
  char *room;

  if (length % 4 == 1)
    return MSKGOV_ERR_INVALID;

  for (size_t i = 0; i < length; i++)
    if (value_of(text[i]) < 0)
      return MSKGOV_ERR_INVALID;

  if (length > 0 && stray_bits(text[length - 1], length))
    return MSKGOV_ERR_INVALID;

  room = gov_buffer_extend(out, length / 4 * 3 + (length % 4 ? length % 4 - 1 : 0));
  if (!room)
    return MSKGOV_ERR_NO_MEMORY;

  for (size_t i = 0; i < length; i++) {
    bits = bits << 6 | (uint32_t)value_of(text[i]);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *room++ = (char)(bits >> count & 255);
    }
  }

  return 0;
}
