/*
 * The streaks of failures of a broker's clients. A client that fails waits for its
 * back-off before it may queue again; its first success ends the streak. Clients that do
 * not fail take no memory.
 *
 * Threads: the caller's lock. Time and randomness are arguments.
 */
#ifndef GOV_GOVERNOR_STREAKS_H
#define GOV_GOVERNOR_STREAKS_H

#include "base/map.h"
#include "policy/backoff.h"

#include <stdbool.h>

typedef struct gov_streaks {
  gov_map clients;
  uint64_t forget_at_ns; /* before this moment nobody can be forgotten */
} gov_streaks;

/*
 * Clients that are remembered at most. Beyond it those whose wait is over are forgotten
 * first: a client that comes back then starts a new streak.
 */
#define GOV_STREAKS_MAX 100000

void gov_streaks_init(gov_streaks *streaks);
void gov_streaks_fini(gov_streaks *streaks);

/* When the client may queue; 0 for one without a streak. */
uint64_t gov_streaks_not_before_ns(const gov_streaks *streaks, const char *client);

/* Failures in a row of the client; clients that are in a streak. */
uint32_t gov_streaks_failures(const gov_streaks *streaks, const char *client);
static inline uint32_t gov_streaks_clients(const gov_streaks *streaks) {
  return (uint32_t)streaks->clients.count;
}

/*
 * A failure: the wait grows. Returns it; without memory for it the client just does not
 * wait.
 */
uint64_t gov_streaks_fail(gov_streaks *streaks, const char *client,
                          const gov_backoff_options *options, uint64_t now_ns,
                          gov_random *random);

/* A success: the streak is over. Returns whether there was one. */
bool gov_streaks_succeed(gov_streaks *streaks, const char *client);

#endif
