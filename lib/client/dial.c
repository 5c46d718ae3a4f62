#include "client/dial.h"

#include "base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void copy_host(const char *broker, size_t length, char host[GOV_DIAL_HOST_SIZE]) {
  if (broker[0] == '[') {
    broker++;
    length -= 2;
  }
  memcpy(host, broker, length);
  host[length] = '\0';
}

void gov_dial_host(const char *broker, size_t host_length, char host[GOV_DIAL_HOST_SIZE]) {
  copy_host(broker, host_length, host);
  if (broker[0] == '[')
    host[strcspn(host, "%")] = '\0';
}

static int look_up(const char *host, const char *port, struct addrinfo **addresses) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC,
                           .ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
  int rc = getaddrinfo(host, port, &hints, addresses);

  if (rc == EAI_NONAME) {
    hints.ai_flags = AI_NUMERICSERV;
    rc = getaddrinfo(host, port, &hints, addresses);
  }

  return rc;
}

static bool has_family(const struct addrinfo *addresses, int family) {
  for (; addresses; addresses = addresses->ai_next)
    if (addresses->ai_family == family)
      return true;

  return false;
}

/* Returns 0 or an errno. */
static int make_socket(gov_dial *dial) {
  int off = 0, on = 1;

  dial->family = has_family(dial->addresses, AF_INET6) ? AF_INET6 : AF_INET;
  dial->fd = socket(dial->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (dial->fd < 0 && errno == EAFNOSUPPORT && has_family(dial->addresses, AF_INET)) {
    dial->family = AF_INET; /* a kernel without IPv6 */
    dial->fd = socket(dial->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  }
  if (dial->fd < 0)
    return errno;

  /* What these do is wanted, and not needed. */
  setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(dial->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  if (dial->family == AF_INET6)
    setsockopt(dial->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));

  return 0;
}

/* An IPv4 address as an IPv6 one. */
static struct sockaddr_in6 map(const struct sockaddr_in *v4) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4->sin_port};

  v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
  memcpy(&v6.sin6_addr.s6_addr[12], &v4->sin_addr, sizeof(v4->sin_addr));

  return v6;
}

/*
 * Connects to the address that is tried, or looks what has become of it: for a socket that
 * connects already, connect() answers that. Returns 0, EINPROGRESS or what went wrong.
 */
static int try_it(const gov_dial *dial) {
  const struct addrinfo *at = dial->at;
  struct sockaddr_in6 mapped;
  int rc;

  if (at->ai_family == dial->family) {
    rc = connect(dial->fd, at->ai_addr, at->ai_addrlen);
  } else if (dial->family == AF_INET6 && at->ai_family == AF_INET) {
    mapped = map((const struct sockaddr_in *)(const void *)at->ai_addr);
    rc = connect(dial->fd, (const struct sockaddr *)&mapped, sizeof(mapped));
  } else {
    return EAFNOSUPPORT;
  }
  if (rc == 0 || errno == EISCONN)
    return 0;

  return errno == EALREADY ? EINPROGRESS : errno;
}

int gov_dial_advance(gov_dial *dial, mskgov_error_info *error) {
  char reason[128];
  int failed;

  if (gov_dial_is_connected(dial))
    return 1;

  for (;;) {
    failed = try_it(dial);
    if (failed == EINPROGRESS)
      return 0;
    if (!failed)
      break;
    if (!dial->at->ai_next)
      return gov_error_set(error, MSKGOV_ERR_TRANSPORT, "TCP: %s",
                           strerror_r(failed, reason, sizeof(reason)));
    dial->at = dial->at->ai_next;
  }

  freeaddrinfo(dial->addresses);
  dial->addresses = NULL;
  dial->at = NULL;

  return 1;
}

int gov_dial_start(gov_dial *dial, const char *broker, size_t host_length,
                   mskgov_error_info *error) {
  char host[GOV_DIAL_HOST_SIZE];
  int rc, failed;

  *dial = (gov_dial){.fd = -1};
  copy_host(broker, host_length, host);
  rc = look_up(host, broker + host_length + 1, &dial->addresses);
  if (rc)
    return gov_error_set(error, MSKGOV_ERR_TRANSPORT, "cannot resolve %s: %s", broker,
                         gai_strerror(rc));

  dial->at = dial->addresses;
  failed = make_socket(dial);
  if (failed)
    return gov_error_set_errno(error, failed, "cannot make a socket");
  rc = gov_dial_advance(dial, error);

  return rc < 0 ? rc : 0;
}

void gov_dial_fini(gov_dial *dial) {
  if (dial->fd >= 0)
    close(dial->fd);
  if (dial->addresses)
    freeaddrinfo(dial->addresses);
  *dial = (gov_dial){.fd = -1};
}
