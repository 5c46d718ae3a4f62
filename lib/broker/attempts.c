#include "broker/attempts.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdlib.h>

#define RING_MIN 256u
#define RING_MAX (1u << 31)

void gov_attempts_init(gov_attempts *attempts) {
  *attempts = (gov_attempts){0};
}

void gov_attempts_fini(gov_attempts *attempts) {
  for (size_t i = 0; i < GOV_ATTEMPTS_BLOCKS; i++)
    free(attempts->blocks[i]);
  free(attempts->recent_ns);
  gov_attempts_init(attempts);
}

static mskgov_cluster_attempt *entry(const gov_attempts *attempts, uint64_t number) {
  return &attempts->blocks[number / GOV_ATTEMPTS_BLOCK][number % GOV_ATTEMPTS_BLOCK];
}

/* Makes sure that there is a place in the log for the next entry, unless it is full. */
static bool reserve_log(gov_attempts *attempts) {
  mskgov_cluster_attempt **block;

  if (attempts->logged >= MSKGOV_CLUSTER_LOG_MAX)
    return true;

  block = &attempts->blocks[attempts->logged / GOV_ATTEMPTS_BLOCK];
  if (!*block)
    *block = calloc(GOV_ATTEMPTS_BLOCK, sizeof(**block));

  return *block != NULL;
}

static uint64_t *recent(const gov_attempts *attempts, uint32_t place) {
  return &attempts->recent_ns[(attempts->head + place) & (attempts->capacity - 1)];
}

static bool reserve_recent(gov_attempts *attempts) {
  uint32_t capacity = attempts->capacity ? attempts->capacity * 2 : RING_MIN;
  uint64_t *ring;

  if (attempts->count < attempts->capacity)
    return true;
  if (attempts->capacity >= RING_MAX)
    return false;

  ring = malloc(capacity * sizeof(*ring));
  if (!ring)
    return false;

  for (uint32_t i = 0; i < attempts->count; i++)
    ring[i] = *recent(attempts, i);
  free(attempts->recent_ns);
  attempts->recent_ns = ring;
  attempts->capacity = capacity;
  attempts->head = 0;

  return true;
}

static void forget_before(gov_attempts *attempts, uint64_t now_ns) {
  while (attempts->count && now_ns - *recent(attempts, 0) >= GOV_NS_PER_S) {
    attempts->head = (attempts->head + 1) & (attempts->capacity - 1);
    attempts->count--;
  }
}

int64_t gov_attempts_add(gov_attempts *attempts, uint32_t broker, uint64_t now_ns,
                         mskgov_verdict verdict) {
  if (now_ns < attempts->last_ns)
    now_ns = attempts->last_ns;

  forget_before(attempts, now_ns);
  if (!reserve_log(attempts) || !reserve_recent(attempts))
    return MSKGOV_ERR_NO_MEMORY;

  *recent(attempts, attempts->count++) = now_ns;
  if (attempts->count > attempts->peak)
    attempts->peak = attempts->count;
  if (attempts->total == 0)
    attempts->first_ns = now_ns;
  attempts->last_ns = now_ns;

  if (attempts->logged < MSKGOV_CLUSTER_LOG_MAX)
    *entry(attempts, attempts->logged++) =
        (mskgov_cluster_attempt){.at_ns = now_ns, .broker = broker, .verdict = verdict};

  return (int64_t)attempts->total++;
}

void gov_attempts_settle(gov_attempts *attempts, int64_t number, mskgov_verdict verdict) {
  if ((uint64_t)number < attempts->logged)
    entry(attempts, (uint64_t)number)->verdict = verdict;
}

size_t gov_attempts_copy(const gov_attempts *attempts, uint64_t first,
                         mskgov_cluster_attempt *to, size_t capacity) {
  size_t copied = 0;

  while (copied < capacity && first + copied < attempts->logged) {
    to[copied] = *entry(attempts, first + copied);
    copied++;
  }

  return copied;
}
