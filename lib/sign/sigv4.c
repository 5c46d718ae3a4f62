#include "sign/sigv4.h"

#include "base/error.h"
#include "base/secret.h"
#include "codec/time.h"

#include <openssl/evp.h>
#include <string.h>

#define DIGEST_SIZE GOV_SIGV4_KEY_SIZE
#define DATE_LENGTH 8

/* SHA-256 of nothing. */
#define EMPTY_BODY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int hmac(const void *key, size_t key_length, const char *data, size_t length,
                unsigned char mac[DIGEST_SIZE], mskgov_error_info *error) {
  if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_length,
                 (const unsigned char *)data, length, mac, DIGEST_SIZE, NULL))
    return gov_error_set(error, MSKGOV_ERR_CRYPTO,
                         "OpenSSL has no HMAC with SHA-256 to offer");

  return 0;
}

int gov_sigv4_key(const char *secret, const char *date8, const char *region,
                  const char *service, unsigned char key[GOV_SIGV4_KEY_SIZE],
                  mskgov_error_info *error) {
  const char *const parts[] = {date8, region, service, "aws4_request"};
  char start[4 + GOV_SIGV4_SECRET_MAX];
  size_t length = strlen(secret);
  int rc = 0;

  if (length > GOV_SIGV4_SECRET_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "secret_access_key has %zu bytes; allowed are 1 to %d", length,
                         GOV_SIGV4_SECRET_MAX);

  memcpy(start, "AWS4", 4);
  memcpy(start + 4, secret, length);
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !rc; i++)
    rc = hmac(i ? (const void *)key : start, i ? DIGEST_SIZE : 4 + length, parts[i],
              strlen(parts[i]), key, error);
  gov_secret_wipe(start, sizeof(start));

  return rc;
}

void gov_sigv4_scope(gov_buffer *out, const char *timestamp, const char *region,
                     const char *service) {
  gov_buffer_append(out, timestamp, DATE_LENGTH);
  gov_buffer_append_string(out, "/");
  gov_buffer_append_string(out, region);
  gov_buffer_append_string(out, "/");
  gov_buffer_append_string(out, service);
  gov_buffer_append_string(out, "/aws4_request");
}

int gov_sigv4_presigned_canonical_request(gov_buffer *out, const char *canonical_uri,
                                          const char *canonical_query, const char *host) {
  gov_buffer_append_string(out, "GET\n");
  gov_buffer_append_string(out, canonical_uri);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, canonical_query);
  gov_buffer_append_string(out, "\nhost:");
  gov_buffer_append_string(out, host);
  gov_buffer_append_string(out, "\n\nhost\n" EMPTY_BODY_HASH);

  return out->failed ? MSKGOV_ERR_NO_MEMORY : 0;
}

static void to_hex(const unsigned char digest[DIGEST_SIZE],
                   char text[GOV_SIGV4_SIGNATURE_SIZE]) {
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    text[2 * i] = digits[digest[i] >> 4];
    text[2 * i + 1] = digits[digest[i] & 15];
  }
  text[2 * DIGEST_SIZE] = '\0';
}

int gov_sigv4_string_to_sign(gov_buffer *out, const char *timestamp, const char *region,
                             const char *service, const char *canonical_request,
                             size_t length, mskgov_error_info *error) {
  unsigned char digest[DIGEST_SIZE];
  char hash[GOV_SIGV4_SIGNATURE_SIZE];
  uint64_t unix_s;

  if (gov_time_parse_basic(timestamp, &unix_s))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "the time of signing is \"%.32s\"; expected a time in the form "
                         "\"20260102T030405Z\"",
                         timestamp);
  if (!EVP_Q_digest(NULL, "SHA256", NULL, canonical_request, length, digest, NULL))
    return gov_error_set(error, MSKGOV_ERR_CRYPTO, "OpenSSL has no SHA-256 to offer");

  to_hex(digest, hash);
  gov_buffer_append_string(out, GOV_SIGV4_ALGORITHM "\n");
  gov_buffer_append_string(out, timestamp);
  gov_buffer_append_string(out, "\n");
  gov_sigv4_scope(out, timestamp, region, service);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, hash);

  return out->failed ? gov_error_no_memory(error) : 0;
}

int gov_sigv4_signature(const unsigned char key[GOV_SIGV4_KEY_SIZE],
                        const char *string_to_sign, size_t length,
                        char signature[GOV_SIGV4_SIGNATURE_SIZE],
                        mskgov_error_info *error) {
  unsigned char mac[DIGEST_SIZE];
  int rc;

  rc = hmac(key, GOV_SIGV4_KEY_SIZE, string_to_sign, length, mac, error);
  if (rc)
    return rc;

  to_hex(mac, signature);

  return 0;
}
