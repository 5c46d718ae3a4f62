/*
 * Wiping what jansson read, which frees it as it is.
 *
 * Threads: the caller's.
 */
#ifndef GOV_CODEC_JSON_WIPE_H
#define GOV_CODEC_JSON_WIPE_H

struct json_t;

/* Wipes the texts in a value, however deep, and gives up the hold on it. NULL does nothing. */
void gov_json_wipe(struct json_t *value);

#endif
