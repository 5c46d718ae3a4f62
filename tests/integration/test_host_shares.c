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
#define SECONDS 5u
#define TRIES 4

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

/* What each child is granted in the next seconds, as parts of all. */
static double measure(const shares *row, const child *children, double parts[8]) {
  mskgov_host_snapshot *before, *after;
  double sum = 0;

  ck_assert_int_eq(mskgov_host_snapshot_new(&before, test_directory, NULL), 0);
  sleep_ms(SECONDS * 1000);
  ck_assert_int_eq(mskgov_host_snapshot_new(&after, test_directory, NULL), 0);
  for (int i = 0; i < row->count; i++) {
    parts[i] =
        (double)(granted_to(after, children[i].pid) - granted_to(before, children[i].pid));
    sum += parts[i];
  }
  printf("%.0f grants in %u s:", sum, SECONDS);
  for (int i = 0; i < row->count; i++) {
    printf(" %.0f", parts[i]);
    parts[i] /= sum;
  }
  mskgov_host_snapshot_free(before);
  mskgov_host_snapshot_free(after);

  return sum;
}

static bool are_fair(const shares *row, const double parts[8]) {
  double waiters = 0, squares = 0;
  bool fair = true;

  for (int i = 0; i < row->count; i++) {
    waiters += row->waiters[i];
    squares += parts[i] * parts[i];
  }
  for (int i = 0; i < row->count; i++)
    fair = fair && parts[i] >= 0.9 * row->waiters[i] / waiters &&
           parts[i] <= 1.1 * row->waiters[i] / waiters;
  printf("; Jain's index %.3f\n", 1 / (row->count * squares));

  return fair && (row->waiters[0] != row->waiters[1] || 1 / (row->count * squares) >= 0.95);
}

/* A busy machine keeps threads from waiting, and then their shares are others'; so it is
   enough that it comes right once. */
START_TEST(grants_go_by_waiters) {
  const shares *row = &all_shares[_i];
  child children[8];
  double parts[8];
  bool fair = false;

  make_directory();
  for (int i = 0; i < row->count; i++)
    children[i] = spawn_child("crowd", "200/1000", row->waiters[i], 0);
  for (int i = 0; i < row->count; i++)
    hear(&children[i]);
  sleep_ms(1500);
  for (int i = 0; i < TRIES && !fair; i++)
    fair =
        measure(row, children, parts) >= PER_SECOND * SECONDS * 0.8 && are_fair(row, parts);
  ck_assert(fair);
  for (int i = 0; i < row->count; i++)
    kill_child(&children[i]);
  remove_directory();
}
END_TEST

int main(int argc, char **argv) {
  const test_entry entries[] = {TEST_TABLE(grants_go_by_waiters, all_shares)};

  if (argc == CHILD_ARGUMENTS + 2 && !strcmp(argv[1], "--child"))
    return be_child(argv, roles, 1);

  return test_run("host_shares", entries, 1);
}
