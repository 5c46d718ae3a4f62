#include "policy/backoff.h"

#include <assert.h>

void gov_backoff_init(gov_backoff *backoff) {
  *backoff = (gov_backoff){0};
}

/* min(cap, base * 2^n) */
static uint64_t ceiling(const gov_backoff_options *options, uint32_t n) {
  if (n >= 64 || options->base_ns > options->cap_ns >> n)
    return options->cap_ns;

  return options->base_ns << n;
}

static uint64_t decorrelated(const gov_backoff_options *options, uint64_t previous_ns,
                             gov_random *random) {
  uint64_t top_ns = previous_ns > options->cap_ns / 3 ? options->cap_ns : 3 * previous_ns;

  /* min(cap, U(base, 3 * previous)) would put every draw past the cap onto the cap, and
     so the fleet back in step; drawing below the cap keeps it apart. */
  if (top_ns < options->base_ns)
    top_ns = options->base_ns;

  return options->base_ns + gov_random_uniform(random, top_ns - options->base_ns);
}

static uint64_t smaller(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t gov_backoff_cap_ns(const gov_backoff_options *options, uint32_t failures,
                            uint32_t clients, uint32_t quota, uint64_t window_ns) {
  uint64_t most_ns = GOV_BACKOFF_CAP_GROWN_MAX_NS, cap_ns = options->cap_ns, fleet_ns;
  uint32_t to_cap = 0;

  assert(quota >= 1);
  if (!options->cap_grows || cap_ns >= most_ns)
    return cap_ns;

  while (to_cap < 63 && options->base_ns <= cap_ns >> (to_cap + 1))
    to_cap++;
  for (uint32_t n = to_cap; n + 2 <= failures && cap_ns < most_ns; n += 2)
    cap_ns = smaller(cap_ns * 2, most_ns);

  fleet_ns = 2 * (uint64_t)clients * smaller(window_ns, most_ns) / quota;
  if (fleet_ns > cap_ns)
    cap_ns = smaller(fleet_ns, most_ns);

  return cap_ns;
}

uint64_t gov_backoff_next(gov_backoff *backoff, const gov_backoff_options *options,
                          gov_random *random) {
  uint64_t ceiling_ns = ceiling(options, backoff->failures), wait_ns = 0;

  assert(options->base_ns >= 1 && options->base_ns <= options->cap_ns);
  assert(options->cap_ns < UINT64_C(1) << 62);

  switch (options->jitter) {
  case MSKGOV_JITTER_FULL:
    wait_ns = gov_random_uniform(random, ceiling_ns);
    break;
  case MSKGOV_JITTER_EQUAL:
    wait_ns = ceiling_ns / 2 + gov_random_uniform(random, ceiling_ns - ceiling_ns / 2);
    break;
  case MSKGOV_JITTER_DECORRELATED:
    wait_ns = decorrelated(
        options, backoff->failures ? backoff->previous_ns : options->base_ns, random);
    break;
  }

  if (backoff->failures < UINT32_MAX)
    backoff->failures++;
  backoff->previous_ns = wait_ns;

  return wait_ns;
}
