/*
 * The first message of OAUTHBEARER: a token that is found lies in the message, in the one
 * "auth=Bearer " of it; any bytes that may be a token are found in a message made of them.
 */
#include "broker/bearer.h"

#include "base/buffer.h"
#include "fuzz.h"

#include <mskgov/error.h>

#include <strings.h>

#define AUTH "\001auth=Bearer "
#define AUTH_LENGTH (sizeof(AUTH) - 1)

static void check_found(const char *message, size_t length, const char *token,
                        size_t token_length) {
  const char *end = message + length;

  FUZZ_CHECK(token_length > 0 && token_length <= length);
  FUZZ_CHECK((size_t)(token - message) >= 3 + AUTH_LENGTH);
  FUZZ_CHECK(memcmp(token - AUTH_LENGTH, AUTH, 6) == 0);
  FUZZ_CHECK(strncasecmp(token - AUTH_LENGTH, AUTH, AUTH_LENGTH) == 0);
  FUZZ_CHECK(!memchr(token, 1, token_length) && token + token_length <= end - 2);
  FUZZ_CHECK(memcmp(message, "n,", 2) == 0 && memcmp(end - 2, "\001\001", 2) == 0);
  for (const char *other = message; other < end - AUTH_LENGTH; other++)
    FUZZ_CHECK(other == token - AUTH_LENGTH || memcmp(other, AUTH, 6) != 0);
}

/* A message around `token`; `extra` is a pair in front of it. */
static void check_made(const char *token, size_t length, const char *extra) {
  gov_buffer message;
  const char *found;
  size_t found_length;
  int rc;

  gov_buffer_init(&message, length + 100);
  gov_buffer_append_string(&message, extra);
  gov_buffer_append_string(&message, AUTH);
  gov_buffer_append(&message, token, length);
  gov_buffer_append_string(&message, "\001\001");
  rc = gov_bearer_parse(message.data, message.length, &found, &found_length);
  if (length > 0 && !memchr(token, 1, length))
    FUZZ_CHECK(rc == 0 && found_length == length &&
               found == message.data + message.length - length - 2);
  else
    FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  gov_buffer_fini(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *message = (const char *)data, *token;
  size_t length;
  int rc = gov_bearer_parse(message, size, &token, &length);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  if (!rc)
    check_found(message, size, token, length);
  check_made(message, size, "n,,");
  check_made(message, size, "n,a=me@example.com,\001host=x");

  return 0;
}
