#include "policy/window.h"

#include <assert.h>
#include <string.h>

#define WINDOW_MAX_NS (UINT64_C(1) << 61)

/* The smallest cells of which all but the one that is being filled span the window. */
static uint32_t cell_shift_for(uint64_t window_ns) {
  uint32_t shift = 0;

  while (((uint64_t)(GOV_WINDOW_CELLS - 1) << shift) < window_ns)
    shift++;

  return shift;
}

void gov_window_init(gov_window *window, uint32_t limit, uint64_t window_ns) {
  assert(limit >= 1);
  assert(window_ns >= 1 && window_ns <= WINDOW_MAX_NS);
  memset(window, 0, sizeof(*window));
  window->limit = limit;
  window->window_ns = window_ns;
  window->cell_shift = cell_shift_for(window_ns);
}

/* The first moment at which what was reported in this cell is out of the window. */
static uint64_t expiry_ns(const gov_window *window, uint64_t cell) {
  uint64_t end = cell + 1;

  if (end > (UINT64_MAX - window->window_ns) >> window->cell_shift)
    return UINT64_MAX;

  return (end << window->cell_shift) + window->window_ns;
}

static uint64_t oldest(const gov_window *window) {
  return window->newest >= GOV_WINDOW_CELLS - 1 ? window->newest - (GOV_WINDOW_CELLS - 1)
                                                : 0;
}

/* Moves on to the cell of `now_ns` and empties the cells that it leaves behind. */
static void advance(gov_window *window, uint64_t now_ns) {
  uint64_t cell = now_ns >> window->cell_shift;

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

void gov_window_change(gov_window *window, uint32_t limit, uint64_t window_ns,
                       uint64_t now_ns) {
  uint32_t in_flight = window->in_flight, recent;
  uint64_t latest_ns;

  assert(limit >= 1);
  if (window_ns == window->window_ns) {
    window->limit = limit;
    return;
  }

  gov_window_next_ns(window, now_ns);
  recent = window->recent;
  latest_ns = window->latest_ns;
  gov_window_init(window, limit, window_ns);
  window->in_flight = in_flight;
  advance(window, latest_ns);
  window->recent = recent;
  window->cells[window->newest % GOV_WINDOW_CELLS] = recent;
}

uint64_t gov_window_next_ns(gov_window *window, uint64_t now_ns) {
  advance(window, now_ns);

  /* A cell that is still stored may already be out of the window by part of a cell. */
  for (uint64_t cell = oldest(window); cell <= window->newest; cell++) {
    uint32_t *count = &window->cells[cell % GOV_WINDOW_CELLS];

    if (window->in_flight + window->recent < window->limit)
      return now_ns;
    if (*count && expiry_ns(window, cell) > window->latest_ns)
      return window->in_flight < window->limit ? expiry_ns(window, cell) : UINT64_MAX;
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
