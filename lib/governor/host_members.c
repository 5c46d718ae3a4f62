#include "governor/host_members.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One in the longest window, with the largest spread. */
#define INTERVAL_MAX_NS ((MSKGOV_QUOTA_WINDOW_MAX_MS + 10000) * GOV_NS_PER_MS + 1)
#define SEAL_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
/* More waiters than a process can have are not believed. */
#define LINE_MAX_BELIEVED 10000000u

static void write_quota(gov_host_place *place, const mskgov_pacing *pacing,
                        uint32_t max_connections) {
  atomic_store(&place->window_connections, pacing->window_connections);
  atomic_store(&place->max_connections, max_connections);
  atomic_store(&place->window_ns, pacing->window_ns);
  atomic_store(&place->interval_ns, pacing->interval_ns);
}

/* Tells a place that was damaged: its member may have nothing to do and not mend it. */
static uint32_t seal_of(const gov_host_place *place) {
  uint64_t seal = atomic_load(&place->generation);

  seal = gov_hash_fold(seal ^ atomic_load(&place->window_connections), SEAL_MULTIPLIER);
  seal = gov_hash_fold(seal ^ atomic_load(&place->max_connections), SEAL_MULTIPLIER);
  seal = gov_hash_fold(seal ^ atomic_load(&place->window_ns), SEAL_MULTIPLIER);
  seal = gov_hash_fold(seal ^ atomic_load(&place->interval_ns), SEAL_MULTIPLIER);

  return (uint32_t)(seal >> 32) | 1;
}

static void publish(gov_host_place *to, gov_host_place *own, uint32_t generation) {
  atomic_store(&own->generation, generation);
  atomic_store(&own->seal, seal_of(own));
  atomic_store(&to->seal, 0);
  atomic_store(&to->window_connections, atomic_load(&own->window_connections));
  atomic_store(&to->max_connections, atomic_load(&own->max_connections));
  atomic_store(&to->window_ns, atomic_load(&own->window_ns));
  atomic_store(&to->interval_ns, atomic_load(&own->interval_ns));
  atomic_store(&to->generation, generation);
  atomic_store(&to->seal, atomic_load(&own->seal));
}

static void write_name(gov_host_place *place) {
  uint64_t words[MSKGOV_PROCESS_NAME_MAX / 8] = {0};
  const char *name = program_invocation_short_name;

  memcpy(words, name, strnlen(name, sizeof(words) - 1));
  for (size_t i = 0; i < MSKGOV_PROCESS_NAME_MAX / 8; i++)
    atomic_store(&place->name[i], words[i]);
}

static void clear_row(gov_host_row *row) {
  atomic_store(&row->line, 0);
  atomic_store(&row->connecting, 0);
  atomic_store(&row->open, 0);
  atomic_store(&row->granted, 0);
  atomic_store(&row->connected, 0);
  atomic_store(&row->rejected, 0);
  atomic_store(&row->failed, 0);
}

/*
 * Lets go what a member holds that has ended. Its attempts may have reached the broker at
 * any moment until its end, which is now at the latest.
 */
static void clear_segment(gov_host_segment *segment, uint32_t id, uint64_t free_at_ns) {
  for (uint32_t i = 0; i < MSKGOV_HOST_WINDOW_MAX; i++) {
    uint64_t word = atomic_load(&segment->window[i]);

    if ((word & GOV_HOST_HELD) && gov_host_window_member(word) == id)
      atomic_compare_exchange_strong(&segment->window[i], &word, free_at_ns);
  }
  for (uint32_t i = 0; i < MSKGOV_HOST_CONNECTIONS_MAX; i++) {
    uint32_t word = atomic_load(&segment->connections[i]);

    if (word && gov_host_connection_member(word) == id)
      atomic_compare_exchange_strong(&segment->connections[i], &word, 0);
  }
  clear_row(&segment->rows[id]);
}

/* With the member's lock held. Can be left off anywhere and done again. */
static void clear(gov_host_file *file, uint32_t id, uint64_t now_ns) {
  gov_host_place *place = &file->header->members[id];
  gov_host_agreement agreement; /* as it was with the one that ended */

  gov_host_members_agree(file, NULL, &agreement);
  for (uint32_t i = 0; i < MSKGOV_HOST_BROKERS_MAX; i++) {
    gov_host_segment *segment = gov_host_file_segment(file, i);

    if (segment)
      clear_segment(segment, id, now_ns + agreement.window_ns + GOV_HOST_STRAY_NS);
  }
  atomic_store(&place->generation, 0);
  atomic_fetch_add(&file->header->epoch, 1);
}

