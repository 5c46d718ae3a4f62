/*
 * Percent-encoding (RFC 3986) as SigV4 wants it: everything but letters, digits and
 * "-._~" is encoded, in capital hexadecimal digits, the slash too.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CODEC_URI_H
#define GOV_CODEC_URI_H

#include "base/buffer.h"

#include <stddef.h>

/* Appends `text` in percent-encoding; check out->failed. */
void gov_uri_encode(const char *text, size_t length, gov_buffer *out);

/*
 * Appends `text` with the encoding taken off. "+" stays a plus sign. Returns 0;
 * MSKGOV_ERR_INVALID: a "%" without two hexadecimal digits, or a NUL, encoded or not, so
 * that the answer may be read as a string; or MSKGOV_ERR_NO_MEMORY if `out` has no room
 * or had failed before. After an error `out` holds what came before it.
 */
int gov_uri_decode(const char *text, size_t length, gov_buffer *out);

#endif
