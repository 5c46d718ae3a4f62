/*
 * Events on their way to the application's callback: a bounded queue.
 *
 * Threads: any; a lock of its own, under which nothing else is taken.
 */
#ifndef GOV_GOVERNOR_EVENTS_H
#define GOV_GOVERNOR_EVENTS_H

#include <mskgov/event.h>

#include <stdbool.h>

typedef struct gov_events gov_events;

/* NULL: no memory. */
gov_events *gov_events_new(mskgov_event_cb *callback, void *user);
void gov_events_free(gov_events *events);

/* Queues a copy. Without room or memory it is counted as lost. NULL events: nothing. */
void gov_events_push(gov_events *events, const mskgov_event *event);

/* Whether something waits to be told. */
bool gov_events_pending(const gov_events *events);

/* Tells all that wait, in order. On the pacing thread, with no lock held. */
void gov_events_tell(gov_events *events);

#endif
