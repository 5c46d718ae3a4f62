/*
 * Looking into a host store: the sums are what the members say themselves, nothing is
 * changed by looking, and what is damaged is told or bounded.
 */
#include "host_fixture.h"

#include <sys/wait.h>

#define NOBODY 65534

static const char *const addresses[] = {"c.example:9098", "a.example:9098",
                                        "b.example:9098"};

static mskgov_host_snapshot *must_look(void) {
  mskgov_host_snapshot *snapshot;
  mskgov_error_info error;

  ck_assert_msg(mskgov_host_snapshot_new(&snapshot, test_directory, &error) == 0, "%s",
                error.text);

  return snapshot;
}

static const mskgov_host_broker *find(const mskgov_host_snapshot *snapshot,
                                      const char *address, uint32_t *place) {
  for (uint32_t i = 0; i < mskgov_host_snapshot_brokers(snapshot); i++)
    if (strcmp(mskgov_host_snapshot_broker(snapshot, i)->address, address) == 0) {
      *place = i;
      return mskgov_host_snapshot_broker(snapshot, i);
    }
  ck_abort_msg("%s is not there", address);

  return NULL;
}

static void never_called(mskgov_permit *permit, int rc, void *user) {
  (void)permit;
  (void)user;
  ck_assert_int_ne(rc, 0);
}

/* Some of everything: connected, failed, rejected, on their way, and waiting. */
typedef struct scene {
  mskgov_governor *governors[3];
  mskgov_permit *permits[128];
  size_t count;
} scene;

static void play(scene *self, mskgov_governor *governor, const char *address,
                 mskgov_outcome outcome) {
  mskgov_permit *permit = must_acquire(governor, address, 20000);

  ck_assert_int_eq(mskgov_permit_report(permit, outcome, "as the test says"), 0);
  if (outcome == MSKGOV_OUTCOME_CONNECTED)
    self->permits[self->count++] = permit;
  else
    mskgov_permit_release(permit);
}

static void set_up(scene *self) {
  mskgov_governor_options options;

  make_directory();
  self->count = 0;
  options = host_options(60, 1000, 9);
  options.adaptive = MSKGOV_ADAPTIVE_OFF;
  for (size_t i = 0; i < COUNT(self->governors); i++) {
    self->governors[i] = must_open(options);
    options.quota.max_connections += 10; /* the first one's is the smallest */
  }
  for (size_t i = 0; i < COUNT(self->governors); i++) {
    for (size_t j = 0; j <= i; j++)
      play(self, self->governors[i], addresses[j], MSKGOV_OUTCOME_CONNECTED);
    play(self, self->governors[i], addresses[0], MSKGOV_OUTCOME_QUOTA);
    play(self, self->governors[i], addresses[1], MSKGOV_OUTCOME_TRANSPORT);
    play(self, self->governors[i], addresses[1], MSKGOV_OUTCOME_AUTHENTICATION);
    self->permits[self->count++] = must_acquire(self->governors[i], addresses[2], 20000);
  }
  /* fill the limit of the last one, and wait */
  while (metrics_of(self->governors[0], addresses[2]).connections_used < 9)
    play(self, self->governors[0], addresses[2], MSKGOV_OUTCOME_CONNECTED);
  for (size_t i = 0; i < COUNT(self->governors); i++)
    for (size_t j = 0; j <= i; j++)
      ck_assert_int_eq(mskgov_permit_acquire_async(self->governors[i], addresses[2], NULL,
                                                   MSKGOV_NEVER, never_called, NULL,
                                                   &self->permits[self->count++], NULL),
                       0);
}

static void tear_down(scene *self) {
  for (size_t i = 0; i < COUNT(self->governors); i++)
    mskgov_governor_stop(self->governors[i]);
  for (size_t i = 0; i < self->count; i++)
    mskgov_permit_release(self->permits[i]);
  for (size_t i = 0; i < COUNT(self->governors); i++)
    mskgov_governor_free(self->governors[i]);
  remove_directory();
}

