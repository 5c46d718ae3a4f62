#include "governor/store_local.h"

#include "base/clock.h"
#include "base/cold.h"
#include "base/error.h"
#include "base/list.h"
#include "policy/adaptive.h"
#include "policy/window.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_WINDOWS 8

typedef struct local_store {
  gov_store base;
  pthread_mutex_t mutex;
  gov_store_options options; /* under the mutex */
  atomic_uint version;       /* rises with the options */
  gov_list budgets;          /* under the mutex */
} local_store;

/* What every request writes comes first, so that it lies together. */
typedef struct local_budget {
  _Alignas(64) gov_budget base;
  local_store *store;
  unsigned version; /* of the options that are copied here */
  uint32_t max_connections;
  uint32_t connecting, open;
  gov_bucket bucket;
  gov_window window;
  gov_held_slot slot;
  uint64_t rate_until_ns; /* how long this is right: */
  gov_bucket_rate rate;
  uint64_t adaptive_state; /* 0: not begun */
  mskgov_pacing pacing;
  mskgov_adaptive adaptive;
  uint64_t used_ns; /* when one that is alone last reserved a slot */
  uint32_t line;
  gov_list_node in_store;
} local_budget;

/* Takes over options that have changed: the pace starts anew, so that nobody waits for a
   slot of the old rate; the window keeps what it holds, and so the new quota exact. */
GOV_COLD static void take_over(local_budget *budget, uint64_t now_ns) {
  local_store *store = budget->store;

  pthread_mutex_lock(&store->mutex);
  budget->version = atomic_load(&store->version);
  budget->pacing = store->options.pacing;
  budget->max_connections = store->options.max_connections;
  pthread_mutex_unlock(&store->mutex);

  budget->rate_until_ns = 0;
  gov_held_slot_init(&budget->slot);
  gov_bucket_init(&budget->bucket);
  gov_window_change(&budget->window, budget->pacing.window_connections,
                    budget->pacing.window_ns, now_ns);
}

static inline void follow(local_budget *budget, uint64_t now_ns) {
  if (atomic_load_explicit(&budget->store->version, memory_order_acquire) !=
      budget->version)
    take_over(budget, now_ns);
}

static uint32_t part_now(const local_budget *budget, uint64_t now_ns) {
  if (!budget->adaptive_state)
    return GOV_ADAPTIVE_WHOLE;

  return gov_adaptive_part(budget->adaptive_state, budget->pacing.window_ns, now_ns);
}

/*
 * The rate to reserve a slot with. The quota's part begins at the first use. One that is
 * alone begins anew after a pause: what it may do was learnt from a fleet that may not be
 * the same any more.
 */
static void begin(local_budget *budget, uint64_t now_ns) {
  bool alone = budget->adaptive == MSKGOV_ADAPTIVE_ALONE;
  uint64_t pause_ns = PAUSE_WINDOWS * budget->pacing.window_ns;

  if (!budget->adaptive_state ||
      (alone && now_ns > gov_time_add(budget->used_ns, pause_ns)))
    budget->adaptive_state = gov_adaptive_start(alone, now_ns);
  budget->used_ns = now_ns;
}

GOV_COLD static void renew_rate(local_budget *budget, uint64_t now_ns) {
  uint32_t part;

  begin(budget, now_ns);
  part = part_now(budget, now_ns);
  budget->rate = gov_pacing_rate(&budget->pacing, part);
  budget->rate_until_ns =
      part < GOV_ADAPTIVE_WHOLE || budget->adaptive == MSKGOV_ADAPTIVE_ALONE
          ? now_ns + budget->pacing.window_ns / 8
          : UINT64_MAX;
}

static inline const gov_bucket_rate *rate_now(local_budget *budget, uint64_t now_ns) {
  if (now_ns >= budget->rate_until_ns)
    renew_rate(budget, now_ns);

  return &budget->rate;
}

/* A slot of the bucket that is due: one that is held for the line, or the next. */
static bool take_slot(local_budget *budget, uint32_t line, uint64_t now_ns,
                      uint64_t *at_ns) {
  gov_held_slot *slot = &budget->slot;

  if (!gov_held_slot_is_there(slot, now_ns)) {
    if (line == 0)
      return gov_bucket_reserve_alone(&budget->bucket, rate_now(budget, now_ns), now_ns, 0,
                                      at_ns) == GOV_BUCKET_GRANTED;
    gov_held_slot_reserve(slot, &budget->bucket, rate_now(budget, now_ns), now_ns);
  }
  *at_ns = slot->at_ns;
  if (slot->at_ns > now_ns)
    return false;
  gov_held_slot_init(slot);

  return true;
}

