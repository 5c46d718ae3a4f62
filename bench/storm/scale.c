#include "storm/scale.h"

#include <math.h>

/* How high a decade is, in heights of the linear part. */
#define DECADE 1.0

static double height(const storm_scale *scale, double value) {
  if (value <= scale->knee)
    return value / scale->knee;

  return 1 + DECADE * log10(value / scale->knee);
}

double storm_scale_place(const storm_scale *scale, double value) {
  return height(scale, value) / height(scale, scale->top);
}

static size_t add(const storm_scale *scale, double gap, double *ticks, size_t count,
                  double value) {
  if (count == STORM_TICKS_MAX || value > scale->top ||
      storm_scale_place(scale, value) - storm_scale_place(scale, ticks[count - 1]) < gap)
    return count;

  ticks[count] = value;

  return count + 1;
}

size_t storm_scale_ticks(const storm_scale *scale, double gap,
                         double ticks[STORM_TICKS_MAX]) {
  static const double steps[] = {1, 2, 5};
  double decade = pow(10, floor(log10(scale->knee)));
  size_t count = 1;

  ticks[0] = 0;
  if (scale->knee >= 2)
    count = add(scale, gap, ticks, count, floor(scale->knee / 2));
  count = add(scale, 0, ticks, count, scale->knee);
  for (; decade <= scale->top; decade *= 10)
    for (int i = 0; i < 3; i++)
      if (steps[i] * decade > scale->knee)
        count = add(scale, gap, ticks, count, steps[i] * decade);

  return count;
}

double storm_scale_step(double max, double count) {
  double decade = pow(10, floor(log10(max / count)));
  double left = max / count / decade;

  if (left <= 1)
    return decade;
  if (left <= 2)
    return 2 * decade;

  return (left <= 5 ? 5 : 10) * decade;
}
