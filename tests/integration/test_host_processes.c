/*
 * What becomes of a host store's budget when the processes that share it are killed, stopped
 * and forked: docs/host-store.md, "What is promised" and "Fork". Times are measured and
 * printed; what is asserted leaves a busy machine room.
 */
#include "host_children.h"

#include <sched.h>

/* For a thread to get the processor, beyond what is promised. */
#define DELAY_MS 1500u

/* What children do. */

/* Holds `open` connections and `connecting` attempts, until it is killed. */
static int hold(mskgov_governor *governor, int open, int connecting) {
  for (int i = 0; i < open; i++)
    if (!connect_one(governor, 30000))
      return 3;
  for (int i = 0; i < connecting; i++)
    if (!acquire(governor, 30000))
      return 3;
  tell("holding");

  return pause_for_ever();
}

/* Opens as many as it can. */
static int grab(mskgov_governor *governor, int patience_ms, int unused) {
  (void)unused;
  while (connect_one(governor, (uint64_t)patience_ms))
    ;
  tell("no more");

  return pause_for_ever();
}

/* Waits for one, and tells when it was granted. */
static int await(mskgov_governor *governor, int unused, int unused2) {
  char text[32];

  (void)unused, (void)unused2;
  tell("waiting");
  if (!acquire(governor, MSKGOV_NEVER))
    return 3;
  snprintf(text, sizeof(text), "%llu", (unsigned long long)now_ns());
  tell(text);

  return pause_for_ever();
}

/* What a forked child finds: 0, or the number of what is wrong. */
static int look_around(mskgov_governor *governor, bool frees) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};
  mskgov_permit *permit = NULL;
  mskgov_quota quota = mskgov_quota_standard();

  if (mskgov_governor_check(governor, NULL) != MSKGOV_ERR_FORKED)
    return 1;
  if (mskgov_permit_acquire(governor, BROKER, NULL, 0, &permit, NULL) !=
          MSKGOV_ERR_FORKED ||
      permit)
    return 2;
  if (mskgov_governor_broker_metrics(governor, BROKER, &metrics, NULL) != MSKGOV_ERR_FORKED)
    return 3;
  if (mskgov_governor_set_quota(governor, &quota, NULL) != MSKGOV_ERR_FORKED)
    return 4;
  if (frees)
    mskgov_governor_free(governor);

  return 0;
}

/* Holds `open`, forks a child that goes on running, and tells what that found, then its pid:
   the test is to end it. */
static int fork_and_hold(mskgov_governor *governor, int open, int frees) {
  char text[32];
  pid_t pid;

  for (int i = 0; i < open; i++)
    if (!connect_one(governor, 30000))
      return 3;
  pid = fork();
  if (pid == 0) {
    snprintf(text, sizeof(text), "%d", look_around(governor, frees));
    tell(text);
    sleep_ms(30000);
    _exit(0);
  }
  sleep_ms(100);
  if (!connect_one(governor, 30000)) /* the store is as it was */
    return 3;
  snprintf(text, sizeof(text), "%d", (int)pid);
  tell(text);

  return pause_for_ever();
}

/* Tells how many of its descriptors are the store's. */
static int count_descriptors(mskgov_governor *governor, int unused, int unused2) {
  DIR *directory = opendir("/proc/self/fd");
  struct dirent *entry;
  int count = 0;

  (void)governor, (void)unused, (void)unused2;
  while (directory && (entry = readdir(directory))) {
    char to[128] = "";

    if (readlinkat(dirfd(directory), entry->d_name, to, sizeof(to) - 1) > 0)
      count += strstr(to, test_directory) != NULL;
  }
  if (directory)
    closedir(directory);
  printf("%d\n", count);
  fflush(stdout);

  return 0;
}

static const role roles[] = {
    {"hold", hold},
    {"grab", grab},
    {"await", await},
    {"fork_and_hold", fork_and_hold},
    {"count", count_descriptors},
};

/* The tests. */

