#include "client/parking.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

int gov_parking_enter(int fd) {
  int aside = -1, timer = -1, saved_errno;

  aside = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (aside < 0)
    return -1;

  timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0 || dup3(timer, fd, O_CLOEXEC) < 0) {
    saved_errno = errno;
    close(aside);
    if (timer >= 0)
      close(timer);
    errno = saved_errno;
    return -1;
  }
  close(timer);

  return aside;
}

/*
 * Ends the poll() that sleeps on the parked descriptor. A poller sees POLLIN, which means
 * nothing while connecting, and polls again: the timer, for the few microseconds until
 * dup3(), and then the socket. Arming comes first because only `fd` names the timer.
 */
static void put_back(int fd, int aside) {
  static const struct itimerspec at_once = {.it_value = {.tv_nsec = 1}};

  timerfd_settime(fd, 0, &at_once, NULL);
  while (dup3(aside, fd, O_CLOEXEC) < 0 && (errno == EINTR || errno == EBUSY))
    ;
  close(aside);
}

int gov_parking_connect(int fd, const struct sockaddr *address, socklen_t length,
                        void *user) {
  (void)user;

  return connect(fd, address, length) == 0 || errno == EINPROGRESS ? 0 : errno;
}

/*
 * A socket that was never connected looks connected to a poller (POLLOUT, SO_ERROR 0). One
 * that was refused does not, and port 0 of the own host refuses every connection.
 */
static void connect_to_refusal(int socket, int family) {
  static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

  int rc;

  /* A connect_cb may have got somewhere before it failed: that is undone first. */
  connect(socket, &nowhere, sizeof(nowhere));
  if (family == AF_INET6)
    rc = gov_parking_connect(socket, (const struct sockaddr *)&v6, sizeof(v6), NULL);
  else
    rc = gov_parking_connect(socket, (const struct sockaddr *)&v4, sizeof(v4), NULL);
  if (rc)
    shutdown(socket, SHUT_RDWR);
}

int gov_parking_leave(int fd, int aside, const struct sockaddr *address, socklen_t length,
                      gov_connect_fn *connect_fn, void *user) {
  int rc = connect_fn(aside, address, length, user);

  if (rc)
    connect_to_refusal(aside, address->sa_family);
  put_back(fd, aside);

  return rc;
}

void gov_parking_refuse(int fd, int aside, const struct sockaddr *address) {
  connect_to_refusal(aside, address->sa_family);
  put_back(fd, aside);
}

void gov_parking_abandon(int aside) {
  close(aside);
}
