#include "base/index.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MIN 64

struct gov_index_table {
  gov_index_table *smaller; /* the one before; kept for its readers */
  size_t places;            /* a power of two */
  _Atomic(gov_index_node *) nodes[];
};

void gov_index_init(gov_index *index) {
  atomic_init(&index->table, NULL);
  index->count = 0;
}

void gov_index_fini(gov_index *index) {
  gov_index_table *table = atomic_load(&index->table), *smaller;

  for (; table; table = smaller) {
    smaller = table->smaller;
    free(table);
  }
  gov_index_init(index);
}

gov_index_node *gov_index_find(const gov_index *index, const char *key) {
  gov_index_table *table = atomic_load_explicit(&index->table, memory_order_acquire);
  gov_index_node *node;
  uint64_t hash;

  if (!table)
    return NULL;

  hash = gov_hash_string(key);
  for (size_t i = hash & (table->places - 1);; i = (i + 1) & (table->places - 1)) {
    node = atomic_load_explicit(&table->nodes[i], memory_order_acquire);
    if (!node || (node->hash == hash && strcmp(node->key, key) == 0))
      return node;
  }
}

static void put(gov_index_table *table, gov_index_node *node) {
  size_t i = node->hash & (table->places - 1);

  while (atomic_load_explicit(&table->nodes[i], memory_order_relaxed))
    i = (i + 1) & (table->places - 1);
  atomic_store_explicit(&table->nodes[i], node, memory_order_release);
}

static gov_index_table *grow(gov_index *index, gov_index_table *old) {
  size_t places = old ? old->places * 2 : PLACES_MIN;
  gov_index_table *table = calloc(1, sizeof(*table) + places * sizeof(table->nodes[0]));

  if (!table)
    return NULL;

  table->places = places;
  table->smaller = old;
  for (size_t i = 0; old && i < old->places; i++)
    if (old->nodes[i])
      put(table, old->nodes[i]);
  atomic_store_explicit(&index->table, table, memory_order_release);

  return table;
}

bool gov_index_add(gov_index *index, gov_index_node *node, const char *key) {
  gov_index_table *table = atomic_load(&index->table);

  /* at most half full, so that a search is short and ends */
  if (!table || index->count * 2 >= table->places) {
    table = grow(index, table);
    if (!table)
      return false;
  }

  node->key = key;
  node->hash = gov_hash_string(key);
  put(table, node);
  index->count++;

  return true;
}
