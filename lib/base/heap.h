/*
 * A binary heap of timers, earliest first, through a member of its elements. Each node
 * knows its place, so removal and change from the middle are O(log n) as well. Nodes of
 * one time come out in the order of their insertion.
 */
#ifndef GOV_BASE_HEAP_H
#define GOV_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gov_heap_node {
  uint64_t at_ns;
  uint64_t sequence; /* order among equals */
  size_t place;      /* index + 1 in the heap; 0: in no heap */
} gov_heap_node;

typedef struct gov_heap {
  gov_heap_node **nodes;
  size_t count;
  size_t capacity;
  uint64_t next_sequence;
} gov_heap;

void gov_heap_init(gov_heap *heap);

/* Frees the heap's own memory; the nodes are their owners'. */
void gov_heap_fini(gov_heap *heap);

/* Makes room for `count` nodes in all; false: no memory. After it, inserts cannot fail. */
bool gov_heap_reserve(gov_heap *heap, size_t count);

/* Inserts a node that is in no heap. There must be room (gov_heap_reserve). */
void gov_heap_insert(gov_heap *heap, gov_heap_node *node, uint64_t at_ns);

/* Takes a node out; one that is in no heap stays as it is. */
void gov_heap_remove(gov_heap *heap, gov_heap_node *node);

/* Moves a node to another time; one that is in no heap is inserted. */
void gov_heap_update(gov_heap *heap, gov_heap_node *node, uint64_t at_ns);

static inline bool gov_heap_contains(const gov_heap_node *node) {
  return node->place != 0;
}

/* The earliest node, NULL if there is none. */
static inline gov_heap_node *gov_heap_first(const gov_heap *heap) {
  return heap->count ? heap->nodes[0] : NULL;
}

/* Its time, UINT64_MAX if there is none. */
static inline uint64_t gov_heap_first_ns(const gov_heap *heap) {
  return heap->count ? heap->nodes[0]->at_ns : UINT64_MAX;
}

#endif
