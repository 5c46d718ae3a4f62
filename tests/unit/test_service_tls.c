/*
 * A service behind a certificate of a private authority: AWS_CA_BUNDLE says whom to trust.
 */
#include "credentials/service.h"
#include "harness.h"
#include "sts_stub.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <signal.h>

/* An authority, and the server whose certificate it signed. */
typedef struct authority {
  EVP_PKEY *key;
  X509 *certificate;
  char path[64]; /* of its PEM */
} authority;

typedef struct server {
  int listener;
  SSL_CTX *context;
  int served; /* answers that went out */
} server;

static X509 *make_certificate(EVP_PKEY *key, const char *name, const char *extension_name,
                              const char *extension) {
  X509 *certificate = X509_new();
  X509_NAME *subject = X509_get_subject_name(certificate);
  X509_EXTENSION *made =
      X509V3_EXT_conf(NULL, NULL, (char *)extension_name, (char *)extension);

  ck_assert_ptr_nonnull(made);
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + random());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                             -1, 0);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);

  return certificate;
}

static void make_authority(authority *self, const char *name) {
  FILE *file;

  strcpy(self->path, "/tmp/mskgov-ca-XXXXXX");
  file = fdopen(mkstemp(self->path), "w");
  ck_assert_ptr_nonnull(file);
  self->key = EVP_EC_gen("P-256");
  self->certificate =
      make_certificate(self->key, name, "basicConstraints", "critical,CA:TRUE");
  X509_set_issuer_name(self->certificate, X509_get_subject_name(self->certificate));
  ck_assert_int_gt(X509_sign(self->certificate, self->key, EVP_sha256()), 0);
  ck_assert_int_eq(PEM_write_X509(file, self->certificate), 1);
  fclose(file);
}

static void free_authority(authority *self) {
  X509_free(self->certificate);
  EVP_PKEY_free(self->key);
  unlink(self->path);
}

static void make_server(server *self, const authority *signer, const char *names,
                        uint16_t *port) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = make_certificate(key, "server", "subjectAltName", names);

  X509_set_issuer_name(certificate, X509_get_subject_name(signer->certificate));
  ck_assert_int_gt(X509_sign(certificate, signer->key, EVP_sha256()), 0);
  self->served = 0;
  self->context = SSL_CTX_new(TLS_server_method());
  ck_assert_int_eq(SSL_CTX_use_certificate(self->context, certificate), 1);
  ck_assert_int_eq(SSL_CTX_use_PrivateKey(self->context, key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  self->listener = http_stub_listen(port);
}

static void *serve(void *argument) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfine";
  server *self = argument;
  char request[4096];
  int fd;

  signal(SIGPIPE, SIG_IGN);
  while ((fd = accept(self->listener, NULL, NULL)) >= 0) {
    SSL *ssl = SSL_new(self->context);

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
      SSL_write(ssl, answer, sizeof(answer) - 1);
      SSL_shutdown(ssl);
      self->served++;
    }
    SSL_free(ssl);
    close(fd);
  }

  return NULL;
}

static const struct {
  enum { RIGHT, WRONG, MISSING, NO_PEM } bundle;
  const char *names; /* of the server's certificate */
  int rc;
} cases[] = {
    {RIGHT, "IP:127.0.0.1", 0},
    {WRONG, "IP:127.0.0.1", MSKGOV_ERR_PROTOCOL},
    {RIGHT, "IP:127.0.0.2,DNS:localhost", MSKGOV_ERR_PROTOCOL},
    {MISSING, "IP:127.0.0.1", MSKGOV_ERR_SYSTEM},
    {NO_PEM, "IP:127.0.0.1", MSKGOV_ERR_SYSTEM},
};

static int fetch(uint16_t port, gov_http_answer *answer, mskgov_error_info *error) {
  static const gov_service_limits limits = {.connect_timeout_ms = 10000,
                                            .timeout_ms = 10000,
                                            .attempts = 3,
                                            .backoff_ms = 1,
                                            .backoff_max_ms = 1};
  gov_service service = {.name = "the demo"};
  char url[64];
  const gov_http_request request = {.method = "GET", .url = url, .direct = true};

  snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);

  return gov_service_fetch(&service, &request, &limits, answer, error);
}

