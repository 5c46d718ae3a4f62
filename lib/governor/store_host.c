#include "governor/store_host.h"

#include "base/clock.h"
#include "base/cold.h"
#include "base/error.h"
#include "base/list.h"
#include "governor/host_words.h"
#include "policy/adaptive.h"
#include "policy/share.h"

#include <stdlib.h>
#include <string.h>

/* How soon those who wait for another process look again. */
#define POLL_NS (20 * GOV_NS_PER_MS)
/* How often whoever takes places looks after what others may have damaged, and how far the
   adaptive rate has come back. */
#define LOOK_EVERY_NS (5 * GOV_NS_PER_MS)
/* How often those look for killed processes who have to wait for what one may hold. */
#define SWEEP_BLOCKED_NS (20 * GOV_NS_PER_MS)
#define SWEEP_SHARING_NS GOV_NS_PER_S
/* Who takes longer to write its quota has been stopped or killed in the middle of it. */
#define CHANGE_NS GOV_NS_PER_S

typedef struct host_store {
  gov_store base;
  gov_store_options options;
  unsigned process; /* its generation */
  gov_host_file file;
  gov_host_member member;
  pthread_mutex_t mutex;
  gov_list budgets; /* under the mutex */
} host_store;

/* What a request looks at comes first, so that it lies together. */
typedef struct host_budget {
  _Alignas(64) gov_budget base;
  host_store *store;
  gov_host_segment *segment;
  gov_host_words words;
  gov_host_row *row; /* this member's; what it says if nobody has damaged it: */
  struct {
    uint32_t line, connecting, open;
    uint64_t granted, connected, rejected, failed;
  } mine;
  uint32_t epoch;         /* of the agreement */
  uint64_t adaptive_seen; /* while this holds, and until */
  uint64_t look_at_ns;    /* this moment, `rate` does */
  gov_host_agreement agreement;
  uint64_t change_until_ns; /* how long to wait for another quota to be written */
  gov_bucket_rate rate;
  gov_held_slot slot;
  gov_share share;
  gov_list_node in_store;
} host_budget;

/* This member alone writes its row. */
static void write_row(host_budget *budget) {
  gov_host_row *row = budget->row;

  atomic_store_explicit(&row->line, budget->mine.line, memory_order_relaxed);
  atomic_store_explicit(&row->connecting, budget->mine.connecting, memory_order_relaxed);
  atomic_store_explicit(&row->open, budget->mine.open, memory_order_relaxed);
  atomic_store_explicit(&row->granted, budget->mine.granted, memory_order_relaxed);
  atomic_store_explicit(&row->connected, budget->mine.connected, memory_order_relaxed);
  atomic_store_explicit(&row->rejected, budget->mine.rejected, memory_order_relaxed);
  atomic_store_explicit(&row->failed, budget->mine.failed, memory_order_relaxed);
}

static uint32_t part_now(const host_budget *budget, uint64_t state, uint64_t now_ns) {
  if (!state)
    return GOV_ADAPTIVE_WHOLE;

  return gov_adaptive_part(state, budget->agreement.window_ns, now_ns);
}

/* A cut that is yet to come is none, and would hold for ever: the file is input. */
static uint64_t read_adaptive(host_budget *budget, uint64_t now_ns) {
  uint64_t state = atomic_load_explicit(&budget->segment->adaptive, memory_order_relaxed);

  if (gov_adaptive_since_ms(state) <= (now_ns + GOV_NS_PER_S) / GOV_NS_PER_MS)
    return state;
  atomic_compare_exchange_strong(&budget->segment->adaptive, &state, 0);

  return 0;
}

/* Slots far ahead were reserved at a rate that does not hold any more. */
static void catch_up(host_budget *budget, uint64_t now_ns) {
  gov_bucket *bucket = &budget->segment->bucket;
  uint64_t near_ns = budget->agreement.interval_ns * (budget->agreement.members + 1);
  uint64_t tat_ns;

  gov_held_slot_return(&budget->slot, bucket);
  tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed);
  if (tat_ns > gov_time_add(now_ns, near_ns))
    atomic_compare_exchange_strong(&bucket->tat_ns, &tat_ns, now_ns);
}

