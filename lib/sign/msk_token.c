#include "sign/msk_token.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/time.h"
#include "codec/uri.h"

#include <mskgov/authenticator.h>

#include <string.h>

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)

/* A string to sign: algorithm, time, scope and hash, each far below 128 bytes. */
#define STRING_TO_SIGN_MAX 512

static void append_encoded(gov_buffer *out, const char *text) {
  gov_uri_encode(text, strlen(text), out);
}

void gov_msk_token_host(gov_buffer *out, const char *region) {
  gov_buffer_append_string(out, "kafka.");
  gov_buffer_append_string(out, region);
  gov_buffer_append_string(out, ".amazonaws.com");
}

void gov_msk_token_query(gov_buffer *out, const gov_msk_token_parts *parts) {
  char timestamp[GOV_TIME_BASIC_SIZE];
  gov_buffer scope;

  gov_time_format_basic(parts->now_s, timestamp);
  gov_buffer_init(&scope, STRING_TO_SIGN_MAX);
  gov_buffer_append_string(&scope, "/");
  gov_sigv4_scope(&scope, timestamp, parts->region, GOV_MSK_SERVICE);

  gov_buffer_append_string(out,
                           "Action=kafka-cluster%3AConnect"
                           "&X-Amz-Algorithm=" GOV_SIGV4_ALGORITHM "&X-Amz-Credential=");
  append_encoded(out, parts->access_key_id);
  if (scope.failed)
    out->failed = true;
  else
    append_encoded(out, scope.data);
  gov_buffer_append_string(out, "&X-Amz-Date=");
  gov_buffer_append_string(out, timestamp);
  gov_buffer_append_string(out, "&X-Amz-Expires=" TEXT(MSKGOV_TOKEN_LIFETIME_MAX_S));
  if (parts->session_token) {
    gov_buffer_append_string(out, "&X-Amz-Security-Token=");
    append_encoded(out, parts->session_token);
  }
  gov_buffer_append_string(out, "&X-Amz-SignedHeaders=host");

  gov_buffer_fini(&scope);
}

static int sign_query(const gov_msk_token_parts *parts, const char *query,
                      const unsigned char key[GOV_SIGV4_KEY_SIZE],
                      char signature[GOV_SIGV4_SIGNATURE_SIZE], mskgov_error_info *error) {
  char timestamp[GOV_TIME_BASIC_SIZE];
  gov_buffer host, request, to_sign;
  int rc = MSKGOV_ERR_NO_MEMORY;

  gov_time_format_basic(parts->now_s, timestamp);
  gov_buffer_init(&host, STRING_TO_SIGN_MAX);
  gov_buffer_init(&request, GOV_MSK_TOKEN_MAX);
  gov_buffer_init(&to_sign, STRING_TO_SIGN_MAX);

  gov_msk_token_host(&host, parts->region);
  if (host.failed ||
      gov_sigv4_presigned_canonical_request(&request, "/", query, host.data)) {
    gov_error_no_memory(error);
    goto done;
  }

  rc = gov_sigv4_string_to_sign(&to_sign, timestamp, parts->region, GOV_MSK_SERVICE,
                                request.data, request.length, error);
  if (rc)
    goto done;

  rc = gov_sigv4_signature(key, to_sign.data, to_sign.length, signature, error);

done:
  gov_buffer_fini(&to_sign);
  gov_buffer_fini(&request);
  gov_buffer_fini(&host);

  return rc;
}

int gov_msk_token_sign(gov_buffer *out, const gov_msk_token_parts *parts,
                       const unsigned char key[GOV_SIGV4_KEY_SIZE],
                       mskgov_error_info *error) {
  char signature[GOV_SIGV4_SIGNATURE_SIZE] = "";
  gov_buffer query, url;
  int rc = MSKGOV_ERR_NO_MEMORY;

  gov_buffer_init(&query, GOV_MSK_TOKEN_MAX);
  gov_buffer_init(&url, GOV_MSK_TOKEN_MAX);

  gov_msk_token_query(&query, parts);
  if (query.failed) {
    gov_error_no_memory(error);
    goto done;
  }

  rc = sign_query(parts, query.data, key, signature, error);
  if (rc)
    goto done;

  gov_buffer_append_string(&url, "https://");
  gov_msk_token_host(&url, parts->region);
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

  return rc;
}

uint64_t gov_msk_token_lifetime_s(uint64_t now_ns, uint64_t credentials_expire_at_ns) {
  uint64_t left_s;

  if (credentials_expire_at_ns <= now_ns)
    return 0;

  left_s = (credentials_expire_at_ns - now_ns) / GOV_NS_PER_S;

  return left_s < MSKGOV_TOKEN_LIFETIME_MAX_S ? left_s : MSKGOV_TOKEN_LIFETIME_MAX_S;
}
