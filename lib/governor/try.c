/*
 * Asking for a permit without waiting: the shortest way through a gate.
 */
#include "base/cold.h"
#include "base/process.h"
#include "governor/governor.h"

/* How long what was seen of a budget that other processes share is believed. */
#define LOOK_AGAIN_NS (100 * GOV_NS_PER_MS)

/* Spares those who come next the lock, for as long as the answer holds for all of them. */
static void note_refusal_locked(mskgov_broker *broker, const char *name, uint64_t now_ns,
                                uint64_t at_ns) {
  const gov_streaks *streaks = &broker->locked.gate.streaks;

  if (gov_streaks_clients(streaks) && gov_streaks_not_before_ns(streaks, name) > now_ns)
    return; /* the client's own back-off */
  if (broker->governor->store_kind == MSKGOV_STORE_HOST && at_ns > now_ns + LOOK_AGAIN_NS)
    at_ns = now_ns + LOOK_AGAIN_NS; /* other processes can change it untold */
  atomic_store_explicit(&broker->not_before_ns, at_ns, memory_order_relaxed);
}

/* After a refusal at the coarse time: whether the exact time, which *now_ns is then, may
   give another answer. */
GOV_COLD static bool may_look_again(mskgov_broker *broker, const char *name,
                                    uint64_t *now_ns, uint64_t at_ns, bool is_exact) {
  if (!is_exact && at_ns <= *now_ns + GOV_COARSE_LAG_NS) {
    *now_ns = gov_clock_monotonic_ns(broker->governor->clock);
    return true;
  }
  note_refusal_locked(broker, name, *now_ns, at_ns);

  return false;
}

GOV_COLD static int revoke_locked(mskgov_broker *broker, gov_place *place,
                                  uint64_t now_ns) {
  gov_list nobody;

  gov_list_init(&nobody);
  gov_gate_revoke(&broker->locked.gate, place, now_ns, &nobody);

  return MSKGOV_ERR_NO_MEMORY;
}

static inline int try_locked(mskgov_broker *broker, const mskgov_client *client,
                             uint64_t *now_ns, mskgov_permit **out, uint64_t *at_ns) {
  const char *name = gov_client_name(client);
  bool is_exact = false;
  mskgov_permit *permit;
  gov_place place;

  if (broker->locked.stopped)
    return MSKGOV_ERR_STOPPED;
  while (!gov_gate_try(&broker->locked.gate, name, *now_ns, &place, at_ns)) {
    if (!may_look_again(broker, name, now_ns, *at_ns, is_exact))
      return 0;
    is_exact = true;
  }

  permit = gov_permit_new_locked(broker, client);
  if (!permit)
    return revoke_locked(broker, &place, *now_ns);
  permit->waiter.place = place;
  permit->state = GOV_PERMIT_GRANTED;
  *out = permit;
  gov_governor_wake_for_events(broker->governor);

  return 0;
}

int mskgov_broker_try(mskgov_broker *broker, const mskgov_client *client,
                      mskgov_permit **out, uint64_t *wait_ms) {
  const mskgov_governor *governor = broker->governor;
  uint64_t now_ns, at_ns;
  int rc;

  *out = NULL;
  if (!gov_process_is(governor->process))
    return MSKGOV_ERR_FORKED;
  rc = gov_client_check(client, NULL);
  if (rc)
    return rc;

  now_ns = gov_clock_coarse_ns(governor->clock);
  at_ns = atomic_load_explicit(&broker->not_before_ns, memory_order_relaxed);
  if (at_ns <= now_ns + GOV_COARSE_LAG_NS) {
    at_ns = 0;
    gov_lock_acquire(&broker->lock);
    rc = try_locked(broker, client, &now_ns, out, &at_ns);
    gov_lock_release(&broker->lock);
  }
  if (wait_ms)
    *wait_ms = *out ? 0 : gov_ms_until(at_ns, now_ns);

  return rc;
}
