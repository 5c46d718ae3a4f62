/*
 * Axes: from values to places in a picture, and which values to label.
 */
#ifndef STORM_SCALE_H
#define STORM_SCALE_H

#include <stddef.h>

#define STORM_TICKS_MAX 16

/*
 * A vertical axis that is linear up to `knee` and logarithmic above, so that a quota and
 * a storm of a hundred times the quota can both be read.
 */
typedef struct storm_scale {
  double knee;
  double top; /* largest value */
} storm_scale;

/* The place of `value`: 0 at 0, 1 at the top. */
double storm_scale_place(const storm_scale *scale, double value);

/*
 * The values to label: 0, half the knee, the knee, then 1, 2, 5 of each decade, as far
 * as they stand at least `gap` apart. Returns how many.
 */
size_t storm_scale_ticks(const storm_scale *scale, double gap,
                         double ticks[STORM_TICKS_MAX]);

/* The step of a linear axis up to `max`: 1, 2 or 5 of a decade, for about `count` steps.
 */
double storm_scale_step(double max, double count);

#endif
