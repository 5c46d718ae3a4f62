/*
 * Decides on the first message of a SASL client as MSK does, by making the signature in it
 * once more with the credentials that are known: a token (OAUTHBEARER: a presigned URL in
 * base64url, for the region's host) or a payload (AWS_MSK_IAM: JSON, for the broker's
 * host). Below, token means both.
 *
 * A message without one is malformed. One that is signed for another region, host, action
 * or service, by an unknown key, with another secret, with another session token, outside
 * its time or with expired credentials, is denied; MSK does not tell these apart either.
 *
 * A payload's host may be the one that clients are told, or a name of loopback, where a
 * cluster's bootstrap servers are: Java's clients take the name that 127.0.0.1 resolves to.
 *
 * Threads: any; a check does not change after its start. Time is an argument.
 */
#ifndef GOV_BROKER_TOKEN_CHECK_H
#define GOV_BROKER_TOKEN_CHECK_H

#include "broker/mechanism.h"

#include <mskgov/credentials.h>

#include <stddef.h>
#include <stdint.h>

/* How far ahead of the broker's clock a token may have been signed, as AWS allows. */
#define GOV_TOKEN_SKEW_S 300
/* The longest life of a token, X-Amz-Expires of the official signers. */
#define GOV_TOKEN_LIFETIME_MAX_S 900
/* The longest session that MSK advertises. */
#define GOV_TOKEN_SESSION_MAX_MS 3592000
/* Sessions shorter than this are not begun. */
#define GOV_TOKEN_SESSION_MIN_MS 1000

typedef enum gov_token_verdict {
  GOV_TOKEN_VALID = 0,
  GOV_TOKEN_MALFORMED, /* "Invalid authentication payload" */
  GOV_TOKEN_DENIED,    /* "Access denied" */
  GOV_TOKEN_TOO_SHORT  /* "Session too short": the credentials are about to expire */
} gov_token_verdict;

typedef struct gov_token_check {
  char *region;
  char *host;
  mskgov_credentials **credentials; /* holds */
  size_t credentials_count;
} gov_token_check;

/* `host` is the one that clients are told. Copies the strings, takes holds. Returns 0 or
   MSKGOV_ERR_NO_MEMORY; _fini in any case. */
int gov_token_check_init(gov_token_check *check, const char *region, const char *host,
                         mskgov_credentials *const *credentials, size_t count);
void gov_token_check_fini(gov_token_check *check);

/*
 * Decides on the bytes of a SaslAuthenticate request. Returns 0 and sets *verdict and, if
 * valid, *lifetime_ms: until the token or its credentials expire, at most
 * GOV_TOKEN_SESSION_MAX_MS. Or MSKGOV_ERR_NO_MEMORY, MSKGOV_ERR_CRYPTO.
 */
int gov_token_check_message(const gov_token_check *check, gov_mechanism mechanism,
                            const char *message, size_t length, uint64_t now_unix_ns,
                            gov_token_verdict *verdict, uint64_t *lifetime_ms);

#endif
