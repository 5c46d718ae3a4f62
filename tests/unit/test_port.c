/*
 * A port that stays ours while it does not listen; real sockets on loopback.
 */
#include "broker/port.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16

static int bound(uint16_t *port) {
  mskgov_error_info error = {0};
  int fd;

  ck_assert_msg(gov_port_bind(&fd, port, &error) == 0, "%s", error.text);

  return fd;
}

static int listening(uint16_t *port) {
  int fd = bound(port);

  ck_assert_int_eq(gov_port_listen(fd, BACKLOG, NULL), 0);

  return fd;
}

/* A blocking client. Returns its socket, or minus errno. */
static int client(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), errnum;

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ck_assert_int_ge(fd, 0);
  if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
    return fd;

  errnum = errno;
  close(fd);

  return -errnum;
}

/* Accepts what is there or is about to be. */
static int accepted(int fd) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  int taken;

  ck_assert_int_eq(poll(&ready, 1, 10000), 1);
  taken = accept(fd, NULL, NULL);
  ck_assert_int_ge(taken, 0);

  return taken;
}

static uint16_t port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof(address);

  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  ck_assert_uint_eq(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);

  return ntohs(address.sin_port);
}

START_TEST(test_bound_and_not_listening) {
  uint16_t free_port = 0, same;
  int fd = bound(&free_port);

  ck_assert_uint_ne(free_port, 0);
  ck_assert_uint_eq(port_of(fd), free_port);
  ck_assert_int_eq(client(free_port), -ECONNREFUSED);
  close(fd);

  same = free_port;
  fd = bound(&same);
  ck_assert_uint_eq(same, free_port);
  ck_assert_uint_eq(port_of(fd), free_port);
  close(fd);
}
END_TEST

START_TEST(test_a_port_that_is_taken) {
  mskgov_error_info error = {0};
  uint16_t port = 0, same;
  int fd = listening(&port), other;

  same = port;
  ck_assert_int_eq(gov_port_bind(&other, &same, &error), MSKGOV_ERR_SYSTEM);
  ck_assert_msg(strstr(error.text, strerror(EADDRINUSE)) != NULL, "%s", error.text);
  close(fd);
}
END_TEST

/* 0: a port that the kernel chose; 1: one that was asked for. */
START_TEST(test_silent_and_back) {
  uint16_t port = 0, same;
  int fd = listening(&port), peer, other;

  if (_i == 1) {
    close(fd);
    fd = listening(&port);
  }
  for (int round = 0; round < 3; round++) {
    peer = client(port);
    ck_assert_int_ge(peer, 0);
    /* closed by this side first, so that something stays behind in TIME_WAIT */
    close(accepted(fd));
    ck_assert_int_eq(read(peer, &(char){0}, 1), 0);
    close(peer);

    gov_port_silence(fd);
    ck_assert_int_eq(client(port), -ECONNREFUSED);
    same = port;
    ck_assert_int_eq(gov_port_bind(&other, &same, NULL), MSKGOV_ERR_SYSTEM);

    ck_assert_int_eq(gov_port_listen(fd, BACKLOG, NULL), 0);
    ck_assert_uint_eq(port_of(fd), port);
  }
  close(fd);
}
END_TEST

START_TEST(test_the_backlog_is_refused_too) {
  struct timeval patience = {.tv_sec = 10};
  uint16_t port = 0;
  int fd = listening(&port), peer = client(port);

  ck_assert_int_ge(peer, 0);
  setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  gov_port_silence(fd);
  errno = 0;
  ck_assert_int_le(read(peer, &(char){0}, 1), 0);
  ck_assert_int_ne(errno, EAGAIN);
  close(peer);
  close(fd);
}
END_TEST

TEST_MAIN("port", TEST(test_bound_and_not_listening), TEST(test_a_port_that_is_taken),
          TEST_LOOP(test_silent_and_back, 2), TEST(test_the_backlog_is_refused_too))
