#include "governor/streaks.h"

#include "base/clock.h"
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

typedef struct gov_streak {
  gov_map_node node;
  gov_backoff backoff;
  uint64_t not_before_ns;
  char client[];
} gov_streak;

void gov_streaks_init(gov_streaks *streaks) {
  gov_map_init(&streaks->clients);
  streaks->forget_at_ns = 0;
}

void gov_streaks_fini(gov_streaks *streaks) {
  gov_map_node *node;

  while ((node = gov_map_pop(&streaks->clients)))
    free(gov_container_of(node, gov_streak, node));
  gov_map_fini(&streaks->clients);
}

static gov_streak *find(const gov_streaks *streaks, const char *client) {
  gov_map_node *node = gov_map_find(&streaks->clients, client);

  return node ? gov_container_of(node, gov_streak, node) : NULL;
}

static void forget(gov_streaks *streaks, gov_streak *streak) {
  gov_map_remove(&streaks->clients, &streak->node);
  free(streak);
}

static void forget_waited(gov_streaks *streaks, uint64_t now_ns) {
  if (now_ns < streaks->forget_at_ns)
    return;

  streaks->forget_at_ns = UINT64_MAX;
  for (gov_map_node *node = gov_map_next(&streaks->clients, NULL), *next; node;
       node = next) {
    gov_streak *streak = gov_container_of(node, gov_streak, node);

    next = gov_map_next(&streaks->clients, node);
    if (streak->not_before_ns <= now_ns)
      forget(streaks, streak);
    else if (streak->not_before_ns < streaks->forget_at_ns)
      streaks->forget_at_ns = streak->not_before_ns;
  }
}

static gov_streak *add(gov_streaks *streaks, const char *client, uint64_t now_ns) {
  size_t size = strlen(client) + 1;
  gov_streak *streak;

  if (streaks->clients.count >= GOV_STREAKS_MAX)
    forget_waited(streaks, now_ns);
  if (streaks->clients.count >= GOV_STREAKS_MAX)
    return NULL;

  streak = calloc(1, sizeof(*streak) + size);
  if (!streak)
    return NULL;

  memcpy(streak->client, client, size);
  if (!gov_map_insert(&streaks->clients, &streak->node, streak->client)) {
    free(streak);
    return NULL;
  }

  return streak;
}

static void set_wait(gov_streaks *streaks, gov_streak *streak, uint64_t not_before_ns) {
  streak->not_before_ns = not_before_ns;
  if (not_before_ns < streaks->forget_at_ns)
    streaks->forget_at_ns = not_before_ns;
}

uint64_t gov_streaks_not_before_ns(const gov_streaks *streaks, const char *client) {
  const gov_streak *streak = find(streaks, client);

  return streak ? streak->not_before_ns : 0;
}

uint32_t gov_streaks_failures(const gov_streaks *streaks, const char *client) {
  const gov_streak *streak = find(streaks, client);

  return streak ? streak->backoff.failures : 0;
}

uint64_t gov_streaks_fail(gov_streaks *streaks, const char *client,
                          const gov_backoff_options *options, uint64_t now_ns,
                          gov_random *random) {
  gov_streak *streak = find(streaks, client);
  uint64_t wait_ns;

  if (!streak)
    streak = add(streaks, client, now_ns);
  if (!streak)
    return 0;

  wait_ns = gov_backoff_next(&streak->backoff, options, random);
  set_wait(streaks, streak, gov_time_add(now_ns, wait_ns));

  return wait_ns;
}

bool gov_streaks_succeed(gov_streaks *streaks, const char *client) {
  gov_streak *streak = find(streaks, client);

  if (streak)
    forget(streaks, streak);

  return streak != NULL;
}
