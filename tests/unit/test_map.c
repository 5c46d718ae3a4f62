/*
 * The map against the plainest possible model: a flag per element.
 */
#include "base/map.h"

#include "base/list.h"
#include "base/random.h"
#include "harness.h"

#include <string.h>

#define ELEMENTS 500

typedef struct element {
  gov_map_node node;
  char key[16];
  bool present;
} element;

static element elements[ELEMENTS];

static size_t count_present(void) {
  size_t count = 0;

  for (int i = 0; i < ELEMENTS; i++)
    count += elements[i].present;

  return count;
}

static void make_elements(void) {
  for (int i = 0; i < ELEMENTS; i++)
    snprintf(elements[i].key, sizeof(elements[i].key), "b-%d:9098", i);
}

/* Puts in what is out and takes out what is in; now and then takes out whatever comes. */
static void change(gov_map *map, element *e, bool pop) {
  gov_map_node *node;

  if (pop && (node = gov_map_pop(map))) {
    e = gov_container_of(node, element, node);
    ck_assert(e->present);
  } else if (e->present) {
    gov_map_remove(map, &e->node);
  } else {
    ck_assert(gov_map_insert(map, &e->node, e->key));
  }
  e->present = !e->present;
}

START_TEST(test_against_a_model) {
  gov_random random;
  gov_map map;

  make_elements();
  gov_random_init(&random, test_seed());
  gov_map_init(&map);

  for (int step = 0; step < 20000; step++) {
    element *e = &elements[gov_random_uniform(&random, ELEMENTS - 1)];
    char
        key[sizeof(e->key)]; /* keys are compared by what they say, not by where they are */

    strcpy(key, e->key);
    ck_assert_ptr_eq(gov_map_find(&map, key), e->present ? &e->node : NULL);
    change(&map, e, gov_random_uniform(&random, 9) == 0);
    ck_assert_uint_eq(map.count, count_present());
  }

  for (gov_map_node *node; (node = gov_map_pop(&map));)
    gov_container_of(node, element, node)->present = false;
  ck_assert_uint_eq(count_present(), 0);
  gov_map_fini(&map);
}
END_TEST

START_TEST(test_an_empty_map) {
  gov_map map;

  gov_map_init(&map);
  ck_assert_ptr_null(gov_map_find(&map, ""));
  ck_assert_ptr_null(gov_map_find(&map, "b-1:9098"));
  ck_assert_ptr_null(gov_map_pop(&map));
  gov_map_fini(&map);
}
END_TEST

START_TEST(test_keys_that_are_alike) {
  static const char *const keys[] = {"", "a", "A", "a ", "aa", "\xc3\xa4"};
  gov_map_node nodes[sizeof(keys) / sizeof(keys[0])];
  gov_map map;

  gov_map_init(&map);
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    ck_assert_ptr_null(gov_map_find(&map, keys[i]));
    ck_assert(gov_map_insert(&map, &nodes[i], keys[i]));
  }
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
    ck_assert_ptr_eq(gov_map_find(&map, keys[i]), &nodes[i]);
  gov_map_fini(&map);
}
END_TEST

/* Every element once, also while those that are behind are taken out. */
START_TEST(test_walk) {
  size_t seen = 0;
  gov_map map;

  make_elements();
  gov_map_init(&map);
  ck_assert_ptr_null(gov_map_next(&map, NULL));
  for (int i = 0; i < ELEMENTS; i++) {
    ck_assert(gov_map_insert(&map, &elements[i].node, elements[i].key));
    elements[i].present = true;
  }

  for (gov_map_node *node = gov_map_next(&map, NULL), *next; node; node = next) {
    element *e = gov_container_of(node, element, node);

    next = gov_map_next(&map, node);
    ck_assert(e->present); /* not seen before */
    e->present = false;
    if (seen++ % 2)
      gov_map_remove(&map, node);
  }
  ck_assert_uint_eq(seen, ELEMENTS);
  ck_assert_uint_eq(map.count, ELEMENTS / 2);
  gov_map_fini(&map);
}
END_TEST

TEST_MAIN("map", TEST(test_against_a_model), TEST(test_an_empty_map),
          TEST(test_keys_that_are_alike), TEST(test_walk))
