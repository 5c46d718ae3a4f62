/*
 * The picture of a storm, SVG: above, what the busiest broker saw per second in each
 * mode, against the quota; below, the share of pairs connected over time, all modes
 * together. It stands alone, and follows the reader's light or dark scheme.
 */
#ifndef STORM_PICTURE_H
#define STORM_PICTURE_H

#include "storm/result.h"

#include <stdio.h>

/* Writes an <svg> element. */
void storm_picture_write(FILE *out, const storm_options *options,
                         const storm_result *results, int count);

#endif