static void must_be(const mskgov_host_usage *usage, const mskgov_broker_metrics *metrics) {
  ck_assert_uint_eq(usage->waiting, metrics->waiting);
  ck_assert_uint_eq(usage->connecting, metrics->connecting);
  ck_assert_uint_eq(usage->open, metrics->open);
  ck_assert_uint_eq(usage->granted, metrics->granted);
  ck_assert_uint_eq(usage->connected, metrics->connected);
  ck_assert_uint_eq(usage->rejected, metrics->failed_quota);
  ck_assert_uint_eq(usage->failed, metrics->failed_authentication +
                                       metrics->failed_authorization +
                                       metrics->failed_transport);
}

static void add(mskgov_broker_metrics *sum, const mskgov_broker_metrics *more) {
  sum->waiting += more->waiting;
  sum->connecting += more->connecting;
  sum->open += more->open;
  sum->granted += more->granted;
  sum->connected += more->connected;
  sum->failed_quota += more->failed_quota;
  sum->failed_transport += more->failed_transport;
  sum->failed_authentication += more->failed_authentication;
}

START_TEST(the_sums_are_the_members_own) {
  mskgov_host_snapshot *snapshot;
  scene self;

  set_up(&self);
  snapshot = must_look();
  ck_assert_uint_eq(mskgov_host_snapshot_members(snapshot), 3);
  ck_assert_uint_eq(mskgov_host_snapshot_brokers(snapshot), COUNT(addresses));
  for (size_t i = 0; i < COUNT(addresses); i++) {
    mskgov_broker_metrics sum = {0}, each;
    const mskgov_host_broker *broker;
    uint32_t place;

    broker = find(snapshot, addresses[i], &place);
    ck_assert_uint_eq(broker->usage_count, 3);
    for (uint32_t j = 0; j < 3; j++) {
      const mskgov_host_usage *usage = mskgov_host_snapshot_usage(snapshot, place, j);

      /* the places are taken in the order of joining */
      ck_assert_uint_eq(usage->member, j);
      each = metrics_of(self.governors[j], addresses[i]);
      must_be(usage, &each);
      add(&sum, &each);
    }
    must_be(&broker->sum, &sum);
    ck_assert_uint_eq(broker->window_limit, 60);
    ck_assert_uint_eq(broker->window_ms, 1000);
    ck_assert_uint_eq(broker->connections_limit, 9);
    ck_assert_uint_eq(broker->rate_percent, 100);
    ck_assert_uint_ge(broker->window_used, broker->sum.connecting);
    ck_assert_uint_eq(broker->sum.connecting + broker->sum.open, each.connections_used);
    ck_assert_ptr_null(mskgov_host_snapshot_usage(snapshot, place, 3));
  }
  ck_assert_ptr_null(mskgov_host_snapshot_usage(snapshot, COUNT(addresses), 0));
  ck_assert_ptr_null(mskgov_host_snapshot_broker(snapshot, COUNT(addresses)));
  ck_assert_ptr_null(mskgov_host_snapshot_member(snapshot, 3));
  for (uint32_t i = 1; i < COUNT(addresses); i++)
    ck_assert_int_lt(strcmp(mskgov_host_snapshot_broker(snapshot, i - 1)->address,
                            mskgov_host_snapshot_broker(snapshot, i)->address),
                     0);
  mskgov_host_snapshot_free(snapshot);
  tear_down(&self);
}
END_TEST