START_TEST(what_a_killed_process_had_open_comes_back) {
  mskgov_governor *governor;
  child victim;
  uint64_t killed_ns, took_ms;

  make_directory();
  victim = spawn_child("hold", "200/10", 10, 0);
  hear(&victim);
  governor = open_store(200, 10);
  ck_assert_ptr_null(acquire(governor, 100));
  killed_ns = now_ns();
  kill_child(&victim);
  for (int i = 0; i < 10; i++) /* all of them */
    ck_assert_ptr_nonnull(connect_one(governor, 5000 + DELAY_MS));
  took_ms = ms_since(killed_ns);
  printf("10 open connections of a killed process: all open again after %llu ms\n",
         (unsigned long long)took_ms);
  ck_assert_uint_le(took_ms, 5000 + DELAY_MS);
  remove_directory();
}
END_TEST

/* The metrics tell it as well, if nobody waits. */
START_TEST(metrics_lose_what_a_killed_process_had) {
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};
  mskgov_governor *governor;
  uint64_t killed_ns;
  child victim;

  make_directory();
  victim = spawn_child("hold", "200/10", 7, 2);
  hear(&victim);
  governor = open_store(200, 10);
  ck_assert_int_eq(mskgov_governor_broker_metrics(governor, BROKER, &metrics, NULL), 0);
  mskgov_permit_release(acquire(governor, 1000));
  ck_assert_int_eq(mskgov_governor_broker_metrics(governor, BROKER, &metrics, NULL), 0);
  ck_assert_uint_eq(metrics.connections_used, 9);
  kill_child(&victim);
  killed_ns = now_ns();
  while (metrics.connections_used && ms_since(killed_ns) < 5000 + DELAY_MS) {
    sleep_ms(10);
    ck_assert_int_eq(mskgov_governor_broker_metrics(governor, BROKER, &metrics, NULL), 0);
  }
  ck_assert_uint_eq(metrics.connections_used, 0);
  printf("gone from the metrics after %llu ms\n", (unsigned long long)ms_since(killed_ns));
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

START_TEST(what_was_under_way_counts_for_a_window_more) {
  uint64_t killed_ns, dead_ns, took_ms;
  mskgov_governor *governor;
  child victim;

  make_directory();
  victim = spawn_child("hold", "5/100", 0, 5);
  hear(&victim);
  governor = open_store(5, 100);
  /* it holds them for as long as it lives, however long that is */
  ck_assert_ptr_null(acquire(governor, 2 * WINDOW_MS));
  killed_ns = now_ns();
  kill_child(&victim);
  dead_ns = now_ns();
  ck_assert_ptr_nonnull(acquire(governor, 10 * WINDOW_MS));
  took_ms = ms_since(dead_ns);
  printf("5 attempts of a killed process: counted for %llu ms after its end\n",
         (unsigned long long)took_ms);
  ck_assert_uint_ge(ms_since(killed_ns), WINDOW_MS);
  ck_assert_uint_le(took_ms, WINDOW_MS + 100 + DELAY_MS);
  remove_directory();
}
END_TEST

