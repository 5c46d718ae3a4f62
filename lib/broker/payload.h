/*
 * The first message of a SASL AWS_MSK_IAM client, taken apart: a presigned request as an
 * object of JSON, each value a string.
 *
 *   version              "2020_10_22"
 *   host                 the broker's name, without its port
 *   user-agent           anything; not signed
 *   action, x-amz-algorithm, x-amz-credential, x-amz-date, x-amz-expires,
 *   x-amz-signedheaders, x-amz-signature, and x-amz-security-token if there is one:
 *                        the parameters, not encoded
 *
 * Strict: nothing else, none twice, none missing. It is not known what MSK makes of other
 * fields; no signer writes any. Source: "Authentication payload" in the README of
 * aws-msk-iam-auth.
 *
 * Threads: any. Nothing here has state. A payload is a bearer credential: what the parser
 * of JSON has made of it is wiped, but for what that itself frees while it reads.
 */
#ifndef GOV_BROKER_PAYLOAD_H
#define GOV_BROKER_PAYLOAD_H

#include "broker/presigned.h"

/* Longest payload, bytes: that of our own signer, a session token of 16 KiB in it. */
#define GOV_PAYLOAD_MAX ((size_t)64 * 1024)

/*
 * Takes a payload apart, into parameters by the names that they have in a URL. Returns 0,
 * MSKGOV_ERR_PROTOCOL (it is no such payload) or MSKGOV_ERR_NO_MEMORY; gov_presigned_fini
 * in every case.
 */
int gov_payload_parse(gov_presigned *presigned, const char *payload, size_t length);

#endif
