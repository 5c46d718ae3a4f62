/*
 * Who hears a governor's events, and keeps copies of them.
 */
#ifndef TEST_EVENT_LISTENER_H
#define TEST_EVENT_LISTENER_H

#include "governor_fixture.h"

#define HEARD_MAX (2 * MSKGOV_EVENTS_PENDING_MAX)

/* The texts are the event's no longer than the callback lasts: read the copies. */
typedef struct heard_event {
  mskgov_event event;
  char broker[32], client[16], detail[32];
} heard_event;

typedef struct listener {
  pthread_mutex_t mutex;
  size_t count;
  heard_event events[HEARD_MAX];
} listener;

static inline void listen_copy(char *copy, size_t size, const char *text) {
  ck_assert_ptr_nonnull(text);
  ck_assert_uint_lt(strlen(text), size);
  strcpy(copy, text);
}

static void listen(const mskgov_event *heard, void *user) {
  listener *l = user;
  heard_event *copy;

  pthread_mutex_lock(&l->mutex);
  ck_assert_uint_lt(l->count, HEARD_MAX);
  copy = &l->events[l->count++];
  copy->event = *heard;
  listen_copy(copy->broker, sizeof(copy->broker), heard->broker);
  listen_copy(copy->client, sizeof(copy->client), heard->client);
  listen_copy(copy->detail, sizeof(copy->detail), heard->detail);
  pthread_mutex_unlock(&l->mutex);
}

/* How many of a kind have been heard. */
static inline size_t heard_of(listener *l, mskgov_event_kind kind) {
  size_t count = 0;

  pthread_mutex_lock(&l->mutex);
  for (size_t i = 0; i < l->count; i++)
    count += l->events[i].event.kind == kind;
  pthread_mutex_unlock(&l->mutex);

  return count;
}

#endif
