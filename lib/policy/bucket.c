#include "policy/bucket.h"

#include <assert.h>

#define WINDOW_NS UINT64_C(1000000000)

void gov_bucket_rate_init(gov_bucket_rate *rate, uint32_t quota, uint32_t burst,
                          uint64_t spread_ns) {
  assert(quota >= 1);
  assert(burst >= 1 && burst <= quota);
  assert(spread_ns < UINT64_C(1) << 62);

  rate->interval_ns = (WINDOW_NS + spread_ns) / (quota - burst + 1) + 1;
  rate->tolerance_ns =
      rate->interval_ns > UINT64_MAX / burst ? UINT64_MAX : rate->interval_ns * (burst - 1);
}

void gov_bucket_init(gov_bucket *bucket) {
  atomic_init(&bucket->tat_ns, 0);
}

static uint64_t later(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t slot_ns(uint64_t tat_ns, const gov_bucket_rate *rate, uint64_t now_ns) {
  return tat_ns > rate->tolerance_ns ? later(now_ns, tat_ns - rate->tolerance_ns) : now_ns;
}

uint64_t gov_bucket_next_ns(const gov_bucket *bucket, const gov_bucket_rate *rate,
                            uint64_t now_ns) {
  return slot_ns(atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed), rate, now_ns);
}

gov_bucket_answer gov_bucket_reserve(gov_bucket *bucket, const gov_bucket_rate *rate,
                                     uint64_t now_ns, uint64_t max_wait_ns,
                                     uint64_t *at_ns) {
  uint64_t tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed);
  uint64_t full_ns;

  do {
    full_ns = later(now_ns, tat_ns);
    if (full_ns > UINT64_MAX - rate->interval_ns) {
      *at_ns = UINT64_MAX;
      return GOV_BUCKET_NEVER;
    }

    *at_ns =
        tat_ns > rate->tolerance_ns ? later(now_ns, tat_ns - rate->tolerance_ns) : now_ns;
    if (*at_ns - now_ns > max_wait_ns)
      return GOV_BUCKET_NOT_BEFORE;
  } while (!atomic_compare_exchange_weak_explicit(
      &bucket->tat_ns, &tat_ns, full_ns + rate->interval_ns, memory_order_relaxed,
      memory_order_relaxed));

  return GOV_BUCKET_GRANTED;
}
