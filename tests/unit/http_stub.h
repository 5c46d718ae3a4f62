/*
 * A web server on loopback that says what the test tells it to, one connection after the
 * other, and keeps what it was asked. A thread of its own; the requests may be looked at
 * after http_stub_stop.
 */
#ifndef TEST_HTTP_STUB_H
#define TEST_HTTP_STUB_H

#include <check.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A test that needs more says so before it includes this. */
#ifndef HTTP_STUB_REQUESTS
#define HTTP_STUB_REQUESTS 16
#endif
#ifndef HTTP_STUB_REQUEST_SIZE
#define HTTP_STUB_REQUEST_SIZE 8192
#endif

/* What happens after the text. */
typedef enum http_stub_end {
  HTTP_STUB_CLOSE = 0,
  HTTP_STUB_HANG,   /* nothing, until the other side goes */
  HTTP_STUB_DRIP,   /* a byte every 10 ms, until the other side goes */
  HTTP_STUB_ENDLESS /* bytes as fast as they are taken, until the other side goes */
} http_stub_end;

typedef struct http_stub_answer {
  const char *text; /* with status line and headers; NULL: nothing */
  http_stub_end end;
} http_stub_answer;

typedef struct http_stub {
  int listener;
  uint16_t port;
  pthread_t thread;
  const http_stub_answer *answers;
  size_t answer_count; /* the last one is given again and again */
  size_t request_count;
  char requests[HTTP_STUB_REQUESTS][HTTP_STUB_REQUEST_SIZE];
} http_stub;

#define HTTP_STUB_OK(type, body) HTTP_STUB_STATUS("200 OK", type, body)
/* The end of the connection is the end of the body. */
#define HTTP_STUB_STATUS(status, type, body)                                               \
  "HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n" body

static inline bool http_stub_is_complete(const char *request) {
  const char *end = strstr(request, "\r\n\r\n");
  const char *length = strcasestr(request, "\r\nContent-Length:");

  if (!end)
    return false;
  if (!length || length > end)
    return true;

  return strlen(end + 4) >= strtoul(length + 17, NULL, 10);
}

static inline void http_stub_read(int fd, char *request) {
  size_t length = 0;
  ssize_t got;

  request[0] = '\0';
  while (length < HTTP_STUB_REQUEST_SIZE - 1 && !http_stub_is_complete(request)) {
    got = recv(fd, request + length, HTTP_STUB_REQUEST_SIZE - 1 - length, 0);
    if (got <= 0)
      return;
    length += (size_t)got;
    request[length] = '\0';
  }
}

/* Whether the other side has gone, after at most `wait_ms`. */
static inline bool http_stub_is_gone(int fd, int wait_ms) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  char byte;

  return poll(&entry, 1, wait_ms) > 0 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static inline void http_stub_send(int fd, const http_stub_answer *answer) {
  char filler[4096];

  if (answer->text)
    (void)!send(fd, answer->text, strlen(answer->text), MSG_NOSIGNAL);

  memset(filler, 'x', sizeof(filler));
  switch (answer->end) {
  case HTTP_STUB_CLOSE:
    break;
  case HTTP_STUB_HANG:
    while (!http_stub_is_gone(fd, 1000))
      ;
    break;
  case HTTP_STUB_DRIP:
    while (!http_stub_is_gone(fd, 10) && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
      ;
    break;
  case HTTP_STUB_ENDLESS:
    while (send(fd, filler, sizeof(filler), MSG_NOSIGNAL) > 0)
      ;
    break;
  }
}

static inline void *http_stub_run(void *argument) {
  http_stub *stub = argument;
  size_t n;
  int fd;

  while ((fd = accept(stub->listener, NULL, NULL)) >= 0) {
    n = stub->request_count < stub->answer_count ? stub->request_count
                                                 : stub->answer_count - 1;
    if (stub->request_count == HTTP_STUB_REQUESTS)
      abort();
    http_stub_read(fd, stub->requests[stub->request_count++]);
    http_stub_send(fd, &stub->answers[n]);
    close(fd);
  }

  return NULL;
}

/* A socket that listens on a port of its own. */
static inline int http_stub_listen(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  ck_assert_int_eq(listen(fd, 8), 0);
  *port = ntohs(address.sin_port);

  return fd;
}

/* `answers` is borrowed until the stop. */
static inline void http_stub_start(http_stub *stub, const http_stub_answer *answers,
                                   size_t answer_count) {
  memset(stub, 0, sizeof(*stub));
  stub->answers = answers;
  stub->answer_count = answer_count;
  stub->listener = http_stub_listen(&stub->port);
  ck_assert_int_eq(pthread_create(&stub->thread, NULL, http_stub_run, stub), 0);
}

static inline void http_stub_stop(http_stub *stub) {
  shutdown(stub->listener, SHUT_RDWR);
  ck_assert_int_eq(pthread_join(stub->thread, NULL), 0);
  close(stub->listener);
}

/* A port of loopback that nobody listens on. */
static inline uint16_t http_stub_closed_port(void) {
  uint16_t port;

  close(http_stub_listen(&port));

  return port;
}

/* "http://127.0.0.1:<port><path>" */
static inline const char *http_stub_url(char url[128], uint16_t port, const char *path) {
  snprintf(url, 128, "http://127.0.0.1:%u%s", port, path);

  return url;
}

#endif
