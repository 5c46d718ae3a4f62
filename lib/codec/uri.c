#include "codec/uri.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <stdint.h>

/* Letters, digits and "-._~". */
static const bool is_unreserved[256] = {
    ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['-'] = true,
    ['.'] = true,         ['_'] = true,         ['~'] = true,
};

/* In runs of what stays as it is, as session tokens are long and of base64. */
void gov_uri_encode(const char *text, size_t length, gov_buffer *out) {
  static const char digits[] = "0123456789ABCDEF";
  const unsigned char *bytes = (const unsigned char *)text;

  for (size_t i = 0, from = 0; i <= length; i++) {
    char encoded[3];

    if (i < length && is_unreserved[bytes[i]])
      continue;
    if (i > from)
      gov_buffer_append(out, text + from, i - from);
    if (i == length)
      return;
    encoded[0] = '%';
    encoded[1] = digits[bytes[i] >> 4];
    encoded[2] = digits[bytes[i] & 15];
    gov_buffer_append(out, encoded, sizeof(encoded));
    from = i + 1;
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
