/*
 * The live line: how a mode is doing, redrawn in place. Only where standard error is a
 * terminal that can.
 */
#ifndef STORM_LIVE_H
#define STORM_LIVE_H

#include <stdint.h>

typedef struct storm_live {
  const char *mode;
  const char *phase; /* what they do */
  double at_s, horizon_s;
  uint32_t connected, pairs;
  uint64_t rejected;
} storm_live;

void storm_live_draw(const storm_live *live);

/* Takes the line away. */
void storm_live_clear(void);

#endif
