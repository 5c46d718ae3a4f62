#include "governor/utf8.h"

/* What the first byte says about the second: the rows of Unicode's table 3-7. */
static const struct {
  unsigned char first_low, first_high;
  unsigned char second_low, second_high;
  size_t length;
} rows[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t gov_utf8_length(const char *text) {
  const unsigned char *bytes = (const unsigned char *)text;

  if (*bytes < 0x80)
    return *bytes ? 1 : 0;

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t length = 2;

    if (*bytes < rows[i].first_low || *bytes > rows[i].first_high)
      continue;
    if (bytes[1] < rows[i].second_low || bytes[1] > rows[i].second_high)
      return 0;
    /* the end of the string is no such byte, so nothing past it is read */
    while (length < rows[i].length && (bytes[length] & 0xc0) == 0x80)
      length++;
    return length == rows[i].length ? length : 0;
  }

  return 0;
}

void gov_utf8_mend(char *text) {
  while (*text) {
    size_t length = gov_utf8_length(text);

    if (!length)
      *text = '?';
    text += length ? length : 1;
  }
}
