/*
 * The first message of a SASL OAUTHBEARER client (RFC 7628, section 3.1):
 *
 *   n,a=<authorization id>,^A[key=value^A…]auth=Bearer <token>^A[key=value^A…]^A
 *
 * where ^A is the byte 0x01 and the authorization id may be absent ("n,,"). Keys are
 * letters and are there once; the name of the scheme is read in any case (RFC 6750).
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_BROKER_BEARER_H
#define GOV_BROKER_BEARER_H

#include <stddef.h>

/* Finds the token. It stays where it is, in `message`. Returns 0 or MSKGOV_ERR_PROTOCOL.
 */
int gov_bearer_parse(const char *message, size_t length, const char **token,
                     size_t *token_length);

#endif
