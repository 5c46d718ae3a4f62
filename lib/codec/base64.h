/*
 * base64url without padding (RFC 4648, section 5): the form of a token for MSK.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CODEC_BASE64_H
#define GOV_CODEC_BASE64_H

#include "base/buffer.h"

#include <stddef.h>

/* Appends the base64url form of `data`; check out->failed. */
void gov_base64url_encode(const void *data, size_t length, gov_buffer *out);

/*
 * Appends the bytes that `text` stands for. Strict, so that a value has one form only:
 * padding, white space, the letters of plain base64 and stray bits at the end are
 * refused. Returns 0; MSKGOV_ERR_INVALID and leaves `out` as it was; or
 * MSKGOV_ERR_NO_MEMORY if `out` has no room or had failed before.
 */
int gov_base64url_decode(const char *text, size_t length, gov_buffer *out);

#endif
