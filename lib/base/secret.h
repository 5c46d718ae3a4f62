/*
 * Memory that held a secret is wiped before it is given back, in a way that the compiler
 * does not take out.
 */
#ifndef GOV_BASE_SECRET_H
#define GOV_BASE_SECRET_H

#include <stddef.h>

void gov_secret_wipe(void *memory, size_t length);

/* Wipes and frees. NULL does nothing. */
void gov_secret_free(void *memory, size_t length);

/* The same for a string, up to its end. */
void gov_secret_free_string(char *string);

#endif
