/*
 * The lock of all that the adapter keeps for the whole process: the keeper, the token
 * sources, the list of clients. A fork waits for it, so that a child never inherits it
 * locked.
 *
 * Held for short and while nothing else is locked.
 */
#ifndef GOV_CLIENT_PROCESS_H
#define GOV_CLIENT_PROCESS_H

void gov_process_lock(void);
void gov_process_unlock(void);

#endif
