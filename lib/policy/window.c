#include "policy/window.h"

#include <assert.h>
#include <string.h>

#define WINDOW_NS UINT64_C(1000000000)

_Static_assert(((uint64_t)(GOV_WINDOW_CELLS - 1) << GOV_WINDOW_CELL_SHIFT) >= WINDOW_NS,
               "the cells must span the window and the cell that is being filled");

void gov_window_init(gov_window *window, uint32_t limit) {
  assert(limit >= 1);
  memset(window, 0, sizeof(*window));
  window->limit = limit;
}

void gov_window_set_limit(gov_window *window, uint32_t limit) {
  assert(limit >= 1);
  window->limit = limit;
}

/* The first moment at which what was reported in this cell is out of the window. */
static uint64_t expiry_ns(uint64_t cell) {
  uint64_t end = cell + 1;

  if (end > (UINT64_MAX - WINDOW_NS) >> GOV_WINDOW_CELL_SHIFT)
    return UINT64_MAX;

  return (end << GOV_WINDOW_CELL_SHIFT) + WINDOW_NS;
}

static uint64_t oldest(const gov_window *window) {
  return window->newest >= GOV_WINDOW_CELLS - 1 ? window->newest - (GOV_WINDOW_CELLS - 1)
                                                : 0;
}

/* Moves on to the cell of `now_ns` and empties the cells that it leaves behind. */
static void advance(gov_window *window, uint64_t now_ns) {
  uint64_t cell = now_ns >> GOV_WINDOW_CELL_SHIFT;

  if (now_ns > window->latest_ns)
    window->latest_ns = now_ns;
  if (cell <= window->newest)
    return;

  if (cell - window->newest >= GOV_WINDOW_CELLS) {
    memset(window->cells, 0, sizeof(window->cells));
    window->recent = 0;
    window->newest = cell;
    return;
  }

  while (window->newest < cell) {
    uint32_t *reused = &window->cells[++window->newest % GOV_WINDOW_CELLS];
    window->recent -= *reused;
    *reused = 0;
  }
}

uint64_t gov_window_next_ns(gov_window *window, uint64_t now_ns) {
  advance(window, now_ns);

  /* A cell that is still stored may already be out of the window by part of a cell. */
  for (uint64_t cell = oldest(window); cell <= window->newest; cell++) {
    uint32_t *count = &window->cells[cell % GOV_WINDOW_CELLS];

    if (window->in_flight + window->recent < window->limit)
      return now_ns;
    if (*count && expiry_ns(cell) > window->latest_ns)
      return window->in_flight < window->limit ? expiry_ns(cell) : UINT64_MAX;
    window->recent -= *count;
    *count = 0;
  }

  return window->in_flight + window->recent < window->limit ? now_ns : UINT64_MAX;
}

void gov_window_grant(gov_window *window) {
  assert(window->in_flight + window->recent < window->limit);
  window->in_flight++;
}

void gov_window_report(gov_window *window, uint64_t now_ns) {
  assert(window->in_flight > 0);
  advance(window, now_ns);
  window->in_flight--;
  window->recent++;
  window->cells[window->newest % GOV_WINDOW_CELLS]++;
}

void gov_window_revoke(gov_window *window) {
  assert(window->in_flight > 0);
  window->in_flight--;
}
