/*
 * Somebody writes anything into a store that is in use. No call crashes or hangs, and once
 * the writer has stopped it takes two windows until grants go on, and a few more until the
 * quota and the limit are kept as before.
 */
#include "host_members.h"

#include <pthread.h>
#include <stddef.h>

#define QUOTA 400u
#define WINDOW_MS 1000u
#define WINDOW_NS (WINDOW_MS * NS_PER_MS)
#define OPEN_MAX 100u

static members sim;

/* Where the writer writes: a part of the header or of the first segment, in 64-bit words. */
typedef struct target {
  const char *name;
  bool in_header;
  size_t at, size;
  bool slows; /* a word that says that the rate is cut is believed, as far as it can be */
} target;

#define IN_HEADER(field)                                                                   \
  {                                                                                        \
#field, true, offsetof(gov_host_header, field), sizeof(((gov_host_header *)0)->field), \
        false                                                                              \
  }
#define IN_SEGMENT(field, slows)                                                           \
  {                                                                                        \
#field, false, offsetof(gov_host_segment, field),                                      \
        sizeof(((gov_host_segment *)0)->field), slows                                      \
  }

static const target targets[] = {
    IN_HEADER(members),
    {"the first members", true, offsetof(gov_host_header, members),
     6 * sizeof(gov_host_place), false},
    {"quiet_until_ns to members_used", true, offsetof(gov_host_header, quiet_until_ns), 24,
     false},
    IN_SEGMENT(bucket, false),
    IN_SEGMENT(adaptive, true),
    IN_SEGMENT(address, false),
    IN_SEGMENT(rows, false),
    {"the first rows", false, offsetof(gov_host_segment, rows), 6 * sizeof(gov_host_row),
     false},
    IN_SEGMENT(window, false),
    {"the first words of the window", false, offsetof(gov_host_segment, window),
     QUOTA * sizeof(uint64_t), false},
    IN_SEGMENT(connections, false),
    {"the first connections", false, offsetof(gov_host_segment, connections),
     OPEN_MAX * sizeof(uint32_t), false},
    {"all of the segment", false, 0, sizeof(gov_host_segment), true},
};

/* Values that mean something, and any. */
static uint64_t value(uint64_t *random, uint64_t now_ns) {
  switch (draw(random) % 10) {
  case 0:
    return 0;
  case 1:
    return UINT64_MAX;
  case 2:
    return GOV_HOST_HELD | draw(random) % 512; /* held, by a member of before */
  case 3:
    return gov_host_window_held((uint32_t)(draw(random) % 600), (uint32_t)draw(random));
  case 4:
    return now_ns + draw(random) % (10 * NS_PER_S);
  case 5:
    return now_ns + (draw(random) % 64 < 32 ? UINT64_C(1) << draw(random) % 63 : 0);
  case 6:
    return INT64_MAX;
  case 7:
    return (uint64_t)(uint32_t)draw(random) << 32 | 1;
  default:
    return draw(random);
  }
}

static void scribble(gov_host_header *header, const target *where, uint64_t *random,
                     uint64_t now_ns) {
  unsigned char *base =
      where->in_header ? (unsigned char *)header : (unsigned char *)segment_of(header, 0);
  _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)(base + where->at);
  size_t count = where->size / sizeof(uint64_t);

  if (draw(random) % 16 == 0) { /* all of it at once */
    uint64_t same = value(random, now_ns);
    bool is_same = draw(random) % 2;

    for (size_t i = 0; i < count; i++)
      atomic_store(&words[i], is_same ? same : value(random, now_ns));
    return;
  }
  for (int i = 1 + (int)(draw(random) % 32); i > 0; i--)
    atomic_store(&words[draw(random) % count], value(random, now_ns));
}

static void look(void) {
  mskgov_host_snapshot *snapshot = NULL;

  if (mskgov_host_snapshot_new(&snapshot, test_directory, NULL) == 0) {
    ck_assert_uint_le(mskgov_host_snapshot_members(snapshot), MSKGOV_HOST_MEMBERS_MAX);
    ck_assert_uint_le(mskgov_host_snapshot_brokers(snapshot), MSKGOV_HOST_BROKERS_MAX);
    for (uint32_t i = 0; i < mskgov_host_snapshot_brokers(snapshot); i++)
      ck_assert_uint_lt(strlen(mskgov_host_snapshot_broker(snapshot, i)->address), 264);
  }
  mskgov_host_snapshot_free(snapshot);
}

static void read_all(void) {
  gov_usage usage;

  for (int i = 0; i < sim.count; i++)
    sim.all[i].budget->ops->read(sim.all[i].budget, sim.now_ns, &usage);
}

/* Runs until somebody is granted something; how long it took. */
static uint64_t until_granted(uint64_t at_most_ns) {
  uint64_t began_ns = sim.now_ns;

  sim.arrival_count = 0;
  while (sim.arrival_count == 0 && sim.now_ns < began_ns + at_most_ns)
    run(&sim, NS_PER_MS);

  return sim.now_ns - began_ns;
}

