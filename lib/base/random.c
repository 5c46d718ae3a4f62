#include "base/random.h"

#include "base/clock.h"

#include <sys/random.h>

void gov_random_init(gov_random *random, uint64_t seed) {
  for (int i = 0; i < 4; i++) {
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    random->state[i] = z ^ (z >> 31);
  }
}

void gov_random_init_system(gov_random *random) {
  uint64_t seed;

  if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
    seed = gov_clock_monotonic_ns(&gov_clock_system) ^ gov_clock_unix_ns(&gov_clock_system)
                                                           << 20;

  gov_random_init(random, seed);
}

static uint64_t rotate_left(uint64_t x, int k) {
  return (x << k) | (x >> (64 - k));
}

uint64_t gov_random_next(gov_random *random) {
  uint64_t *s = random->state;
  uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);

  return result;
}

uint64_t gov_random_uniform(gov_random *random, uint64_t limit) {
  uint64_t range = limit + 1, excess, draw;

  if (range == 0)
    return gov_random_next(random);

  /* Draws past the last whole multiple of `range` would favour the small answers. */
  excess = (UINT64_MAX % range + 1) % range;
  do
    draw = gov_random_next(random);
  while (draw > UINT64_MAX - excess);

  return draw % range;
}
