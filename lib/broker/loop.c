#include "broker/loop.h"

#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1u << 1) /* linux/close_range.h, Linux 5.9 */
#endif

typedef struct loop_call {
  gov_list_node in_loop;
  gov_loop_task *task;
  void *argument;
  mskgov_error_info *error;
  int rc;
  bool done;
} loop_call;

/* Takes the next call; NULL: none. *ended tells whether there will be another. */
static loop_call *next_call(gov_loop *loop, bool *ended) {
  gov_list_node *node;

  pthread_mutex_lock(&loop->mutex);
  node = gov_list_pop_front(&loop->locked.calls);
  *ended = loop->locked.ended;
  pthread_mutex_unlock(&loop->mutex);

  return node ? gov_container_of(node, loop_call, in_loop) : NULL;
}

static void answer(gov_loop *loop, loop_call *call, int rc) {
  pthread_mutex_lock(&loop->mutex);
  call->rc = rc;
  call->done = true; /* from here on the call is its caller's again */
  pthread_cond_broadcast(&loop->changed);
  pthread_mutex_unlock(&loop->mutex);
}

static void on_wake(evutil_socket_t fd, short what, void *user) {
  gov_loop *loop = user;
  loop_call *call;
  uint64_t count;
  bool ended;

  (void)what;
  while (read((int)fd, &count, sizeof(count)) < 0 && errno == EINTR)
    ;
  while ((call = next_call(loop, &ended)))
    answer(loop, call, call->task(call->argument, call->error));
  if (ended)
    event_base_loopbreak(loop->base);
}

static void wake(gov_loop *loop) {
  uint64_t one = 1;

  while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
    ;
}

/* Leaves the process's table of descriptors, and keeps of it the wake-up and 0 to 2. */
static int take_own_files(int keep_fd, mskgov_error_info *error) {
  unsigned keep = (unsigned)keep_fd;
  unsigned after = keep < STDERR_FILENO ? STDERR_FILENO + 1u : keep + 1;

  if ((keep > STDERR_FILENO + 1u &&
       syscall(SYS_close_range, STDERR_FILENO + 1u, keep - 1, CLOSE_RANGE_UNSHARE)) ||
      syscall(SYS_close_range, after, ~0u, CLOSE_RANGE_UNSHARE))
    return gov_error_set_errno(error, errno, "cannot give a thread descriptors of its own");

  return 0;
}

static int prepare(gov_loop *loop, mskgov_error_info *error) {
  if (loop->own_files && take_own_files(loop->wake_fd, error))
    return MSKGOV_ERR_SYSTEM;

  loop->base = event_base_new();
  if (!loop->base)
    return gov_error_set_errno(error, errno, "cannot make an event loop");

  loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
  if (!loop->wake || event_add(loop->wake, NULL))
    return gov_error_no_memory(error);

  return 0;
}

static void *serve(void *argument) {
  gov_loop *loop = argument;
  loop_call *start;
  bool ended;
  int rc;

  /* the first call is that of gov_loop_start */
  start = next_call(loop, &ended);
  rc = prepare(loop, start->error);
  answer(loop, start, rc);
  if (!rc)
    event_base_dispatch(loop->base);

  if (loop->wake)
    event_free(loop->wake);
  if (loop->base)
    event_base_free(loop->base);
  return NULL;
}

/* Waits with the mutex held, and counted as a caller. */
static int wait_for_locked(gov_loop *loop, const loop_call *call) {
  loop->locked.callers++;
  while (!call->done)
    pthread_cond_wait(&loop->changed, &loop->mutex);
  loop->locked.callers--;
  pthread_cond_broadcast(&loop->changed);

  return call->rc;
}

static void fini(gov_loop *loop) {
  pthread_cond_destroy(&loop->changed);
  pthread_mutex_destroy(&loop->mutex);
  close(loop->wake_fd);
}

int gov_loop_start(gov_loop *loop, uint32_t index, bool own_files,
                   mskgov_error_info *error) {
  loop_call call = {.error = error};
  char name[16];
  int rc;

  *loop = (gov_loop){.own_files = own_files};
  loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop->wake_fd < 0)
    return gov_error_set_errno(error, errno, "cannot make an eventfd");

  pthread_mutex_init(&loop->mutex, NULL);
  pthread_cond_init(&loop->changed, NULL);
  gov_list_init(&loop->locked.calls);
  gov_list_push_back(&loop->locked.calls, &call.in_loop);
  snprintf(name, sizeof(name), "mskgov-broker%u", index % 100);
  rc = gov_thread_start(&loop->thread, name, serve, loop);
  if (rc) {
    fini(loop);
    return gov_error_set_errno(error, rc, "cannot start the brokers' threads");
  }

  pthread_mutex_lock(&loop->mutex);
  rc = wait_for_locked(loop, &call);
  pthread_mutex_unlock(&loop->mutex);
  if (rc) {
    pthread_join(loop->thread, NULL);
    fini(loop);
  }

  return rc;
}

int gov_loop_call(gov_loop *loop, gov_loop_task *task, void *argument,
                  mskgov_error_info *error) {
  loop_call call = {.task = task, .argument = argument, .error = error};
  int rc = MSKGOV_ERR_STATE;

  pthread_mutex_lock(&loop->mutex);
  if (!loop->locked.ended) {
    gov_list_push_back(&loop->locked.calls, &call.in_loop);
    wake(loop);
    rc = wait_for_locked(loop, &call);
  }
  pthread_mutex_unlock(&loop->mutex);

  return rc == MSKGOV_ERR_STATE ? gov_error_set(error, rc, "the cluster is being freed")
                                : rc;
}

void gov_loop_stop(gov_loop *loop) {
  pthread_mutex_lock(&loop->mutex);
  loop->locked.ended = true;
  wake(loop);
  while (loop->locked.callers)
    pthread_cond_wait(&loop->changed, &loop->mutex);
  pthread_mutex_unlock(&loop->mutex);
  pthread_join(loop->thread, NULL);
  fini(loop);
}