START_TEST(a_killed_process_takes_its_quota_along) {
  mskgov_governor *governor;
  uint64_t killed_ns;
  child victim;

  make_directory();
  victim = spawn_child("hold", "1/100", 0, 0);
  hear(&victim);
  governor = open_store(200, 100);
  mskgov_permit_release(acquire(governor, 3000));
  killed_ns = now_ns();
  mskgov_permit_release(acquire(governor, 3000));
  ck_assert_uint_ge(ms_since(killed_ns), WINDOW_MS / 2); /* it holds for all */
  killed_ns = now_ns();
  kill_child(&victim);
  for (int i = 0; i < 10; i++) /* at one a second: ten seconds */
    mskgov_permit_release(acquire(governor, 5000));
  printf("10 grants at the higher quota %llu ms after the lower one's member was killed\n",
         (unsigned long long)ms_since(killed_ns));
  ck_assert_uint_le(ms_since(killed_ns), 2 * WINDOW_MS + DELAY_MS);
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

START_TEST(another_quota_reaches_those_who_wait) {
  mskgov_quota quota = mskgov_quota_custom(200, 100);
  mskgov_governor *governor;
  uint64_t changed_ns, granted_ns;
  child waiter;

  make_directory();
  governor = open_store(1, 100);
  ck_assert_ptr_nonnull(acquire(governor, 1000)); /* and is never reported */
  waiter = spawn_child("await", "200/100", 0, 0);
  hear(&waiter);
  sleep_ms(1500);
  changed_ns = now_ns();
  ck_assert_int_eq(mskgov_governor_set_quota(governor, &quota, NULL), 0);
  granted_ns = hear(&waiter);
  ck_assert_uint_gt(granted_ns, changed_ns); /* not before */
  printf("a waiter of another process is granted %.1f ms after the quota was raised\n",
         (double)(granted_ns - changed_ns) / 1e6);
  ck_assert_uint_le((granted_ns - changed_ns) / NS_PER_MS, 100 + DELAY_MS);
  kill_child(&waiter);
  remove_directory();
}
END_TEST

static mskgov_host_broker snapshot_of(uint32_t *members) {
  mskgov_host_broker broker = {.usage_count = 0};
  mskgov_host_snapshot *snapshot;

  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, NULL), 0);
  *members = mskgov_host_snapshot_members(snapshot);
  if (mskgov_host_snapshot_brokers(snapshot))
    broker = *mskgov_host_snapshot_broker(snapshot, 0);
  mskgov_host_snapshot_free(snapshot);

  return broker;
}

START_TEST(the_limit_holds_over_processes) {
  mskgov_host_broker broker;
  uint32_t members;
  child children[5];

  make_directory();
  for (int i = 0; i < 5; i++)
    children[i] = spawn_child("grab", "400/37", 1000, 0);
  for (int i = 0; i < 5; i++)
    hear(&children[i]);
  broker = snapshot_of(&members);
  ck_assert_uint_eq(members, 5);
  ck_assert_uint_eq(broker.sum.open, 37);
  ck_assert_uint_eq(broker.connections_limit, 37);

  /* a killed one is not shown from that moment on, whoever has cleared up */
  kill_child(&children[2]);
  broker = snapshot_of(&members);
  ck_assert_uint_eq(members, 4);
  ck_assert_uint_eq(broker.usage_count, 4);
  ck_assert_uint_lt(broker.sum.open, 37);
  for (int i = 0; i < 5; i++)
    if (i != 2)
      kill_child(&children[i]);
  remove_directory();
}
END_TEST

START_TEST(a_stopped_process_keeps_what_it_holds) {
  mskgov_governor *governor;
  child stopped;

  make_directory();
  stopped = spawn_child("hold", "200/8", 4, 1);
  hear(&stopped);
  kill(stopped.pid, SIGSTOP);
  governor = open_store(200, 8);
  for (int i = 0; i < 3; i++) /* the others go on */
    ck_assert_ptr_nonnull(connect_one(governor, 1000 + DELAY_MS));
  ck_assert_ptr_null(acquire(governor, 3000));
  kill(stopped.pid, SIGCONT);
  ck_assert_ptr_null(acquire(governor, 500));
  kill(stopped.pid, SIGSTOP);
  kill_child(&stopped);
  ck_assert_ptr_nonnull(connect_one(governor, 5000 + DELAY_MS));
  remove_directory();
}
END_TEST

