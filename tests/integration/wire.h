/*
 * A Kafka client of a few bytes, over OpenSSL, and tokens for MSK, both made without any
 * code of the library: what the cluster is tested with.
 */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WIRE_REGION "eu-west-1"
#define WIRE_KEY_ID "AKIDEXAMPLE"
#define WIRE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define WIRE_TOKEN_MAX 4096
#define WIRE_PATIENCE_S 20

/* --- Tokens ---------------------------------------------------------------------------
 */

static inline void wire_hmac(const void *key, size_t key_length, const char *text,
                             unsigned char mac[32]) {
  unsigned length = 32;

  ck_assert(HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text,
                 strlen(text), mac, &length));
}

static inline void wire_hex(const unsigned char bytes[32], char text[65]) {
  for (int i = 0; i < 32; i++)
    snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* A presigned URL for kafka-cluster:Connect, as AWS documents SigV4 query signing. */
static inline void wire_sign_url(char url[WIRE_TOKEN_MAX], const char *secret,
                                 const char *region, time_t at) {
  char stamp[32], day[16], host[128], query[1024], text[2048], hash[65], key0[256];
  unsigned char mac[32];
  struct tm tm;

  gmtime_r(&at, &tm);
  strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
  strftime(day, sizeof(day), "%Y%m%d", &tm);
  snprintf(host, sizeof(host), "kafka.%s.amazonaws.com", region);
  snprintf(query, sizeof(query),
           "Action=kafka-cluster%%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
           "X-Amz-Credential=%s%%2F%s%%2F%s%%2Fkafka-cluster%%2Faws4_request&"
           "X-Amz-Date=%s&X-Amz-Expires=900&X-Amz-SignedHeaders=host",
           WIRE_KEY_ID, day, region, stamp);
  snprintf(text, sizeof(text),
           "GET\n/\n%s\nhost:%s\n\nhost\n"
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           query, host);
  ck_assert(EVP_Digest(text, strlen(text), mac, NULL, EVP_sha256(), NULL));
  wire_hex(mac, hash);
  snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/kafka-cluster/aws4_request\n%s",
           stamp, day, region, hash);
  snprintf(key0, sizeof(key0), "AWS4%s", secret);
  wire_hmac(key0, strlen(key0), day, mac);
  wire_hmac(mac, 32, region, mac);
  wire_hmac(mac, 32, "kafka-cluster", mac);
  wire_hmac(mac, 32, "aws4_request", mac);
  wire_hmac(mac, 32, text, mac);
  wire_hex(mac, hash);
  snprintf(url, WIRE_TOKEN_MAX, "https://%s/?%s&X-Amz-Signature=%s&User-Agent=test", host,
           query, hash);
}

static inline void wire_base64url(const char *text, char out[WIRE_TOKEN_MAX]) {
  int length =
      EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)strlen(text));

  while (length > 0 && out[length - 1] == '=')
    out[--length] = '\0';
  for (char *c = out; *c; c++)
    *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
}

/* A token that was signed `age_s` seconds ago. */
static inline void wire_token(char token[WIRE_TOKEN_MAX], const char *secret,
                              const char *region, int age_s) {
  char url[WIRE_TOKEN_MAX];

  wire_sign_url(url, secret, region, time(NULL) - age_s);
  wire_base64url(url, token);
}

/* --- Connections ----------------------------------------------------------------------
 */

typedef struct test_wire {
  int fd;
  SSL_CTX *context;
  SSL *ssl;
} test_wire;

static inline uint16_t wire_port(const char *servers, unsigned broker) {
  unsigned port;

  for (; broker > 0; broker--)
    servers = strchr(servers, ',') + 1;
  ck_assert_int_eq(sscanf(servers, "127.0.0.1:%u", &port), 1);

  return (uint16_t)port;
}

static inline int wire_socket(void) {
  struct timeval patience = {.tv_sec = WIRE_PATIENCE_S};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

  ck_assert_int_ge(fd, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));

  return fd;
}

static inline void wire_connect_socket(int fd, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static inline int wire_tcp(uint16_t port) {
  int fd = wire_socket();

  wire_connect_socket(fd, port);

  return fd;
}

/* A client's TLS settings: trusts the PEM, and wants the certificate to name `host`. */
static inline SSL_CTX *wire_context(const char *ca_pem) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  BIO *bio = BIO_new_mem_buf(ca_pem, -1);
  X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

  ck_assert_ptr_nonnull(ca);
  ck_assert_int_eq(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca), 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
  X509_free(ca);
  BIO_free(bio);

  return context;
}

