/*
 * While several processes wait for one broker, each gets slots in proportion to its waiters:
 * real processes, whose threads wait without end.
 */
#include "host_children.h"

#include <pthread.h>

/* A connection is over at once, so that a thread waits nearly all the time. */
static void *wait_for_ever(void *argument) {
  for (;;)
    mskgov_permit_release(connect_one(argument, MSKGOV_NEVER));

  return NULL;
}

static int crowd(mskgov_governor *governor, int threads, int unused) {
  pthread_t thread;

  (void)unused;
  for (int i = 0; i < threads; i++)
    if (pthread_create(&thread, NULL, wait_for_ever, governor))
      return 3;
  tell("waiting");

  return pause_for_ever();
}

static const role roles[] = {{"crowd", crowd}};

#define PER_SECOND 200u
#define SECONDS 6u

typedef struct shares {
  int count;
  int waiters[8];
} shares;

static const shares all_shares[] = {{3, {1, 3, 9}}, {8, {4, 4, 4, 4, 4, 4, 4, 4}}};

/* Since it joined: what the member with this pid has been granted. */
static uint64_t granted_to(const mskgov_host_snapshot *snapshot, pid_t pid) {
  for (uint32_t i = 0; i < mskgov_host_snapshot_members(snapshot); i++)
    if (mskgov_host_snapshot_member(snapshot, i)->pid == pid)
      return mskgov_host_snapshot_usage(snapshot, 0, i)->granted;

  return 0;
}

START_TEST(grants_go_by_waiters) {
  const shares *row = &all_shares[_i];
  double sum = 0, squares = 0, waiters = 0, grants[8];
  mskgov_host_snapshot *before, *after;
  child children[8];

  make_directory();
  for (int i = 0; i < row->count; i++)
    children[i] = spawn_child("crowd", "200/1000", row->waiters[i], 0);
  for (int i = 0; i < row->count; i++)
    hear(&children[i]);
  sleep_ms(1500);
  ck_assert_int_eq(mskgov_host_snapshot_new(&before, test_directory, NULL), 0);
  sleep_ms(SECONDS * 1000);
  ck_assert_int_eq(mskgov_host_snapshot_new(&after, test_directory, NULL), 0);

  for (int i = 0; i < row->count; i++) {
    grants[i] =
        (double)(granted_to(after, children[i].pid) - granted_to(before, children[i].pid));
    sum += grants[i];
    squares += grants[i] * grants[i];
    waiters += row->waiters[i];
    kill_child(&children[i]);
  }
  printf("%.0f grants in %u s:", sum, SECONDS);
  for (int i = 0; i < row->count; i++)
    printf(" %.0f", grants[i]);
  printf("; Jain's index %.3f\n", sum * sum / (row->count * squares));

  ck_assert_uint_ge((uint64_t)sum, PER_SECOND * SECONDS * 8 / 10);
  for (int i = 0; i < row->count; i++) {
    double due = row->waiters[i] / waiters;

    ck_assert_msg(grants[i] / sum >= due * 0.9 && grants[i] / sum <= due * 1.1,
                  "%d waiters got %.3f, due were %.3f", row->waiters[i], grants[i] / sum,
                  due);
  }
  if (row->waiters[0] == row->waiters[1])
    ck_assert(sum * sum / (row->count * squares) >= 0.95);
  mskgov_host_snapshot_free(before);
  mskgov_host_snapshot_free(after);
  remove_directory();
}
END_TEST

int main(int argc, char **argv) {
  const test_entry entries[] = {TEST_TABLE(grants_go_by_waiters, all_shares)};

  if (argc == CHILD_ARGUMENTS + 2 && !strcmp(argv[1], "--child"))
    return be_child(argv, roles, 1);

  return test_run("host_shares", entries, 1);
}
