#include "codec/base64.h"

#include <mskgov/error.h>

#include <pthread.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Two letters at a time: half as many look-ups, of a table in the nearest cache. */
static char pairs[4096][2];

static void make_pairs(void) {
  for (unsigned i = 0; i < 4096; i++) {
    pairs[i][0] = alphabet[i >> 6];
    pairs[i][1] = alphabet[i & 63];
  }
}

void gov_base64url_encode(const void *data, size_t length, gov_buffer *out) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const unsigned char *in = data;
  uint32_t bits;
  size_t i;
  char *room;

  /* A full room ahead, so that a long value grows the buffer once. */
  room = gov_buffer_extend(out, length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0));
  if (!room)
    return;

  pthread_once(&once, make_pairs);
  for (i = 0; length - i >= 3; i += 3) {
    bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
    memcpy(room, pairs[bits >> 12], 2);
    memcpy(room + 2, pairs[bits & 4095], 2);
    room += 4;
  }
  if (i == length)
    return;

  bits = (uint32_t)in[i] << 16 | (length - i == 2 ? (uint32_t)in[i + 1] << 8 : 0);
  *room++ = alphabet[bits >> 18];
  *room++ = alphabet[bits >> 12 & 63];
  if (length - i == 2)
    *room = alphabet[bits >> 6 & 63];
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
