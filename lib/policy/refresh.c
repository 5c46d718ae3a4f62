#include "policy/refresh.h"

#include "base/clock.h"

#define EARLY_NS (900 * GOV_NS_PER_S)
#define LATE_NS (600 * GOV_NS_PER_S)
#define RETRIES 3
#define RETRY_BASE_NS (500 * GOV_NS_PER_MS)
#define STEADY_NS (30 * GOV_NS_PER_S)

static uint64_t smaller(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t gov_refresh_after_success_ns(uint64_t life_ns, gov_random *random) {
  uint64_t early_ns = smaller(EARLY_NS, life_ns / 2);
  uint64_t late_ns = smaller(LATE_NS, life_ns / 3);

  if (life_ns == UINT64_MAX)
    return UINT64_MAX;

  return life_ns - late_ns - gov_random_uniform(random, early_ns - late_ns);
}

uint64_t gov_refresh_after_failure_ns(uint32_t failures, gov_random *random) {
  if (failures <= RETRIES)
    return gov_random_uniform(random, RETRY_BASE_NS << (failures ? failures - 1 : 0));

  return STEADY_NS + gov_random_uniform(random, STEADY_NS);
}