/* A generation that is not 0. */
static uint32_t next_generation(gov_host_header *header) {
  uint32_t generation;

  do
    generation = atomic_fetch_add(&header->generation, 1) + 1;
  while (generation == 0);

  return generation;
}

/* Only up: all may do it at once. */
static void count_in(gov_host_header *header, uint32_t id) {
  uint32_t used = atomic_load(&header->members_used);

  while (used <= id && !atomic_compare_exchange_weak(&header->members_used, &used, id + 1))
    ;
}

int gov_host_member_join(gov_host_member *member, gov_host_file *file,
                         const mskgov_pacing *pacing, uint32_t max_connections,
                         mskgov_error_info *error) {
  uint64_t now_ns = gov_clock_monotonic_ns(&gov_clock_system);
  gov_host_header *header = file->header;
  gov_host_place *place;
  uint32_t id = 0;

  while (id < MSKGOV_HOST_MEMBERS_MAX && !gov_host_file_lock(file, id))
    id++;
  if (id == MSKGOV_HOST_MEMBERS_MAX)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "%u governors share the host store %s, and no more fit",
                         MSKGOV_HOST_MEMBERS_MAX, file->path);

  place = &header->members[id];
  if (atomic_load(&place->generation))
    clear(file, id, gov_clock_monotonic_ns(&gov_clock_system));
  write_quota(&member->own, pacing, max_connections);
  write_name(place);
  atomic_store(&place->pid, (uint32_t)getpid());
  atomic_store(&place->uid, (uint32_t)geteuid());
  atomic_store(&place->joined_at_ns, now_ns);
  count_in(header, id);

  pthread_mutex_init(&member->mutex, NULL);
  atomic_init(&member->swept_at_ns, now_ns);
  member->id = id;
  member->generation = next_generation(header);
  publish(place, &member->own, member->generation);
  atomic_fetch_add(&header->epoch, 1);

  return 0;
}

void gov_host_member_set_quota(gov_host_member *member, gov_host_file *file,
                               const mskgov_pacing *pacing, uint32_t max_connections) {
  pthread_mutex_lock(&member->mutex);
  write_quota(&member->own, pacing, max_connections);
  publish(&file->header->members[member->id], &member->own, member->generation);
  pthread_mutex_unlock(&member->mutex);
  atomic_fetch_add(&file->header->epoch, 1);
}

static bool differs(const gov_host_place *a, const gov_host_place *b) {
  return atomic_load(&a->generation) != atomic_load(&b->generation) ||
         atomic_load(&a->seal) != atomic_load(&b->seal) ||
         atomic_load(&a->window_connections) != atomic_load(&b->window_connections) ||
         atomic_load(&a->max_connections) != atomic_load(&b->max_connections) ||
         atomic_load(&a->window_ns) != atomic_load(&b->window_ns) ||
         atomic_load(&a->interval_ns) != atomic_load(&b->interval_ns);
}

/* Whether its place says what it should. */
static bool is_whole(const gov_host_member *member, const gov_host_file *file) {
  return atomic_load(&file->header->members_used) > member->id &&
         !differs(&file->header->members[member->id], &member->own);
}

void gov_host_member_mend(gov_host_member *member, gov_host_file *file) {
  /* who has it may be writing another quota; there is a next time */
  if (is_whole(member, file) || pthread_mutex_trylock(&member->mutex))
    return;

  count_in(file->header, member->id);
  publish(&file->header->members[member->id], &member->own, member->generation);
  pthread_mutex_unlock(&member->mutex);
  atomic_fetch_add(&file->header->epoch, 1);
}

void gov_host_member_leave(gov_host_member *member, gov_host_file *file) {
  clear(file, member->id, gov_clock_monotonic_ns(&gov_clock_system));
  gov_host_file_unlock(file, member->id);
  pthread_mutex_destroy(&member->mutex);
}

static uint32_t members_used(const gov_host_file *file) {
  uint32_t used = atomic_load_explicit(&file->header->members_used, memory_order_acquire);

  return used < MSKGOV_HOST_MEMBERS_MAX ? used : MSKGOV_HOST_MEMBERS_MAX;
}

