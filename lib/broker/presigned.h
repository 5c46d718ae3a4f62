/*
 * A presigned URL taken apart, as far as a verifier of MSK's tokens needs it:
 *
 *   https://kafka.<region>.amazonaws.com[/]?<parameters>
 *
 * The parameters are decoded. User-Agent is left out, wherever it stands: the signers add
 * it after signing, at the end (Python, Java) or among the others (JavaScript, Go). Strict:
 * names of unreserved characters only, none twice, valid percent-encoding, and the
 * signature there once.
 *
 * Threads: the caller's. A URL is a bearer credential; what is kept of it is in wiped
 * memory.
 */
#ifndef GOV_BROKER_PRESIGNED_H
#define GOV_BROKER_PRESIGNED_H

#include "base/buffer.h"

#include <stddef.h>

#define GOV_PRESIGNED_PARAMETERS_MAX 16
#define GOV_PRESIGNED_REGION_SIZE 32
/* Longest URL: a session token of 16 KiB, every byte of it percent-encoded, and the rest.
 */
#define GOV_PRESIGNED_URL_MAX (3 * 16384 + 2048)

typedef struct gov_presigned {
  char region[GOV_PRESIGNED_REGION_SIZE]; /* of the host */
  gov_buffer text;                        /* the parameters' names and values */
  size_t count;
  struct {
    size_t name, value;                       /* places in `text`, NUL-terminated */
  } parameters[GOV_PRESIGNED_PARAMETERS_MAX]; /* sorted by name */
} gov_presigned;

/*
 * Takes a URL apart. Returns 0, MSKGOV_ERR_PROTOCOL (it is no such URL) or
 * MSKGOV_ERR_NO_MEMORY; gov_presigned_fini in every case.
 */
int gov_presigned_parse(gov_presigned *presigned, const char *url, size_t length);
void gov_presigned_fini(gov_presigned *presigned);

/* The value of a parameter, NULL if it is not there. Borrowed. */
const char *gov_presigned_find(const gov_presigned *presigned, const char *name);

/* Appends the canonical query that was signed: sorted, encoded afresh, no signature. */
void gov_presigned_canonical_query(const gov_presigned *presigned, gov_buffer *out);

#endif
