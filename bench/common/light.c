/*
 * One thread, one epoll: every socket is registered once, edge-triggered, and whatever has a
 * time stands in one agenda. The only thing that other threads do is to append to the list
 * of turns.
 */
#include "common/light.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/light_pair.h"
#include "common/random.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* As socket.connection.setup.timeout.ms of librdkafka. */
#define SETUP_TIMEOUT_MS 30000
/* What is begun before those that are under way are looked after. */
#define BATCH 64
#define EVENTS_MAX 512

/* --- The loop -------------------------------------------------------------------------
 */

/* Whether somebody's turn has come and there is room for a handshake. */
static bool can_begin(bench_light *light) {
  bool can;

  pthread_mutex_lock(&light->mutex);
  can = light->locked.first && light->connecting < BENCH_LIGHT_HANDSHAKES_MAX;
  pthread_mutex_unlock(&light->mutex);

  return can;
}

static light_pair *next_turn(bench_light *light) {
  light_pair *pair;

  pthread_mutex_lock(&light->mutex);
  pair = light->locked.first;
  if (pair) {
    light->locked.first = pair->next;
    if (!pair->next)
      light->locked.last = &light->locked.first;
  }
  pthread_mutex_unlock(&light->mutex);

  return pair;
}

/* Begins the connections whose turn has come, a batch of them. */
static int take_turns(bench_light *light, mskgov_error_info *error) {
  int rc = 0;

  for (int i = 0; i < BATCH && !rc && can_begin(light); i++) {
    light_pair *pair = next_turn(light);

    rc = pair->granted ? bench_fail(error, pair->granted, "no permit: %s",
                                    mskgov_strerror(pair->granted))
                       : light_pair_attempt(pair, bench_now_ns(), error);
  }

  return rc;
}

static light_pair *pair_of(bench_alarm *alarm) {
  return (light_pair *)(void *)((char *)alarm - offsetof(light_pair, alarm));
}

static int take_alarms(bench_light *light, mskgov_error_info *error) {
  uint64_t now_ns = bench_now_ns();
  int rc = 0;

  for (int i = 0; i < BATCH && !rc; i++) {
    bench_alarm *first = bench_agenda_first(&light->agenda);

    if (!first || first->at_ns > now_ns)
      break;
    rc = light_pair_alarm(pair_of(first), now_ns, error);
  }

  return rc;
}

/* Milliseconds until the first alarm, rounded up; -1: none. */
static int sleep_ms(const bench_light *light) {
  const bench_alarm *first = bench_agenda_first(&light->agenda);
  uint64_t now_ns = bench_now_ns();

  if (!first)
    return -1;

  return first->at_ns > now_ns ? (int)((first->at_ns - now_ns - 1) / BENCH_NS_PER_MS) + 1
                               : 0;
}

static int turn(bench_light *light, mskgov_error_info *error) {
  struct epoll_event events[EVENTS_MAX];
  uint64_t ignored;
  int count =
      epoll_wait(light->epoll, events, EVENTS_MAX, can_begin(light) ? 0 : sleep_ms(light));
  int rc = 0;

  for (int i = 0; i < count && !rc; i++)
    if (events[i].data.ptr)
      rc = light_pair_advance(events[i].data.ptr, error);
    else if (read(light->wake, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
      rc = bench_fail(error, MSKGOV_ERR_SYSTEM, "eventfd: %s", strerror(errno));
  if (!rc)
    rc = take_alarms(light, error);
  if (!rc)
    rc = take_turns(light, error);

  return rc;
}

static void *run(void *argument) {
  mskgov_error_info error = {0};
  bench_light *light = argument;
  int rc = 0;

  while (!rc && !atomic_load(&light->stopping))
    rc = turn(light, &error);

  pthread_mutex_lock(&light->mutex);
  light->locked.failure = error;
  pthread_mutex_unlock(&light->mutex);

  return NULL;
}

/* --- The fleet ------------------------------------------------------------------------
 */

static int split_addresses(bench_light *light, const char *list, mskgov_error_info *error) {
  light->brokers = 1;
  for (const char *at = list; *at; at++)
    light->brokers += *at == ',';
  light->addresses = calloc(light->brokers, sizeof(*light->addresses));
  if (!light->addresses)
    return bench_fail_memory(error);

  for (uint32_t i = 0; i < light->brokers; i++) {
    size_t length = strcspn(list, ",");

    light->addresses[i] = strndup(list, length);
    if (!light->addresses[i])
      return bench_fail_memory(error);
    list += length + 1;
  }

  return 0;
}

static int make_pairs(bench_light *light, uint32_t clients, mskgov_error_info *error) {
  light->count = clients * light->brokers;
  light->pairs = calloc(light->count, sizeof(*light->pairs));
  if (!light->pairs || bench_agenda_init(&light->agenda, light->count))
    return bench_fail_memory(error);

  for (uint32_t i = 0; i < light->count; i++)
    light->pairs[i].light = light;

  return 0;
}

static int make_loop(bench_light *light, mskgov_error_info *error) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

  light->epoll = epoll_create1(EPOLL_CLOEXEC);
  light->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (light->epoll < 0 || light->wake < 0 ||
      epoll_ctl(light->epoll, EPOLL_CTL_ADD, light->wake, &event))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot make an event loop: %s",
                      strerror(errno));

  return 0;
}

