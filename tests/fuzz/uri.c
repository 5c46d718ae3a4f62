/*
 * Percent-encoding: what is decoded is what its escapes say; any bytes without a NUL come back from their encoding. A buffer's limit is
 * kept, whatever is put into it.
 */
#include "codec/uri.h"

#include "fuzz.h"

#include <mskgov/error.h>

#include <ctype.h>

/* What the text stands for, by another way, up to its end or what is not allowed (false). */
static bool expect(const char *text, size_t length, char *bytes, size_t *count) {
  *count = 0;
  for (size_t i = 0; i < length; i++) {
    char digits[3] = {0};

    bytes[*count] = text[i];
    if (text[i] == '%') {
      if (length - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
          !isxdigit((unsigned char)text[i + 2]))
        return false;
      memcpy(digits, text + i + 1, 2);
      bytes[*count] = (char)strtol(digits, NULL, 16);
      i += 2;
    }
    if (!bytes[*count])
      return false;
    (*count)++;
  }

  return true;
}

/* Encodes, checks the form, and decodes again, to the bytes before their first NUL. */
static void check_encode(const char *bytes, size_t length) {
  size_t end = strnlen(bytes, length);
  gov_buffer text, again;

  gov_buffer_init(&text, length * 3);
  gov_buffer_init(&again, length);
  gov_uri_encode(bytes, length, &text);
  FUZZ_CHECK(!text.failed && text.length >= length);
  for (size_t i = 0; i < text.length; i++)
    FUZZ_CHECK(strchr("%-._~", text.data[i]) || isalnum((unsigned char)text.data[i]));
  FUZZ_CHECK(gov_uri_decode(text.data, text.length, &again) ==
             (end == length ? 0 : MSKGOV_ERR_INVALID));
  FUZZ_CHECK(again.length == end && (end == 0 || memcmp(again.data, bytes, end) == 0));
  gov_buffer_fini(&again);
  gov_buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_copy(data, size), *expected = fuzz_copy(data, size);
  gov_buffer out;
  size_t count;
  bool allowed = expect(text, size, expected, &count);

  /* All of it, and without room for the last byte; a wrong escape is found all the same. */
  for (size_t short_of = 0; short_of <= 1 && short_of <= count; short_of++) {
    gov_buffer_init(&out, count - short_of);
    FUZZ_CHECK(gov_uri_decode(text, size, &out) == (!allowed   ? MSKGOV_ERR_INVALID
                                                    : short_of ? MSKGOV_ERR_NO_MEMORY
                                                               : 0));
    FUZZ_CHECK(out.length == count - short_of);
    FUZZ_CHECK(out.length == 0 || memcmp(out.data, expected, out.length) == 0);
    gov_buffer_fini(&out);
  }
  check_encode(expected, count);
  check_encode(text, size);
  free(expected);
  free(text);

  return 0;
}
