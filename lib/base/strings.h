/*
 * The strings of an options struct, which a library copies: by a list of where they are.
 *
 * Threads: the caller's.
 */
#ifndef GOV_BASE_STRINGS_H
#define GOV_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replaces borrowed strings by copies (owned: gov_strings_free); NULL stays NULL. Returns
 * false if there is no memory: all of them are NULL then.
 */
bool gov_strings_copy(const char **const *strings, size_t count);

/* Frees what gov_strings_copy made, and leaves NULL. */
void gov_strings_free(const char **const *strings, size_t count);

#endif
