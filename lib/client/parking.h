/*
 * Parking a socket: a descriptor that a poller already watches is made to rest, without
 * blocking the poller, until it may connect.
 *
 * While parked, the descriptor number is a timerfd that is not armed: poll() sees nothing
 * and the poller goes on with its other work. The socket itself is kept aside. To leave,
 * the socket is connected, the timer fires (which ends the poll() that sleeps on it), and
 * dup3() puts the socket back at its number, where the next poll() finds it connecting.
 * docs/librdkafka.md has the whole story.
 *
 * Threads: one at a time for one parked socket.
 */
#ifndef GOV_CLIENT_PARKING_H
#define GOV_CLIENT_PARKING_H

#include <sys/socket.h>

/* A function like connect(2) that returns 0, for in progress too, or an errno. */
typedef int gov_connect_fn(int fd, const struct sockaddr *address, socklen_t length,
                           void *user);

/*
 * Parks `fd`. Returns the descriptor of the socket, kept aside; or -1 with errno set and
 * nothing changed.
 */
int gov_parking_enter(int fd);

/*
 * Starts the connection by `connect_fn` and puts the socket back at `fd`; closes `aside`.
 * If the connection cannot even be started, the poller is made to see a refused one.
 * Returns 0, or the errno of `connect_fn`.
 */
int gov_parking_leave(int fd, int aside, const struct sockaddr *address, socklen_t length,
                      gov_connect_fn *connect_fn, void *user);

/* Puts the socket back as one whose connection was refused; closes `aside`. */
void gov_parking_refuse(int fd, int aside, const struct sockaddr *address);

/* Gives the socket up; `fd` is left for its owner to close. */
void gov_parking_abandon(int aside);

/* connect(2) as a gov_connect_fn; `user` is not used. */
int gov_parking_connect(int fd, const struct sockaddr *address, socklen_t length,
                        void *user);

#endif
