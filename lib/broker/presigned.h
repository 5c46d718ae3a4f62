/*
 * A presigned request taken apart, as far as a verifier of MSK's tokens needs it: GET / of
 * a host, with parameters. It comes as a URL (below) or as JSON (payload.h).
 *
 * Threads: the caller's. Such a request is a bearer credential; what is kept of it is in
 * wiped memory.
 */
#ifndef GOV_BROKER_PRESIGNED_H
#define GOV_BROKER_PRESIGNED_H

#include "base/buffer.h"

#include <stddef.h>

#define GOV_PRESIGNED_SIGNATURE "X-Amz-Signature"

#define GOV_PRESIGNED_PARAMETERS_MAX 16
/* Longest URL: a session token of 16 KiB, every byte of it percent-encoded, and the rest.
 */
#define GOV_PRESIGNED_URL_MAX ((size_t)(3 * 16384 + 2048))
/* Longest host, names and values: no form of a request is longer. */
#define GOV_PRESIGNED_TEXT_MAX ((size_t)128 * 1024)
/* Longest canonical query: each byte of that encoded. */
#define GOV_PRESIGNED_QUERY_MAX (3 * GOV_PRESIGNED_TEXT_MAX)

/* The texts are NUL-terminated, by their places in `text`. */
typedef struct gov_presigned {
  gov_buffer text;
  size_t host;
  size_t count;
  struct {
    size_t name, value;
  } parameters[GOV_PRESIGNED_PARAMETERS_MAX]; /* sorted by name */
} gov_presigned;

/* Without parameters, and without a host. */
void gov_presigned_init(gov_presigned *presigned);
void gov_presigned_fini(gov_presigned *presigned);

/* Returns 0 or MSKGOV_ERR_NO_MEMORY. `length` bytes without a NUL; copied. */
int gov_presigned_set_host(gov_presigned *presigned, const char *host, size_t length);

/*
 * Adds a parameter, both parts decoded and copied. Returns 0, MSKGOV_ERR_PROTOCOL (it is
 * there, or there are too many) or MSKGOV_ERR_NO_MEMORY.
 */
int gov_presigned_add(gov_presigned *presigned, const char *name, const char *value);

/*
 * Takes a URL apart:
 *
 *   https://kafka.<region>.amazonaws.com[/]?<parameters>
 *
 * The parameters are decoded. User-Agent is left out, wherever it stands: the signers add
 * it after signing, at the end (Python, Java) or among the others (JavaScript, Go). Strict:
 * names of unreserved characters only, none twice, valid percent-encoding, and the
 * signature there once.
 *
 * Returns 0, MSKGOV_ERR_PROTOCOL (it is no such URL) or MSKGOV_ERR_NO_MEMORY;
 * gov_presigned_fini in every case.
 */
int gov_presigned_parse(gov_presigned *presigned, const char *url, size_t length);

/* The host. Borrowed, until something is added. */
const char *gov_presigned_host(const gov_presigned *presigned);

/* The value of a parameter, NULL if it is not there. Borrowed likewise. */
const char *gov_presigned_find(const gov_presigned *presigned, const char *name);

/* Appends the canonical query that was signed: sorted, encoded afresh, no signature. */
void gov_presigned_canonical_query(const gov_presigned *presigned, gov_buffer *out);

#endif