START_TEST(it_recovers) {
  const target *where = &targets[_i];
  gov_host_header *header;
  uint64_t worst_ns = 0;
  size_t size;

  begin(&sim, test_seed());
  sim.latency_ns = 30 * NS_PER_MS;
  sim.open_ns = 100 * NS_PER_MS;
  for (int i = 0; i < 4; i++)
    join(&sim, store_options(QUOTA, WINDOW_MS, OPEN_MAX), 3);
  header = map_file(&size);
  run(&sim, WINDOW_NS);

  for (int round = 0; round < 6; round++) {
    uint64_t took_ns;

    for (int i = 0; i < 20; i++) {
      scribble(header, where, &sim.random, sim.now_ns);
      run(&sim, 5 * NS_PER_MS);
      read_all();
    }
    look();
    /* at the lowest rate that there is, 1/1024, a slot comes every 2.6 s */
    took_ns = until_granted(20 * WINDOW_NS);
    ck_assert_msg(took_ns <= (where->slows ? 5 : 2) * WINDOW_NS, "%s, round %d: %llu ms",
                  where->name, round, (unsigned long long)(took_ns / NS_PER_MS));
    if (took_ns > worst_ns)
      worst_ns = took_ns;
  }

  /* What was taken meanwhile is over, and everything is as it was. */
  run(&sim, 4 * WINDOW_NS);
  sim.arrival_count = 0;
  sim.most_open = 0;
  run(&sim, 8 * WINDOW_NS);
  ck_assert_uint_le(most_in_window(&sim, 0, WINDOW_NS), QUOTA);
  ck_assert_uint_le(sim.most_open, OPEN_MAX);
  if (!where->slows)
    ck_assert_msg(sim.arrival_count >= 8 * QUOTA * 9 / 10, "%s: only %zu", where->name,
                  sim.arrival_count);
  for (int i = 0; i < sim.count && !where->slows; i++)
    ck_assert_uint_gt(sim.all[i].granted, 0);
  printf("%s: grants after %llu ms at the latest\n", where->name,
         (unsigned long long)(worst_ns / NS_PER_MS));
  munmap(header, size);
  end(&sim);
}
END_TEST

/* What the writer leaves behind in one go, once and for all. */
START_TEST(no_single_value_stops_it) {
  static const uint64_t values[] = {1, UINT64_MAX, INT64_MAX, GOV_HOST_HELD,
                                    UINT64_C(1) << 62};
  uint64_t seed = test_seed();

  for (size_t i = 0; i < COUNT(values); i++)
    for (size_t j = 0; j < COUNT(targets); j++) {
      const target *where = &targets[j];
      gov_host_header *header;
      _Atomic uint64_t *words;
      uint64_t took_ns;
      size_t size;

      begin(&sim, seed);
      join(&sim, store_options(QUOTA, WINDOW_MS, OPEN_MAX), 1);
      join(&sim, store_options(QUOTA, WINDOW_MS, OPEN_MAX), 1);
      header = map_file(&size);
      words = (_Atomic uint64_t *)(void *)((where->in_header
                                                ? (unsigned char *)header
                                                : (unsigned char *)segment_of(header, 0)) +
                                           where->at);
      for (size_t k = 0; k < where->size / sizeof(uint64_t); k++)
        atomic_store(&words[k], values[i]);
      took_ns = until_granted(20 * WINDOW_NS);
      ck_assert_msg(took_ns <= (where->slows ? 5 : 2) * WINDOW_NS, "%s, all %llx: %llu ms",
                    where->name, (unsigned long long)values[i],
                    (unsigned long long)(took_ns / NS_PER_MS));
      munmap(header, size);
      end(&sim);
    }
}
END_TEST

/* The writer on a thread of its own, against governors with theirs. */

static atomic_bool stop_writing;

typedef struct writer {
  gov_host_header *header;
  uint64_t random;
} writer;

static void *write_for_ever(void *argument) {
  writer *self = argument;

  while (!atomic_load(&stop_writing)) {
    scribble(self->header, &targets[draw(&self->random) % COUNT(targets)], &self->random,
             monotonic_ns());
    if (draw(&self->random) % 4 == 0)
      usleep(200);
  }

  return NULL;
}

START_TEST(governors_survive_it) {
  writer self = {.random = test_seed() | 1};
  mskgov_permit *permits[3] = {NULL};
  mskgov_governor *governors[3];
  uint64_t until_ns;
  pthread_t thread;
  size_t size;

  make_directory();
  for (size_t i = 0; i < COUNT(governors); i++) {
    governors[i] = must_open(host_options(QUOTA, WINDOW_MS, OPEN_MAX));
    mskgov_permit_release(must_acquire(governors[i], BROKER, 10000));
  }
  self.header = map_file(&size);
  atomic_store(&stop_writing, false);
  ck_assert_int_eq(pthread_create(&thread, NULL, write_for_ever, &self), 0);

  until_ns = monotonic_ns() + 2 * NS_PER_S;
  for (unsigned i = 0; monotonic_ns() < until_ns; i++) {
    size_t at = i % COUNT(governors);

    mskgov_permit_release(permits[at]);
    permits[at] = NULL;
    if (mskgov_permit_acquire(governors[at], BROKER, NULL, 3, &permits[at], NULL) == 0 &&
        i % 3)
      mskgov_permit_report(permits[at], MSKGOV_OUTCOME_CONNECTED, NULL);
    metrics_of(governors[at], BROKER);
    if (i % 16 == 0)
      look();
  }
  atomic_store(&stop_writing, true);
  pthread_join(thread, NULL);

  for (size_t i = 0; i < COUNT(governors); i++) {
    mskgov_permit_release(permits[i]);
    mskgov_permit_release(must_acquire(governors[i], BROKER, 20 * WINDOW_MS));
    mskgov_governor_free(governors[i]);
  }
  munmap(self.header, size);
  remove_directory();
}
END_TEST

TEST_MAIN("host_hostile", TEST_TABLE(it_recovers, targets), TEST(no_single_value_stops_it),
          TEST(governors_survive_it))
