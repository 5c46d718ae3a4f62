/*
 * An event loop (libevent) on a thread of its own, which can be told to do something.
 *
 * Whatever touches libevent is done on that thread, by gov_loop_call, from making a
 * listener to closing a connection; so libevent needs no locks. Signals are blocked in it.
 *
 * A loop may have a table of descriptors of its own: the limit of open files then holds
 * for this thread and not for the process. What is opened on the thread exists there only,
 * and is to be closed there.
 */
#ifndef GOV_BROKER_LOOP_H
#define GOV_BROKER_LOOP_H

#include "base/list.h"

#include <mskgov/error.h>

#include <event2/event.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct gov_loop {
  struct event_base *base; /* borrowed by what is done on the thread */
  struct event *wake;
  int wake_fd;
  bool own_files;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* a call is done, or the last caller has left */
  struct {
    gov_list calls;   /* not begun */
    uint32_t callers; /* threads within gov_loop_call */
    bool ended;       /* takes no call any more */
  } locked;
} gov_loop;

/* Something to do on the thread; not 0: it failed, and why is in `error`. */
typedef int gov_loop_task(void *argument, mskgov_error_info *error);

/*
 * Starts the thread and its loop. Returns 0 or MSKGOV_ERR_SYSTEM (no thread; own_files
 * before Linux 5.9), MSKGOV_ERR_NO_MEMORY; then there is nothing to stop.
 */
int gov_loop_start(gov_loop *loop, uint32_t index, bool own_files,
                   mskgov_error_info *error);

/*
 * Has `task` done and waits for its end. Returns what the task does, or MSKGOV_ERR_STATE:
 * the loop has ended. Any thread but the loop's own.
 */
int gov_loop_call(gov_loop *loop, gov_loop_task *task, void *argument,
                  mskgov_error_info *error);

/*
 * Does what was asked for before, ends the thread, waits for callers to leave and frees.
 * Nothing of the base may be left.
 */
void gov_loop_stop(gov_loop *loop);

#endif
