/*
 * AWS Signature Version 4, stage by stage: the key, the canonical request, the string to
 * sign, the signature. The stages are apart so that a signer and a verifier share them,
 * and so that each is tested against published values.
 *
 * Threads: any. Nothing here has state.
 * Source: AWS General Reference, "Create a signed AWS API request".
 */
#ifndef GOV_SIGN_SIGV4_H
#define GOV_SIGN_SIGV4_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stddef.h>

#define GOV_SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define GOV_SIGV4_KEY_SIZE 32
#define GOV_SIGV4_SIGNATURE_SIZE 65 /* 64 hexadecimal digits and the end */

/* Longest secret access key, bytes: the limit of mskgov_credentials_new. */
#define GOV_SIGV4_SECRET_MAX 128

/*
 * Derives the signing key of a secret access key for a day ("YYYYMMDD"), a region and a
 * service. The key is a secret: the caller wipes it. The scope's parts are taken as they
 * are; what does not exist gives a key that fits nothing.
 * Returns 0, MSKGOV_ERR_INVALID (the secret is too long), or MSKGOV_ERR_CRYPTO.
 */
int gov_sigv4_key(const char *secret, const char *date8, const char *region,
                  const char *service, unsigned char key[GOV_SIGV4_KEY_SIZE],
                  mskgov_error_info *error);

/*
 * Appends the credential scope, "20260102/eu-west-1/kafka-cluster/aws4_request", of a
 * timestamp ("YYYYMMDDTHHMMSSZ", checked by the caller). Check out->failed.
 */
void gov_sigv4_scope(gov_buffer *out, const char *timestamp, const char *region,
                     const char *service);

/* A header that is signed: its name in lower case, its value without white space around. */
typedef struct gov_sigv4_header {
  const char *name;
  const char *value;
} gov_sigv4_header;

/*
 * Appends the canonical request: method, URI, query, headers, and the SHA-256 of the body.
 * `canonical_uri` and `canonical_query` are encoded and sorted by the caller, `headers`
 * sorted by their names. `body` may be NULL if it is empty. The request may hold a session
 * token; then `out` is a secret.
 * Returns 0, MSKGOV_ERR_CRYPTO, or MSKGOV_ERR_NO_MEMORY.
 */
int gov_sigv4_canonical_request(gov_buffer *out, const char *method,
                                const char *canonical_uri, const char *canonical_query,
                                const gov_sigv4_header *headers, size_t header_count,
                                const void *body, size_t body_length,
                                mskgov_error_info *error);

/*
 * The same for a presigned GET: header `host` only, hash of the empty body. The caller
 * has also taken X-Amz-Signature off the query. Returns 0 or MSKGOV_ERR_NO_MEMORY, which
 * is out->failed.
 */
int gov_sigv4_presigned_canonical_request(gov_buffer *out, const char *canonical_uri,
                                          const char *canonical_query, const char *host);

/* Appends the names of `headers` between semicolons: what SignedHeaders lists. */
void gov_sigv4_signed_headers(gov_buffer *out, const gov_sigv4_header *headers,
                              size_t header_count);

/*
 * Appends the string to sign of a canonical request. `timestamp` is "YYYYMMDDTHHMMSSZ",
 * checked by the caller. Returns 0, MSKGOV_ERR_CRYPTO, or MSKGOV_ERR_NO_MEMORY.
 */
int gov_sigv4_string_to_sign(gov_buffer *out, const char *timestamp, const char *region,
                             const char *service, const char *canonical_request,
                             size_t length, mskgov_error_info *error);

/* Signs; the signature is 64 small hexadecimal digits. Returns 0 or MSKGOV_ERR_CRYPTO. */
int gov_sigv4_signature(const unsigned char key[GOV_SIGV4_KEY_SIZE],
                        const char *string_to_sign, size_t length,
                        char signature[GOV_SIGV4_SIGNATURE_SIZE], mskgov_error_info *error);

#endif
