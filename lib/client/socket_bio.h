/*
 * OpenSSL's way to a socket, without SIGPIPE: its own socket BIO uses write(), which raises
 * the signal where the peer has closed. This one uses send() with MSG_NOSIGNAL.
 *
 * Threads: a method may be shared; a BIO is its SSL's.
 */
#ifndef GOV_CLIENT_SOCKET_BIO_H
#define GOV_CLIENT_SOCKET_BIO_H

#include <openssl/bio.h>

/* The kind of BIO; owned (BIO_meth_free) and to outlive its BIOs. NULL: no memory. */
BIO_METHOD *gov_socket_bio_method_new(void);

/* A BIO on a non-blocking socket, which it does not close; owned. NULL: no memory. */
BIO *gov_socket_bio_new(const BIO_METHOD *method, int fd);

#endif