static gov_take take(gov_budget *base, uint32_t line, uint64_t now_ns, gov_place *place,
                     uint64_t *at_ns) {
  local_budget *budget = (local_budget *)base;

  follow(budget, now_ns);
  *at_ns = UINT64_MAX;
  if (budget->open + budget->connecting >= budget->max_connections)
    return GOV_TAKE_LIMIT;

  if (!gov_window_has_room(&budget->window)) {
    *at_ns = gov_window_next_ns(&budget->window, now_ns);
    if (*at_ns > now_ns)
      return GOV_TAKE_RATE;
  }

  if (!take_slot(budget, line, now_ns, at_ns))
    return GOV_TAKE_RATE;

  gov_window_grant(&budget->window);
  budget->connecting++;
  *place = (gov_place){0};

  return GOV_TAKE_DONE;
}

static void give(gov_budget *base, gov_place *place, gov_give how, uint64_t now_ns) {
  local_budget *budget = (local_budget *)base;

  (void)place;
  follow(budget, now_ns);
  if (how == GOV_GIVE_CLOSED) {
    budget->open--;
    return;
  }

  budget->connecting--;
  if (how == GOV_GIVE_REVOKED)
    gov_window_revoke(&budget->window);
  else
    gov_window_report(&budget->window, now_ns);
  if (how == GOV_GIVE_CONNECTED)
    budget->open++;
  if (how == GOV_GIVE_REJECTED && budget->adaptive != MSKGOV_ADAPTIVE_OFF) {
    budget->adaptive_state =
        gov_adaptive_cut(budget->adaptive_state, budget->pacing.window_ns, now_ns);
    budget->rate_until_ns = 0;
  }
}

static void line_changed(gov_budget *base, uint32_t line, uint64_t now_ns) {
  local_budget *budget = (local_budget *)base;

  (void)now_ns;
  budget->line = line;
  if (line == 0)
    gov_held_slot_return(&budget->slot, &budget->bucket);
}

static void read_usage(gov_budget *base, uint64_t now_ns, gov_usage *usage) {
  local_budget *budget = (local_budget *)base;
  uint64_t next_ns, window_ns;
  gov_bucket_rate rate;

  follow(budget, now_ns);
  next_ns = budget->slot.at_ns;
  rate = gov_pacing_rate(&budget->pacing, part_now(budget, now_ns));
  if (next_ns == UINT64_MAX)
    next_ns = gov_bucket_next_ns(&budget->bucket, &rate, now_ns);
  window_ns = gov_window_next_ns(&budget->window, now_ns);
  if (window_ns != UINT64_MAX && next_ns < window_ns)
    next_ns = window_ns;
  *usage = (gov_usage){
      .window_used = budget->window.in_flight + budget->window.recent,
      .window_limit = budget->pacing.window_connections,
      .connections_used = budget->open + budget->connecting,
      .connections_limit = budget->max_connections,
      .line = budget->line,
      .rate_part = part_now(budget, now_ns),
      .window_ns = budget->pacing.window_ns,
      .interval_ns = rate.interval_ns,
      .next_ns = next_ns > now_ns ? next_ns : now_ns,
  };
}

static const gov_budget_ops budget_ops = {take, give, line_changed, read_usage};

static int open_budget(gov_store *base, const char *address, gov_budget **out,
                       mskgov_error_info *error) {
  local_store *store = (local_store *)base;
  local_budget *budget = aligned_alloc(_Alignof(local_budget), sizeof(*budget));

  (void)address;
  if (!budget)
    return gov_error_no_memory(error);

  memset(budget, 0, sizeof(*budget));
  budget->base.ops = &budget_ops;
  budget->store = store;
  gov_bucket_init(&budget->bucket);
  gov_held_slot_init(&budget->slot);

  pthread_mutex_lock(&store->mutex);
  budget->version = atomic_load(&store->version);
  budget->adaptive = store->options.adaptive;
  budget->pacing = store->options.pacing;
  budget->max_connections = store->options.max_connections;
  gov_list_push_back(&store->budgets, &budget->in_store);
  pthread_mutex_unlock(&store->mutex);

  gov_window_init(&budget->window, budget->pacing.window_connections,
                  budget->pacing.window_ns);
  *out = &budget->base;

  return 0;
}

static void change(gov_store *base, const mskgov_pacing *pacing, uint32_t max_connections) {
  local_store *store = (local_store *)base;

  pthread_mutex_lock(&store->mutex);
  store->options.pacing = *pacing;
  store->options.max_connections = max_connections;
  atomic_fetch_add(&store->version, 1);
  pthread_mutex_unlock(&store->mutex);
}

static void free_store(gov_store *base) {
  local_store *store = (local_store *)base;
  gov_list_node *node;

  while ((node = gov_list_pop_front(&store->budgets)))
    free(gov_container_of(node, local_budget, in_store));
  free(store);
}

static const gov_store_ops store_ops = {open_budget, change, free_store};

gov_store *gov_store_local_new(const gov_store_options *options) {
  local_store *store = calloc(1, sizeof(*store));

  if (!store)
    return NULL;

  store->base.ops = &store_ops;
  store->options = *options;
  pthread_mutex_init(&store->mutex, NULL);
  atomic_init(&store->version, 0);
  gov_list_init(&store->budgets);

  return &store->base;
}
