/*
 * A doubly linked list through a member of its elements: FIFO, with removal from the
 * middle in O(1). No memory of its own.
 */
#ifndef GOV_BASE_LIST_H
#define GOV_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gov_list_node {
  struct gov_list_node *prev, *next; /* both NULL: in no list */
} gov_list_node;

/* The list itself is the node before the first and after the last element. */
typedef struct gov_list {
  gov_list_node root;
} gov_list;

/* The element that `node` is the `member` of. */
#define gov_container_of(node, type, member)                                               \
  ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void gov_list_init(gov_list *list) {
  list->root.prev = list->root.next = &list->root;
}

static inline bool gov_list_empty(const gov_list *list) {
  return list->root.next == &list->root;
}

static inline bool gov_list_contains(const gov_list_node *node) {
  return node->next != NULL;
}

static inline gov_list_node *gov_list_first(gov_list *list) {
  return gov_list_empty(list) ? NULL : list->root.next;
}

static inline gov_list_node *gov_list_next(gov_list *list, gov_list_node *node) {
  return node->next == &list->root ? NULL : node->next;
}

static inline void gov_list_push_back(gov_list *list, gov_list_node *node) {
  node->prev = list->root.prev;
  node->next = &list->root;
  node->prev->next = node;
  list->root.prev = node;
}

static inline void gov_list_push_front(gov_list *list, gov_list_node *node) {
  node->next = list->root.next;
  node->prev = &list->root;
  node->next->prev = node;
  list->root.next = node;
}

/* Takes the node out; a node in no list stays as it is. */
static inline void gov_list_remove(gov_list_node *node) {
  if (!gov_list_contains(node))
    return;

  node->prev->next = node->next;
  node->next->prev = node->prev;
  node->prev = node->next = NULL;
}

static inline gov_list_node *gov_list_pop_front(gov_list *list) {
  gov_list_node *node = gov_list_first(list);

  if (node)
    gov_list_remove(node);

  return node;
}

#endif
