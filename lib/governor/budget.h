/*
 * The budget of one broker: who may open a connection now. A gate has the waiters, its
 * budget has the slots, and a store makes the budgets: `local` in this process, `host` in
 * memory that the processes of a host share.
 *
 * An attempt takes a place, which is a slot of the arrival window and one of the limit of
 * open connections, and gives it back step by step as it goes on.
 *
 * Threads: a budget under the lock of its gate; a store as it says. Time is an argument.
 */
#ifndef GOV_GOVERNOR_BUDGET_H
#define GOV_GOVERNOR_BUDGET_H

#include "policy/bucket.h"

#include <mskgov/error.h>
#include <mskgov/governor.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct gov_budget gov_budget;
typedef struct gov_store gov_store;

/* What a granted attempt holds; the store's own numbers. */
typedef struct gov_place {
  uint32_t window;
  uint32_t connection;
} gov_place;

/* Why there is no place now. */
typedef enum gov_take {
  GOV_TAKE_DONE,  /* the place is taken */
  GOV_TAKE_RATE,  /* not before *at_ns */
  GOV_TAKE_LIMIT, /* as many connections are open as may be; look again at *at_ns */
} gov_take;

/* How far an attempt has come. */
typedef enum gov_give {
  GOV_GIVE_CONNECTED, /* it is open: the window's slot comes back one window from now */
  GOV_GIVE_FAILED,    /* it is over: the same, and the connection's slot at once */
  GOV_GIVE_REJECTED,  /* over, for the quota: the adaptive rate is cut as well */
  GOV_GIVE_REVOKED,   /* it will certainly not be made: both slots come back at once */
  GOV_GIVE_CLOSED     /* it was open and is closed: the connection's slot comes back */
} gov_give;

/* The budget as it stands, over all who share it. */
typedef struct gov_usage {
  uint32_t window_used, window_limit;
  uint32_t connections_used, connections_limit; /* limit UINT32_MAX: none */
  uint32_t line;                                /* who waits in line */
  uint32_t rate_part; /* of GOV_ADAPTIVE_WHOLE, that the adaptive rate allows */
  uint64_t window_ns;
  uint64_t interval_ns; /* between grants to all, at that rate */
  uint64_t next_ns;     /* when the next grant can be, for whoever heads the line */
} gov_usage;

typedef struct gov_budget_ops {
  /*
   * Takes a place for whoever is next, or sets *at_ns: UINT64_MAX if only another call can
   * make room. `line`: waiters in line, 0 for a request that does not wait; a slot of the
   * bucket is held between calls for those who do.
   */
  gov_take (*take)(gov_budget *budget, uint32_t line, uint64_t now_ns, gov_place *place,
                   uint64_t *at_ns);
  void (*give)(gov_budget *budget, gov_place *place, gov_give how, uint64_t now_ns);
  /* So many wait in line now; for 0 the slot that is held goes back. */
  void (*line_changed)(gov_budget *budget, uint32_t line, uint64_t now_ns);
  void (*read)(gov_budget *budget, uint64_t now_ns, gov_usage *usage);
} gov_budget_ops;

struct gov_budget {
  const gov_budget_ops *ops;
};

typedef struct gov_store_ops {
  /* The budget of a broker; lives as long as the store. Returns 0 or MSKGOV_ERR_…. */
  int (*open)(gov_store *store, const char *address, gov_budget **budget,
              mskgov_error_info *error);
  /* Another quota, from each budget's next call on. Any thread. */
  void (*change)(gov_store *store, const mskgov_pacing *pacing, uint32_t max_connections);
  /* Frees the store and its budgets. In a forked child it leaves what is shared alone. */
  void (*free)(gov_store *store);
} gov_store_ops;

struct gov_store {
  const gov_store_ops *ops;
};

/* What every store is made with. */
typedef struct gov_store_options {
  mskgov_pacing pacing;
  uint32_t max_connections; /* UINT32_MAX: not limited */
  mskgov_adaptive adaptive;
} gov_store_options;

/*
 * A slot of a bucket, held for whoever heads a line until it falls due, so that a waiter
 * that leaves takes nothing with it. A slot that the window or the limit holds up for
 * longer than an interval lapses: used then, it would stand too close to the next.
 */
typedef struct gov_held_slot {
  uint64_t at_ns;       /* UINT64_MAX: none */
  gov_bucket_rate rate; /* that it was reserved with */
} gov_held_slot;

void gov_held_slot_init(gov_held_slot *slot);

/* Whether a slot is held and good; lets one go that has lapsed. */
bool gov_held_slot_is_there(gov_held_slot *slot, uint64_t now_ns);

/* Reserves a slot. */
void gov_held_slot_reserve(gov_held_slot *slot, gov_bucket *bucket,
                           const gov_bucket_rate *rate, uint64_t now_ns);

/* Gives it back, if there is one. */
void gov_held_slot_return(gov_held_slot *slot, gov_bucket *bucket);

/* The rate of a pace. */
gov_bucket_rate gov_pacing_rate(const mskgov_pacing *pacing, uint32_t part);

#endif
