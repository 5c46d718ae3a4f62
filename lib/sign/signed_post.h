/*
 * A POST of a form to an AWS service that is asked in XML, such as STS, signed by SigV4 in
 * its Authorization header. The request that the caller then sends:
 *
 *   POST / HTTP/1.1
 *   Host: <host>
 *   Content-Type: GOV_SIGNED_POST_CONTENT_TYPE
 *   X-Amz-Date: gov_time_format_basic of now_s
 *   X-Amz-Security-Token: <session token>     if there is one
 *   Authorization: <what is made here>
 *
 * All of them and the body are signed; a header beside them is sent unsigned.
 *
 * Threads: any. Nothing here has state; the time is an argument.
 */
#ifndef GOV_SIGN_SIGNED_POST_H
#define GOV_SIGN_SIGNED_POST_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stddef.h>
#include <stdint.h>

#define GOV_SIGNED_POST_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* Bytes of an Authorization at most: its longest part is an access key id, of 128. */
#define GOV_SIGNED_POST_AUTHORIZATION_MAX 1024

/* What a request is made of; every pointer borrowed for the call. */
typedef struct gov_signed_post {
  const char *host; /* as it is sent: with its port, unless that is 443 */
  const char *region;
  const char *service; /* of the credential scope, such as "sts" */
  const char *access_key_id;
  const char *secret_access_key;
  const char *session_token; /* NULL: none */
  const void *body;          /* NULL: none */
  size_t body_length;
  uint64_t now_s; /* Unix time of signing */
} gov_signed_post;

/*
 * Appends the value of the Authorization header. Who has it can send this one request for
 * some minutes; the caller keeps it out of logs.
 * Returns 0, MSKGOV_ERR_INVALID (the secret access key is too long), MSKGOV_ERR_CRYPTO, or
 * MSKGOV_ERR_NO_MEMORY.
 */
int gov_signed_post_authorize(gov_buffer *authorization, const gov_signed_post *post,
                              mskgov_error_info *error);

#endif
