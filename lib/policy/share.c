#include "policy/share.h"

#include <assert.h>

/* How long a slot is left to those whose turn it is: long enough for a late thread. */
#define IDLE_NS UINT64_C(5000000)

static uint64_t add(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* interval * all / own */
static uint64_t stride_ns(uint64_t interval_ns, uint32_t own, uint32_t all) {
  assert(own >= 1 && own <= all);
  if (interval_ns > UINT64_MAX / all)
    return UINT64_MAX;

  return interval_ns * all / own;
}

uint64_t gov_share_next_ns(const gov_share *share, uint64_t interval_ns, uint32_t own,
                           uint32_t all, uint64_t free_ns) {
  uint64_t turn_ns = add(share->entitled_ns, stride_ns(interval_ns, own, all));
  uint64_t idle_ns = add(free_ns, IDLE_NS);

  if (own == all || share->entitled_ns == 0)
    return 0;

  return turn_ns < idle_ns ? turn_ns : idle_ns;
}

void gov_share_take(gov_share *share, uint64_t interval_ns, uint32_t own, uint32_t all,
                    uint64_t now_ns) {
  uint64_t stride = stride_ns(interval_ns, own, all);
  uint64_t turn_ns = add(share->entitled_ns, stride);

  /* A turn of long ago is not saved up; one that is yet to come is used up now. */
  share->entitled_ns = turn_ns > now_ns || now_ns - turn_ns > stride ? now_ns : turn_ns;
}
