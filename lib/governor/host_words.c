#include "governor/host_words.h"

#include "base/clock.h"
#include "base/cold.h"

#include <string.h>

/* How long words beyond the quota are looked for after it has changed: longer than anybody
   takes to notice it in the middle of taking one. */
#define BEYOND_NS GOV_NS_PER_S
#define BEYOND_EVERY_NS (10 * GOV_NS_PER_MS)

void gov_host_words_init(gov_host_words *words, const gov_host_file *file,
                         gov_host_segment *segment, const gov_host_member *member) {
  memset(words, 0, sizeof(*words));
  words->segment = segment;
  words->file = file;
  words->window_held = gov_host_window_held(member->id, member->generation);
  words->connection_held = gov_host_connection_held(member->id, member->generation);
}

void gov_host_words_follow(gov_host_words *words, uint64_t now_ns) {
  words->beyond_until_ns = now_ns + BEYOND_NS;
  words->window_beyond.looked_ns = words->connections_beyond.looked_ns = 0;
}

/* No report, and no end of a process, frees a word later than this: a window and the stray
   from now on, and clocks may have been read earlier. */
static uint64_t window_end_ns(uint64_t window_ns, uint64_t now_ns) {
  return now_ns + window_ns + GOV_HOST_STRAY_NS +
         (window_ns > GOV_NS_PER_S ? window_ns : GOV_NS_PER_S);
}

static bool is_in_window(const gov_host_words *words, uint32_t at, uint64_t now_ns,
                         uint64_t far_ns) {
  uint64_t word = atomic_load_explicit(&words->segment->window[at], memory_order_relaxed);

  if (word & GOV_HOST_HELD)
    return gov_host_window_is_held(words->file, word);

  return word > now_ns && word <= far_ns;
}

static bool is_connection(const gov_host_words *words, uint32_t at, uint64_t now_ns,
                          uint64_t far_ns) {
  (void)now_ns;
  (void)far_ns;

  return gov_host_connection_is_held(
      words->file,
      atomic_load_explicit(&words->segment->connections[at], memory_order_relaxed));
}

/*
 * How many of the first `limit` words may be taken where `end` have ever been. Those beyond,
 * held since a higher quota, count as well: the largest number of which it holds that these
 * and what is held from there to the end are no more than the limit. As what is held beyond
 * only becomes less, this stays right while others take words meanwhile, and until one looks
 * again.
 */
GOV_COLD static uint32_t
count_beyond(gov_host_words *words, uint32_t limit, uint32_t end, gov_host_beyond *found,
             bool (*is_held)(const gov_host_words *, uint32_t, uint64_t, uint64_t),
             uint64_t now_ns, uint64_t far_ns) {
  uint32_t held = 0;

  if (found->looked_ns && !found->held && now_ns >= words->beyond_until_ns)
    return limit;
  if (found->looked_ns && now_ns < found->looked_ns + BEYOND_EVERY_NS)
    return found->usable;

  found->looked_ns = now_ns;
  found->usable = limit;
  for (uint32_t i = limit; i < end; i++)
    held += is_held(words, i, now_ns, far_ns);
  found->held = held;
  while (found->usable > 0 && found->usable + held > limit)
    held += is_held(words, --found->usable, now_ns, far_ns);

  return found->usable;
}

static uint32_t ever_taken(const _Atomic uint32_t *mark, uint32_t max) {
  uint32_t end = atomic_load_explicit(mark, memory_order_relaxed);

  return end < max ? end : max;
}

/* Before the word is taken, so that whoever counts does not miss it. Only up. */
static inline void raise_mark(_Atomic uint32_t *mark, uint32_t at) {
  uint32_t end = atomic_load_explicit(mark, memory_order_relaxed);

  while (end <= at && !atomic_compare_exchange_weak(mark, &end, at + 1))
    ;
}

static inline bool take_word(gov_host_words *words, uint32_t at, uint64_t now_ns) {
  _Atomic uint64_t *word = &words->segment->window[at];
  uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);

  if (seen > now_ns)
    return false;
  raise_mark(&words->segment->window_mark, at);
  if (!atomic_compare_exchange_strong(word, &seen, words->window_held))
    return false;
  words->window_hint = at + 1;

  return true;
}

GOV_COLD static uint32_t search_window(gov_host_words *words, uint32_t count, uint32_t at,
                                       uint64_t window_ns, uint64_t now_ns,
                                       uint64_t *at_ns) {
  uint64_t far_ns = window_end_ns(window_ns, now_ns);

  for (uint32_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
    _Atomic uint64_t *in_file = &words->segment->window[at];
    uint64_t word;

    if (take_word(words, at, now_ns))
      return at;
    word = atomic_load_explicit(in_file, memory_order_relaxed);
    if (word & GOV_HOST_HELD ? !gov_host_window_is_held(words->file, word) : word > far_ns)
      atomic_compare_exchange_strong(in_file, &word, now_ns + window_ns);
    else if (!(word & GOV_HOST_HELD) && word > now_ns && word < *at_ns)
      *at_ns = word;
  }

  return GOV_HOST_NO_WORD;
}

uint32_t gov_host_words_take_window(gov_host_words *words, uint32_t count,
                                    uint64_t window_ns, uint64_t poll_ns, uint64_t now_ns,
                                    uint64_t *at_ns) {
  uint32_t end = ever_taken(&words->segment->window_mark, MSKGOV_HOST_WINDOW_MAX), at;

  if (end > count)
    count = count_beyond(words, count, end, &words->window_beyond, is_in_window, now_ns,
                         window_end_ns(window_ns, now_ns));
  at = words->window_hint < count ? words->window_hint : 0;
  if (count > 0 && take_word(words, at, now_ns))
    return at;
  *at_ns = now_ns + poll_ns;

  return search_window(words, count, at, window_ns, now_ns, at_ns);
}

uint32_t gov_host_words_take_connection(gov_host_words *words, uint32_t limit,
                                        uint64_t now_ns) {
  uint32_t end = ever_taken(&words->segment->connections_mark, MSKGOV_HOST_CONNECTIONS_MAX);
  uint32_t count =
      limit < MSKGOV_HOST_CONNECTIONS_MAX ? limit : MSKGOV_HOST_CONNECTIONS_MAX;
  uint32_t at;

  if (end > count)
    count = count_beyond(words, count, end, &words->connections_beyond, is_connection,
                         now_ns, UINT64_MAX);
  at = words->connection_hint < count ? words->connection_hint : 0;
  for (uint32_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
    _Atomic uint32_t *in_file = &words->segment->connections[at];
    uint32_t word = atomic_load_explicit(in_file, memory_order_relaxed);

    if (word != 0 && gov_host_connection_is_held(words->file, word))
      continue;
    raise_mark(&words->segment->connections_mark, at);
    if (!atomic_compare_exchange_strong(in_file, &word, words->connection_held))
      continue;
    words->connection_hint = at + 1;
    return at;
  }

  return GOV_HOST_NO_WORD;
}

void gov_host_words_free_window(gov_host_words *words, uint32_t at, uint64_t free_at_ns) {
  uint64_t held = words->window_held;

  if (at != GOV_HOST_NO_WORD)
    atomic_compare_exchange_strong(&words->segment->window[at], &held, free_at_ns);
}

void gov_host_words_free_connection(gov_host_words *words, uint32_t at) {
  uint32_t held = words->connection_held;

  if (at == GOV_HOST_NO_WORD)
    return;
  atomic_compare_exchange_strong(&words->segment->connections[at], &held, 0);
  words->connection_hint = at;
}
