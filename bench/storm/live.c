#include "storm/live.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_CELLS 24u
#define ERASE "\r\033[K"

static bool can_draw(void) {
  const char *term = getenv("TERM");

  return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void storm_live_draw(const storm_live *live) {
  char bar[BAR_CELLS + 1];
  uint32_t full =
      live->pairs ? (uint32_t)((uint64_t)live->connected * BAR_CELLS / live->pairs) : 0;

  if (!can_draw())
    return;

  memset(bar, '.', BAR_CELLS);
  memset(bar, '#', full < BAR_CELLS ? full : BAR_CELLS);
  bar[BAR_CELLS] = '\0';
  fprintf(stderr,
          ERASE "%-10s [%s] %s: %" PRIu32 "/%" PRIu32 " connected, %" PRIu64
                " rejected, %.1f s of %.0f s at most",
          live->mode, bar, live->phase, live->connected, live->pairs, live->rejected,
          live->at_s, live->horizon_s);
  fflush(stderr);
}

void storm_live_clear(void) {
  if (!can_draw())
    return;

  fputs(ERASE, stderr);
  fflush(stderr);
}
