/*
 * The presigned request behind both forms of MSK's IAM authentication: GET / with the action
 * kafka-cluster:Connect, signed for a host. The token (msk_token.h) is signed for the
 * region's endpoint, the payload (msk_payload.h) for one broker.
 *
 * Threads: any. Nothing here has state; the time is an argument.
 */
#ifndef GOV_SIGN_MSK_REQUEST_H
#define GOV_SIGN_MSK_REQUEST_H

#include "base/buffer.h"
#include "sign/sigv4.h"

#include <mskgov/authenticator.h>
#include <mskgov/error.h>

#include <stdint.h>

#define GOV_MSK_SERVICE "kafka-cluster"
#define GOV_MSK_ACTION "kafka-cluster:Connect"
/* X-Amz-Expires, as a text. */
#define GOV_MSK_TEXT_OF(number) #number
#define GOV_MSK_TEXT(macro) GOV_MSK_TEXT_OF(macro)
#define GOV_MSK_EXPIRES GOV_MSK_TEXT(MSKGOV_TOKEN_LIFETIME_MAX_S)

/* Bytes of a credential at most: an access key id and a scope. */
#define GOV_MSK_CREDENTIAL_MAX 512

/* Bytes of a query, or of a request, at most: a session token of 16 KiB, percent-encoded
   whole, is 48 KiB. */
#define GOV_MSK_REQUEST_MAX ((size_t)128 * 1024)

/* What a request is made of; every pointer borrowed for the call. */
typedef struct gov_msk_parts {
  const char *region;
  const char *access_key_id;
  const char *session_token; /* NULL: none */
  const char
      *encoded_session_token; /* the same in percent-encoding; NULL: none is at hand */
  const char *user_agent;     /* not signed */
  const char *timestamp;      /* of signing, "YYYYMMDDTHHMMSSZ" */
} gov_msk_parts;

/* Appends the query that is signed. Check out->failed. */
void gov_msk_request_query(gov_buffer *out, const gov_msk_parts *parts);

/* Appends "<access key id>/<scope>", the credential. Check out->failed. */
void gov_msk_request_credential(gov_buffer *out, const gov_msk_parts *parts);

/*
 * Signs the request for `host`, its query as above. `key` is gov_sigv4_key's for the day of
 * the timestamp, the region and GOV_MSK_SERVICE. Returns 0, MSKGOV_ERR_CRYPTO or
 * MSKGOV_ERR_NO_MEMORY.
 */
int gov_msk_request_sign(const gov_msk_parts *parts, const char *host, const char *query,
                         const unsigned char key[GOV_SIGV4_KEY_SIZE],
                         char signature[GOV_SIGV4_SIGNATURE_SIZE],
                         mskgov_error_info *error);

#endif
