/*
 * Memory for secrets: wiped before it is given back, in a way that the compiler does not
 * take out, and left out of core dumps (madvise(2), MADV_DONTDUMP).
 *
 * It comes from regions of the process's own that are never returned to the system, in
 * blocks of powers of two; a block above GOV_SECRET_BLOCK_MAX has pages of its own. Where
 * AddressSanitizer is at work it comes from the heap, which that watches.
 *
 * Threads: any. A forked child has its own copy and may go on with it.
 */
#ifndef GOV_BASE_SECRET_H
#define GOV_BASE_SECRET_H

#include <stddef.h>

#define GOV_SECRET_BLOCK_MAX ((size_t)64 * 1024)

/* `size` bytes, at least 1, of any content; NULL: no memory. */
void *gov_secret_alloc(size_t size);

/* The same, zeroed. */
void *gov_secret_zalloc(size_t size);

/* Wipes and gives back what gov_secret_alloc gave for this size. NULL does nothing. */
void gov_secret_free(void *memory, size_t size);

/* A copy of a string; NULL: no memory. */
char *gov_secret_strdup(const char *string);

/* Wipes and gives back what gov_secret_strdup gave; its length must not have changed. NULL
   does nothing. */
void gov_secret_free_string(char *string);

/* Wipes memory of any kind. */
void gov_secret_wipe(void *memory, size_t length);

#endif
