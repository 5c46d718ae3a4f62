/*
 * The keeper: the threads of the process that serve librdkafka's clients. They start with
 * the first conf that is applied and end with the last client.
 *
 * `tokens` fetches and pushes tokens, and may block as long as a credentials provider
 * does. `connections` ends connections that take too long to set up, and starts those of
 * applications that brought a connect_cb.
 */
#ifndef GOV_CLIENT_KEEPER_H
#define GOV_CLIENT_KEEPER_H

#include "base/timers.h"

typedef struct gov_keeper gov_keeper;

/* Joins the keeper. Returns 0 and sets *keeper (a hold: gov_keeper_leave), or an errno. */
int gov_keeper_join(gov_keeper **keeper);

/*
 * Leaves it; the last to leave ends the threads, so not to be called on one. In a child of
 * a fork it does nothing for a keeper of the parent, whose threads are not there. NULL
 * does nothing.
 */
void gov_keeper_leave(gov_keeper *keeper);

/* Timers of the two threads; borrowed until the keeper is left. */
gov_timers *gov_keeper_tokens(gov_keeper *keeper);
gov_timers *gov_keeper_connections(gov_keeper *keeper);

#endif
