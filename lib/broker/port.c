#include "broker/port.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_reuse(int fd, int on) {
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* A socket bound to *port; sets *port. Returns the descriptor, or -1 with errno. */
static int bind_to(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
  socklen_t length = sizeof(address);
  int fd, errnum;

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;

  /* for what is left in TIME_WAIT of connections to an earlier listener */
  if (set_reuse(fd, 1) || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
      getsockname(fd, (struct sockaddr *)&address, &length)) {
    errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
  }
  *port = ntohs(address.sin_port);

  return fd;
}

int gov_port_bind(int *fd, uint16_t *port, mskgov_error_info *error) {
  uint16_t wanted = *port;
  int chosen = -1;

  /* A port that the kernel chose is given back when the socket stops listening. So one
     socket has it chosen, and another is bound to its number. */
  if (!wanted)
    chosen = bind_to(port);
  *fd = !wanted && chosen < 0 ? -1 : bind_to(port);
  if (*fd < 0)
    gov_error_set_errno(error, errno, "cannot bind 127.0.0.1:%u", wanted);
  if (chosen >= 0)
    close(chosen);

  return *fd < 0 ? MSKGOV_ERR_SYSTEM : 0;
}

int gov_port_listen(int fd, int backlog, mskgov_error_info *error) {
  if (set_reuse(fd, 1) || listen(fd, backlog))
    return gov_error_set_errno(error, errno, "cannot listen");

  return 0;
}

void gov_port_silence(int fd) {
  /* While it does not listen, another socket could share the port if both allow it. */
  set_reuse(fd, 0);
  shutdown(fd, SHUT_RDWR);
}
