/*
 * The heap against the plainest possible model: an array that is searched whole.
 */
#include "base/heap.h"
#include "base/random.h"
#include "harness.h"

#define NODES 200

static gov_heap_node *model_first(gov_heap_node *nodes) {
  gov_heap_node *first = NULL;

  for (int i = 0; i < NODES; i++)
    if (gov_heap_contains(&nodes[i]) &&
        (!first || nodes[i].at_ns < first->at_ns ||
         (nodes[i].at_ns == first->at_ns && nodes[i].sequence < first->sequence)))
      first = &nodes[i];

  return first;
}

START_TEST(test_against_a_model) {
  gov_heap_node nodes[NODES] = {0};
  gov_random random;
  gov_heap heap;

  gov_random_init(&random, test_seed());
  gov_heap_init(&heap);
  ck_assert(gov_heap_reserve(&heap, NODES));

  for (int step = 0; step < 20000; step++) {
    gov_heap_node *node = &nodes[gov_random_uniform(&random, NODES - 1)];

    if (gov_random_uniform(&random, 2) == 0)
      gov_heap_remove(&heap, node);
    else
      gov_heap_update(&heap, node, gov_random_uniform(&random, 50));

    ck_assert_ptr_eq(gov_heap_first(&heap), model_first(nodes));
  }

  for (uint64_t before = 0; heap.count; gov_heap_remove(&heap, gov_heap_first(&heap))) {
    ck_assert_uint_ge(gov_heap_first_ns(&heap), before);
    before = gov_heap_first_ns(&heap);
  }
  ck_assert_uint_eq(gov_heap_first_ns(&heap), UINT64_MAX);
  gov_heap_fini(&heap);
}
END_TEST

START_TEST(test_equal_times_keep_their_order) {
  gov_heap_node nodes[20] = {0};
  gov_heap heap;

  gov_heap_init(&heap);
  ck_assert(gov_heap_reserve(&heap, 20));
  for (int i = 0; i < 20; i++)
    gov_heap_insert(&heap, &nodes[i], 7);
  for (int i = 0; i < 20; i++) {
    ck_assert_ptr_eq(gov_heap_first(&heap), &nodes[i]);
    gov_heap_remove(&heap, &nodes[i]);
  }
  gov_heap_fini(&heap);
}
END_TEST

TEST_MAIN("heap", TEST(test_against_a_model), TEST(test_equal_times_keep_their_order))
