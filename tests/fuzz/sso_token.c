/*
 * The token that `aws sso login` left: what is read is the document's own accessToken, of
 * visible ASCII; what is refused leaves nothing behind, and no error repeats a part of it.
 */
#include "codec/time.h"
#include "credentials/sso.h"
#include "fuzz.h"

#include <mskgov/error.h>

#include <jansson.h>

/* In the corpus's tokens, and in no word that an error may repeat. */
#define PART_OF_SECRET "eyJhbGci"

static void check_token(const char *text, size_t length, const gov_buffer *token,
                        uint64_t expires_at_ns) {
  json_t *document = json_loadb(text, length, 0, NULL);
  const char *value = json_string_value(json_object_get(document, "accessToken"));
  const char *expiry = json_string_value(json_object_get(document, "expiresAt"));
  uint64_t expected;

  FUZZ_CHECK(value && expiry && strcmp(value, token->data) == 0);
  FUZZ_CHECK(token->length >= 1 && token->length <= GOV_SSO_TOKEN_MAX);
  for (size_t i = 0; i < token->length; i++)
    FUZZ_CHECK(token->data[i] > ' ' && token->data[i] <= '~');
  FUZZ_CHECK(gov_time_parse_iso8601(expiry, &expected) == 0 && expected == expires_at_ns);
  json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  mskgov_error_info error = {0};
  uint64_t expires_at_ns = 0;
  gov_buffer token;
  int rc;

  gov_buffer_init(&token, GOV_SSO_TOKEN_MAX);
  rc = gov_sso_read_token(text, size, &token, &expires_at_ns, &error);
  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  FUZZ_CHECK(error.code == rc && !strstr(error.text, PART_OF_SECRET));
  if (rc)
    FUZZ_CHECK(token.length == 0 && *error.text);
  else
    check_token(text, size, &token, expires_at_ns);
  gov_buffer_fini(&token);

  return 0;
}
