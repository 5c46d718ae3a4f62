/*
 * What one member takes of a broker's two tables in the host store: words of the arrival
 * window and of the open connections (host_layout.h). A step is one compare-and-swap.
 *
 * Threads: the caller's lock for one object; members do not wait for each other.
 */
#ifndef GOV_GOVERNOR_HOST_WORDS_H
#define GOV_GOVERNOR_HOST_WORDS_H

#include "governor/host_members.h"

#define GOV_HOST_NO_WORD UINT32_MAX

/* What was found beyond the words of a quota, and how many of them may be taken for that. */
typedef struct gov_host_beyond {
  uint32_t held, usable;
  uint64_t looked_ns;
} gov_host_beyond;

typedef struct gov_host_words {
  gov_host_segment *segment;
  const gov_host_file *file;
  uint64_t window_held; /* a word that this member holds */
  uint32_t connection_held;
  uint32_t window_hint, connection_hint; /* where to look first */
  uint64_t beyond_until_ns; /* until then somebody may take words beyond the quota */
  gov_host_beyond window_beyond, connections_beyond;
} gov_host_words;

/* All borrowed. */
void gov_host_words_init(gov_host_words *words, const gov_host_file *file,
                         gov_host_segment *segment, const gov_host_member *member);

/* The members agree on another quota: words beyond it may be held, and taken still. */
void gov_host_words_follow(gov_host_words *words, uint64_t now_ns);

/*
 * Takes a free word of the window, of which `count` may be used. GOV_HOST_NO_WORD if there is
 * none: the first to come free does so at *at_ns, at `now_ns` + `poll_ns` at the latest as
 * far as is known.
 */
uint32_t gov_host_words_take_window(gov_host_words *words, uint32_t count,
                                    uint64_t window_ns, uint64_t poll_ns, uint64_t now_ns,
                                    uint64_t *at_ns);

/*
 * Takes a free word of the connections; limit UINT32_MAX: none, but those that are open are
 * to count once there is one. GOV_HOST_NO_WORD if there is none.
 */
uint32_t gov_host_words_take_connection(gov_host_words *words, uint32_t limit,
                                        uint64_t now_ns);

/*
 * Give a word back, that of the window from `free_at_ns` on. One that is not this member's
 * any more, since it was taken for dead, is left alone; so is GOV_HOST_NO_WORD.
 */
void gov_host_words_free_window(gov_host_words *words, uint32_t at, uint64_t free_at_ns);
void gov_host_words_free_connection(gov_host_words *words, uint32_t at);

#endif
