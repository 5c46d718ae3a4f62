/*
 * The HTTP exchange with a server that is not who it says it is.
 */
#include "harness.h"
#include "http/http.h"
#include "http_stub.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <signal.h>
#include <string.h>

/* A server whose certificate nobody vouches for. */
typedef struct impostor {
  int listener;
  SSL_CTX *context;
  bool was_asked;
} impostor;

static SSL_CTX *make_context(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  X509_NAME *name = X509_get_subject_name(certificate);

  ck_assert(key && certificate && context);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1",
                             -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
  ck_assert_int_eq(SSL_CTX_use_certificate(context, certificate), 1);
  ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);

  return context;
}

static void *impersonate(void *argument) {
  impostor *self = argument;
  SSL *ssl = SSL_new(self->context);
  int fd = accept(self->listener, NULL, NULL);
  char byte;

  signal(SIGPIPE, SIG_IGN);
  SSL_set_fd(ssl, fd);
  self->was_asked = SSL_accept(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1;
  if (self->was_asked)
    SSL_write(ssl, "HTTP/1.1 204 -\r\n\r\n", 18);
  SSL_free(ssl);
  close(fd);

  return NULL;
}

START_TEST(test_certificate_is_verified) {
  impostor self = {.context = make_context()};
  char url[128];
  gov_http_request request = {.method = "GET",
                              .url = url,
                              .connect_timeout_ms = 10000,
                              .timeout_ms = 10000,
                              .answer_max = 1000,
                              .direct = true};
  gov_http_answer answer;
  mskgov_error_info error = {0};
  pthread_t thread;
  uint16_t port;
  int rc;

  self.listener = http_stub_listen(&port);
  snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
  ck_assert_int_eq(pthread_create(&thread, NULL, impersonate, &self), 0);
  rc = gov_http_perform(&request, &answer, &error);
  shutdown(self.listener, SHUT_RDWR); /* where there are no authorities to verify by */
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_msg(rc == MSKGOV_ERR_PROTOCOL || rc == MSKGOV_ERR_SYSTEM, "%d %s", rc,
                error.text);
  ck_assert_ptr_nonnull(
      strstr(error.text, rc == MSKGOV_ERR_PROTOCOL ? "127.0.0.1:" : "CA"));
  ck_assert(!self.was_asked);
  close(self.listener);
  SSL_CTX_free(self.context);
}
END_TEST

TEST_MAIN("http_tls", TEST(test_certificate_is_verified))
