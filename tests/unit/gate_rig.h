/*
 * A gate with a budget of the local store, as the governor puts them together.
 */
#ifndef TEST_GATE_RIG_H
#define TEST_GATE_RIG_H

#include "base/clock.h"
#include "governor/gate.h"
#include "governor/store_local.h"

#include <check.h>
#include <string.h>

typedef struct gate_rig {
  gov_gate_options options;
  gov_store *store;
  gov_gate gate;
} gate_rig;

/* The pace is set by hand: no spread, so that a slot is used when it falls due. */
static inline mskgov_pacing gate_pacing(uint32_t window_connections, uint64_t window_ms,
                                        uint64_t interval_ms) {
  return (mskgov_pacing){.window_connections = window_connections,
                         .burst = 1,
                         .window_ns = gov_ms_to_ns(window_ms),
                         .interval_ns = gov_ms_to_ns(interval_ms)};
}

/* The rig must not move: its gate borrows from it. */
static inline void gate_rig_init(gate_rig *rig, const gov_gate_options *options,
                                 const gov_store_options *store) {
  gov_budget *budget;

  rig->options = *options;
  rig->store = gov_store_local_new(store);
  ck_assert_ptr_nonnull(rig->store);
  ck_assert_int_eq(rig->store->ops->open(rig->store, "b-1:9098", &budget, NULL), 0);
  gov_gate_init(&rig->gate, "b-1:9098", &rig->options, budget);
}

static inline void gate_rig_fini(gate_rig *rig) {
  gov_gate_fini(&rig->gate);
  rig->store->ops->free(rig->store);
}

/* A waiter as the governor makes it. The name is borrowed. */
static inline void gate_waiter_init(gov_waiter *waiter, const char *client,
                                    mskgov_priority priority) {
  *waiter = (gov_waiter){.client = client, .priority = (uint8_t)priority};
}

#endif
