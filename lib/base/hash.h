/*
 * Hashing of strings: eight bytes a step, folded by a wide multiplication (as in wyhash).
 * Keys are the application's own names, not a peer's: no secret seed is needed. The value
 * is the same in every process of a machine, so it may stand in shared memory.
 */
#ifndef GOV_BASE_HASH_H
#define GOV_BASE_HASH_H

#include <stdint.h>
#include <string.h>

static inline uint64_t gov_hash_fold(uint64_t a, uint64_t b) {
  __extension__ unsigned __int128 product = (unsigned __int128)a * b;

  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t gov_hash_string(const char *string) {
  const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
  size_t length = strlen(string);
  uint64_t hash = k ^ length, word;

  for (; length >= sizeof(word); string += sizeof(word), length -= sizeof(word)) {
    memcpy(&word, string, sizeof(word));
    hash = gov_hash_fold(hash ^ word, k);
  }
  word = 0;
  memcpy(&word, string, length);

  return gov_hash_fold(hash ^ word, UINT64_C(0xd1b54a32d192ed03));
}

#endif
