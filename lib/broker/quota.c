#include "broker/quota.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

/* What an attempt takes from a bucket; a nanosecond gives back the limit. */
#define TOKEN GOV_NS_PER_S

int gov_quota_init(gov_quota *quota, const gov_quota_terms *terms) {
  assert(terms->limit >= 1);
  *quota = (gov_quota){.terms = *terms};
  gov_samples_init(&quota->samples);
  if (terms->window != MSKGOV_WINDOW_SLIDING)
    return 0;

  quota->times_ns = calloc(terms->limit, sizeof(*quota->times_ns));
  quota->capacity = terms->limit;

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

static uint64_t full_bucket(const gov_quota *quota) {
  const gov_quota_terms *terms = &quota->terms;

  return TOKEN * (terms->burst ? terms->burst : terms->limit);
}

/* What is missing from a bucket that is empty, and owes as much again. */
static void bound_debt(gov_quota *quota) {
  uint64_t most = 2 * full_bucket(quota);

  if (quota->missing > most)
    quota->missing = most;
}

static void refill(gov_quota *quota, uint64_t elapsed_ns) {
  uint64_t limit = quota->terms.limit;

  if (elapsed_ns > quota->missing / limit)
    quota->missing = 0;
  else
    quota->missing -= elapsed_ns * limit;
}

static void move_on(gov_quota *quota, uint64_t now_ns) {
  if (now_ns <= quota->now_ns)
    return;

  refill(quota, now_ns - quota->now_ns);
  quota->now_ns = now_ns;
}

int gov_quota_set_limit(gov_quota *quota, uint64_t now_ns, uint32_t limit) {
  assert(limit >= 1);
  if (quota->terms.window == MSKGOV_WINDOW_SLIDING && limit > quota->capacity &&
      grow(quota, limit))
    return MSKGOV_ERR_NO_MEMORY;

  move_on(quota, now_ns);
  quota->terms.limit = limit;
  bound_debt(quota);

  return 0;
}

static bool has_room_fixed(gov_quota *quota) {
  uint64_t second = quota->now_ns / GOV_NS_PER_S;

  if (second != quota->second) {
    quota->second = second;
    quota->counted = 0;
  }

  return quota->counted < quota->terms.limit;
}

static bool has_room_sliding(const gov_quota *quota) {
  uint64_t place = (uint64_t)quota->next + quota->capacity - quota->terms.limit;

  return quota->filled < quota->terms.limit ||
         quota->now_ns - quota->times_ns[place % quota->capacity] >= GOV_NS_PER_S;
}

static bool has_room(gov_quota *quota) {
  switch (quota->terms.window) {
  case MSKGOV_WINDOW_FIXED:
    return has_room_fixed(quota);
  case MSKGOV_WINDOW_SLIDING:
    return has_room_sliding(quota);
  case MSKGOV_WINDOW_BUCKET:
    return quota->missing + TOKEN <= full_bucket(quota);
  default:
    return gov_samples_attempt(&quota->samples, quota->now_ns / GOV_NS_PER_MS,
                               quota->terms.limit);
  }
}

static void count_sliding(gov_quota *quota) {
  quota->times_ns[quota->next] = quota->now_ns;
  quota->next = (quota->next + 1) % quota->capacity;
  if (quota->filled < quota->capacity)
    quota->filled++;
}

static void count(gov_quota *quota) {
  switch (quota->terms.window) {
  case MSKGOV_WINDOW_FIXED:
    quota->counted++;
    break;
  case MSKGOV_WINDOW_SLIDING:
    count_sliding(quota);
    break;
  case MSKGOV_WINDOW_BUCKET:
    quota->missing += TOKEN;
    bound_debt(quota);
    break;
  default:
    gov_samples_count(&quota->samples);
    break;
  }
}

bool gov_quota_attempt(gov_quota *quota, uint64_t now_ns, uint32_t open) {
  bool within;

  move_on(quota, now_ns);
  within = has_room(quota) && open < quota->terms.max_connections;
  if (within || quota->terms.count_rejected)
    count(quota);

  return within;
}
