#include "client/attempt.h"

#include "base/clock.h"
#include "client/parking.h"

#include <mskgov/permit.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As long as librdkafka's own texts. */
#define TEXT_MAX 512

struct gov_attempt {
  gov_client *client;
  mskgov_permit *permit; /* NULL once it was released */
  int fd;                /* librdkafka's; -1 once it was closed */
  int aside;             /* the parked socket, until the grant */
  atomic_bool granted;   /* the permit's wait is over; `aside` is gone */
  gov_timer start;       /* an application's connect_cb runs on the keeper */
  gov_timer setup;       /* the limit of the time from the grant to UP */
  atomic_bool timed_out;
  atomic_int connect_errno; /* what the start of the connection said */
  bool authenticating;      /* librdkafka got as far as SASL */
  bool up;
  char text[TEXT_MAX];
  socklen_t address_length;
  struct sockaddr_storage address;
  char id[]; /* the broker, as librdkafka names it */
};

static const struct sockaddr *address_of(const gov_attempt *attempt) {
  return (const struct sockaddr *)&attempt->address;
}

/* The application's connect_cb as a gov_connect_fn. */
static int app_connect(int fd, const struct sockaddr *address, socklen_t length,
                       void *user) {
  gov_attempt *attempt = user;

  return attempt->client->app.connect(fd, address, (int)length, attempt->id,
                                      rd_kafka_opaque(attempt->client->rk));
}

static gov_connect_fn *connect_fn_of(const gov_attempt *attempt) {
  return attempt->client->app.connect ? app_connect : gov_parking_connect;
}

/* Ends a connection that takes too long: librdkafka finds it closed. */
static void on_setup_timeout(void *user) {
  gov_attempt *attempt = user;

  atomic_store(&attempt->timed_out, true);
  shutdown(attempt->fd, SHUT_RDWR);
}

static gov_timers *timers_of(const gov_attempt *attempt) {
  return gov_keeper_connections(attempt->client->adapter->keeper);
}

static void start_clock(gov_attempt *attempt) {
  uint64_t limit_ns = gov_ms_to_ns(attempt->client->app.setup_timeout_ms);

  gov_timer_set(timers_of(attempt), &attempt->setup,
                gov_time_add(gov_clock_monotonic_ns(&gov_clock_system), limit_ns));
}

static void leave_parking(void *user) {
  gov_attempt *attempt = user;

  start_clock(attempt);
  atomic_store(&attempt->connect_errno,
               gov_parking_leave(attempt->fd, attempt->aside, address_of(attempt),
                                 attempt->address_length, connect_fn_of(attempt), attempt));
  atomic_store(&attempt->granted, true);
}

/* On the governor's pacing thread. */
static void on_grant(mskgov_permit *permit, int rc, void *user) {
  gov_attempt *attempt = user;

  (void)permit;
  if (rc) {
    gov_parking_refuse(attempt->fd, attempt->aside, address_of(attempt));
    atomic_store(&attempt->granted, true);
  } else if (attempt->client->app.connect) {
    /* The application's code may block, which the pacing thread must not. */
    if (!gov_timer_set(timers_of(attempt), &attempt->start, 0))
      leave_parking(attempt);
  } else {
    leave_parking(attempt);
  }
}

static gov_attempt *attempt_new(gov_client *client, int fd, const struct sockaddr *address,
                                int length, const char *id) {
  size_t size = strlen(id) + 1;
  gov_attempt *attempt = calloc(1, sizeof(*attempt) + size);

  if (!attempt)
    return NULL;

  attempt->client = client;
  attempt->fd = fd;
  attempt->aside = -1;
  attempt->address_length = (socklen_t)length;
  memcpy(&attempt->address, address, (size_t)length);
  memcpy(attempt->id, id, size);
  gov_timer_init(&attempt->start, leave_parking, attempt);
  gov_timer_init(&attempt->setup, on_setup_timeout, attempt);

  return attempt;
}

/*
 * A handshake is small packets to and fro. With Nagle's algorithm, the default of
 * librdkafka 2.0.2, it waits for two delayed acknowledgements: 90 ms instead of 8, and as long for the
 * slot that it holds. So it is off until the connection is up, and then as configured.
 */
