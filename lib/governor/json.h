/*
 * What both JSON texts need beyond jansson: strings that may be invalid UTF-8, numbers that
 * may be larger than jansson's, and a text that free(3) frees, whatever allocator the
 * application has given to jansson.
 *
 * A function that runs out of memory returns NULL; json_pack passes that on.
 */
#ifndef GOV_GOVERNOR_JSON_H
#define GOV_GOVERNOR_JSON_H

#include <mskgov/error.h>

#include <jansson.h>
#include <stdint.h>

/* A string, bytes that are no UTF-8 replaced by '?'. New. */
json_t *gov_json_string(const char *text);

/* A count, INT64_MAX at most. New. */
json_t *gov_json_count(uint64_t count);

/* A count; null for UINT32_MAX, "not limited". New. */
json_t *gov_json_limit(uint32_t limit);

/*
 * Prints `json`, compact. Takes it, NULL too: then memory ran out earlier. Returns 0 and
 * sets *text (owned: free), or MSKGOV_ERR_NO_MEMORY.
 */
int gov_json_print(json_t *json, char **text, mskgov_error_info *error);

#endif
