/*
 * A peer that does what no broker should: it takes one connection, follows a script of what
 * to send when, and closes. With TLS under a certificate of its own, or without.
 */
#ifndef TEST_FAKE_BROKER_H
#define TEST_FAKE_BROKER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum fake_end {
  FAKE_CLOSE = 0, /* as TLS and TCP want it */
  FAKE_RESET      /* an end of the stream, and then a reset */
} fake_end;

/* What the peer does, in this order. */
typedef struct fake_script {
  const char *names;      /* who the certificate is for, "IP:127.0.0.1"; NULL: no TLS */
  bool wait;              /* for the client's first bytes */
  const char *raw;        /* sent below TLS, instead of a handshake; NULL: nothing */
  const void *answers[2]; /* each after a request of the client's; NULL: none */
  size_t lengths[2];
  bool dribble; /* every byte in a TLS record of its own */
  bool stay;    /* does not end before fake_join */
  fake_end end;
} fake_script;

typedef struct fake_broker {
  fake_script script;
  int listener;
  int stay[2]; /* a pipe; its end ends the stay */
  uint16_t port;
  char address[64]; /* "127.0.0.1:port" */
  char *ca_pem;
  SSL_CTX *tls;
  pthread_t thread;
} fake_broker;

static inline void fake_extend(X509 *certificate, int nid, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

  ck_assert_ptr_nonnull(extension);
  ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

/* A certificate that signs itself: the client trusts it as its own authority. Its subject
   is "localhost". */
static inline void fake_certify(fake_broker *fake) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  BIO *bio = BIO_new(BIO_s_mem());
  char *data;
  long length;

  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             (const unsigned char *)"localhost", -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  fake_extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
  fake_extend(certificate, NID_subject_alt_name, fake->script.names);
  ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);

  ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
  length = BIO_get_mem_data(bio, &data);
  fake->ca_pem = strndup(data, (size_t)length);
  fake->tls = SSL_CTX_new(TLS_server_method());
  ck_assert_int_eq(SSL_CTX_use_certificate(fake->tls, certificate), 1);
  ck_assert_int_eq(SSL_CTX_use_PrivateKey(fake->tls, key), 1);
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static inline void fake_send(const fake_script *script, SSL *tls, int i) {
  const char *at = script->answers[i];
  size_t step = script->dribble ? 1 : script->lengths[i];

  for (size_t sent = 0; sent < script->lengths[i]; sent += step)
    SSL_write(tls, at + sent, (int)step);
}

/* Speaks TLS until the script or the client ends. */
static inline void fake_speak(const fake_script *script, SSL *tls) {
  char request[8192];

  if (SSL_accept(tls) != 1)
    return;

  for (int i = 0; i < 2 && script->answers[i]; i++) {
    if (SSL_read(tls, request, sizeof(request)) <= 0)
      return;
    fake_send(script, tls, i);
  }
}

static inline void fake_end_it(const fake_broker *fake, int fd, SSL *tls) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  char byte;

  while (fake->script.stay && read(fake->stay[0], &byte, 1) > 0)
    ;
  if (fake->script.end == FAKE_RESET) {
    shutdown(fd, SHUT_WR);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  } else if (tls && SSL_is_init_finished(tls)) {
    SSL_shutdown(tls);
  }
}

static inline void *fake_run(void *argument) {
  fake_broker *fake = argument;
  int fd = accept(fake->listener, NULL, NULL);
  SSL *tls = fake->tls ? SSL_new(fake->tls) : NULL;
  char byte;

  if (fd >= 0) {
    if (fake->script.wait)
      recv(fd, &byte, 1, MSG_PEEK);
    if (fake->script.raw)
      send(fd, fake->script.raw, strlen(fake->script.raw), MSG_NOSIGNAL);
    if (tls) {
      SSL_set_fd(tls, fd);
      fake_speak(&fake->script, tls);
    }
    fake_end_it(fake, fd, tls);
    close(fd);
  }
  SSL_free(tls);

  return NULL;
}

/* Listens on 127.0.0.1, or on ::1 for the name "IP:::1". */
static inline void fake_listen(fake_broker *fake, bool v6) {
  struct sockaddr_in v4_address = {.sin_family = AF_INET};
  struct sockaddr_in6 v6_address = {.sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr *address =
      v6 ? (struct sockaddr *)&v6_address : (struct sockaddr *)&v4_address;
  socklen_t length = v6 ? sizeof(v6_address) : sizeof(v4_address);

  v4_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fake->listener = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(fake->listener, address, length), 0);
  ck_assert_int_eq(listen(fake->listener, 8), 0);
  ck_assert_int_eq(getsockname(fake->listener, address, &length), 0);
  fake->port = ntohs(v6 ? v6_address.sin6_port : v4_address.sin_port);
  snprintf(fake->address, sizeof(fake->address), v6 ? "[::1]:%u" : "127.0.0.1:%u",
           fake->port);
}

static inline void fake_start(fake_broker *fake, const fake_script *script) {
  sigset_t pipe_signal, before;

  *fake = (fake_broker){.script = *script};
  if (script->names)
    fake_certify(fake);
  fake_listen(fake, script->names && strcmp(script->names, "IP:::1") == 0);
  ck_assert_int_eq(pipe(fake->stay), 0);

  /* The peer's own SIGPIPE is not what is tested. */
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  ck_assert_int_eq(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Lets the peer go, and waits until it has gone. */
static inline void fake_join(fake_broker *fake) {
  close(fake->stay[1]);
  pthread_join(fake->thread, NULL);
}

static inline void fake_stop(fake_broker *fake) {
  close(fake->stay[0]);
  close(fake->listener);
  SSL_CTX_free(fake->tls);
  free(fake->ca_pem);
}

#endif
