/*
 * Summaries of measured numbers.
 */
#ifndef BENCH_NUMBERS_H
#define BENCH_NUMBERS_H

#include <stddef.h>

/* Sorts ascending, in place. */
void bench_sort(double *numbers, size_t count);

/* The percentile by nearest rank of sorted numbers, 0 of none. `percent` in (0, 100]. */
double bench_percentile(const double *sorted, size_t count, double percent);

/* The median; the mean of the middle two for an even count. Sorts `numbers`. */
double bench_median(double *numbers, size_t count);

/*
 * Jain's index of fairness, (sum x)^2 / (n * sum x^2): 1 when all are equal, 1/n when one
 * has it all. 1 when nobody has anything.
 */
double bench_jain(const double *numbers, size_t count);

#endif
