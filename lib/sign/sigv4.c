#include "sign/sigv4.h"

#include "base/error.h"
#include "base/secret.h"

#include <openssl/evp.h>

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define DIGEST_SIZE GOV_SIGV4_KEY_SIZE
#define BLOCK_SIZE 64 /* of SHA-256 */
#define DATE_LENGTH 8

/* SHA-256 of nothing. */
#define EMPTY_BODY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Looked up once and kept for the life of the process: OpenSSL's look-up costs as much as the
   hashing. Read-only afterwards. */
static EVP_MD *sha256;

static void look_up(void) {
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static int no_sha256(mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_CRYPTO, "OpenSSL has no SHA-256 to offer");
}

/* NULL: OpenSSL has none. Freed with EVP_MD_CTX_free, which wipes it. */
static EVP_MD_CTX *context_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once(&once, look_up);

  return sha256 ? EVP_MD_CTX_new() : NULL;
}

/* SHA-256 of two parts. */
static bool digest(EVP_MD_CTX *context, const void *first, size_t first_length,
                   const void *second, size_t second_length,
                   unsigned char out[DIGEST_SIZE]) {
  return EVP_DigestInit_ex2(context, sha256, NULL) &&
         EVP_DigestUpdate(context, first, first_length) &&
         EVP_DigestUpdate(context, second, second_length) &&
         EVP_DigestFinal_ex(context, out, NULL);
}

/* RFC 2104. Twice as quick as OpenSSL's, which makes and initialises three contexts. */
static int hmac(const void *key, size_t key_length, const char *data, size_t length,
                unsigned char mac[DIGEST_SIZE], mskgov_error_info *error) {
  unsigned char pad[BLOCK_SIZE] = {0}, inner[DIGEST_SIZE];
  EVP_MD_CTX *context = context_new();
  bool done = context;

  if (key_length <= BLOCK_SIZE)
    memcpy(pad, key, key_length);
  else
    done = done && digest(context, key, key_length, "", 0, pad);
  for (size_t i = 0; i < BLOCK_SIZE; i++)
    pad[i] ^= 0x36;
  done = done && digest(context, pad, BLOCK_SIZE, data, length, inner);
  for (size_t i = 0; i < BLOCK_SIZE; i++)
    pad[i] ^= 0x36 ^ 0x5c;
  done = done && digest(context, pad, BLOCK_SIZE, inner, DIGEST_SIZE, mac);
  gov_secret_wipe(pad, sizeof(pad));
  EVP_MD_CTX_free(context);

  return done ? 0 : no_sha256(error);
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

static void to_hex(const unsigned char digest[DIGEST_SIZE],
                   char text[GOV_SIGV4_SIGNATURE_SIZE]) {
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    text[2 * i] = digits[digest[i] >> 4];
    text[2 * i + 1] = digits[digest[i] & 15];
  }
  text[2 * DIGEST_SIZE] = '\0';
}

static int hash(const void *data, size_t length, char text[GOV_SIGV4_SIGNATURE_SIZE],
                mskgov_error_info *error) {
  unsigned char binary[DIGEST_SIZE];
  EVP_MD_CTX *context = context_new();
  bool done = context && digest(context, data ? data : "", length, "", 0, binary);

  EVP_MD_CTX_free(context);
  if (!done)
    return no_sha256(error);
  to_hex(binary, text);

  return 0;
}

void gov_sigv4_signed_headers(gov_buffer *out, const gov_sigv4_header *headers,
                              size_t header_count) {
  for (size_t i = 0; i < header_count; i++) {
    gov_buffer_append_string(out, i ? ";" : "");
    gov_buffer_append_string(out, headers[i].name);
  }
}

static void append_request(gov_buffer *out, const char *method, const char *uri,
                           const char *query, const gov_sigv4_header *headers,
                           size_t header_count, const char *body_hash) {
  gov_buffer_append_string(out, method);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, uri);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, query);
  gov_buffer_append_string(out, "\n");
  for (size_t i = 0; i < header_count; i++) {
    gov_buffer_append_string(out, headers[i].name);
    gov_buffer_append_string(out, ":");
    gov_buffer_append_string(out, headers[i].value);
    gov_buffer_append_string(out, "\n");
  }
  gov_buffer_append_string(out, "\n");
  gov_sigv4_signed_headers(out, headers, header_count);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, body_hash);
}

int gov_sigv4_canonical_request(gov_buffer *out, const char *method,
                                const char *canonical_uri, const char *canonical_query,
                                const gov_sigv4_header *headers, size_t header_count,
                                const void *body, size_t body_length,
                                mskgov_error_info *error) {
  char body_hash[GOV_SIGV4_SIGNATURE_SIZE];
  int rc = hash(body, body_length, body_hash, error);

  if (rc)
    return rc;

  append_request(out, method, canonical_uri, canonical_query, headers, header_count,
                 body_hash);

  return out->failed ? gov_error_no_memory(error) : 0;
}

int gov_sigv4_presigned_canonical_request(gov_buffer *out, const char *canonical_uri,
                                          const char *canonical_query, const char *host) {
  const gov_sigv4_header header = {"host", host};

  append_request(out, "GET", canonical_uri, canonical_query, &header, 1, EMPTY_BODY_HASH);

  return out->failed ? MSKGOV_ERR_NO_MEMORY : 0;
}

int gov_sigv4_string_to_sign(gov_buffer *out, const char *timestamp, const char *region,
                             const char *service, const char *canonical_request,
                             size_t length, mskgov_error_info *error) {
  char request_hash[GOV_SIGV4_SIGNATURE_SIZE];
  int rc = hash(canonical_request, length, request_hash, error);

  if (rc)
    return rc;

  gov_buffer_append_string(out, GOV_SIGV4_ALGORITHM "\n");
  gov_buffer_append_string(out, timestamp);
  gov_buffer_append_string(out, "\n");
  gov_sigv4_scope(out, timestamp, region, service);
  gov_buffer_append_string(out, "\n");
  gov_buffer_append_string(out, request_hash);

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