static inline void wire_tls(test_wire *wire, int fd, const char *ca_pem) {
  wire->fd = fd;
  wire->context = wire_context(ca_pem);
  wire->ssl = SSL_new(wire->context);
  ck_assert_int_eq(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire->ssl), "127.0.0.1"),
                   1);
  SSL_set_fd(wire->ssl, fd);
  ck_assert_int_eq(SSL_connect(wire->ssl), 1);
}

static inline void wire_open(test_wire *wire, uint16_t port, const char *ca_pem) {
  wire_tls(wire, wire_tcp(port), ca_pem);
}

static inline void wire_close(test_wire *wire) {
  SSL_free(wire->ssl);
  SSL_CTX_free(wire->context);
  close(wire->fd);
}

/* --- Requests -------------------------------------------------------------------------
 */

static inline unsigned char *wire_put(unsigned char *at, uint64_t value, int size) {
  while (size-- > 0)
    *at++ = (unsigned char)(value >> 8 * size);

  return at;
}

/* Sends a request with header version 1: no client id, correlation 7. */
static inline void wire_send(test_wire *wire, int api, int version, const void *body,
                             size_t length) {
  unsigned char frame[WIRE_TOKEN_MAX + 256], *at = frame;

  ck_assert_uint_le(length, sizeof(frame) - 14);
  at = wire_put(at, 10 + length, 4);
  at = wire_put(at, (uint64_t)api, 2);
  at = wire_put(at, (uint64_t)version, 2);
  at = wire_put(at, 7, 4);
  at = wire_put(at, 0xffff, 2);
  memcpy(at, body, length);
  ck_assert_int_eq(SSL_write(wire->ssl, frame, (int)(14 + length)), (int)(14 + length));
}

/* Reads exactly; false at the end of the stream. */
static inline bool wire_read(test_wire *wire, unsigned char *to, size_t length) {
  for (size_t have = 0; have < length;) {
    int n = SSL_read(wire->ssl, to + have, (int)(length - have));

    if (n <= 0)
      return false;
    have += (size_t)n;
  }

  return true;
}

/* An answer without length and correlation; its length, or -1 if the broker closed. */
static inline int wire_receive(test_wire *wire, unsigned char *to, size_t size) {
  unsigned char head[8];
  size_t length;

  if (!wire_read(wire, head, sizeof(head)))
    return -1;

  length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  ck_assert_uint_ge(length, 4);
  ck_assert_uint_le(length - 4, size);
  ck_assert_int_eq(head[7], 7);
  ck_assert(wire_read(wire, to, length - 4));

  return (int)length - 4;
}

static inline void wire_send_handshake(test_wire *wire, int version,
                                       const char *mechanism) {
  unsigned char body[64];

  wire_put(body, strlen(mechanism), 2);
  memcpy(body + 2, mechanism, strlen(mechanism));
  wire_send(wire, 17, version, body, 2 + strlen(mechanism));
}

static inline void wire_send_token(test_wire *wire, const char *token) {
  unsigned char body[WIRE_TOKEN_MAX + 64];
  int length =
      snprintf((char *)body + 4, sizeof(body) - 4, "n,,\001auth=Bearer %s\001\001", token);

  wire_put(body, (uint64_t)length, 4);
  wire_send(wire, 36, 1, body, 4 + (size_t)length);
}

/* What SaslAuthenticate v1 answered. */
typedef struct wire_answer {
  int error;
  char text[256];
  uint64_t lifetime_ms;
} wire_answer;

static inline void wire_receive_answer(test_wire *wire, wire_answer *answer) {
  unsigned char bytes[512];
  int length = wire_receive(wire, bytes, sizeof(bytes)), text;

  ck_assert_int_ge(length, 2 + 2 + 4 + 8);
  memset(answer, 0, sizeof(*answer));
  answer->error = bytes[0] << 8 | bytes[1];
  text = (int16_t)(bytes[2] << 8 | bytes[3]);
  if (text > 0)
    memcpy(answer->text, bytes + 4, (size_t)text);
  for (int i = length - 8; i < length; i++)
    answer->lifetime_ms = answer->lifetime_ms << 8 | bytes[i];
}

/* SaslHandshake and SaslAuthenticate in full. */
static inline void wire_authenticate(test_wire *wire, const char *token,
                                     wire_answer *answer) {
  unsigned char bytes[64];

  wire_send_handshake(wire, 1, "OAUTHBEARER");
  ck_assert_int_gt(wire_receive(wire, bytes, sizeof(bytes)), 0);
  ck_assert_int_eq(bytes[0] << 8 | bytes[1], 0);
  wire_send_token(wire, token);
  wire_receive_answer(wire, answer);
}

/* True if the broker has ended the connection, in order, and nothing more was sent. */
static inline bool wire_is_ended(test_wire *wire) {
  unsigned char byte;

  return !wire_read(wire, &byte, 1);
}

#endif
