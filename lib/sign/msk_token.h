/*
 * The token for SASL OAUTHBEARER of Amazon MSK: a presigned URL in base64url.
 *
 *   https://kafka.<region>.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-…
 *
 * All parameters but the last two are signed, in sorted order; then come X-Amz-Signature
 * and the unsigned User-Agent. The host ends in .amazonaws.com in every partition. The
 * canonical request, and so the signature, equals that of aws-msk-iam-sasl-signer-python.
 *
 * Threads: any. Nothing here has state; the time is an argument.
 */
#ifndef GOV_SIGN_MSK_TOKEN_H
#define GOV_SIGN_MSK_TOKEN_H

#include "base/buffer.h"
#include "sign/msk_request.h"

#include <mskgov/error.h>

#include <stdint.h>

/*
 * Bytes of a token at most: a session token of 16 KiB, percent-encoded whole (times 3)
 * and then in base64 (times 4/3), is 64 KiB.
 */
#define GOV_MSK_TOKEN_MAX ((size_t)128 * 1024)

/* Appends "kafka.<region>.amazonaws.com", the host that is signed. Check out->failed. */
void gov_msk_token_host(gov_buffer *out, const char *region);

/*
 * Appends the token. `key` is gov_sigv4_key's for the day of the timestamp, the region and
 * GOV_MSK_SERVICE. The token is a secret, and so is `out`.
 * Returns 0, MSKGOV_ERR_CRYPTO or MSKGOV_ERR_NO_MEMORY.
 */
int gov_msk_token_sign(gov_buffer *out, const gov_msk_parts *parts,
                       const unsigned char key[GOV_SIGV4_KEY_SIZE],
                       mskgov_error_info *error);

/*
 * Whole seconds that a token signed at `now_ns` lives: at most
 * MSKGOV_TOKEN_LIFETIME_MAX_S, and no longer than its credentials; 0 if they have less
 * than one second left. X-Amz-Expires stays 900 all the same, as with the official
 * signers: the broker checks the credentials themselves.
 */
uint64_t gov_msk_token_lifetime_s(uint64_t now_ns, uint64_t credentials_expire_at_ns);

#endif
