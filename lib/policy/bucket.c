#include "policy/bucket.h"

#include "base/relax.h"

#include <assert.h>

#define WINDOW_MAX_NS (UINT64_C(1) << 61)
#define SPREAD_MAX_NS (UINT64_C(1) << 62)

void gov_bucket_rate_init(gov_bucket_rate *rate, uint32_t quota, uint32_t burst,
                          uint64_t window_ns, uint64_t spread_ns) {
  assert(quota >= 1);
  assert(burst >= 1 && burst <= quota);
  assert(window_ns >= 1 && window_ns <= WINDOW_MAX_NS);
  assert(spread_ns < SPREAD_MAX_NS);

  rate->interval_ns = (window_ns + spread_ns) / (quota - burst + 1) + 1;
  rate->tolerance_ns =
      rate->interval_ns > UINT64_MAX / burst ? UINT64_MAX : rate->interval_ns * (burst - 1);
  rate->late_ns = spread_ns / 2;
}

void gov_bucket_init(gov_bucket *bucket) {
  atomic_init(&bucket->tat_ns, 0);
}

static uint64_t later(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* Where the bucket stands now: what is older than a slot may be has lapsed. */
static uint64_t standing_ns(uint64_t tat_ns, const gov_bucket_rate *rate, uint64_t now_ns) {
  return later(tat_ns, now_ns > rate->late_ns ? now_ns - rate->late_ns : 0);
}

static uint64_t slot_ns(uint64_t stands_ns, const gov_bucket_rate *rate, uint64_t now_ns) {
  uint64_t oldest_ns = now_ns > rate->late_ns ? now_ns - rate->late_ns : 0;

  return stands_ns > rate->tolerance_ns ? later(oldest_ns, stands_ns - rate->tolerance_ns)
                                        : oldest_ns;
}

uint64_t gov_bucket_next_ns(const gov_bucket *bucket, const gov_bucket_rate *rate,
                            uint64_t now_ns) {
  uint64_t tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed);

  return slot_ns(standing_ns(tat_ns, rate, now_ns), rate, now_ns);
}

/* What a bucket at `tat_ns` answers; if it grants it is at *next_ns afterwards. */
static inline gov_bucket_answer ask(uint64_t tat_ns, const gov_bucket_rate *rate,
                                    uint64_t now_ns, uint64_t max_wait_ns, uint64_t *at_ns,
                                    uint64_t *next_ns) {
  uint64_t stands_ns = standing_ns(tat_ns, rate, now_ns);

  if (stands_ns > UINT64_MAX - rate->interval_ns) {
    *at_ns = UINT64_MAX;
    return GOV_BUCKET_NEVER;
  }

  *at_ns = slot_ns(stands_ns, rate, now_ns);
  *next_ns = stands_ns + rate->interval_ns;

  return *at_ns > now_ns && *at_ns - now_ns > max_wait_ns ? GOV_BUCKET_NOT_BEFORE
                                                          : GOV_BUCKET_GRANTED;
}

gov_bucket_answer gov_bucket_reserve(gov_bucket *bucket, const gov_bucket_rate *rate,
                                     uint64_t now_ns, uint64_t max_wait_ns,
                                     uint64_t *at_ns) {
  uint64_t tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed), next_ns;

  for (;; gov_relax()) {
    gov_bucket_answer answer = ask(tat_ns, rate, now_ns, max_wait_ns, at_ns, &next_ns);

    if (answer != GOV_BUCKET_GRANTED ||
        atomic_compare_exchange_weak_explicit(&bucket->tat_ns, &tat_ns, next_ns,
                                              memory_order_relaxed, memory_order_relaxed))
      return answer;
  }
}

gov_bucket_answer gov_bucket_reserve_alone(gov_bucket *bucket, const gov_bucket_rate *rate,
                                           uint64_t now_ns, uint64_t max_wait_ns,
                                           uint64_t *at_ns) {
  uint64_t tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed), next_ns;
  gov_bucket_answer answer = ask(tat_ns, rate, now_ns, max_wait_ns, at_ns, &next_ns);

  if (answer == GOV_BUCKET_GRANTED)
    atomic_store_explicit(&bucket->tat_ns, next_ns, memory_order_relaxed);

  return answer;
}

void gov_bucket_return(gov_bucket *bucket, const gov_bucket_rate *rate, uint64_t at_ns) {
  uint64_t tat_ns = at_ns + rate->interval_ns;

  /* with a burst a slot is not told by its time alone */
  if (rate->tolerance_ns == 0)
    atomic_compare_exchange_strong_explicit(&bucket->tat_ns, &tat_ns, at_ns,
                                            memory_order_relaxed, memory_order_relaxed);
}
