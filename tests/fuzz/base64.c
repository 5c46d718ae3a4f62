/*
 * base64url: what is decoded has one form, the input; all else is refused for a reason, and
 * leaves the buffer as it was. Any bytes come back from their form.
 */
#include "codec/base64.h"

#include "fuzz.h"

#include <mskgov/error.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648: letters of section 5, whole bytes, and no bits left over. */
static bool is_base64url(const char *text, size_t length) {
  static const int stray[] = {0, 63, 15, 3};

  for (size_t i = 0; i < length; i++)
    if (!text[i] || !strchr(alphabet, text[i]))
      return false;

  return length == 0 ||
         (length % 4 != 1 &&
          !((int)(strchr(alphabet, text[length - 1]) - alphabet) & stray[length % 4]));
}

static void check_decode(const char *text, size_t length) {
  gov_buffer bytes, again;
  int rc;

  gov_buffer_init(&bytes, length + 1);
  gov_buffer_init(&again, length);
  gov_buffer_append(&bytes, "x", 1);
  rc = gov_base64url_decode(text, length, &bytes);
  FUZZ_CHECK(rc == (is_base64url(text, length) ? 0 : MSKGOV_ERR_INVALID));
  FUZZ_CHECK(!bytes.failed && bytes.data[0] == 'x');
  FUZZ_CHECK(bytes.length == (rc ? 1 : 1 + length * 3 / 4));
  if (!rc) {
    gov_base64url_encode(bytes.data + 1, bytes.length - 1, &again);
    FUZZ_CHECK(!again.failed && again.length == length &&
               memcmp(again.data, text, length) == 0);
  }
  gov_buffer_fini(&again);
  gov_buffer_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gov_buffer text, bytes;

  check_decode((const char *)data, size);

  gov_buffer_init(&text, (size * 4 + 2) / 3);
  gov_buffer_init(&bytes, size);
  gov_base64url_encode(data, size, &text);
  FUZZ_CHECK(!text.failed && text.length == (size * 4 + 2) / 3);
  FUZZ_CHECK(gov_base64url_decode(text.data, text.length, &bytes) == 0);
  FUZZ_CHECK(bytes.length == size && memcmp(bytes.data, data, size) == 0);
  gov_buffer_fini(&bytes);
  gov_buffer_fini(&text);

  return 0;
}
