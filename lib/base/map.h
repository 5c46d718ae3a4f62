/*
 * A map from strings to elements, through a member of the elements; chained, growing, with
 * no limit of its own. The key is borrowed: it belongs to the element.
 */
#ifndef GOV_BASE_MAP_H
#define GOV_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gov_map_node {
  struct gov_map_node *next;
  const char *key;
  uint64_t hash;
} gov_map_node;

typedef struct gov_map {
  gov_map_node **buckets;
  size_t bucket_count; /* a power of two, or 0 */
  size_t count;
  size_t first; /* no bucket before this one holds an element */
} gov_map;

void gov_map_init(gov_map *map);

/* Frees the map's own memory; the elements are their owners'. */
void gov_map_fini(gov_map *map);

/* The element with this key, or NULL. */
gov_map_node *gov_map_find(const gov_map *map, const char *key);

/* Inserts a key that is not there yet. False: no memory, nothing changed. */
bool gov_map_insert(gov_map *map, gov_map_node *node, const char *key);

/* Takes out an element that is in the map. */
void gov_map_remove(gov_map *map, gov_map_node *node);

/*
 * The element after `node`, the first for NULL, NULL after the last; in no order. The one
 * before may be taken out once its successor is known.
 */
gov_map_node *gov_map_next(const gov_map *map, const gov_map_node *node);

/* Takes out any element; NULL if the map is empty. For giving everything back. */
gov_map_node *gov_map_pop(gov_map *map);

#endif
