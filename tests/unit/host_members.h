/*
 * Members of one host store in one process, without governors and threads: each is a store
 * and its budget of one broker, under a virtual clock. A member takes what it may whenever
 * its budget said so (a little late, as threads are), its attempts arrive at the broker
 * somewhere between the grant and the report, and the arrivals are noted for the judge.
 */
#ifndef TEST_HOST_MEMBERS_H
#define TEST_HOST_MEMBERS_H

#include "host_fixture.h"

#include "governor/store_host.h"

#define MEMBERS_MAX 16
#define ATTEMPTS_MAX 8192
#define ARRIVALS_MAX 200000

typedef struct attempt {
  int member; /* -1: over */
  gov_place place;
  uint64_t report_ns, close_ns;
  bool is_open;
} attempt;

typedef struct member {
  gov_store *store;
  gov_budget *budget;
  uint32_t line;    /* always so many wait */
  uint64_t wake_ns; /* when its pacing thread looks again */
  uint64_t granted;
} member;

typedef struct members {
  member all[MEMBERS_MAX];
  int count;
  uint64_t now_ns, random;
  uint64_t latency_ns; /* of an attempt, at most */
  uint64_t open_ns;    /* how long a connection stays open, at most; 0: attempts fail */
  attempt attempts[ATTEMPTS_MAX]; /* below: */
  attempt *attempts_end;
  uint64_t arrivals[ARRIVALS_MAX];
  size_t arrival_count;
  uint32_t open, most_open; /* attempts included */
} members;

static inline gov_store_options store_options(uint32_t per_window, uint32_t window_ms,
                                              uint32_t open) {
  mskgov_governor_options governor = host_options(per_window, window_ms, open);
  gov_store_options options = {.max_connections = open, .adaptive = MSKGOV_ADAPTIVE_ON};

  ck_assert_int_eq(mskgov_quota_pacing(&options.pacing, &governor.quota, 0, 20, NULL), 0);

  return options;
}

static inline void change(member *self, gov_store_options options) {
  self->store->ops->change(self->store, &options.pacing, options.max_connections);
}

static inline int join(members *self, gov_store_options options, uint32_t line) {
  member *joined = &self->all[self->count];
  mskgov_error_info error;

  ck_assert_msg(
      gov_store_host_new(&joined->store, &options, test_directory, NULL, &error) == 0, "%s",
      error.text);
  ck_assert_int_eq(joined->store->ops->open(joined->store, BROKER, &joined->budget, NULL),
                   0);
  joined->line = line;
  joined->wake_ns = self->now_ns;
  if (line)
    joined->budget->ops->line_changed(joined->budget, line, self->now_ns);

  return self->count++;
}

/* The time of these tests begins now and runs by itself. */
static inline void begin(members *self, uint64_t seed) {
  memset(self, 0, sizeof(*self));
  self->random = seed | 1;
  self->now_ns = monotonic_ns();
  for (size_t i = 0; i < ATTEMPTS_MAX; i++)
    self->attempts[i].member = -1;
  self->attempts_end = self->attempts;
  make_directory();
}

static inline void end(members *self) {
  for (int i = 0; i < self->count; i++)
    self->all[i].store->ops->free(self->all[i].store);
  remove_directory();
}

static inline void give(members *self, attempt *over, gov_give how) {
  gov_budget *budget = self->all[over->member].budget;

  budget->ops->give(budget, &over->place, how, self->now_ns);
  if (how == GOV_GIVE_CONNECTED) {
    over->is_open = true;
    over->close_ns = self->now_ns + draw(&self->random) % self->open_ns;
    return;
  }
  over->member = -1;
  self->open--;
}

/* One request of a member, as its gate makes it; what comes of it is noted. */
static inline gov_take ask(members *self, int number, uint64_t *at_ns) {
  member *asking = &self->all[number];
  attempt *made = self->attempts;
  gov_take taken;

  while (made->member >= 0)
    ck_assert(++made < self->attempts + ATTEMPTS_MAX);
  taken = asking->budget->ops->take(asking->budget, asking->line, self->now_ns,
                                    &made->place, at_ns);
  if (taken != GOV_TAKE_DONE)
    return taken;

  if (made >= self->attempts_end)
    self->attempts_end = made + 1;
  made->member = number;
  made->is_open = false;
  made->report_ns = self->now_ns + draw(&self->random) % (self->latency_ns + 1);
  asking->granted++;
  if (self->arrival_count < ARRIVALS_MAX)
    self->arrivals[self->arrival_count++] =
        self->now_ns + draw(&self->random) % (made->report_ns - self->now_ns + 1);
  if (++self->open > self->most_open)
    self->most_open = self->open;

  return taken;
}

static inline void step(members *self) {
  for (attempt *each = self->attempts; each < self->attempts_end; each++)
    if (each->member >= 0 && each->is_open && each->close_ns <= self->now_ns)
      give(self, each, GOV_GIVE_CLOSED);
    else if (each->member >= 0 && !each->is_open && each->report_ns <= self->now_ns)
      give(self, each, self->open_ns ? GOV_GIVE_CONNECTED : GOV_GIVE_FAILED);

  for (int i = 0, first = (int)(draw(&self->random) % MEMBERS_MAX); i < MEMBERS_MAX; i++) {
    int number = (first + i) % MEMBERS_MAX;
    uint64_t at_ns = 0;

    if (number >= self->count || !self->all[number].line ||
        self->all[number].wake_ns > self->now_ns)
      continue;
    while (ask(self, number, &at_ns) == GOV_TAKE_DONE)
      ;
    self->all[number].wake_ns = at_ns;
  }
}

/* Steps of up to a millisecond, which is also how late a thread wakes. */
static inline void run(members *self, uint64_t for_ns) {
  uint64_t until_ns = self->now_ns + for_ns;

  while (self->now_ns < until_ns) {
    step(self);
    self->now_ns += draw(&self->random) % NS_PER_MS + 1;
  }
}

static inline int compare_times(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

  return (a > b) - (a < b);
}

/* The most arrivals from `from_ns` on in any window, both its ends included. */
static inline uint32_t most_in_window(members *self, uint64_t from_ns, uint64_t window_ns) {
  size_t first = 0;
  uint32_t most = 0;

  ck_assert_uint_lt(self->arrival_count, ARRIVALS_MAX);
  qsort(self->arrivals, self->arrival_count, sizeof(self->arrivals[0]), compare_times);
  for (size_t i = 0; i < self->arrival_count; i++) {
    if (self->arrivals[i] < from_ns)
      first = i + 1;
    while (first < i && self->arrivals[i] - self->arrivals[first] > window_ns)
      first++;
    if (first <= i && i - first + 1 > most)
      most = (uint32_t)(i - first + 1);
  }

  return most;
}

#endif