START_TEST(a_forked_child_keeps_nothing_alive) {
  mskgov_governor *governor;
  child victim;
  uint64_t killed_ns;
  pid_t grandchild;

  make_directory();
  victim = spawn_child("fork_and_hold", "200/6", 5, _i);
  ck_assert_uint_eq(hear(&victim), 0); /* what look_around says */
  grandchild = (pid_t)hear(&victim);
  governor = open_store(200, 6);
  ck_assert_ptr_null(acquire(governor, 1000)); /* what its parent holds is untouched */
  kill(victim.pid, SIGKILL);
  waitpid(victim.pid, NULL, 0);
  killed_ns = now_ns();
  ck_assert_ptr_nonnull(connect_one(governor, 5000 + DELAY_MS));
  printf("its parent's connections came back after %llu ms\n",
         (unsigned long long)ms_since(killed_ns));
  ck_assert_int_eq(kill(grandchild, 0), 0); /* which is still running */
  kill(grandchild, SIGKILL);
  fclose(victim.told);
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

START_TEST(spawned_programs_inherit_nothing) {
  mskgov_governor *governor;
  child spawned;

  make_directory();
  governor = open_store(200, 6);
  mskgov_permit_release(acquire(governor, 1000));
  spawned = spawn_child("count", "", 0, 0);
  ck_assert_uint_eq(hear(&spawned), 0);
  kill_child(&spawned);
  mskgov_governor_free(governor);
  remove_directory();
}
END_TEST

/* In a PID namespace of its own it is number 1, and so is the next one. */
static child spawn_as_number_one(int open) {
  child spawned = {.told = NULL};
  int ends[2];
  pid_t between;

  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  between = fork();
  if (between == 0) {
    if (unshare(CLONE_NEWPID) == 0)
      spawned = spawn_child("hold", "200/8", open, 0);
    if (spawned.told)
      hear(&spawned);
    if (write(ends[1], &spawned.pid, sizeof(spawned.pid)) < 0)
      _exit(1);
    pause_for_ever(); /* its child would end with it */
  }
  close(ends[1]);
  ck_assert_int_eq(read(ends[0], &spawned.pid, sizeof(spawned.pid)), sizeof(spawned.pid));
  close(ends[0]);
  spawned.told = NULL;

  return spawned;
}

START_TEST(nothing_depends_on_pids) {
  child first, second;
  mskgov_host_snapshot *snapshot;
  mskgov_governor *governor;
  uint32_t members;

  if (geteuid()) {
    puts("skipped: only root makes PID namespaces");
    return;
  }
  make_directory();
  first = spawn_as_number_one(3);
  second = spawn_as_number_one(5);
  if (first.pid <= 0 || second.pid <= 0) {
    puts("skipped: no PID namespace can be made here");
    return;
  }
  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, NULL), 0);
  ck_assert_uint_eq(mskgov_host_snapshot_members(snapshot), 2);
  for (uint32_t i = 0; i < 2; i++)
    ck_assert_int_eq(mskgov_host_snapshot_member(snapshot, i)->pid, 1);
  mskgov_host_snapshot_free(snapshot);

  governor = open_store(200, 8);
  ck_assert_ptr_null(acquire(governor, 200));
  kill(first.pid, SIGKILL);
  for (int i = 0; i < 3; i++) /* its own three, and none of the other number 1 */
    ck_assert_ptr_nonnull(connect_one(governor, 5000 + DELAY_MS));
  ck_assert_ptr_null(acquire(governor, 1500));
  ck_assert_uint_eq(snapshot_of(&members).sum.open, 8);
  kill(second.pid, SIGKILL);
  ck_assert_ptr_nonnull(connect_one(governor, 5000 + DELAY_MS));
  remove_directory();
}
END_TEST

int main(int argc, char **argv) {
  const test_entry entries[] = {
      TEST(what_a_killed_process_had_open_comes_back),
      TEST(metrics_lose_what_a_killed_process_had),
      TEST(what_was_under_way_counts_for_a_window_more),
      TEST(a_killed_process_takes_its_quota_along),
      TEST(another_quota_reaches_those_who_wait),
      TEST(the_limit_holds_over_processes),
      TEST(a_stopped_process_keeps_what_it_holds),
      TEST_LOOP(a_forked_child_keeps_nothing_alive, 2),
      TEST(spawned_programs_inherit_nothing),
      TEST(nothing_depends_on_pids),
  };

  if (argc == CHILD_ARGUMENTS + 2 && !strcmp(argv[1], "--child"))
    return be_child(argv, roles, sizeof(roles) / sizeof(roles[0]));

  return test_run("host_processes", entries, sizeof(entries) / sizeof(entries[0]));
}
