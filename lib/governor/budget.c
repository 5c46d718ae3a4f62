#include "governor/budget.h"

#include "base/clock.h"
#include "policy/adaptive.h"

void gov_held_slot_init(gov_held_slot *slot) {
  slot->at_ns = UINT64_MAX;
}

bool gov_held_slot_is_there(gov_held_slot *slot, uint64_t now_ns) {
  uint64_t patience_ns;

  if (slot->at_ns == UINT64_MAX)
    return false;

  patience_ns = slot->rate.interval_ns > slot->rate.late_ns ? slot->rate.interval_ns
                                                            : slot->rate.late_ns;
  if (now_ns > gov_time_add(slot->at_ns, patience_ns))
    slot->at_ns = UINT64_MAX;

  return slot->at_ns != UINT64_MAX;
}

void gov_held_slot_reserve(gov_held_slot *slot, gov_bucket *bucket,
                           const gov_bucket_rate *rate, uint64_t now_ns) {
  slot->rate = *rate;
  gov_bucket_reserve(bucket, rate, now_ns, UINT64_MAX, &slot->at_ns);
}

void gov_held_slot_return(gov_held_slot *slot, gov_bucket *bucket) {
  if (slot->at_ns != UINT64_MAX)
    gov_bucket_return(bucket, &slot->rate, slot->at_ns);
  slot->at_ns = UINT64_MAX;
}

gov_bucket_rate gov_pacing_rate(const mskgov_pacing *pacing, uint32_t part) {
  return (gov_bucket_rate){
      .interval_ns = gov_adaptive_stretch_ns(pacing->interval_ns, part),
      .late_ns = pacing->spread_ns / 2,
  };
}
