#include "common/light_pair.h"

#include "common/clock.h"
#include "common/failure.h"
#include "common/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char *address_of(const light_pair *pair) {
  const bench_light *light = pair->light;

  return light->addresses[(size_t)(pair - light->pairs) % light->brokers];
}

void light_wake(const bench_light *light) {
  const uint64_t one = 1;

  while (write(light->wake, &one, sizeof(one)) < 0 && errno == EINTR)
    ;
}

/* Its turn has come. Returns whether nobody else's had. */
static bool give_turn(light_pair *pair, int granted) {
  bench_light *light = pair->light;
  bool first;

  pair->granted = granted;
  pair->next = NULL;
  pthread_mutex_lock(&light->mutex);
  first = !light->locked.first;
  *light->locked.last = pair;
  light->locked.last = &pair->next;
  pthread_mutex_unlock(&light->mutex);

  return first;
}

/* On the governor's pacing thread. */
static void on_grant(mskgov_permit *permit, int rc, void *user) {
  light_pair *pair = user;

  (void)permit;
  if (give_turn(pair, rc))
    light_wake(pair->light);
}

/* Draws when the next attempt may be, as rd_kafka_broker_update_reconnect_backoff does. */
static void back_off(light_pair *pair, uint64_t now_ns) {
  bench_light *light = pair->light;
  double backoff_ms;

  if (pair->retry_ns + light->backoff_max_ms * BENCH_NS_PER_MS < now_ns)
    pair->backoff_ms = light->backoff_base_ms;

  backoff_ms =
      (double)pair->backoff_ms * (0.75 + 0.75 * bench_random_share(&light->random));
  if (backoff_ms > (double)light->backoff_max_ms)
    backoff_ms = (double)light->backoff_max_ms;
  pair->retry_ns = now_ns + (uint64_t)(backoff_ms * (double)BENCH_NS_PER_MS);
  pair->backoff_ms *= 2;
  if (pair->backoff_ms > light->backoff_max_ms)
    pair->backoff_ms = light->backoff_max_ms;
}

int light_pair_want(light_pair *pair, uint64_t now_ns, mskgov_error_info *error) {
  bench_light *light = pair->light;
  char name[24];
  const mskgov_client client = {.name = name};

  if (!light->governor) {
    bench_agenda_set(&light->agenda, &pair->alarm,
                     pair->retry_ns > now_ns ? pair->retry_ns : now_ns);
    return 0;
  }

  snprintf(name, sizeof(name), "light-%u",
           (unsigned)((size_t)(pair - light->pairs) / light->brokers));

  return mskgov_permit_acquire_async(light->governor, address_of(pair), &client,
                                     MSKGOV_NEVER, on_grant, pair, &pair->permit, error);
}

void light_pair_hang_up(light_pair *pair) {
  bench_agenda_clear(&pair->light->agenda, &pair->alarm);
  mskgov_connection_free(pair->connection); /* which takes it off the epoll */
  pair->connection = NULL;
  mskgov_permit_release(pair->permit);
  pair->permit = NULL;
}

/* The attempt is over. */
static int on_failure(light_pair *pair, mskgov_outcome outcome, const char *reason,
                      uint64_t now_ns, mskgov_error_info *error) {
  if (pair->connection)
    pair->light->connecting--;
  if (pair->permit)
    mskgov_permit_report(pair->permit, outcome, reason);
  else
    back_off(pair, now_ns);
  light_pair_hang_up(pair);

  return light_pair_want(pair, now_ns, error);
}

static void on_up(light_pair *pair, uint64_t now_ns) {
  bench_light *light = pair->light;

  if (pair->permit)
    mskgov_permit_report(pair->permit, MSKGOV_OUTCOME_CONNECTED, NULL);
  bench_agenda_clear(&light->agenda, &pair->alarm);
  light->connecting--;
  atomic_store(&pair->up_ns, now_ns);
  atomic_fetch_add(&light->connected, 1);
}

static int on_drop(light_pair *pair, uint64_t now_ns, mskgov_error_info *error) {
  bench_light *light = pair->light;

  atomic_store(&pair->up_ns, 0);
  atomic_store(&pair->wanted_ns, now_ns);
  atomic_fetch_sub(&light->connected, 1);
  atomic_fetch_add(&light->dropped, 1);
  light_pair_hang_up(pair);

  return light_pair_want(pair, now_ns, error);
}

int light_pair_attempt(light_pair *pair, uint64_t now_ns, mskgov_error_info *error) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = pair};
  bench_light *light = pair->light;
  mskgov_error_info failure;
  const char *token;
  int rc = bench_bearer_token(&light->bearer, now_ns, &token, error);

  if (rc)
    return rc;
  if (!pair->permit)
    back_off(pair, now_ns);

  rc = mskgov_connection_new(&pair->connection, light->connector, address_of(pair), token,
                             &failure);
  if (rc == MSKGOV_ERR_TRANSPORT)
    return on_failure(pair, MSKGOV_OUTCOME_TRANSPORT, failure.text, now_ns, error);
  if (rc)
    return bench_fail(error, rc, "cannot begin a connection: %s", failure.text);

  if (epoll_ctl(light->epoll, EPOLL_CTL_ADD, mskgov_connection_fd(pair->connection),
                &event))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "epoll_ctl: %s", strerror(errno));
  light->connecting++;
  bench_agenda_set(&light->agenda, &pair->alarm,
                   mskgov_connection_deadline_ns(pair->connection));

  return 0;
}

int light_pair_advance(light_pair *pair, mskgov_error_info *error) {
  uint64_t now_ns = bench_now_ns();
  mskgov_error_info failure;
  mskgov_outcome outcome;
  bool was_up;
  int rc;

  if (!pair->connection)
    return 0;

  was_up = atomic_load(&pair->up_ns) != 0;
  rc = mskgov_connection_advance(pair->connection, now_ns, &failure);
  outcome = mskgov_connection_outcome(pair->connection);
  now_ns = bench_now_ns(); /* a handshake takes its time */
  if (!was_up && outcome == MSKGOV_OUTCOME_CONNECTED)
    on_up(pair, now_ns);

  if (rc >= 0)
    return 0;

  return outcome == MSKGOV_OUTCOME_CONNECTED
             ? on_drop(pair, now_ns, error)
             : on_failure(pair, outcome, failure.text, now_ns, error);
}

int light_pair_alarm(light_pair *pair, uint64_t now_ns, mskgov_error_info *error) {
  bench_agenda_clear(&pair->light->agenda, &pair->alarm);
  if (pair->connection)
    return light_pair_advance(pair, error);

  if (pair->light->governor)
    return light_pair_want(pair, now_ns, error);
  give_turn(pair, 0);

  return 0;
}
