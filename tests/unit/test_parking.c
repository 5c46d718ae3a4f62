/*
 * Parking, seen by a poller: nothing happens while parked, the sleeping poll() ends at
 * the grant, and from then on the descriptor is the socket again.
 */
#include "client/parking.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static int listener, fd, aside;
static struct sockaddr_in address;

static void setup(void) {
  socklen_t length = sizeof(address);

  address =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
  ck_assert_int_eq(listen(listener, 4), 0);
  ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);

  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  aside = gov_parking_enter(fd);
  ck_assert_int_ge(aside, 0);
}

static short poll_once(int timeout_ms) {
  struct pollfd poller = {.fd = fd, .events = POLLIN | POLLOUT};

  return poll(&poller, 1, timeout_ms) == 0 ? 0 : poller.revents;
}

static int socket_error(void) {
  int value = -1;
  socklen_t length = sizeof(value);

  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length) == 0 ? value : -errno;
}

/* What librdkafka does in state CONNECT: polls until the socket is writable or failed. */
static short poll_as_librdkafka(void) {
  short events;

  do
    events = poll_once(10000);
  while (events && !(events & (POLLOUT | POLLERR | POLLHUP)));

  return events;
}

static void teardown(void) {
  close(fd);
  close(listener);
}

START_TEST(test_parked_is_quiet) {
  setup();
  ck_assert_int_eq(poll_once(20), 0);
  gov_parking_abandon(aside);
  ck_assert_int_eq(fcntl(aside, F_GETFD), -1);
  teardown();
}
END_TEST

static atomic_int polling;

static void *poll_thread(void *result) {
  atomic_store(&polling, 1);
  *(short *)result = poll_as_librdkafka();

  return NULL;
}

/* The poller may be asleep in poll(), or about to be: both have to find the socket. */
START_TEST(test_leaving_wakes_the_poller) {
  struct sockaddr_in peer;
  socklen_t length = sizeof(peer);
  short events = 0;
  pthread_t thread;

  setup();
  atomic_store(&polling, 0);
  pthread_create(&thread, NULL, poll_thread, &events);
  while (!atomic_load(&polling))
    ;
  if (_i % 2)
    poll(NULL, 0, 5);
  ck_assert_int_eq(gov_parking_leave(fd, aside, (struct sockaddr *)&address,
                                     sizeof(address), gov_parking_connect, NULL),
                   0);
  pthread_join(thread, NULL);

  ck_assert_int_eq(events, POLLOUT);
  ck_assert_int_eq(socket_error(), 0);
  ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&peer, &length), 0);
  ck_assert_int_eq(peer.sin_port, address.sin_port);
  ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
  ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  teardown();
}
END_TEST

START_TEST(test_refused_by_the_peer) {
  setup();
  close(listener);
  gov_parking_leave(fd, aside, (struct sockaddr *)&address, sizeof(address),
                    gov_parking_connect, NULL);
  ck_assert(poll_as_librdkafka() & (POLLERR | POLLHUP));
  ck_assert_int_eq(socket_error(), ECONNREFUSED);
  close(fd);
}
END_TEST

static int cannot_connect(int socket, const struct sockaddr *to, socklen_t length,
                          void *user) {
  (void)socket, (void)to, (void)length, (void)user;

  return ENETUNREACH;
}

START_TEST(test_a_failed_start_looks_refused) {
  setup();
  ck_assert_int_eq(gov_parking_leave(fd, aside, (struct sockaddr *)&address,
                                     sizeof(address), cannot_connect, NULL),
                   ENETUNREACH);
  ck_assert(poll_as_librdkafka() & (POLLERR | POLLHUP));
  ck_assert_int_eq(socket_error(), ECONNREFUSED);
  teardown();
}
END_TEST

/* A proxy that answered and then refused: the connection must not come back to life. */
static int connects_and_fails(int socket, const struct sockaddr *to, socklen_t length,
                              void *user) {
  (void)user;
  ck_assert_int_eq(gov_parking_connect(socket, to, length, NULL), 0);
  poll(&(struct pollfd){.fd = socket, .events = POLLOUT}, 1, 10000);

  return ECONNABORTED;
}

START_TEST(test_a_failed_start_undoes_a_connection) {
  setup();
  ck_assert_int_eq(gov_parking_leave(fd, aside, (struct sockaddr *)&address,
                                     sizeof(address), connects_and_fails, NULL),
                   ECONNABORTED);
  ck_assert(poll_as_librdkafka() & (POLLERR | POLLHUP));
  ck_assert_int_eq(socket_error(), ECONNREFUSED);
  teardown();
}
END_TEST

START_TEST(test_refusing) {
  setup();
  gov_parking_refuse(fd, aside, (struct sockaddr *)&address);
  ck_assert(poll_as_librdkafka() & (POLLERR | POLLHUP));
  ck_assert_int_eq(socket_error(), ECONNREFUSED);
  teardown();
}
END_TEST

START_TEST(test_bad_descriptor) {
  ck_assert_int_eq(gov_parking_enter(-1), -1);
  ck_assert_int_eq(errno, EBADF);
}
END_TEST

TEST_MAIN("parking", TEST(test_parked_is_quiet),
          TEST_LOOP(test_leaving_wakes_the_poller, 20), TEST(test_refused_by_the_peer),
          TEST(test_a_failed_start_looks_refused),
          TEST(test_a_failed_start_undoes_a_connection), TEST(test_refusing),
          TEST(test_bad_descriptor))
