/*
 * The TCP side of a connection: a socket that connects, and the addresses that are left to
 * try if it is refused. Every address is tried on the same socket, so that whoever polls it
 * need not know; where a name has addresses of both families, that takes an IPv6 socket and
 * IPv4 addresses in their mapped form (RFC 4291, 2.5.5.2).
 *
 * Threads: the caller's.
 */
#ifndef GOV_CLIENT_DIAL_H
#define GOV_CLIENT_DIAL_H

#include <mskgov/error.h>

#include <netdb.h>
#include <stdbool.h>

/* Room for a host without its brackets, its end included. */
#define GOV_DIAL_HOST_SIZE 256

typedef struct gov_dial {
  int fd;
  int family;                 /* of the socket */
  struct addrinfo *addresses; /* NULL once it is connected */
  const struct addrinfo *at;  /* the one that is tried */
} gov_dial;

/*
 * The host of `broker`, a checked address of which `host_length` bytes are the host;
 * without the brackets and the zone of an IPv6 address, as a certificate would name it.
 */
void gov_dial_host(const char *broker, size_t host_length, char host[GOV_DIAL_HOST_SIZE]);

/*
 * Starts to connect: non-blocking, TCP_NODELAY, keep-alive. Blocks while a name is looked
 * up. Returns 0, MSKGOV_ERR_TRANSPORT (the name is not known, every address failed at once)
 * or MSKGOV_ERR_SYSTEM (no descriptors); gov_dial_fini in any case.
 */
int gov_dial_start(gov_dial *dial, const char *broker, size_t host_length,
                   mskgov_error_info *error);

/* Closes the socket and gives the memory back. */
void gov_dial_fini(gov_dial *dial);

static inline bool gov_dial_is_connected(const gov_dial *dial) {
  return dial->fd >= 0 && !dial->addresses;
}

/*
 * Looks what has become of it, and tries the next address if it was refused. Returns 0 while
 * it connects, 1 once it is connected, or MSKGOV_ERR_TRANSPORT after the last address.
 */
int gov_dial_advance(gov_dial *dial, mskgov_error_info *error);

#endif
