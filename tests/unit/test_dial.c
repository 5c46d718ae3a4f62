/*
 * Dialling a name with several addresses. What the names resolve to is the test's own: the
 * linker puts __wrap_getaddrinfo in the place of getaddrinfo.
 */
#include "client/dial.h"
#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY "127.0.0.2" /* the test listens on 127.0.0.1 only */

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **addresses);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **addresses);

/* "a,b.test" stands for the addresses a and b, in that order. */
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **addresses) {
  struct addrinfo numeric = *hints, **last = addresses;
  char text[256];
  int rc = 0;

  if (!strstr(host, ".test"))
    return __real_getaddrinfo(host, port, hints, addresses);
  if (hints->ai_flags & AI_NUMERICHOST)
    return EAI_NONAME;

  numeric.ai_flags |= AI_NUMERICHOST;
  snprintf(text, sizeof(text), "%.*s", (int)(strstr(host, ".test") - host), host);
  for (char *at = strtok(text, ","); at && !rc; at = strtok(NULL, ",")) {
    rc = __real_getaddrinfo(at, port, &numeric, last);
    last = &(*last)->ai_next;
  }

  return rc;
}

static int listen_on(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
  ck_assert_int_eq(listen(fd, 8), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  *port = ntohs(address.sin_port);

  return fd;
}

/* Dials until it is decided; returns as gov_dial_advance does. */
static int dial_to_the_end(gov_dial *dial, const char *host, uint16_t port,
                           mskgov_error_info *error) {
  char broker[300];
  int rc, fd;

  *error = (mskgov_error_info){0};
  snprintf(broker, sizeof(broker), "%s:%u", host, port);
  rc = gov_dial_start(dial, broker, strlen(host), error);
  fd = dial->fd;
  while (rc == 0 && (rc = gov_dial_advance(dial, error)) == 0) {
    struct pollfd poll_fd = {.fd = dial->fd, .events = POLLOUT};

    ck_assert_int_eq(poll(&poll_fd, 1, 30000), 1);
  }
  ck_assert_int_eq(dial->fd, fd); /* whoever polls it need not know */

  return rc;
}

static const struct {
  const char *host;
  int rc;
} names[] = {
    {"127.0.0.1", 1},
    {"127.0.0.1.test", 1},
    {NOBODY ",127.0.0.1.test", 1},
    {NOBODY ",127.0.0.3,127.0.0.1.test", 1},
    {"::1,127.0.0.1.test", 1}, /* as many hosts have it for "localhost" */
    {"127.0.0.1,::1.test", 1},
    {NOBODY, MSKGOV_ERR_TRANSPORT},
    {NOBODY ",127.0.0.3.test", MSKGOV_ERR_TRANSPORT},
    {"::1," NOBODY ".test", MSKGOV_ERR_TRANSPORT},
};

START_TEST(test_names) {
  mskgov_error_info error;
  gov_dial dial;
  uint16_t port;
  int listener = listen_on(&port);
  int rc = dial_to_the_end(&dial, names[_i].host, port, &error);

  ck_assert_msg(rc == names[_i].rc, "%s: %d, %s", names[_i].host, rc, error.text);
  ck_assert_int_eq(gov_dial_is_connected(&dial), rc == 1);
  if (rc < 0)
    ck_assert_str_eq(error.text, "TCP: Connection refused");
  gov_dial_fini(&dial);
  close(listener);
}
END_TEST

/* A listener whose backlog is full does not answer: the dial goes on, and does not fail. */
START_TEST(test_no_answer) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  mskgov_error_info error = {0};
  char broker[64];
  int crowd[8];
  gov_dial dial;
  uint16_t port;
  int listener = listen_on(&port);

  ck_assert_int_eq(listen(listener, 0), 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  for (int i = 0; i < 8; i++) {
    crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(crowd[i], (struct sockaddr *)&address, sizeof(address));
  }
  snprintf(broker, sizeof(broker), "127.0.0.1:%u", port);
  ck_assert_int_eq(gov_dial_start(&dial, broker, 9, &error), 0);
  for (int i = 0; i < 3; i++)
    ck_assert_msg(gov_dial_advance(&dial, &error) == 0, "%s", error.text);
  ck_assert(!gov_dial_is_connected(&dial));
  gov_dial_fini(&dial);
  for (int i = 0; i < 8; i++)
    close(crowd[i]);
  close(listener);
}
END_TEST

START_TEST(test_hosts) {
  static const struct {
    const char *broker;
    size_t length;
    const char *host;
  } cases[] = {
      {"b-1.example:9098", 11, "b-1.example"},
      {"10.0.0.1:9098", 8, "10.0.0.1"},
      {"[::1]:9098", 5, "::1"},
      {"[fe80::1%eth0]:9098", 14, "fe80::1"},
  };
  char host[GOV_DIAL_HOST_SIZE];

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_dial_host(cases[i].broker, cases[i].length, host);
    ck_assert_str_eq(host, cases[i].host);
  }
}
END_TEST

TEST_MAIN("dial", TEST_TABLE(test_names, names), TEST(test_no_answer), TEST(test_hosts))