START_TEST(members_are_described) {
  uint64_t before_ns = monotonic_ns();
  mskgov_host_snapshot *snapshot;
  scene self;

  set_up(&self);
  snapshot = must_look();
  ck_assert_str_eq(mskgov_host_snapshot_path(snapshot), test_file);
  ck_assert_uint_ge(mskgov_host_snapshot_at_ns(snapshot), before_ns);
  ck_assert_uint_le(mskgov_host_snapshot_at_ns(snapshot), monotonic_ns());
  for (uint32_t i = 0; i < 3; i++) {
    const mskgov_host_member *member = mskgov_host_snapshot_member(snapshot, i);

    ck_assert_uint_eq(member->id, i);
    ck_assert_int_eq(member->pid, getpid());
    ck_assert_uint_eq(member->uid, geteuid());
    ck_assert_uint_ge(member->joined_at_ns, before_ns);
    ck_assert_uint_eq(strlen(member->name), strlen("test_host_snaps")); /* 15 bytes of it */
    ck_assert_str_eq(member->name, "test_host_snaps");
    ck_assert_uint_eq(member->window_connections, 60);
    ck_assert_uint_eq(member->window_ms, 1000);
    ck_assert_uint_eq(member->connections_limit, 9 + 10 * i);
  }
  mskgov_host_snapshot_free(snapshot);
  tear_down(&self);
}
END_TEST

static char *read_file(size_t *size) {
  gov_host_header *header = map_file(size);
  char *copy = malloc(*size);

  ck_assert_ptr_nonnull(copy);
  memcpy(copy, header, *size);
  munmap(header, *size);

  return copy;
}

/* For whoever may read it: another user, who cannot open it for writing. */
static int look_as_nobody(void) {
  mskgov_host_snapshot *snapshot;
  int status;
  pid_t pid = fork();

  if (pid == 0) {
    int rc = setgid(NOBODY) || setuid(NOBODY) || open(test_file, O_RDWR) >= 0 ? 99 : 0;

    if (!rc)
      rc = -mskgov_host_snapshot_new(&snapshot, test_directory, NULL);
    if (!rc)
      rc = mskgov_host_snapshot_members(snapshot) == 3 ? 0 : 98;
    _exit(rc);
  }
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFEXITED(status));

  return WEXITSTATUS(status);
}

START_TEST(looking_changes_nothing) {
  char *before, *after, *text;
  mskgov_host_snapshot *snapshot;
  size_t size, size_after;
  scene self;

  set_up(&self);
  for (size_t i = 0; i < COUNT(self.governors); i++)
    mskgov_governor_stop(self.governors[i]); /* nobody writes by itself any more */
  before = read_file(&size);
  snapshot = must_look();
  ck_assert_int_eq(mskgov_host_snapshot_json(snapshot, &text, NULL), 0);
  mskgov_text_free(text);
  ck_assert_int_eq(mskgov_host_snapshot_prometheus(snapshot, &text, NULL), 0);
  mskgov_text_free(text);
  mskgov_host_snapshot_free(snapshot);
  if (geteuid() == 0 && TEST_CHILD_MAY_START_THREADS) {
    ck_assert_int_eq(look_as_nobody(), -MSKGOV_ERR_SYSTEM);
    ck_assert_int_eq(chmod(test_directory, 0711), 0);
    ck_assert_int_eq(chmod(test_file, 0644), 0);
    ck_assert_int_ne(look_as_nobody(), 0); /* may enter, and not open the directory */
    ck_assert_int_eq(chmod(test_directory, 0755), 0);
    ck_assert_int_eq(look_as_nobody(), 0);
  } else {
    puts("skipped in part: only root can become another user, and not with a sanitizer");
  }
  after = read_file(&size_after);
  ck_assert_uint_eq(size, size_after);
  ck_assert_int_eq(memcmp(before, after, size), 0);
  free(before);
  free(after);
  tear_down(&self);
}
END_TEST

