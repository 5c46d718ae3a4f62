#include "sign/msk_token.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/uri.h"

#include <mskgov/authenticator.h>

#include <string.h>

/* "kafka.", a region, ".amazonaws.com" */
#define HOST_MAX 128
/* What the URL has around its query, usually. */
#define URL_AROUND 256

static void append_encoded(gov_buffer *out, const char *text) {
  gov_uri_encode(text, strlen(text), out);
}

void gov_msk_token_host(gov_buffer *out, const char *region) {
  gov_buffer_append_string(out, "kafka.");
  gov_buffer_append_string(out, region);
  gov_buffer_append_string(out, ".amazonaws.com");
}

int gov_msk_token_sign(gov_buffer *out, const gov_msk_parts *parts,
                       const unsigned char key[GOV_SIGV4_KEY_SIZE],
                       mskgov_error_info *error) {
  char signature[GOV_SIGV4_SIGNATURE_SIZE] = "";
  gov_buffer host, query, url;
  int rc = MSKGOV_ERR_NO_MEMORY;

  gov_buffer_init(&host, HOST_MAX);
  gov_buffer_init(&query, GOV_MSK_REQUEST_MAX);
  gov_buffer_init(&url, GOV_MSK_TOKEN_MAX);

  gov_msk_token_host(&host, parts->region);
  gov_msk_request_query(&query, parts);
  if (host.failed || query.failed) {
    gov_error_no_memory(error);
    goto done;
  }

  rc = gov_msk_request_sign(parts, host.data, query.data, key, signature, error);
  if (rc)
    goto done;

  gov_buffer_reserve(&url, query.length + URL_AROUND);
  gov_buffer_append_string(&url, "https://");
  gov_buffer_append_string(&url, host.data);
  gov_buffer_append_string(&url, "/?");
  gov_buffer_append(&url, query.data, query.length);
  gov_buffer_append_string(&url, "&X-Amz-Signature=");
  gov_buffer_append_string(&url, signature);
  gov_buffer_append_string(&url, "&User-Agent=");
  append_encoded(&url, parts->user_agent);
  if (!url.failed)
    gov_base64url_encode(url.data, url.length, out);
  if (url.failed || out->failed)
    rc = gov_error_no_memory(error);

done:
  gov_secret_wipe(signature, sizeof(signature));
  gov_buffer_fini(&url);
  gov_buffer_fini(&query);
  gov_buffer_fini(&host);

  return rc;
}

uint64_t gov_msk_token_lifetime_s(uint64_t now_ns, uint64_t credentials_expire_at_ns) {
  uint64_t left_s;

  if (credentials_expire_at_ns <= now_ns)
    return 0;

  left_s = (credentials_expire_at_ns - now_ns) / GOV_NS_PER_S;

  return left_s < MSKGOV_TOKEN_LIFETIME_MAX_S ? left_s : MSKGOV_TOKEN_LIFETIME_MAX_S;
}
