/*
 * The ends of a governor: stop, holds, free, fork. What it leaves behind shows under
 * AddressSanitizer.
 */
#include "governor_fixture.h"
#include "threads.h"

#include <sched.h>
#include <sys/wait.h>

typedef struct ending {
  event happened;
  int rc;
} ending;

static void note_ending(mskgov_permit *permit, int rc, void *user) {
  ending *e = user;

  (void)permit;
  e->rc = rc;
  event_happen(&e->happened);
}

static mskgov_permit *start_waiting(mskgov_governor *governor, uint64_t timeout_ms,
                                    ending *e) {
  mskgov_permit *permit = NULL;

  *e = (ending){.happened = EVENT_INITIALIZER, .rc = 1};
  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, timeout_ms,
                                               note_ending, e, &permit, NULL),
                   0);
  ck_assert_ptr_nonnull(permit);

  return permit;
}

static int try_acquire(mskgov_governor *governor, uint64_t timeout_ms) {
  mskgov_permit *permit = NULL;
  int rc = mskgov_permit_acquire(governor, BROKER, NULL, timeout_ms, &permit, NULL);

  if (rc == 0)
    mskgov_permit_release(permit);

  return rc;
}

/* Granted, open and waiting permits outlive a stop, and the caller's hold. */
START_TEST(test_stop) {
  mskgov_governor *governor = narrow_governor(2);
  mskgov_permit *granted = must_acquire(governor), *open = must_acquire(governor);
  mskgov_permit *waiting, *none = NULL;
  ending e;

  ck_assert_int_eq(mskgov_permit_report(open, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  waiting = start_waiting(governor, MSKGOV_NEVER, &e);
  mskgov_governor_stop(governor);
  ck_assert_uint_eq(event_count(&e.happened), 1); /* no callback is to come */
  ck_assert_int_eq(e.rc, MSKGOV_ERR_STOPPED);
  mskgov_governor_stop(governor);

  ck_assert_int_eq(try_acquire(governor, MSKGOV_NEVER), MSKGOV_ERR_STOPPED);
  ck_assert_int_eq(mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER,
                                               note_ending, &e, &none, NULL),
                   MSKGOV_ERR_STOPPED);
  mskgov_governor_free(governor);
  mskgov_permit_release(waiting);
  ck_assert_int_eq(mskgov_permit_report(granted, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  mskgov_permit_release(granted);
  mskgov_permit_release(open);
  ck_assert_uint_eq(event_count(&e.happened), 1);
}
END_TEST

/* The four orders of giving up two holds and a permit that leave no hold unused. */
START_TEST(test_holds) {
  for (int order = 0; order < 4; order++) {
    mskgov_governor *governor = fast_governor();
    mskgov_permit *permit = must_acquire(governor);

    ck_assert_ptr_eq(mskgov_governor_ref(governor), governor);
    if (order & 1)
      mskgov_permit_release(permit);
    if (order & 2) {
      mskgov_governor_unref(governor);
      ck_assert_int_eq(try_acquire(governor, MSKGOV_NEVER), 0); /* not stopped */
      mskgov_governor_free(governor);
    } else {
      mskgov_governor_free(governor);
      ck_assert_int_eq(try_acquire(governor, MSKGOV_NEVER), MSKGOV_ERR_STOPPED);
      mskgov_governor_unref(governor);
    }
    if (!(order & 1))
      mskgov_permit_release(permit);
  }
  mskgov_governor_free(NULL);
  mskgov_permit_release(NULL);
}
END_TEST

typedef struct blocked {
  mskgov_governor *governor;
  int rc;
} blocked;

static void *block(void *argument) {
  blocked *b = argument;
  mskgov_permit *permit;

  b->rc = mskgov_permit_acquire(b->governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL);

  return NULL;
}

#define BLOCKED 4

/* Those who wait are sent away; whoever of them is last takes the memory with him. */
START_TEST(test_free_with_waiters) {
  for (int round = 0; round < 50; round++) {
    mskgov_governor *governor = narrow_governor(1);
    mskgov_permit *holder = must_acquire(governor), *waiting;
    blocked waiters[BLOCKED];
    test_threads threads;
    ending e;

    for (size_t i = 0; i < BLOCKED; i++)
      waiters[i] = (blocked){governor, 1};
    test_threads_start(&threads, BLOCKED, block, waiters, sizeof(*waiters));
    waiting = start_waiting(governor, MSKGOV_NEVER, &e);
    while (metrics_of(governor, BROKER).waiting < BLOCKED + 1)
      sched_yield();
    if (round % 2) {
      mskgov_governor_free(governor);
      mskgov_permit_release(holder);
      mskgov_permit_release(waiting);
    } else {
      mskgov_permit_release(waiting);
      mskgov_governor_free(governor);
      mskgov_permit_release(holder);
    }
    test_threads_join(&threads);
    for (size_t i = 0; i < BLOCKED; i++)
      ck_assert_int_eq(waiters[i].rc, MSKGOV_ERR_STOPPED);
  }
}
END_TEST

typedef struct late_try {
  mskgov_governor *governor;
  event entered, go_on, done;
} late_try;

/* After the last user has let go the permit that is told still holds the governor. */
static void try_late(mskgov_permit *permit, int rc, void *user) {
  late_try *l = user;
  mskgov_permit *other = NULL;

  ck_assert_int_eq(rc, 0);
  event_happen(&l->entered);
  event_wait(&l->go_on, 1);
  ck_assert_int_eq(mskgov_permit_acquire(l->governor, "b-2:9098", NULL, 0, &other, NULL),
                   MSKGOV_ERR_DEADLINE);
  mskgov_permit_release(permit);
  event_happen(&l->done);
}

/* A try that fails then, here for its back-off, leaves no hold behind. */
START_TEST(test_a_try_after_the_last_user) {
  mskgov_governor_options options = fast_options();
  late_try l = {NULL, EVENT_INITIALIZER, EVENT_INITIALIZER, EVENT_INITIALIZER};
  mskgov_permit *permit;

  options.backoff_jitter = MSKGOV_JITTER_EQUAL;
  options.backoff_base_ms = options.backoff_cap_ms = 3600000;
  l.governor = make_governor(options);
  ck_assert_int_eq(
      mskgov_permit_acquire(l.governor, "b-2:9098", NULL, MSKGOV_NEVER, &permit, NULL), 0);
  mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL);
  mskgov_permit_release(permit);
  ck_assert_int_eq(mskgov_permit_acquire_async(l.governor, BROKER, NULL, MSKGOV_NEVER,
                                               try_late, &l, &permit, NULL),
                   0);
  event_wait(&l.entered, 1);
  mskgov_governor_unref(l.governor);
  event_happen(&l.go_on);
  event_wait(&l.done, 1);
}
END_TEST

/* Makes one, and uses it. Returns 0, or what does not work. */
static int use_a_governor(void) {
  mskgov_governor_options options = fast_options();
  mskgov_governor *governor;
  mskgov_permit *permit;

  if (mskgov_governor_new(&governor, &options, NULL))
    return 101;
  if (mskgov_permit_acquire(governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL))
    return 102;
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);

  return 0;
}

/* In a child: nothing of the parent's governor works but freeing; a new one does. */
static int child_of_fork(mskgov_governor *governor, mskgov_broker *broker,
                         mskgov_permit *permit) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};
  mskgov_quota quota = mskgov_quota_standard();
  mskgov_permit *other = NULL;
  mskgov_broker *handle;
  uint64_t wait_ms;

  if (mskgov_permit_acquire(governor, BROKER, NULL, MSKGOV_NEVER, &other, NULL) !=
      MSKGOV_ERR_FORKED)
    return 1;
  if (mskgov_permit_acquire_async(governor, BROKER, NULL, MSKGOV_NEVER, note_ending, NULL,
                                  &other, NULL) != MSKGOV_ERR_FORKED)
    return 2;
  if (mskgov_governor_broker_metrics(governor, BROKER, &metrics, NULL) != MSKGOV_ERR_FORKED)
    return 3;
  if (mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL) != MSKGOV_ERR_FORKED)
    return 4;
  if (mskgov_broker_try(broker, NULL, &other, NULL) != MSKGOV_ERR_FORKED)
    return 5;
  if (mskgov_governor_check(governor, NULL) != MSKGOV_ERR_FORKED)
    return 6;
  if (mskgov_governor_set_quota(governor, &quota, NULL) != MSKGOV_ERR_FORKED)
    return 7;
  if (mskgov_governor_broker(governor, BROKER, &handle, NULL) != MSKGOV_ERR_FORKED)
    return 8;
  if (mskgov_permit_estimate(governor, BROKER, NULL, &wait_ms, NULL) != MSKGOV_ERR_FORKED)
    return 9;
  mskgov_permit_release(permit);
  mskgov_governor_stop(governor);
  mskgov_governor_free(governor);

  return TEST_CHILD_MAY_START_THREADS ? use_a_governor() : 0;
}