START_TEST(there_may_be_none) {
  mskgov_host_snapshot *snapshot = NULL;
  mskgov_error_info error;

  make_directory();
  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, &error),
                   MSKGOV_ERR_HOST_STORE);
  ck_assert_ptr_null(snapshot);
  ck_assert_ptr_nonnull(strstr(error.text, test_directory));
  ck_assert_int_ne(access(test_file, F_OK), 0); /* looking does not make one */
  remove_directory();
  ck_assert_int_eq(mskgov_host_snapshot_new(&snapshot, test_directory, &error),
                   MSKGOV_ERR_HOST_STORE);
  ck_assert_ptr_nonnull(strstr(error.text, test_directory));
  mskgov_host_snapshot_free(NULL);

  /* one that nobody uses is shown empty of members */
  make_directory();
  mskgov_governor_free(must_open(host_options(10, 1000, 10)));
  snapshot = must_look();
  ck_assert_uint_eq(mskgov_host_snapshot_members(snapshot), 0);
  ck_assert_uint_eq(mskgov_host_snapshot_brokers(snapshot), 0);
  mskgov_host_snapshot_free(snapshot);
  remove_directory();
}
END_TEST

/* Whatever the file says, texts are text and numbers are bounded. */
static void must_be_sane(const mskgov_host_snapshot *snapshot) {
  char *text;

  for (uint32_t i = 0; i < mskgov_host_snapshot_members(snapshot); i++)
    ck_assert_uint_lt(strlen(mskgov_host_snapshot_member(snapshot, i)->name),
                      MSKGOV_PROCESS_NAME_MAX);
  for (uint32_t i = 0; i < mskgov_host_snapshot_brokers(snapshot); i++) {
    const mskgov_host_broker *broker = mskgov_host_snapshot_broker(snapshot, i);

    ck_assert_uint_lt(strlen(broker->address), sizeof(broker->address));
    ck_assert_uint_ge(broker->window_limit, 1);
    ck_assert_uint_le(broker->window_limit, MSKGOV_HOST_WINDOW_MAX);
    ck_assert_uint_le(broker->window_used, broker->window_limit);
    ck_assert_uint_ge(broker->window_ms, MSKGOV_QUOTA_WINDOW_MIN_MS);
    ck_assert_uint_le(broker->window_ms, MSKGOV_QUOTA_WINDOW_MAX_MS);
    ck_assert_uint_ge(broker->rate_percent, 1);
    ck_assert_uint_le(broker->rate_percent, 100);
  }
  ck_assert_int_eq(mskgov_host_snapshot_json(snapshot, &text, NULL), 0);
  for (const char *at = text; *at; at++)
    ck_assert((unsigned char)*at >= ' ' || *at == '\n');
  mskgov_text_free(text);
  /* no name begins a line of its own */
  ck_assert_int_eq(mskgov_host_snapshot_prometheus(snapshot, &text, NULL), 0);
  for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
    ck_assert(*line == '#' || strncmp(line, "mskgov_", 7) == 0);
    ck_assert_ptr_nonnull(strchr(line, '\n'));
  }
  mskgov_text_free(text);
}

START_TEST(damage_is_told_or_bounded) {
  uint64_t seed = test_seed(), random = seed | 1;
  int looked = 0;
  char *whole;
  size_t size;
  scene self;

  set_up(&self);
  for (size_t i = 0; i < COUNT(self.governors); i++)
    mskgov_governor_stop(self.governors[i]);
  whole = read_file(&size);
  for (int i = 0; i < 200; i++) {
    gov_host_header *header = map_file(&size);
    mskgov_host_snapshot *snapshot = NULL;
    int hits = 1 + (int)(draw(&random) % 64);

    while (hits--) {
      size_t at =
          draw(&random) % 8 ? sizeof(*header) + draw(&random) % 4096 : draw(&random) % size;

      ((unsigned char *)header)[at] = (unsigned char)draw(&random);
    }
    if (mskgov_host_snapshot_new(&snapshot, test_directory, NULL) == 0) {
      must_be_sane(snapshot);
      looked++;
    }
    mskgov_host_snapshot_free(snapshot);
    memcpy(header, whole, size);
    munmap(header, size);
  }
  ck_assert_int_gt(looked, 160);
  free(whole);
  tear_down(&self);
}
END_TEST

TEST_MAIN("host_snapshot", TEST(the_sums_are_the_members_own), TEST(members_are_described),
          TEST(looking_changes_nothing), TEST(there_may_be_none),
          TEST(damage_is_told_or_bounded))
