#include "base/map.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 16

void gov_map_init(gov_map *map) {
  *map = (gov_map){0};
}

void gov_map_fini(gov_map *map) {
  free(map->buckets);
  gov_map_init(map);
}

static gov_map_node **bucket_of(const gov_map *map, uint64_t hash) {
  return &map->buckets[hash & (map->bucket_count - 1)];
}

gov_map_node *gov_map_find(const gov_map *map, const char *key) {
  uint64_t hash;

  if (map->count == 0)
    return NULL;

  hash = gov_hash_string(key);
  for (gov_map_node *node = *bucket_of(map, hash); node; node = node->next)
    if (node->hash == hash && strcmp(node->key, key) == 0)
      return node;

  return NULL;
}

static bool grow(gov_map *map) {
  size_t count = map->bucket_count ? map->bucket_count * 2 : BUCKETS_MIN;
  gov_map bigger = {.buckets = calloc(count, sizeof(*bigger.buckets)),
                    .bucket_count = count,
                    .count = map->count};

  if (!bigger.buckets)
    return false;

  for (size_t i = 0; i < map->bucket_count; i++)
    for (gov_map_node *node = map->buckets[i], *next; node; node = next) {
      gov_map_node **bucket = bucket_of(&bigger, node->hash);
      next = node->next;
      node->next = *bucket;
      *bucket = node;
    }

  free(map->buckets);
  *map = bigger;

  return true;
}

bool gov_map_insert(gov_map *map, gov_map_node *node, const char *key) {
  gov_map_node **bucket;

  if (map->count >= map->bucket_count && !grow(map))
    return false;

  node->key = key;
  node->hash = gov_hash_string(key);
  bucket = bucket_of(map, node->hash);
  node->next = *bucket;
  *bucket = node;
  map->count++;
  if ((size_t)(bucket - map->buckets) < map->first)
    map->first = (size_t)(bucket - map->buckets);

  return true;
}

void gov_map_remove(gov_map *map, gov_map_node *node) {
  gov_map_node **link = bucket_of(map, node->hash);

  while (*link != node)
    link = &(*link)->next;
  *link = node->next;
  map->count--;
}

gov_map_node *gov_map_next(const gov_map *map, const gov_map_node *node) {
  size_t i = 0;

  if (node && node->next)
    return node->next;
  if (node)
    i = (node->hash & (map->bucket_count - 1)) + 1;
  while (i < map->bucket_count && !map->buckets[i])
    i++;

  return i < map->bucket_count ? map->buckets[i] : NULL;
}

gov_map_node *gov_map_pop(gov_map *map) {
  gov_map_node *node;

  if (map->count == 0)
    return NULL;

  while (!map->buckets[map->first])
    map->first++;
  node = map->buckets[map->first];
  gov_map_remove(map, node);

  return node;
}
