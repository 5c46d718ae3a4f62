#include "policy/turns.h"

#include <assert.h>

static const int32_t weights[MSKGOV_PRIORITIES] = {
    [MSKGOV_PRIORITY_NORMAL] = 4,
    [MSKGOV_PRIORITY_CRITICAL] = 16,
    [MSKGOV_PRIORITY_BACKGROUND] = 1,
};

uint32_t gov_turns_weight(mskgov_priority priority) {
  return (uint32_t)weights[priority];
}

mskgov_priority gov_turns_peek(const gov_turns *turns,
                               const bool waiting[MSKGOV_PRIORITIES]) {
  gov_turns copy = *turns;

  return gov_turns_take(&copy, waiting);
}

mskgov_priority gov_turns_take(gov_turns *turns, const bool waiting[MSKGOV_PRIORITIES]) {
  int best = -1;
  int32_t sum = 0;

  for (int i = 0; i < MSKGOV_PRIORITIES; i++) {
    if (!waiting[i]) {
      turns->credit[i] = 0; /* absence is not saved up, and not held against anyone */
      continue;
    }
    turns->credit[i] += weights[i];
    sum += weights[i];
    if (best < 0 || turns->credit[i] > turns->credit[best] ||
        (turns->credit[i] == turns->credit[best] && weights[i] > weights[best]))
      best = i;
  }
  assert(best >= 0);
  turns->credit[best] -= sum;

  return (mskgov_priority)best;
}
