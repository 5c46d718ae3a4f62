/*
 * The payload of AWS_MSK_IAM: what is read are the document's own texts, by another walk
 * through it, and all of them. A good one, of an official signer
 * (tests/unit/test_payload.c), is in the corpus; with another secret, for another host, or
 * after its time, a valid one is denied.
 */
#include "broker/payload.h"

#include "broker/token_check.h"
#include "fuzz.h"

#include <mskgov/error.h>

#include <jansson.h>

#include <strings.h>

#define HOST "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com"
#define NOW_NS (UINT64_C(1767323045) * 1000000000) /* 2026-01-02T03:04:05Z */
#define LONG_AFTER_NS (NOW_NS + UINT64_C(1500) * 1000000000)
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define OTHER_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ"

/* A field's name but for the case; "host", "version" and "user-agent" have no parameter. */
static void check_parsed(const gov_presigned *presigned, const char *text, size_t length) {
  json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *value;
  const char *name;
  size_t found = 0;

  FUZZ_CHECK(json_is_object(document));
  FUZZ_CHECK(json_object_size(document) == presigned->count + 3);
  json_object_foreach(document, name, value) {
    FUZZ_CHECK(json_is_string(value));
    for (size_t i = 0; i < presigned->count; i++)
      if (strcasecmp(name, presigned->text.data + presigned->parameters[i].name) == 0) {
        FUZZ_CHECK(strcmp(presigned->text.data + presigned->parameters[i].value,
                          json_string_value(value)) == 0);
        found++;
      }
  }
  FUZZ_CHECK(found == presigned->count);
  value = json_object_get(document, "host");
  FUZZ_CHECK(strcmp(gov_presigned_host(presigned), json_string_value(value)) == 0);
  value = json_object_get(document, "version");
  FUZZ_CHECK(strcmp(json_string_value(value), "2020_10_22") == 0);
  FUZZ_CHECK(json_object_get(document, "user-agent"));
  for (size_t i = 1; i < presigned->count; i++)
    FUZZ_CHECK(strcmp(presigned->text.data + presigned->parameters[i - 1].name,
                      presigned->text.data + presigned->parameters[i].name) < 0);
  json_decref(document);
}

static gov_token_verdict check_with(const char *secret, const char *host, uint64_t now_ns,
                                    const char *text, size_t length) {
  mskgov_credentials *credentials;
  gov_token_verdict verdict;
  gov_token_check check;
  uint64_t lifetime_ms;

  FUZZ_CHECK(mskgov_credentials_new(&credentials, "AKIDEXAMPLE", secret, NULL, MSKGOV_NEVER,
                                    NULL) == 0);
  FUZZ_CHECK(gov_token_check_init(&check, "eu-west-1", host, &credentials, 1) == 0);
  FUZZ_CHECK(gov_token_check_message(&check, GOV_MECHANISM_AWS_MSK_IAM, text, length,
                                     now_ns, &verdict, &lifetime_ms) == 0);
  FUZZ_CHECK((lifetime_ms > 0) == (verdict == GOV_TOKEN_VALID));
  gov_token_check_fini(&check);
  mskgov_credentials_free(credentials);

  return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size ? (const char *)data : NULL;
  gov_token_verdict verdict = check_with(SECRET, HOST, NOW_NS, text, size);
  gov_presigned presigned;
  int rc = gov_payload_parse(&presigned, text, size);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  FUZZ_CHECK(rc == 0 || verdict == GOV_TOKEN_MALFORMED);
  FUZZ_CHECK(verdict <= GOV_TOKEN_DENIED); /* these credentials do not expire */
  if (!rc)
    check_parsed(&presigned, text, size);
  if (verdict == GOV_TOKEN_VALID) {
    FUZZ_CHECK(check_with(OTHER_SECRET, HOST, NOW_NS, text, size) == GOV_TOKEN_DENIED);
    FUZZ_CHECK(check_with(SECRET, "other", NOW_NS, text, size) == GOV_TOKEN_DENIED ||
               strcmp(gov_presigned_host(&presigned), HOST) != 0);
    FUZZ_CHECK(check_with(SECRET, HOST, LONG_AFTER_NS, text, size) == GOV_TOKEN_DENIED);
  }
  gov_presigned_fini(&presigned);
  FUZZ_CHECK(!presigned.text.data);

  return 0;
}
