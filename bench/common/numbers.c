#include "common/numbers.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;

  return (a > b) - (a < b);
}

void bench_sort(double *numbers, size_t count) {
  if (count)
    qsort(numbers, count, sizeof(*numbers), compare);
}

double bench_percentile(const double *sorted, size_t count, double percent) {
  size_t rank = (size_t)ceil(percent / 100 * (double)count);

  if (!count)
    return 0;

  return sorted[rank ? rank - 1 : 0];
}

double bench_median(double *numbers, size_t count) {
  bench_sort(numbers, count);
  if (!count)
    return 0;

  return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

double bench_jain(const double *numbers, size_t count) {
  double sum = 0, squares = 0;

  for (size_t i = 0; i < count; i++) {
    sum += numbers[i];
    squares += numbers[i] * numbers[i];
  }
  if (squares <= 0)
    return 1;

  return sum * sum / ((double)count * squares);
}
