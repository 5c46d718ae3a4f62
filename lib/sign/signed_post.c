#include "sign/signed_post.h"

#include "base/error.h"
#include "base/secret.h"
#include "codec/time.h"
#include "sign/sigv4.h"

#include <string.h>

/* A host, a session token of 16 KiB, and below 256 bytes around them. */
#define REQUEST_MAX ((size_t)32 * 1024)

/* A string to sign: algorithm, time, scope and hash, each far below 128 bytes. */
#define STRING_TO_SIGN_MAX 512

/* The headers that are signed, by their names; the last is there with a session token. */
#define HEADERS_MAX 4

static size_t list_headers(gov_sigv4_header headers[HEADERS_MAX],
                           const gov_signed_post *post, const char *timestamp) {
  headers[0] = (gov_sigv4_header){"content-type", GOV_SIGNED_POST_CONTENT_TYPE};
  headers[1] = (gov_sigv4_header){"host", post->host};
  headers[2] = (gov_sigv4_header){"x-amz-date", timestamp};
  headers[3] = (gov_sigv4_header){"x-amz-security-token", post->session_token};

  return post->session_token ? 4 : 3;
}

static int sign(const gov_signed_post *post, const char *timestamp,
                const gov_buffer *request, char signature[GOV_SIGV4_SIGNATURE_SIZE],
                mskgov_error_info *error) {
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  char date8[sizeof("YYYYMMDD")] = "";
  gov_buffer to_sign;
  int rc;

  memcpy(date8, timestamp, sizeof(date8) - 1);
  gov_buffer_init(&to_sign, STRING_TO_SIGN_MAX);
  rc = gov_sigv4_string_to_sign(&to_sign, timestamp, post->region, post->service,
                                request->data, request->length, error);
  if (!rc)
    rc = gov_sigv4_key(post->secret_access_key, date8, post->region, post->service, key,
                       error);
  if (!rc)
    rc = gov_sigv4_signature(key, to_sign.data, to_sign.length, signature, error);
  gov_secret_wipe(key, sizeof(key));
  gov_buffer_fini(&to_sign);

  return rc;
}

int gov_signed_post_authorize(gov_buffer *authorization, const gov_signed_post *post,
                              mskgov_error_info *error) {
  char timestamp[GOV_TIME_BASIC_SIZE], signature[GOV_SIGV4_SIGNATURE_SIZE];
  gov_sigv4_header headers[HEADERS_MAX];
  size_t header_count;
  gov_buffer request;
  int rc;

  gov_time_format_basic(post->now_s, timestamp);
  header_count = list_headers(headers, post, timestamp);
  gov_buffer_init(&request, REQUEST_MAX);
  rc = gov_sigv4_canonical_request(&request, "POST", "/", "", headers, header_count,
                                   post->body, post->body_length, error);
  if (!rc)
    rc = sign(post, timestamp, &request, signature, error);
  gov_buffer_fini(&request);
  if (rc)
    return rc;

  gov_buffer_append_string(authorization, GOV_SIGV4_ALGORITHM " Credential=");
  gov_buffer_append_string(authorization, post->access_key_id);
  gov_buffer_append_string(authorization, "/");
  gov_sigv4_scope(authorization, timestamp, post->region, post->service);
  gov_buffer_append_string(authorization, ", SignedHeaders=");
  gov_sigv4_signed_headers(authorization, headers, header_count);
  gov_buffer_append_string(authorization, ", Signature=");
  gov_buffer_append_string(authorization, signature);
  gov_secret_wipe(signature, sizeof(signature));

  return authorization->failed ? gov_error_no_memory(error) : 0;
}