static void check_child(pid_t pid) {
  int status;

  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status: %#x",
                (unsigned)status);
}

START_TEST(test_fork) {
  mskgov_governor *governor = narrow_governor(1);
  mskgov_permit *permit = must_acquire(governor), *waiting;
  mskgov_broker *broker;
  pid_t pid;
  ending e;

  ck_assert_int_eq(mskgov_governor_broker(governor, BROKER, &broker, NULL), 0);
  waiting = start_waiting(governor, MSKGOV_NEVER, &e);
  pid = fork();
  if (pid == 0)
    _exit(child_of_fork(governor, broker, permit));
  check_child(pid);

  mskgov_permit_release(permit); /* the parent's goes on */
  event_wait(&e.happened, 1);
  ck_assert_int_eq(e.rc, 0);
  mskgov_permit_release(waiting);
  mskgov_governor_free(governor);
}
END_TEST

/* A process that forks before it has a governor: both have their own. */
START_TEST(test_fork_before_a_governor) {
  pid_t pid = fork();

  if (pid == 0)
    _exit(use_a_governor());
  ck_assert_int_eq(use_a_governor(), 0);
  check_child(pid);
}
END_TEST

static void *acquire_often(void *argument) {
  mskgov_governor *governor = argument;
  mskgov_permit *permit;

  while (mskgov_permit_acquire(governor, BROKER, NULL, MSKGOV_NEVER, &permit, NULL) == 0) {
    mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL);
    mskgov_permit_release(permit);
  }

  return NULL;
}

/* Whatever lock is held when it forks, a child can give the memory back. */
START_TEST(test_fork_at_any_moment) {
  mskgov_governor *governor = fast_governor();
  test_threads threads;

  test_threads_start(&threads, 2, acquire_often, governor, 0);
  for (int i = 0; TEST_CHILD_MAY_START_THREADS && i < 50; i++) {
    pid_t pid = fork();

    if (pid == 0) {
      mskgov_governor_free(governor);
      _exit(0);
    }
    check_child(pid);
  }
  mskgov_governor_stop(governor);
  test_threads_join(&threads);
  mskgov_governor_free(governor);
}
END_TEST

TEST_MAIN("governor life", TEST(test_stop), TEST(test_holds), TEST(test_free_with_waiters),
          TEST(test_a_try_after_the_last_user), TEST(test_fork),
          TEST(test_fork_before_a_governor), TEST(test_fork_at_any_moment))
