#include "broker/quota.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

int gov_quota_init(gov_quota *quota, mskgov_window window, uint32_t limit,
                   uint32_t max_connections, bool count_rejected) {
  assert(limit >= 1);
  *quota = (gov_quota){.window = window,
                       .limit = limit,
                       .max_connections = max_connections,
                       .count_rejected = count_rejected};
  if (window == MSKGOV_WINDOW_FIXED)
    return 0;

  quota->times_ns = calloc(limit, sizeof(*quota->times_ns));
  quota->capacity = limit;

  return quota->times_ns ? 0 : MSKGOV_ERR_NO_MEMORY;
}

void gov_quota_fini(gov_quota *quota) {
  free(quota->times_ns);
  quota->times_ns = NULL;
}

static int grow(gov_quota *quota, uint32_t capacity) {
  uint64_t *times_ns = calloc(capacity, sizeof(*times_ns));
  uint32_t oldest = quota->filled < quota->capacity ? 0 : quota->next;

  if (!times_ns)
    return MSKGOV_ERR_NO_MEMORY;

  for (uint32_t i = 0; i < quota->filled; i++)
    times_ns[i] = quota->times_ns[((uint64_t)oldest + i) % quota->capacity];
  free(quota->times_ns);
  quota->times_ns = times_ns;
  quota->capacity = capacity;
  quota->next = quota->filled;

  return 0;
}

int gov_quota_set_limit(gov_quota *quota, uint32_t limit) {
  assert(limit >= 1);
  if (quota->window == MSKGOV_WINDOW_SLIDING && limit > quota->capacity &&
      grow(quota, limit))
    return MSKGOV_ERR_NO_MEMORY;

  quota->limit = limit;

  return 0;
}

static bool has_room_fixed(gov_quota *quota) {
  uint64_t second = quota->now_ns / GOV_NS_PER_S;

  if (second != quota->second) {
    quota->second = second;
    quota->counted = 0;
  }

  return quota->counted < quota->limit;
}

static bool has_room_sliding(const gov_quota *quota) {
  uint64_t place = (uint64_t)quota->next + quota->capacity - quota->limit;

  return quota->filled < quota->limit ||
         quota->now_ns - quota->times_ns[place % quota->capacity] >= GOV_NS_PER_S;
}

static void count(gov_quota *quota) {
  if (quota->window == MSKGOV_WINDOW_FIXED) {
    quota->counted++;
    return;
  }

  quota->times_ns[quota->next] = quota->now_ns;
  quota->next = (quota->next + 1) % quota->capacity;
  if (quota->filled < quota->capacity)
    quota->filled++;
}

bool gov_quota_attempt(gov_quota *quota, uint64_t now_ns, uint32_t open) {
  bool within;

  if (now_ns > quota->now_ns)
    quota->now_ns = now_ns;

  within = quota->window == MSKGOV_WINDOW_FIXED ? has_room_fixed(quota)
                                                : has_room_sliding(quota);
  within = within && open < quota->max_connections;
  if (within || quota->count_rejected)
    count(quota);

  return within;
}
