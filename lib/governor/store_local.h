/*
 * The local store: budgets of this governor alone.
 *
 * Threads: open and change under a lock of its own, budgets under their gates'.
 */
#ifndef GOV_GOVERNOR_STORE_LOCAL_H
#define GOV_GOVERNOR_STORE_LOCAL_H

#include "governor/budget.h"

/* NULL: no memory. */
gov_store *gov_store_local_new(const gov_store_options *options);

#endif
