/*
 * Asking for a permit without waiting: the shortest way through a gate.
 */
#include "base/process.h"
#include "governor/governor.h"

/* How long what was seen of a budget that other processes share is believed. */
#define LOOK_AGAIN_NS (100 * GOV_NS_PER_MS)

/* A place for a request that does not wait. Time is read exactly only if it matters. */
static bool try_locked(mskgov_broker *broker, const char *name, uint64_t *now_ns,
                       gov_place *place, uint64_t *at_ns) {
  gov_gate *gate = &broker->locked.gate;

  if (gov_gate_try(gate, name, *now_ns, place, at_ns))
    return true;
  if (*at_ns > *now_ns + GOV_COARSE_LAG_NS)
    return false;

  *now_ns = gov_clock_monotonic_ns(broker->governor->clock);

  return gov_gate_try(gate, name, *now_ns, place, at_ns);
}

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

static int try_and_lock(mskgov_broker *broker, const mskgov_client *client,
                        uint64_t *now_ns, mskgov_permit **out, uint64_t *at_ns) {
  mskgov_permit *permit;
  gov_place place;

  if (broker->locked.stopped)
    return MSKGOV_ERR_STOPPED;
  if (!try_locked(broker, gov_client_name(client), now_ns, &place, at_ns)) {
    note_refusal_locked(broker, gov_client_name(client), *now_ns, *at_ns);
    return 0;
  }

  permit = gov_permit_new_locked(broker, client);
  if (!permit) {
    gov_list nobody;

    gov_list_init(&nobody);
    gov_gate_revoke(&broker->locked.gate, &place, *now_ns, &nobody);
    return MSKGOV_ERR_NO_MEMORY;
  }
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
    pthread_mutex_lock(&broker->mutex);
    rc = try_and_lock(broker, client, &now_ns, out, &at_ns);
    pthread_mutex_unlock(&broker->mutex);
  }
  if (wait_ms)
    *wait_ms = *out ? 0 : gov_ms_until(at_ns, now_ns);

  return rc;
}
