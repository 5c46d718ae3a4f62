/*
 * A presigned URL taken apart: its parameters are sorted, none is there twice; put together
 * again it is the same, wherever a user agent stands.
 */
#include "broker/presigned.h"

#include "codec/uri.h"
#include "fuzz.h"

#include <mskgov/error.h>

#include <ctype.h>

static void check_parameters(const gov_presigned *url) {
  const char *host = gov_presigned_host(url), *region = host + strlen("kafka.");
  size_t length = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

  FUZZ_CHECK(strncmp(host, "kafka.", strlen("kafka.")) == 0);
  FUZZ_CHECK(length > 0);
  FUZZ_CHECK(strcmp(region + length, ".amazonaws.com") == 0);
  FUZZ_CHECK(url->count > 0 && url->count <= GOV_PRESIGNED_PARAMETERS_MAX);
  for (size_t i = 0; i < url->count; i++) {
    const char *name = url->text.data + url->parameters[i].name;
    const char *value = url->text.data + url->parameters[i].value;

    FUZZ_CHECK(url->parameters[i].name < url->text.length && *name);
    FUZZ_CHECK(url->parameters[i].value < url->text.length);
    FUZZ_CHECK(gov_presigned_find(url, name) == value);
    FUZZ_CHECK(i == 0 || strcmp(url->text.data + url->parameters[i - 1].name, name) < 0);
  }
  FUZZ_CHECK(gov_presigned_find(url, "X-Amz-Signature"));
  FUZZ_CHECK(!gov_presigned_find(url, "User-Agent") && !gov_presigned_find(url, ""));
}

/* Another URL, of the canonical query and the signature, that says the same. */
static void check_again(const gov_presigned *url) {
  const char *signature = gov_presigned_find(url, "X-Amz-Signature");
  gov_buffer query, text, query_again;
  gov_presigned again;

  gov_buffer_init(&query, 3 * GOV_PRESIGNED_URL_MAX);
  gov_buffer_init(&query_again, 3 * GOV_PRESIGNED_URL_MAX);
  gov_buffer_init(&text, 3 * GOV_PRESIGNED_URL_MAX);
  gov_presigned_canonical_query(url, &query);
  FUZZ_CHECK(!query.failed && (query.data != NULL) == (url->count > 1));
  FUZZ_CHECK(!query.data || (strncmp(query.data, "X-Amz-Signature=", 16) != 0 &&
                             !strstr(query.data, "&X-Amz-Signature=")));
  for (size_t i = 0; i < query.length; i++)
    FUZZ_CHECK(strchr("&=%-._~", query.data[i]) || isalnum((unsigned char)query.data[i]));
  gov_buffer_append_string(&text, "https://");
  gov_buffer_append_string(&text, gov_presigned_host(url));
  gov_buffer_append_string(&text, "?User-Agent=x&X-Amz-Signature=");
  gov_uri_encode(signature, strlen(signature), &text);
  if (query.data)
    gov_buffer_append_string(&text, "&");
  gov_buffer_append(&text, query.data, query.length);
  gov_buffer_append_string(&text, "&User-Agent=%");

  FUZZ_CHECK(!text.failed && gov_presigned_parse(&again, text.data, text.length) == 0);
  FUZZ_CHECK(again.count == url->count);
  FUZZ_CHECK(strcmp(gov_presigned_host(&again), gov_presigned_host(url)) == 0);
  FUZZ_CHECK(strcmp(gov_presigned_find(&again, "X-Amz-Signature"), signature) == 0);
  gov_presigned_canonical_query(&again, &query_again);
  FUZZ_CHECK(query_again.length == query.length &&
             (!query.data || strcmp(query_again.data, query.data) == 0));
  gov_presigned_fini(&again);
  gov_buffer_fini(&text);
  gov_buffer_fini(&query_again);
  gov_buffer_fini(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gov_presigned url;
  int rc = gov_presigned_parse(&url, (const char *)data, size);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  if (!rc) {
    check_parameters(&url);
    check_again(&url);
  }
  gov_presigned_fini(&url);
  FUZZ_CHECK(!url.text.data);

  return 0;
}
