/*
 * The judge of a quota: attempts as spans of time, and the fullest window they can make.
 *
 * An attempt reaches the broker once, at a moment of its span that nobody knows. So the
 * worst case is taken: every attempt whose span meets a closed window is counted into it.
 */
#ifndef TEST_SPANS_H
#define TEST_SPANS_H

#include <stdint.h>
#include <stdlib.h>

#define SPANS_SECOND_NS UINT64_C(1000000000)

typedef struct span {
  uint64_t from_ns, to_ns;
} span;

static inline int compare_times(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return (x > y) - (x < y);
}

static inline void sort_times(uint64_t *times, size_t count) {
  qsort(times, count, sizeof(*times), compare_times);
}

/*
 * The most attempts that some window [t, t + W] can see. It sees a span when t + W lies in
 * [from, to + W]; the most of those that overlap is found at the start of one.
 */
static inline size_t spans_fullest(const span *spans, size_t count, uint64_t window_ns) {
  uint64_t *starts = malloc((count + 1) * sizeof(*starts));
  uint64_t *ends = malloc((count + 1) * sizeof(*ends));
  size_t fullest = 0, ended = 0;

  if (!starts || !ends)
    abort();

  for (size_t i = 0; i < count; i++) {
    starts[i] = spans[i].from_ns;
    ends[i] = spans[i].to_ns + window_ns;
  }
  sort_times(starts, count);
  sort_times(ends, count);

  for (size_t i = 0; i < count; i++) {
    while (ends[ended] < starts[i])
      ended++;
    if (i + 1 - ended > fullest)
      fullest = i + 1 - ended;
  }
  free(starts);
  free(ends);

  return fullest;
}

static inline size_t spans_fullest_second(const span *spans, size_t count) {
  return spans_fullest(spans, count, SPANS_SECOND_NS);
}

#endif
