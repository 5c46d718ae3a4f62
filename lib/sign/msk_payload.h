/*
 * The first client message of SASL AWS_MSK_IAM: the presigned request for one broker, its
 * parameters and signature as an object of JSON, as aws-msk-iam-auth sends it.
 *
 * Threads: any. Nothing here has state; the time is an argument.
 */
#ifndef GOV_SIGN_MSK_PAYLOAD_H
#define GOV_SIGN_MSK_PAYLOAD_H

#include "sign/msk_request.h"

/* The version of the payload, in it and in the broker's answer. */
#define GOV_MSK_PAYLOAD_VERSION "2020_10_22"

/*
 * Bytes of a payload at most: a session token of 16 KiB, of which each byte is escaped by
 * one more, is 32 KiB.
 */
#define GOV_MSK_PAYLOAD_MAX ((size_t)64 * 1024)

/*
 * Appends the payload. `host` is the broker's name without its port. `key` is as in
 * gov_msk_request_sign. The payload is a secret, and so is `out`.
 * Returns 0, MSKGOV_ERR_CRYPTO or MSKGOV_ERR_NO_MEMORY.
 */
int gov_msk_payload_sign(gov_buffer *out, const gov_msk_parts *parts, const char *host,
                         const unsigned char key[GOV_SIGV4_KEY_SIZE],
                         mskgov_error_info *error);

#endif
