#include "sign/msk_request.h"

#include "base/error.h"
#include "codec/uri.h"

#include <string.h>

/* A string to sign: algorithm, time, scope and hash, each far below 128 bytes. */
#define STRING_TO_SIGN_MAX 512
/* What a query has besides the session token, and a request besides the query, usually. */
#define QUERY_AROUND 320

static void append_encoded(gov_buffer *out, const char *text) {
  gov_uri_encode(text, strlen(text), out);
}

void gov_msk_request_credential(gov_buffer *out, const gov_msk_parts *parts) {
  gov_buffer_append_string(out, parts->access_key_id);
  gov_buffer_append_string(out, "/");
  gov_sigv4_scope(out, parts->timestamp, parts->region, GOV_MSK_SERVICE);
}

void gov_msk_request_query(gov_buffer *out, const gov_msk_parts *parts) {
  gov_buffer credential;

  gov_buffer_init(&credential, GOV_MSK_CREDENTIAL_MAX);
  gov_buffer_reserve(&credential, GOV_MSK_CREDENTIAL_MAX / 4);
  gov_msk_request_credential(&credential, parts);

  /* A session token is of base64: few of its bytes are encoded. */
  gov_buffer_reserve(out,
                     QUERY_AROUND +
                         (parts->session_token ? strlen(parts->session_token) * 5 / 4 : 0));
  gov_buffer_append_string(out, "Action=");
  append_encoded(out, GOV_MSK_ACTION);
  gov_buffer_append_string(out,
                           "&X-Amz-Algorithm=" GOV_SIGV4_ALGORITHM "&X-Amz-Credential=");
  if (credential.failed)
    out->failed = true;
  else
    append_encoded(out, credential.data);
  gov_buffer_append_string(out, "&X-Amz-Date=");
  gov_buffer_append_string(out, parts->timestamp);
  gov_buffer_append_string(out, "&X-Amz-Expires=" GOV_MSK_EXPIRES);
  if (parts->session_token) {
    gov_buffer_append_string(out, "&X-Amz-Security-Token=");
    if (parts->encoded_session_token)
      gov_buffer_append_string(out, parts->encoded_session_token);
    else
      append_encoded(out, parts->session_token);
  }
  gov_buffer_append_string(out, "&X-Amz-SignedHeaders=host");

  gov_buffer_fini(&credential);
}

int gov_msk_request_sign(const gov_msk_parts *parts, const char *host, const char *query,
                         const unsigned char key[GOV_SIGV4_KEY_SIZE],
                         char signature[GOV_SIGV4_SIGNATURE_SIZE],
                         mskgov_error_info *error) {
  gov_buffer request, to_sign;
  int rc = MSKGOV_ERR_NO_MEMORY;

  gov_buffer_init(&request, GOV_MSK_REQUEST_MAX);
  gov_buffer_init(&to_sign, STRING_TO_SIGN_MAX);
  gov_buffer_reserve(&to_sign, STRING_TO_SIGN_MAX / 2);

  gov_buffer_reserve(&request, strlen(query) + QUERY_AROUND);
  if (gov_sigv4_presigned_canonical_request(&request, "/", query, host)) {
    gov_error_no_memory(error);
    goto done;
  }

  rc = gov_sigv4_string_to_sign(&to_sign, parts->timestamp, parts->region, GOV_MSK_SERVICE,
                                request.data, request.length, error);
  if (rc)
    goto done;

  rc = gov_sigv4_signature(key, to_sign.data, to_sign.length, signature, error);

done:
  gov_buffer_fini(&to_sign);
  gov_buffer_fini(&request);

  return rc;
}
