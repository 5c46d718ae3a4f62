/*
 * The words of a host store, taken and given back as fast as can be by several processes of
 * which some are killed. Nothing paces them but the processor, so that they meet at every
 * instruction. Claims in memory that all share tell when two hold the same word.
 */
#ifndef TEST_HOST_RACE_H
#define TEST_HOST_RACE_H

#include "governor/store_host.h"

#include <mskgov/mskgov.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define RACE_BROKER "race.example:9098"
/* Few words for many, and a window that is as short as can be. */
#define RACE_QUOTA 3u
#define RACE_OPEN 3u
#define RACE_WINDOW_MS 100u
#define RACE_SLOTS_MAX (1u << 26)
#define RACE_INTERVAL_NS 1000u

typedef struct race {
  _Atomic int32_t window[RACE_QUOTA], connections[RACE_OPEN]; /* pids; 0: nobody */
  _Atomic uint64_t taken, doubly_taken, slots, doubly_reserved;
  uint64_t begins_ns; /* of the bucket: */
  gov_bucket bucket;
  _Atomic unsigned char reserved[RACE_SLOTS_MAX];
} race;

/* Far enough ahead that the time does not catch up with the bucket. */
static inline void race_init(race *shared, uint64_t now_ns) {
  shared->begins_ns = now_ns + UINT64_C(3600000000000);
  atomic_store(&shared->bucket.tat_ns, shared->begins_ns);
}

static inline bool race_is_alive(int32_t pid) {
  char path[64], state = 'X';
  FILE *file;

  snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  file = fopen(path, "re");
  if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
    state = 'X';
  if (file)
    fclose(file);

  return state != 'X' && state != 'Z';
}

/* A word belongs to one living process at a time. Those who were killed leave their claim;
   one that is about to end has let go of its lock and is not gone yet. */
static inline void race_claim(race *shared, _Atomic int32_t *claim) {
  int32_t before = atomic_exchange(claim, getpid());

  if (!before || !race_is_alive(before))
    return;
  usleep(50000);
  if (race_is_alive(before))
    atomic_fetch_add(&shared->doubly_taken, 1);
}

static inline void race_take(race *shared, gov_budget *budget, uint64_t now_ns) {
  gov_place place;
  uint64_t at_ns;

  if (budget->ops->take(budget, 0, now_ns, &place, &at_ns) != GOV_TAKE_DONE)
    return;

  race_claim(shared, &shared->window[place.window]);
  race_claim(shared, &shared->connections[place.connection]);
  atomic_fetch_add(&shared->taken, 1);
  atomic_store(&shared->window[place.window], 0);
  atomic_store(&shared->connections[place.connection], 0);
  budget->ops->give(budget, &place, GOV_GIVE_REVOKED, now_ns);
}

/* Slots are an interval apart, and nobody else has the same. */
static inline void race_reserve(race *shared, uint64_t now_ns) {
  const gov_bucket_rate rate = {.interval_ns = RACE_INTERVAL_NS};
  uint64_t at_ns, slot;

  if (gov_bucket_reserve(&shared->bucket, &rate, now_ns, UINT64_MAX, &at_ns) !=
      GOV_BUCKET_GRANTED)
    return;
  slot = (at_ns - shared->begins_ns) / RACE_INTERVAL_NS;
  if (slot >= RACE_SLOTS_MAX)
    return;
  if (atomic_exchange(&shared->reserved[slot], 1) != 0)
    atomic_fetch_add(&shared->doubly_reserved, 1);
  atomic_fetch_add(&shared->slots, 1);
}

/* A process of the race. Does not return but for an error. */
static inline int race_run(race *shared, const char *directory, uint64_t (*now_ns)(void)) {
  gov_store_options options = {.pacing = {.window_connections = RACE_QUOTA,
                                          .burst = 1,
                                          .window_ns = RACE_WINDOW_MS * UINT64_C(1000000),
                                          .interval_ns = 1},
                               .max_connections = RACE_OPEN};
  mskgov_error_info error;
  gov_budget *budget;
  gov_store *store;

  if (gov_store_host_new(&store, &options, directory, NULL, &error) ||
      store->ops->open(store, RACE_BROKER, &budget, &error)) {
    fprintf(stderr, "%s\n", error.text);
    return 3;
  }
  for (unsigned i = 1;; i++) {
    race_take(shared, budget, now_ns());
    race_reserve(shared, now_ns());
    if (i % 500 == 0) /* something for the others */
      usleep(1000);
  }
}

#endif