static void agree(host_budget *budget, uint64_t now_ns) {
  uint64_t before_ns = budget->agreement.interval_ns;
  gov_host_agreement agreement;

  gov_host_members_agree(&budget->store->file, &budget->store->member.own, &agreement);
  if (!agreement.changing || !before_ns)
    budget->change_until_ns = UINT64_MAX;
  else if (budget->change_until_ns == UINT64_MAX)
    budget->change_until_ns = now_ns + CHANGE_NS;
  if (agreement.changing && now_ns < budget->change_until_ns && before_ns) {
    budget->epoch--; /* as before, until it is written */
    budget->agreement.members = agreement.members;
    return;
  }
  budget->agreement = agreement;
  gov_host_words_follow(&budget->words, now_ns);
  if (budget->agreement.interval_ns < before_ns)
    catch_up(budget, now_ns);
}

GOV_COLD static void take_over(host_budget *budget, uint64_t now_ns) {
  host_store *store = budget->store;
  uint64_t state = read_adaptive(budget, now_ns);
  uint32_t part, epoch;

  gov_host_member_mend(&store->member, &store->file);
  epoch = atomic_load_explicit(&store->file.header->epoch, memory_order_acquire);
  if (epoch != budget->epoch) {
    budget->epoch = epoch;
    agree(budget, now_ns);
  }
  part = part_now(budget, state, now_ns);
  budget->adaptive_seen = state;
  budget->look_at_ns = now_ns + LOOK_EVERY_NS;
  budget->rate.interval_ns = gov_adaptive_stretch_ns(budget->agreement.interval_ns, part);
  budget->rate.late_ns = store->options.pacing.spread_ns / 2;
}

/* Takes over what other members have changed: quotas, and the adaptive rate. */
static inline void follow(host_budget *budget, uint64_t now_ns) {
  const gov_host_header *header = budget->store->file.header;

  if (atomic_load_explicit(&header->epoch, memory_order_acquire) != budget->epoch ||
      atomic_load_explicit(&budget->segment->adaptive, memory_order_relaxed) !=
          budget->adaptive_seen ||
      now_ns >= budget->look_at_ns)
    take_over(budget, now_ns);
}

/* The same, without those who were killed: their quotas hold as long as nobody looks. */
static inline void follow_living(host_budget *budget, uint64_t now_ns) {
  follow(budget, now_ns);
  if (budget->agreement.members > 1 &&
      gov_host_member_sweep(&budget->store->member, &budget->store->file, SWEEP_SHARING_NS,
                            now_ns))
    follow(budget, now_ns);
}

/* No slot is later than this: nobody reserves more than half a window ahead, and a store that
   is made anew is quiet for one; the lag is for clocks that were read earlier. */
static uint64_t last_slot_ns(const host_budget *budget, uint64_t now_ns) {
  return gov_time_add(now_ns + GOV_COARSE_LAG_NS,
                      gov_time_add(budget->agreement.window_ns, budget->rate.interval_ns));
}

/* A time that nobody can have meant is set right: the file is input. */
static void mend_bucket(host_budget *budget, uint64_t now_ns) {
  gov_bucket *bucket = &budget->segment->bucket;
  uint64_t tat_ns = atomic_load_explicit(&bucket->tat_ns, memory_order_relaxed);

  if (tat_ns > last_slot_ns(budget, now_ns))
    atomic_compare_exchange_strong(&bucket->tat_ns, &tat_ns,
                                   now_ns + budget->agreement.window_ns / 2);
}

