#include "policy/adaptive.h"

#define NS_PER_MS UINT64_C(1000000)
#define PART_SHIFT 47
#define SINCE_MASK ((UINT64_C(1) << PART_SHIFT) - 1)
#define GROWING (UINT64_C(1) << 63)

#define START (GOV_ADAPTIVE_WHOLE / 16)
/* after this many windows everything has grown to the whole */
#define WINDOWS_MAX 100000

static uint64_t pack(bool growing, uint32_t part, uint64_t since_ms) {
  return (growing ? GROWING : 0) | (uint64_t)part << PART_SHIFT | (since_ms & SINCE_MASK);
}

static uint32_t part_of(uint64_t state) {
  uint32_t part = (uint32_t)(state >> PART_SHIFT) & 0xffff;

  return part < GOV_ADAPTIVE_FLOOR ? GOV_ADAPTIVE_FLOOR : part;
}

uint64_t gov_adaptive_start(bool alone, uint64_t now_ns) {
  return pack(alone, alone ? START : GOV_ADAPTIVE_WHOLE, now_ns / NS_PER_MS);
}

/* Windows since the state was made; none for a time that is yet to come. */
static uint64_t windows_since(uint64_t state, uint64_t window_ns, uint64_t now_ns) {
  uint64_t since_ms = gov_adaptive_since_ms(state), now_ms = now_ns / NS_PER_MS;
  uint64_t window_ms = window_ns / NS_PER_MS ? window_ns / NS_PER_MS : 1;
  uint64_t windows = now_ms > since_ms ? (now_ms - since_ms) / window_ms : 0;

  return windows < WINDOWS_MAX ? windows : WINDOWS_MAX;
}

/* By 15 percent a window. */
static uint64_t grow(uint64_t part, uint64_t windows) {
  for (; windows && part < GOV_ADAPTIVE_WHOLE; windows--)
    part += part * 15 / 100 + 1;

  return part;
}

/* By 1/32 of what it was before it became 0.7 of that, a window: 1/22.4 of what it is. */
static uint64_t creep(uint64_t part, uint64_t windows) {
  return part + windows * (part * 10 / 224 + 1);
}

uint32_t gov_adaptive_part(uint64_t state, uint64_t window_ns, uint64_t now_ns) {
  uint64_t windows = windows_since(state, window_ns, now_ns);
  uint64_t part = part_of(state);

  part = state & GROWING ? grow(part, windows) : creep(part, windows);

  return part < GOV_ADAPTIVE_WHOLE ? (uint32_t)part : GOV_ADAPTIVE_WHOLE;
}

uint64_t gov_adaptive_cut(uint64_t state, uint64_t window_ns, uint64_t now_ns) {
  bool was_cut = !(state & GROWING) && part_of(state) < GOV_ADAPTIVE_WHOLE;
  uint32_t part = gov_adaptive_part(state, window_ns, now_ns) / 10 * 7;

  if (was_cut && windows_since(state, window_ns, now_ns) == 0)
    return state;

  return pack(false, part < GOV_ADAPTIVE_FLOOR ? GOV_ADAPTIVE_FLOOR : part,
              now_ns / NS_PER_MS);
}

uint32_t gov_adaptive_percent(uint32_t part) {
  uint32_t percent = part * 100 / GOV_ADAPTIVE_WHOLE;

  return percent ? percent : 1;
}

uint64_t gov_adaptive_since_ms(uint64_t state) {
  return state & SINCE_MASK;
}

uint64_t gov_adaptive_stretch_ns(uint64_t interval_ns, uint32_t part) {
  if (part >= GOV_ADAPTIVE_WHOLE)
    return interval_ns;
  if (interval_ns > UINT64_MAX / GOV_ADAPTIVE_WHOLE)
    return UINT64_MAX;

  return interval_ns * GOV_ADAPTIVE_WHOLE / part;
}
