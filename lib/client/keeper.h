/*
 * The keeper: the one thread of the process that serves librdkafka's clients. It pushes
 * their tokens, ends connections that take too long to set up, and starts connections for
 * applications that brought a connect_cb. It starts with the first conf that is applied
 * and ends with the last client.
 *
 * Process-wide state: the pointer to the keeper and its count of users, under a mutex.
 */
#ifndef GOV_CLIENT_KEEPER_H
#define GOV_CLIENT_KEEPER_H

#include "base/timers.h"

/* Joins the keeper. Returns 0 and sets *timers (until gov_keeper_leave), or an errno. */
int gov_keeper_join(gov_timers **timers);

/* Leaves it; the last to leave ends the thread. Not to be called on it. */
void gov_keeper_leave(void);

#endif