/* Waiters of all members, of which this one has `own`. */
static uint32_t count_line(const host_budget *budget, uint32_t own) {
  uint64_t all = own;

  for (uint32_t id = 0; id < budget->agreement.members_used; id++)
    if (id != budget->store->member.id &&
        gov_host_member_is_there(&budget->store->file, id))
      all += gov_host_row_line(&budget->segment->rows[id]);

  return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

/* Whether this member's share of the bucket lets it reserve the next slot: 0, or when to
   come again. */
static uint64_t wait_for_share(host_budget *budget, uint32_t line, uint64_t free_ns,
                               uint64_t now_ns) {
  uint32_t all = count_line(budget, line);
  uint64_t next_ns =
      gov_share_next_ns(&budget->share, budget->rate.interval_ns, line, all, free_ns);
  if (next_ns > now_ns)
    return next_ns;
  gov_share_take(&budget->share, budget->rate.interval_ns, line, all, now_ns);

  return 0;
}

/*
 * Reserves the bucket's next slot for the line. Nobody reserves further ahead than half a
 * window, so that no more than that is lost with processes that are killed. Returns 0, or
 * when to come again.
 */
static uint64_t reserve(host_budget *budget, uint32_t line, uint64_t now_ns) {
  gov_bucket *bucket = &budget->segment->bucket;
  uint64_t free_ns = gov_bucket_next_ns(bucket, &budget->rate, now_ns), wait_ns;

  if (free_ns > now_ns + budget->agreement.window_ns / 2)
    return free_ns - budget->agreement.window_ns / 2;

  wait_ns =
      budget->agreement.members > 1 ? wait_for_share(budget, line, free_ns, now_ns) : 0;
  if (!wait_ns)
    gov_held_slot_reserve(&budget->slot, bucket, &budget->rate, now_ns);

  return wait_ns;
}

/* A slot of the bucket for the line; 0 if it is due, or when there will be one. */
static uint64_t take_held_slot(host_budget *budget, uint32_t line, uint64_t now_ns) {
  uint64_t wait_ns = 0;

  if (!gov_held_slot_is_there(&budget->slot, now_ns)) {
    mend_bucket(budget, now_ns);
    wait_ns = reserve(budget, line, now_ns);
  }
  if (wait_ns)
    return wait_ns;
  if (budget->slot.at_ns > last_slot_ns(budget, now_ns)) /* damaged just now */
    gov_held_slot_init(&budget->slot);

  return budget->slot.at_ns > now_ns ? budget->slot.at_ns : 0;
}

/* The same for a request that does not wait: whether there was one, and which. */
static inline bool take_slot(host_budget *budget, uint64_t now_ns, uint64_t *slot_ns) {
  if (gov_bucket_reserve(&budget->segment->bucket, &budget->rate, now_ns, 0, slot_ns) ==
      GOV_BUCKET_GRANTED)
    return true;
  mend_bucket(budget, now_ns);

  return false;
}

/* What is in the way may be held by a killed process. */
GOV_COLD static gov_take find_no_word(host_budget *budget, gov_take taken,
                                      uint64_t now_ns) {
  gov_host_member_sweep(&budget->store->member, &budget->store->file, SWEEP_BLOCKED_NS,
                        now_ns);

  return taken;
}

/* Takes a word of each table. */
static inline gov_take take_words(host_budget *budget, uint64_t now_ns, gov_place *place,
                                  uint64_t *at_ns) {
  const gov_host_agreement *agreement = &budget->agreement;

  place->window = gov_host_words_take_window(&budget->words, agreement->window_connections,
                                             agreement->window_ns, POLL_NS, now_ns, at_ns);
  if (place->window == GOV_HOST_NO_WORD)
    return find_no_word(budget, GOV_TAKE_RATE, now_ns);

  place->connection =
      gov_host_words_take_connection(&budget->words, agreement->max_connections, now_ns);
  if (place->connection == GOV_HOST_NO_WORD && agreement->max_connections != UINT32_MAX) {
    gov_host_words_free_window(&budget->words, place->window, 0);
    *at_ns = now_ns + POLL_NS;
    return find_no_word(budget, GOV_TAKE_LIMIT, now_ns);
  }

  return GOV_TAKE_DONE;
}

/* What others change is noticed by looking; and whoever is alone is not to believe a time that
   was damaged just now. */
static uint64_t look_again_ns(const host_budget *budget, uint64_t now_ns) {
  return budget->agreement.members > 1 ? now_ns + POLL_NS : last_slot_ns(budget, now_ns);
}

static gov_take take_at_once(host_budget *budget, uint64_t now_ns, gov_place *place,
                             uint64_t *at_ns) {
  uint64_t slot_ns;
  gov_take taken;

  if (!take_slot(budget, now_ns, &slot_ns)) {
    *at_ns = slot_ns;
    return GOV_TAKE_RATE;
  }

  taken = take_words(budget, now_ns, place, at_ns);
  if (taken != GOV_TAKE_DONE)
    gov_bucket_return(&budget->segment->bucket, &budget->rate, slot_ns);

  return taken;
}

static gov_take take_in_line(host_budget *budget, uint32_t line, uint64_t now_ns,
                             gov_place *place, uint64_t *at_ns) {
  gov_take taken;

  *at_ns = take_held_slot(budget, line, now_ns);
  taken = *at_ns ? GOV_TAKE_RATE : take_words(budget, now_ns, place, at_ns);
  if (taken == GOV_TAKE_DONE)
    gov_held_slot_init(&budget->slot);
  else if (*at_ns > look_again_ns(budget, now_ns))
    *at_ns = look_again_ns(budget, now_ns);

  return taken;
}

static gov_take take(gov_budget *base, uint32_t line, uint64_t now_ns, gov_place *place,
                     uint64_t *at_ns) {
  host_budget *budget = (host_budget *)base;
  gov_take taken;

  follow_living(budget, now_ns);
  taken = line > 0 ? take_in_line(budget, line, now_ns, place, at_ns)
                   : take_at_once(budget, now_ns, place, at_ns);
  if (taken == GOV_TAKE_DONE) {
    gov_host_row *row = budget->row;

    atomic_store_explicit(&row->connecting, ++budget->mine.connecting,
                          memory_order_relaxed);
    atomic_store_explicit(&row->granted, ++budget->mine.granted, memory_order_relaxed);
  } else {
    write_row(budget);
  }

  return taken;
}

static void cut_rate(host_budget *budget, uint64_t now_ns) {
  uint64_t seen = read_adaptive(budget, now_ns), next;

  do {
    next = gov_adaptive_cut(seen ? seen : gov_adaptive_start(false, now_ns),
                            budget->agreement.window_ns, now_ns);
    if (next == seen)
      return;
  } while (!atomic_compare_exchange_weak(&budget->segment->adaptive, &seen, next));
}

static void count_give(host_budget *budget, gov_give how) {
  if (how == GOV_GIVE_CLOSED)
    budget->mine.open--;
  else
    budget->mine.connecting--;
  budget->mine.open += how == GOV_GIVE_CONNECTED;
  budget->mine.connected += how == GOV_GIVE_CONNECTED;
  budget->mine.rejected += how == GOV_GIVE_REJECTED;
  budget->mine.failed += how == GOV_GIVE_FAILED;
  write_row(budget);
}

static void give(gov_budget *base, gov_place *place, gov_give how, uint64_t now_ns) {
  host_budget *budget = (host_budget *)base;

  follow(budget, now_ns);
  count_give(budget, how);
  if (how == GOV_GIVE_CLOSED) {
    gov_host_words_free_connection(&budget->words, place->connection);
    return;
  }

  gov_host_words_free_window(
      &budget->words, place->window,
      how == GOV_GIVE_REVOKED ? 0 : now_ns + budget->agreement.window_ns + 1);
  if (how == GOV_GIVE_CONNECTED)
    return;

  gov_host_words_free_connection(&budget->words, place->connection);
  if (how == GOV_GIVE_REJECTED && budget->store->options.adaptive != MSKGOV_ADAPTIVE_OFF)
    cut_rate(budget, now_ns);
}

static void line_changed(gov_budget *base, uint32_t line, uint64_t now_ns) {
  host_budget *budget = (host_budget *)base;

  (void)now_ns;
  budget->mine.line = line;
  write_row(budget);
  if (line == 0)
    gov_held_slot_return(&budget->slot, &budget->segment->bucket);
}

static void read_usage(gov_budget *base, uint64_t now_ns, gov_usage *usage) {
  host_budget *budget = (host_budget *)base;
  const gov_host_agreement *agreement = &budget->agreement;

  follow_living(budget, now_ns);
  *usage = (gov_usage){
      .window_limit = agreement->window_connections,
      .connections_limit = agreement->max_connections,
      .rate_part = part_now(budget, budget->adaptive_seen, now_ns),
      .window_ns = agreement->window_ns,
      .interval_ns = budget->rate.interval_ns,
      .next_ns = budget->slot.at_ns,
  };
  if (usage->next_ns == UINT64_MAX)
    usage->next_ns = gov_bucket_next_ns(&budget->segment->bucket, &budget->rate, now_ns);
  if (usage->next_ns < now_ns)
    usage->next_ns = now_ns;
  usage->line = count_line(budget, budget->mine.line);
  usage->window_used =
      gov_host_window_used(budget->segment, agreement->window_connections, now_ns);
  for (uint32_t id = 0; id < agreement->members_used; id++)
    if (gov_host_member_is_there(&budget->store->file, id))
      usage->connections_used += atomic_load(&budget->segment->rows[id].connecting) +
                                 atomic_load(&budget->segment->rows[id].open);
}

static const gov_budget_ops budget_ops = {take, give, line_changed, read_usage};

static int open_budget(gov_store *base, const char *address, gov_budget **out,
                       mskgov_error_info *error) {
  host_store *store = (host_store *)base;
  gov_host_segment *segment;
  host_budget *budget;
  int rc = gov_host_file_broker(&store->file, address, &segment, error);

  if (rc)
    return rc;
  budget = aligned_alloc(_Alignof(host_budget), sizeof(*budget));
  if (!budget)
    return gov_error_no_memory(error);

  memset(budget, 0, sizeof(*budget));
  budget->base.ops = &budget_ops;
  budget->store = store;
  budget->segment = segment;
  gov_host_words_init(&budget->words, &store->file, segment, &store->member);
  budget->row = &segment->rows[store->member.id];
  budget->epoch = atomic_load(&store->file.header->epoch) - 1; /* nothing agreed yet */
  gov_held_slot_init(&budget->slot);
  write_row(budget);
  pthread_mutex_lock(&store->mutex);
  gov_list_push_back(&store->budgets, &budget->in_store);
  pthread_mutex_unlock(&store->mutex);
  *out = &budget->base;

  return 0;
}

static void change(gov_store *base, const mskgov_pacing *pacing, uint32_t max_connections) {
  host_store *store = (host_store *)base;

  gov_host_member_set_quota(&store->member, &store->file, pacing, max_connections);
}

static void free_store(gov_store *base) {
  host_store *store = (host_store *)base;
  gov_list_node *node;

  if (gov_process_is(store->process))
    gov_host_member_leave(&store->member, &store->file);
  gov_host_file_close(&store->file);
  while ((node = gov_list_pop_front(&store->budgets)))
    free(gov_container_of(node, host_budget, in_store));
  free(store);
}

static const gov_store_ops store_ops = {open_budget, change, free_store};

static int join(gov_host_file *file, void *user, mskgov_error_info *error) {
  host_store *store = user;

  return gov_host_member_join(&store->member, file, &store->options.pacing,
                              store->options.max_connections, error);
}

int gov_store_host_new(gov_store **out, const gov_store_options *options,
                       const char *directory, const char *group, mskgov_error_info *error) {
  host_store *store = calloc(1, sizeof(*store));
  int rc;

  if (!store)
    return gov_error_no_memory(error);

  store->base.ops = &store_ops;
  store->options = *options;
  store->process = gov_process_generation();
  gov_list_init(&store->budgets);
  pthread_mutex_init(&store->mutex, NULL);
  rc = gov_host_file_open(&store->file, directory, group, options->pacing.window_ns, join,
                          store, error);
  if (rc) {
    free(store);
    return rc;
  }
  *out = &store->base;

  return 0;
}