START_TEST(test_bundle) {
  const char *paths[] = {NULL, NULL, "/tmp/mskgov-no-such-bundle.pem", "/etc/passwd"};
  authority right, wrong;
  gov_http_answer answer = {0};
  mskgov_error_info error = {0};
  pthread_t thread;
  server self;
  uint16_t port;
  int rc;

  aws_environment_clear();
  make_authority(&right, "private CA");
  make_authority(&wrong, "another CA");
  paths[RIGHT] = right.path;
  paths[WRONG] = wrong.path;
  make_server(&self, &right, cases[_i].names, &port);
  ck_assert_int_eq(pthread_create(&thread, NULL, serve, &self), 0);
  setenv("AWS_CA_BUNDLE", paths[cases[_i].bundle], 1);
  rc = fetch(port, &answer, &error);
  shutdown(self.listener, SHUT_RDWR);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  close(self.listener);
  SSL_CTX_free(self.context);
  free_authority(&right);
  free_authority(&wrong);

  ck_assert_msg(rc == cases[_i].rc, "%d: %s", rc, error.text);
  ck_assert_int_eq(self.served, rc == 0);
  if (rc) {
    ck_assert_msg(strstr(error.text, "the demo failed: "), "%s", error.text);
    ck_assert_msg(strstr(error.text, "certificate") || strstr(error.text, "CA"), "%s",
                  error.text);
  } else {
    ck_assert_uint_eq(answer.body.length, 4);
    ck_assert_int_eq(memcmp(answer.body.data, "fine", 4), 0);
  }
  gov_http_answer_fini(&answer);
}
END_TEST

/* A bundle is of no consequence where there is no TLS. */
START_TEST(test_bundle_without_tls) {
  static const http_stub_answer told = {HTTP_STUB_OK("text/plain", "fine"), 0};
  static const gov_service_limits limits = {5000, 5000, 1, 1, 1};
  gov_service service = {.name = "the demo"};
  gov_http_answer answer = {0};
  mskgov_error_info error = {0};
  char url[128];
  gov_http_request request = {.method = "GET", .direct = true};
  int rc;

  aws_environment_clear();
  sts_start(&told, 1);
  request.url = http_stub_url(url, sts.port, "/");
  setenv("AWS_CA_BUNDLE", "/tmp/mskgov-no-such-bundle.pem", 1);
  rc = gov_service_fetch(&service, &request, &limits, &answer, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == 0, "%s", error.text);
  gov_http_answer_fini(&answer);
}
END_TEST

/* Reads the first of the handshake, and hangs up. */
static void *hang_up(void *argument) {
  server *self = argument;
  char hello[4096];
  int fd;

  while ((fd = accept(self->listener, NULL, NULL)) >= 0) {
    self->served += recv(fd, hello, sizeof(hello), 0) > 0;
    close(fd);
  }

  return NULL;
}

/* One that is cut off in the middle of the handshake has shown no bad certificate. */
START_TEST(test_cut_off_in_the_handshake) {
  server self = {0};
  gov_http_answer answer;
  mskgov_error_info error = {0};
  pthread_t thread;
  uint16_t port;

  aws_environment_clear();
  self.listener = http_stub_listen(&port);
  ck_assert_int_eq(pthread_create(&thread, NULL, hang_up, &self), 0);
  ck_assert_int_eq(fetch(port, &answer, &error), MSKGOV_ERR_TRANSPORT);
  shutdown(self.listener, SHUT_RDWR);
  pthread_join(thread, NULL);
  close(self.listener);
  ck_assert_int_eq(self.served, 3);
  ck_assert_ptr_nonnull(strstr(error.text, "failed 3 times in a row"));
  ck_assert_ptr_null(strstr(error.text, "within")); /* it was no time-out */
}
END_TEST

TEST_MAIN("service_tls", TEST_TABLE(test_bundle, cases), TEST(test_bundle_without_tls),
          TEST(test_cut_off_in_the_handshake))
