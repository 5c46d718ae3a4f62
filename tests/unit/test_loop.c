/*
 * An event loop that is told what to do, from several threads and while it ends.
 */
#include "base/error.h"
#include "broker/loop.h"
#include "harness.h"
#include "threads.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

static gov_loop loop;

static void start(void) {
  mskgov_error_info error = {0};

  ck_assert_msg(gov_loop_start(&loop, 0, false, &error) == 0, "%s", error.text);
}

/* --- What is done ---------------------------------------------------------------------
 */

static int note_thread(void *argument, mskgov_error_info *error) {
  (void)error;
  *(pthread_t *)argument = pthread_self();

  return 0;
}

static int refuse(void *argument, mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_CRYPTO, "%s", (const char *)argument);
}

START_TEST(test_a_call_is_done_on_the_thread) {
  char why[] = "as it was told";
  mskgov_error_info error = {0};
  pthread_t thread = pthread_self();

  start();
  ck_assert_int_eq(gov_loop_call(&loop, note_thread, &thread, NULL), 0);
  ck_assert(pthread_equal(thread, loop.thread));
  ck_assert_int_eq(gov_loop_call(&loop, refuse, why, &error), MSKGOV_ERR_CRYPTO);
  ck_assert_str_eq(error.text, why);
  ck_assert_int_eq(gov_loop_call(&loop, refuse, why, NULL), MSKGOV_ERR_CRYPTO);
  gov_loop_stop(&loop);
}
END_TEST

static void on_timer(evutil_socket_t fd, short what, void *user) {
  char byte = 1;

  (void)fd, (void)what;
  ck_assert_int_eq(write(*(int *)user, &byte, 1), 1);
}

static int set_timer(void *argument, mskgov_error_info *error) {
  const struct timeval soon = {.tv_usec = 1000};

  (void)error;

  return event_base_once(loop.base, -1, EV_TIMEOUT, on_timer, argument, &soon);
}

START_TEST(test_events_go_on) {
  int told[2];
  char byte;

  ck_assert_int_eq(pipe(told), 0);
  start();
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(gov_loop_call(&loop, set_timer, &told[1], NULL), 0);
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
  }
  gov_loop_stop(&loop);
  close(told[0]);
  close(told[1]);
}
END_TEST

/* --- Several callers ------------------------------------------------------------------
 */

#define CALLERS 8
#define CALLS 500

static unsigned done; /* by the loop's thread alone */

static int add_one(void *argument, mskgov_error_info *error) {
  (void)argument, (void)error;
  done++;

  return 0;
}

static void *call_often(void *argument) {
  (void)argument;
  for (int i = 0; i < CALLS; i++)
    ck_assert_int_eq(gov_loop_call(&loop, add_one, NULL, NULL), 0);

  return NULL;
}

START_TEST(test_several_callers) {
  start();
  test_threads_run(CALLERS, call_often, NULL, 0);
  gov_loop_stop(&loop);
  ck_assert_uint_eq(done, CALLERS * CALLS);
}
END_TEST

/* --- The end --------------------------------------------------------------------------
 */

static int wait_for_byte(void *argument, mskgov_error_info *error) {
  char byte;

  (void)error;
  ck_assert_int_eq(read(*(int *)argument, &byte, 1), 1);

  return 0;
}

static void *call_waiting(void *argument) {
  ck_assert_int_eq(gov_loop_call(&loop, wait_for_byte, argument, NULL), 0);

  return NULL;
}

static void *call_once(void *argument) {
  (void)argument;
  ck_assert_int_eq(gov_loop_call(&loop, add_one, NULL, NULL), 0);

  return NULL;
}

static void *stop(void *argument) {
  (void)argument;
  gov_loop_stop(&loop);

  return NULL;
}

static void wait_for_callers(uint32_t count, bool ended) {
  bool there = false;

  while (!there) {
    pthread_mutex_lock(&loop.mutex);
    there = loop.locked.callers == count && loop.locked.ended == ended;
    pthread_mutex_unlock(&loop.mutex);
    sched_yield();
  }
}

/* What was asked for before the end is done, what comes later is not. */
START_TEST(test_calls_under_way_at_the_end) {
  mskgov_error_info error = {0};
  test_threads busy, queued, stopper;
  char byte = 1;
  int go[2];

  ck_assert_int_eq(pipe(go), 0);
  start();
  test_threads_start(&busy, 1, call_waiting, &go[0], 0);
  wait_for_callers(1, false);
  test_threads_start(&queued, CALLERS, call_once, NULL, 0);
  wait_for_callers(1 + CALLERS, false);
  test_threads_start(&stopper, 1, stop, NULL, 0);
  wait_for_callers(1 + CALLERS, true);

  ck_assert_int_eq(gov_loop_call(&loop, add_one, NULL, &error), MSKGOV_ERR_STATE);
  ck_assert_msg(strstr(error.text, "freed") != NULL, "%s", error.text);
  ck_assert_int_eq(write(go[1], &byte, 1), 1);
  test_threads_join(&stopper);
  test_threads_join(&busy);
  test_threads_join(&queued);
  ck_assert_uint_eq(done, CALLERS);
  close(go[0]);
  close(go[1]);
}
END_TEST

TEST_MAIN("loop", TEST(test_a_call_is_done_on_the_thread), TEST(test_events_go_on),
          TEST(test_several_callers), TEST(test_calls_under_way_at_the_end))