static void set_no_delay(int fd, int on) {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int errno_of(int rc) {
  switch (rc) {
  case MSKGOV_ERR_NO_MEMORY:
    return ENOMEM;
  case MSKGOV_ERR_QUEUE_FULL:
    return EAGAIN;
  case MSKGOV_ERR_STOPPED:
    return ECANCELED;
  default:
    return EINVAL;
  }
}

/* A permit was free: no need to park. */
static int connect_now(gov_attempt *attempt) {
  int rc;

  atomic_store(&attempt->granted, true);
  start_clock(attempt);
  rc = connect_fn_of(attempt)(attempt->fd, address_of(attempt), attempt->address_length,
                              attempt);
  atomic_store(&attempt->connect_errno, rc);

  return rc;
}

static mskgov_client asker_of(const gov_client *client) {
  return (mskgov_client){.name = rd_kafka_name(client->rk),
                         .priority = client->adapter->priority};
}

static int park(gov_attempt *attempt, const char *broker) {
  mskgov_governor *governor = attempt->client->adapter->governor;
  mskgov_client asker = asker_of(attempt->client);
  int saved_errno, rc;

  attempt->aside = gov_parking_enter(attempt->fd);
  if (attempt->aside < 0)
    return errno;

  rc = mskgov_permit_acquire_async(governor, broker, &asker, MSKGOV_NEVER, on_grant,
                                   attempt, &attempt->permit, NULL);
  if (rc == 0)
    return 0;

  saved_errno = errno_of(rc);
  gov_parking_abandon(attempt->aside);

  return saved_errno;
}

/* librdkafka writes the address of a broker without a name as "::1:9098". */
static void bracket_v6(char broker[MSKGOV_BROKER_ADDRESS_MAX + 3], const char *id) {
  const char *first = strchr(id, ':'), *last = strrchr(id, ':');

  if (first == last || id[0] == '[')
    snprintf(broker, MSKGOV_BROKER_ADDRESS_MAX + 3, "%s", id);
  else
    snprintf(broker, MSKGOV_BROKER_ADDRESS_MAX + 3, "[%.*s]%s", (int)(last - id), id, last);
}

int gov_attempt_begin(gov_attempt **out, gov_client *client, int fd,
                      const struct sockaddr *address, int length, const char *id) {
  char broker[MSKGOV_BROKER_ADDRESS_MAX + 3];
  gov_attempt *attempt;
  mskgov_client asker;
  int rc;

  *out = NULL;
  if (length < 0 || (size_t)length > sizeof(attempt->address))
    return EINVAL;
  attempt = attempt_new(client, fd, address, length, id);
  if (!attempt)
    return ENOMEM;
  set_no_delay(fd, 1);
  bracket_v6(broker, id);

  asker = asker_of(client);
  rc = mskgov_permit_acquire(client->adapter->governor, broker, &asker, 0, &attempt->permit,
                             NULL);
  if (rc == 0)
    rc = connect_now(attempt);
  else if (rc == MSKGOV_ERR_DEADLINE)
    rc = park(attempt, broker);
  else
    rc = errno_of(rc);

  if (rc) {
    gov_attempt_closing(attempt, fd);
    gov_attempt_end(attempt);
    return rc;
  }
  *out = attempt;

  return 0;
}

void gov_attempt_state(gov_attempt *attempt, const char *state) {
  if (strncmp(state, "AUTH", 4) == 0) {
    attempt->authenticating = true;
  } else if (strcmp(state, "UP") == 0 && !attempt->up) {
    attempt->up = true;
    gov_timer_cancel(timers_of(attempt), &attempt->setup);
    mskgov_permit_report(attempt->permit, MSKGOV_OUTCOME_CONNECTED, NULL);
    if (!attempt->client->app.no_delay)
      set_no_delay(attempt->fd, 0);
  }
}

void gov_attempt_failure(gov_attempt *attempt, const char *text) {
  if (!attempt->text[0])
    snprintf(attempt->text, sizeof(attempt->text), "%s", text);
}

void gov_attempt_closing(gov_attempt *attempt, int fd) {
  gov_timers *timers = timers_of(attempt);

  if (attempt->fd != fd)
    return;

  /* While it waits, only the release keeps the grant from coming; afterwards the permit is
     kept until the reason of the failure is known. */
  if (!atomic_load(&attempt->granted) && attempt->permit) {
    mskgov_permit_release(attempt->permit);
    attempt->permit = NULL;
    gov_timer_cancel(timers, &attempt->start);
    if (!atomic_load(&attempt->granted))
      gov_parking_abandon(attempt->aside);
  }
  gov_timer_cancel(timers, &attempt->setup);
  attempt->fd = -1;
}

/* Whether the client is being destroyed, and this is why the connection closed. */
static bool given_up(const gov_attempt *attempt) {
  return atomic_load(&attempt->client->destroyed) && !attempt->text[0];
}

static mskgov_outcome classify(const gov_attempt *attempt) {
  if (strstr(attempt->text, "Too many connects"))
    return MSKGOV_OUTCOME_QUOTA;
  if (attempt->authenticating && !atomic_load(&attempt->timed_out) && !given_up(attempt))
    return MSKGOV_OUTCOME_AUTHENTICATION;

  return MSKGOV_OUTCOME_TRANSPORT;
}

static const char *describe(const gov_attempt *attempt) {
  if (atomic_load(&attempt->timed_out))
    return "connection set-up timed out";
  if (given_up(attempt))
    return "the client was destroyed";

  return attempt->text;
}

void gov_attempt_end(gov_attempt *attempt) {
  char reason[128];
  int connect_errno;

  if (!attempt)
    return;

  connect_errno = atomic_load(&attempt->connect_errno);
  if (connect_errno) /* librdkafka was shown a refused connection in its place */
    snprintf(attempt->text, sizeof(attempt->text), "connect: %s",
             strerror_r(connect_errno, reason, sizeof(reason)));
  if (attempt->permit && !attempt->up) {
    mskgov_outcome outcome = classify(attempt);

    mskgov_permit_report(attempt->permit, outcome, describe(attempt));
    if (outcome == MSKGOV_OUTCOME_AUTHENTICATION)
      gov_client_refused(attempt->client, attempt->text);
  }
  mskgov_permit_release(attempt->permit);
  free(attempt);
}
