#include "storm/collect.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/numbers.h"

#include <stdlib.h>

typedef struct collection {
  storm_result *result;
  const storm_phase *phase;
  double *waits;
  size_t wait_count;
  uint64_t first_ns, last_ns; /* first want, last connect */
} collection;

/* A pair that was to connect in this phase. Returns when it did; 0: it did not. */
static uint64_t add_pair(collection *all, uint64_t wanted_ns, uint64_t up_ns) {
  if (all->phase->back_ns)
    wanted_ns = all->phase->begin_ns;
  if (wanted_ns && wanted_ns < all->first_ns)
    all->first_ns = wanted_ns;
  if (up_ns)
    all->waits[all->wait_count++] = bench_ms(up_ns - wanted_ns);

  return up_ns;
}

/* The pairs of one worker. Returns how many it connected per second. */
static double add_pairs(collection *all, json_t *pairs) {
  uint64_t from_ns = all->phase->back_ns ? all->phase->back_ns : all->phase->begin_ns;
  uint64_t last_ns = 0;
  size_t before = all->wait_count, i;
  json_t *pair;

  json_array_foreach(pairs, i, pair) {
    uint64_t wanted_ns = (uint64_t)json_integer_value(json_array_get(pair, 0));
    uint64_t up_ns = (uint64_t)json_integer_value(json_array_get(pair, 1));

    all->result->connected += up_ns != 0;
    if (up_ns && up_ns < all->phase->begin_ns) /* it lost nothing */
      continue;
    if (!add_pair(all, wanted_ns, up_ns))
      last_ns = all->phase->end_ns;
    else if (up_ns > last_ns)
      last_ns = up_ns;
  }
  if (last_ns > all->last_ns)
    all->last_ns = last_ns;

  return last_ns > from_ns
             ? (double)(all->wait_count - before) / bench_seconds(last_ns - from_ns)
             : 0;
}

static void sum_up(collection *all) {
  storm_result *result = all->result;
  uint64_t from_ns = all->phase->back_ns ? all->phase->back_ns : all->first_ns;

  result->done = result->connected == result->pairs;
  if (result->done && all->last_ns > from_ns)
    result->connect_s = bench_seconds(all->last_ns - from_ns);
  bench_sort(all->waits, all->wait_count);
  result->wait_count = all->wait_count;
  result->wait_p50_ms = bench_percentile(all->waits, all->wait_count, 50);
  result->wait_p99_ms = bench_percentile(all->waits, all->wait_count, 99);
  result->wait_max_ms = bench_percentile(all->waits, all->wait_count, 100);
}

int storm_collect(storm_result *result, const storm_crew *crew, uint32_t processes,
                  const storm_phase *phase, mskgov_error_info *error) {
  collection all = {.result = result,
                    .phase = phase,
                    .waits = calloc(result->pairs, sizeof(*all.waits)),
                    .first_ns = MSKGOV_NEVER};
  double rates[STORM_PROCESSES_MAX];

  if (!all.waits)
    return bench_fail_memory(error);

  for (uint32_t i = 0; i < processes; i++) {
    json_t *from = storm_crew_result(crew, i);

    rates[i] = add_pairs(&all, json_object_get(from, "pairs"));
    result->rss_mib += json_number_value(json_object_get(from, "rss_mib"));
    result->dropped += (uint64_t)json_integer_value(json_object_get(from, "dropped"));
  }
  sum_up(&all);
  result->jain = bench_jain(rates, processes);
  free(all.waits);

  return 0;
}
