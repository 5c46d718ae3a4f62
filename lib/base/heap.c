#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

void gov_heap_init(gov_heap *heap) {
  *heap = (gov_heap){0};
}

void gov_heap_fini(gov_heap *heap) {
  free(heap->nodes);
  gov_heap_init(heap);
}

bool gov_heap_reserve(gov_heap *heap, size_t count) {
  size_t capacity = heap->capacity ? heap->capacity : 16;
  gov_heap_node **nodes;

  if (count <= heap->capacity)
    return true;

  while (capacity < count)
    capacity *= 2;

  nodes = realloc(heap->nodes, capacity * sizeof(*nodes));
  if (!nodes)
    return false;

  heap->nodes = nodes;
  heap->capacity = capacity;

  return true;
}

static bool before(const gov_heap_node *a, const gov_heap_node *b) {
  return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->sequence < b->sequence);
}

static void put(gov_heap *heap, size_t i, gov_heap_node *node) {
  heap->nodes[i] = node;
  node->place = i + 1;
}

static void sift_up(gov_heap *heap, size_t i, gov_heap_node *node) {
  while (i > 0 && before(node, heap->nodes[(i - 1) / 2])) {
    put(heap, i, heap->nodes[(i - 1) / 2]);
    i = (i - 1) / 2;
  }

  put(heap, i, node);
}

static void sift_down(gov_heap *heap, size_t i, gov_heap_node *node) {
  for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
    if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child]))
      child++;
    if (!before(heap->nodes[child], node))
      break;
    put(heap, i, heap->nodes[child]);
  }

  put(heap, i, node);
}

static void settle(gov_heap *heap, size_t i, gov_heap_node *node) {
  if (i > 0 && before(node, heap->nodes[(i - 1) / 2]))
    sift_up(heap, i, node);
  else
    sift_down(heap, i, node);
}

void gov_heap_insert(gov_heap *heap, gov_heap_node *node, uint64_t at_ns) {
  assert(!gov_heap_contains(node));
  assert(heap->count < heap->capacity);

  node->at_ns = at_ns;
  node->sequence = heap->next_sequence++;
  sift_up(heap, heap->count++, node);
}

void gov_heap_remove(gov_heap *heap, gov_heap_node *node) {
  gov_heap_node *last;
  size_t i;

  if (!gov_heap_contains(node))
    return;

  i = node->place - 1;
  node->place = 0;
  last = heap->nodes[--heap->count];
  if (last != node)
    settle(heap, i, last);
}

void gov_heap_update(gov_heap *heap, gov_heap_node *node, uint64_t at_ns) {
  if (!gov_heap_contains(node)) {
    gov_heap_insert(heap, node, at_ns);
    return;
  }

  node->at_ns = at_ns;
  node->sequence = heap->next_sequence++;
  settle(heap, node->place - 1, node);
}
