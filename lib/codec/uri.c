#include "codec/uri.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <string.h>

static bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (c && strchr("-._~", c));
}

void gov_uri_encode(const char *text, size_t length, gov_buffer *out) {
  static const char digits[] = "0123456789ABCDEF";

  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    char encoded[] = {'%', digits[byte >> 4], digits[byte & 15]};

    if (is_unreserved(text[i]))
      gov_buffer_append(out, &text[i], 1);
    else
      gov_buffer_append(out, encoded, sizeof(encoded));
  }
}

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;

  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int gov_uri_decode(const char *text, size_t length, gov_buffer *out) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];

    if (c == '%') {
      if (length - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
        return MSKGOV_ERR_INVALID;
      c = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
      i += 2;
    }

    if (!c)
      return MSKGOV_ERR_INVALID;
    gov_buffer_append(out, &c, 1);
  }

  return out->failed ? MSKGOV_ERR_NO_MEMORY : 0;
}