static uint32_t generation_of(const gov_host_file *file, uint32_t id) {
  return atomic_load_explicit(&file->header->members[id].generation, memory_order_acquire);
}

bool gov_host_member_is_there(const gov_host_file *file, uint32_t id) {
  return generation_of(file, id) != 0;
}

bool gov_host_member_sweep(gov_host_member *member, gov_host_file *file, uint64_t every_ns,
                           uint64_t now_ns) {
  bool found = false;

  if (now_ns < gov_time_add(atomic_load(&member->swept_at_ns), every_ns) ||
      pthread_mutex_trylock(&member->mutex))
    return false;

  atomic_store(&member->swept_at_ns, now_ns);
  /* all of them: how many have been used is hearsay */
  for (uint32_t id = 0; id < MSKGOV_HOST_MEMBERS_MAX; id++) {
    if (id == member->id || !gov_host_member_is_there(file, id) ||
        !gov_host_file_lock(file, id))
      continue;
    if (gov_host_member_is_there(file, id)) {
      /* not before it ended, and that was before its lock could be had */
      clear(file, id, gov_clock_monotonic_ns(&gov_clock_system));
      found = true;
    }
    gov_host_file_unlock(file, id);
  }
  pthread_mutex_unlock(&member->mutex);

  return found;
}

static uint64_t within(uint64_t value, uint64_t low, uint64_t high) {
  return value < low ? low : value > high ? high : value;
}

static void agree_with(gov_host_agreement *agreement, const gov_host_place *place) {
  uint64_t connections, limit, window_ns, interval_ns;

  connections = within(atomic_load(&place->window_connections), 1, MSKGOV_HOST_WINDOW_MAX);
  limit = within(atomic_load(&place->max_connections), 1, UINT32_MAX);
  window_ns =
      within(atomic_load(&place->window_ns), MSKGOV_QUOTA_WINDOW_MIN_MS * GOV_NS_PER_MS,
             MSKGOV_QUOTA_WINDOW_MAX_MS * GOV_NS_PER_MS);
  interval_ns = within(atomic_load(&place->interval_ns), 1, INTERVAL_MAX_NS);
  if (connections < agreement->window_connections)
    agreement->window_connections = (uint32_t)connections;
  if (limit < agreement->max_connections)
    agreement->max_connections = (uint32_t)limit;
  if (window_ns > agreement->window_ns)
    agreement->window_ns = window_ns;
  if (interval_ns > agreement->interval_ns)
    agreement->interval_ns = interval_ns;
}

void gov_host_members_agree(const gov_host_file *file, const gov_host_place *own,
                            gov_host_agreement *agreement) {
  uint32_t seal;

  *agreement = (gov_host_agreement){.members_used = members_used(file),
                                    .window_connections = MSKGOV_HOST_WINDOW_MAX,
                                    .max_connections = UINT32_MAX,
                                    .window_ns = MSKGOV_QUOTA_WINDOW_MIN_MS * GOV_NS_PER_MS,
                                    .interval_ns = 1};
  for (uint32_t id = 0; id < agreement->members_used; id++) {
    if (!gov_host_member_is_there(file, id))
      continue;
    agreement->members++;
    seal = atomic_load(&file->header->members[id].seal);
    agreement->changing |= seal == 0;
    if (seal == seal_of(&file->header->members[id]))
      agree_with(agreement, &file->header->members[id]);
  }
  if (own)
    agree_with(agreement, own);
  if (agreement->max_connections > MSKGOV_HOST_CONNECTIONS_MAX)
    agreement->max_connections = UINT32_MAX;
}

uint32_t gov_host_row_line(const gov_host_row *row) {
  uint32_t line = atomic_load_explicit(&row->line, memory_order_relaxed);

  return line < LINE_MAX_BELIEVED ? line : LINE_MAX_BELIEVED;
}

bool gov_host_window_is_held(const gov_host_file *file, uint64_t word) {
  uint32_t id = gov_host_window_member(word);

  return id < MSKGOV_HOST_MEMBERS_MAX && gov_host_member_is_there(file, id) &&
         word == gov_host_window_held(id, generation_of(file, id));
}

bool gov_host_connection_is_held(const gov_host_file *file, uint32_t word) {
  uint32_t id = gov_host_connection_member(word);

  return id < MSKGOV_HOST_MEMBERS_MAX && gov_host_member_is_there(file, id) &&
         word == gov_host_connection_held(id, generation_of(file, id));
}