static int make_access(bench_light *light, const bench_light_options *options,
                       mskgov_error_info *error) {
  mskgov_connector_options connector;
  const char *token;
  int rc;

  mskgov_connector_options_init(&connector);
  connector.ca_pem = options->ca_pem;
  connector.client_id = "mskgov-light";
  connector.setup_timeout_ms = SETUP_TIMEOUT_MS;
  rc = mskgov_connector_new(&light->connector, &connector, error);
  if (!rc)
    rc = bench_bearer_init(&light->bearer, options->region, options->credentials, error);
  if (!rc)
    rc = bench_bearer_token(&light->bearer, bench_now_ns(), &token, error);

  return rc;
}

static int check_options(const bench_light_options *options, mskgov_error_info *error) {
  if (!options->clients)
    return bench_fail(error, MSKGOV_ERR_INVALID, "a fleet needs at least one client");
  if (!options->governor &&
      (!options->backoff_base_ms || options->backoff_max_ms < options->backoff_base_ms))
    return bench_fail(error, MSKGOV_ERR_INVALID,
                      "the back-off goes from %llu ms to %llu; it begins with 1 at least "
                      "and does not shrink",
                      (unsigned long long)options->backoff_base_ms,
                      (unsigned long long)options->backoff_max_ms);

  return 0;
}

int bench_light_new(bench_light **out, const bench_light_options *options,
                    mskgov_error_info *error) {
  bench_light *light;
  int rc = check_options(options, error);

  if (rc)
    return rc;
  light = calloc(1, sizeof(*light));
  if (!light)
    return bench_fail_memory(error);

  light->epoll = light->wake = -1;
  light->backoff_base_ms = options->backoff_base_ms;
  light->backoff_max_ms = options->backoff_max_ms;
  light->spread_ns = options->spread_ns;
  light->random = options->seed;
  light->locked.last = &light->locked.first;
  pthread_mutex_init(&light->mutex, NULL);
  if (options->governor)
    light->governor = mskgov_governor_ref(options->governor);

  rc = split_addresses(light, options->bootstrap_servers, error);
  if (!rc)
    rc = make_pairs(light, options->clients, error);
  if (!rc)
    rc = make_loop(light, error);
  if (!rc)
    rc = make_access(light, options, error);
  if (rc) {
    bench_light_free(light);
    return rc;
  }
  *out = light;

  return 0;
}

/* All want their connections now, and go for them when their sleep is over. */
static void plan(bench_light *light) {
  uint64_t now_ns = bench_now_ns(), due_ns = now_ns;

  for (uint32_t i = 0; i < light->count; i++) {
    light_pair *pair = &light->pairs[i];

    if (i % light->brokers == 0)
      due_ns = now_ns +
               (uint64_t)((double)light->spread_ns * bench_random_share(&light->random));
    atomic_store(&pair->wanted_ns, now_ns);
    bench_agenda_set(&light->agenda, &pair->alarm, due_ns);
  }
}

int bench_light_start(bench_light *light, mskgov_error_info *error) {
  sigset_t all, before;
  int rc;

  plan(light);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = pthread_create(&light->thread, NULL, run, light);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (rc)
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot start the fleet's thread: %s",
                      strerror(rc));
  light->started = true;

  return 0;
}

static void close_if_open(int fd) {
  if (fd >= 0)
    close(fd);
}

void bench_light_free(bench_light *light) {
  if (!light)
    return;

  if (light->started) {
    atomic_store(&light->stopping, true);
    light_wake(light);
    pthread_join(light->thread, NULL);
  }
  for (uint32_t i = 0; light->pairs && i < light->count; i++)
    light_pair_hang_up(&light->pairs[i]);
  for (uint32_t i = 0; light->addresses && i < light->brokers; i++)
    free(light->addresses[i]);
  close_if_open(light->epoll);
  close_if_open(light->wake);
  bench_bearer_fini(&light->bearer);
  bench_agenda_fini(&light->agenda);
  mskgov_connector_free(light->connector);
  if (light->governor)
    mskgov_governor_unref(light->governor);
  pthread_mutex_destroy(&light->mutex);
  free(light->addresses);
  free(light->pairs);
  free(light);
}

int bench_light_check(bench_light *light, mskgov_error_info *error) {
  mskgov_error_info failure;

  pthread_mutex_lock(&light->mutex);
  failure = light->locked.failure;
  pthread_mutex_unlock(&light->mutex);

  return failure.code ? bench_fail(error, failure.code, "%s", failure.text) : 0;
}

int bench_light_wait_connected(bench_light *light, uint64_t deadline_ns) {
  const struct timespec pause = {.tv_nsec = BENCH_NS_PER_MS};
  mskgov_error_info ignored = {0};

  while (bench_light_connected(light) < bench_light_pairs(light)) {
    if (bench_now_ns() >= deadline_ns || bench_light_check(light, &ignored))
      return 0;
    nanosleep(&pause, NULL);
  }

  return 1;
}

uint32_t bench_light_brokers(const bench_light *light) {
  return light->brokers;
}

uint32_t bench_light_pairs(const bench_light *light) {
  return light->count;
}

uint32_t bench_light_connected(const bench_light *light) {
  return atomic_load(&light->connected);
}

uint64_t bench_light_dropped(const bench_light *light) {
  return atomic_load(&light->dropped);
}

bench_pair bench_light_pair(const bench_light *light, uint32_t pair) {
  const light_pair *it = &light->pairs[pair];
  bench_pair copy;

  do { /* a drop in between would pair a new wish with an old connection */
    copy.up_ns = atomic_load(&it->up_ns);
    copy.wanted_ns = atomic_load(&it->wanted_ns);
  } while (atomic_load(&it->up_ns) != copy.up_ns);

  return copy;
}
