/*
 * The check of tokens. The input is a message ("n,…") or a URL that one is made of; the
 * corpus has a good one, of the official signer (tests/unit/test_token_check.c).
 * With another secret, or after its time, a valid token is denied.
 */
#include "broker/token_check.h"

#include "base/buffer.h"
#include "codec/base64.h"
#include "fuzz.h"

#define NOW_NS (UINT64_C(1767323045) * 1000000000) /* 2026-01-02T03:04:05Z */
#define LONG_AFTER_NS (NOW_NS + UINT64_C(1500) * 1000000000)
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define OTHER_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ"

static gov_token_verdict check_with(const char *secret, uint64_t now_ns,
                                    const char *message, size_t length,
                                    uint64_t *lifetime_ms) {
  mskgov_credentials *credentials;
  gov_token_verdict verdict;
  gov_token_check check;

  FUZZ_CHECK(mskgov_credentials_new(&credentials, "AKIDEXAMPLE", secret, NULL, MSKGOV_NEVER,
                                    NULL) == 0);
  FUZZ_CHECK(gov_token_check_init(&check, "eu-west-1", "localhost", &credentials, 1) == 0);
  FUZZ_CHECK(gov_token_check_message(&check, GOV_MECHANISM_OAUTHBEARER, message, length,
                                     now_ns, &verdict, lifetime_ms) == 0);
  gov_token_check_fini(&check);
  mskgov_credentials_free(credentials);

  return verdict;
}

static void check_message(const char *message, size_t length) {
  uint64_t lifetime_ms, other_ms;
  gov_token_verdict verdict = check_with(SECRET, NOW_NS, message, length, &lifetime_ms);

  FUZZ_CHECK(verdict <= GOV_TOKEN_DENIED); /* these credentials do not expire */
  FUZZ_CHECK((lifetime_ms > 0) == (verdict == GOV_TOKEN_VALID));
  FUZZ_CHECK(lifetime_ms <= (GOV_TOKEN_LIFETIME_MAX_S + GOV_TOKEN_SKEW_S) * 1000);
  if (verdict == GOV_TOKEN_MALFORMED)
    return;

  FUZZ_CHECK(check_with(OTHER_SECRET, NOW_NS, message, length, &other_ms) ==
             GOV_TOKEN_DENIED);
  FUZZ_CHECK(other_ms == 0);
  if (verdict == GOV_TOKEN_VALID)
    FUZZ_CHECK(check_with(SECRET, LONG_AFTER_NS, message, length, &other_ms) ==
               GOV_TOKEN_DENIED);
  FUZZ_CHECK(other_ms == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gov_buffer message;

  if (size >= 2 && memcmp(data, "n,", 2) == 0) {
    check_message((const char *)data, size);
    return 0;
  }

  gov_buffer_init(&message, 2 * size + 100);
  gov_buffer_append_string(&message, "n,,\001auth=Bearer ");
  gov_base64url_encode(data, size, &message);
  gov_buffer_append_string(&message, "\001\001");
  check_message(message.data, message.length);
  gov_buffer_fini(&message);

  return 0;
}
