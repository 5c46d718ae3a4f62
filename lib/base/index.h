/*
 * An index from strings to elements that only grows, and that is read without a lock: an
 * open-addressed table of pointers. A table that has become too small is replaced by a
 * larger one and kept until the end, since somebody may still be reading it; all of them
 * together are no larger than the last.
 *
 * Threads: gov_index_find from any; the others under one lock of the caller's.
 */
#ifndef GOV_BASE_INDEX_H
#define GOV_BASE_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A member of the elements. The key is borrowed: it belongs to the element. */
typedef struct gov_index_node {
  const char *key;
  uint64_t hash;
} gov_index_node;

typedef struct gov_index_table gov_index_table;

typedef struct gov_index {
  _Atomic(gov_index_table *) table; /* NULL: nothing is in it */
  size_t count;
} gov_index;

void gov_index_init(gov_index *index);

/* Frees the tables; nobody may be reading. The elements are their owners'. */
void gov_index_fini(gov_index *index);

/* The element with this key, or NULL. */
gov_index_node *gov_index_find(const gov_index *index, const char *key);

/* Adds a key that is not there yet. False: no memory, nothing changed. */
bool gov_index_add(gov_index *index, gov_index_node *node, const char *key);

#endif
