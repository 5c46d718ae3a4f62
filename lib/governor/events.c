#include "governor/events.h"

#include "base/list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct queued {
  gov_list_node node;
  mskgov_event event; /* its broker lives as long as the governor */
  char texts[];       /* client and detail */
} queued;

struct gov_events {
  mskgov_event_cb *callback;
  void *user;
  atomic_uint pending;
  pthread_mutex_t mutex;
  struct {
    gov_list list;
    uint64_t lost;
  } locked;
};

const char *mskgov_event_name(mskgov_event_kind kind) {
  switch (kind) {
#define NAME(name, value, text)                                                            \
  case MSKGOV_EVENT_##name:                                                                \
    return text;
    MSKGOV_EVENT_LIST(NAME)
#undef NAME
  default:
    return "unknown";
  }
}

gov_events *gov_events_new(mskgov_event_cb *callback, void *user) {
  gov_events *events = calloc(1, sizeof(*events));

  if (!events)
    return NULL;

  events->callback = callback;
  events->user = user;
  atomic_init(&events->pending, 0);
  pthread_mutex_init(&events->mutex, NULL);
  gov_list_init(&events->locked.list);

  return events;
}

void gov_events_free(gov_events *events) {
  gov_list_node *node;

  if (!events)
    return;

  while ((node = gov_list_pop_front(&events->locked.list)))
    free(gov_container_of(node, queued, node));
  pthread_mutex_destroy(&events->mutex);
  free(events);
}

static queued *copy(const mskgov_event *event) {
  const char *client = event->client ? event->client : "";
  const char *detail = event->detail ? event->detail : "";
  size_t client_size = strlen(client) + 1, detail_size = strlen(detail) + 1;
  queued *made = malloc(sizeof(*made) + client_size + detail_size);

  if (!made)
    return NULL;

  *made = (queued){.event = *event};
  memcpy(made->texts, client, client_size);
  memcpy(made->texts + client_size, detail, detail_size);
  made->event.client = made->texts;
  made->event.detail = made->texts + client_size;
  if (!event->broker)
    made->event.broker = "";

  return made;
}

void gov_events_push(gov_events *events, const mskgov_event *event) {
  queued *made;

  if (!events)
    return;

  made = copy(event);
  pthread_mutex_lock(&events->mutex);
  if (made && atomic_load(&events->pending) < MSKGOV_EVENTS_PENDING_MAX) {
    gov_list_push_back(&events->locked.list, &made->node);
    atomic_fetch_add(&events->pending, 1);
    made = NULL;
  } else {
    events->locked.lost++;
  }
  pthread_mutex_unlock(&events->mutex);
  free(made); /* if it was not queued */
}

bool gov_events_pending(const gov_events *events) {
  return events && atomic_load_explicit(&events->pending, memory_order_relaxed) > 0;
}

static void tell_lost(gov_events *events, uint64_t lost, uint64_t at_ns) {
  const mskgov_event event = {.kind = MSKGOV_EVENT_LOST,
                              .at_ns = at_ns,
                              .broker = "",
                              .client = "",
                              .detail = "",
                              .value = lost};

  events->callback(&event, events->user);
}

void gov_events_tell(gov_events *events) {
  gov_list_node *node;
  uint64_t lost;

  while (gov_events_pending(events)) {
    queued *told;

    pthread_mutex_lock(&events->mutex);
    node = gov_list_pop_front(&events->locked.list);
    if (node)
      atomic_fetch_sub(&events->pending, 1);
    /* the lost ones came when the queue was full: after the last that is in it */
    lost = gov_list_empty(&events->locked.list) ? events->locked.lost : 0;
    events->locked.lost -= lost;
    pthread_mutex_unlock(&events->mutex);
    if (!node)
      break;

    told = gov_container_of(node, queued, node);
    events->callback(&told->event, events->user);
    if (lost)
      tell_lost(events, lost, told->event.at_ns);
    free(told);
  }
}
