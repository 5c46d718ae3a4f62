/*
 * One thread that runs timers. A timer's function runs on that thread with no lock held,
 * may take its time (the other timers wait), and may set or cancel any timer, its own too.
 *
 * Threads: any.
 */
#ifndef GOV_BASE_TIMERS_H
#define GOV_BASE_TIMERS_H

#include "base/heap.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct gov_timers gov_timers;

typedef void gov_timer_fn(void *user);

/* A timer, a member of what it serves. Initialised by gov_timer_init. */
typedef struct gov_timer {
  gov_heap_node node;
  gov_timer_fn *run;
  void *user;
  bool cancelling; /* under the lock: setting it does nothing */
} gov_timer;

/* Starts the thread. Returns 0 and sets *timers, or an errno. */
int gov_timers_new(gov_timers **timers, const char *thread_name);

/* Ends the thread; no timer may be set any more. NULL does nothing. Not from a timer. */
void gov_timers_free(gov_timers *timers);

void gov_timer_init(gov_timer *timer, gov_timer_fn *run, void *user);

/*
 * Makes the timer run once, at `at_ns` (monotonic), instead of whenever it was set to
 * before. False: no memory; it stays as it was.
 */
bool gov_timer_set(gov_timers *timers, gov_timer *timer, uint64_t at_ns);

/*
 * Takes the timer off. When it returns the timer's function is not running and will not
 * run, unless called from within it; so hold no lock that the function takes.
 */
void gov_timer_cancel(gov_timers *timers, gov_timer *timer);

#endif
