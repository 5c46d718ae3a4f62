#include "broker/authority.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S (24L * 60 * 60)
/* Clients whose clock is behind ours shall take the certificates too. */
#define VALID_BEFORE_S DAY_S
#define VALID_AFTER_S (3650 * DAY_S)
#define SERIAL_BYTES 16
#define NAMES_MAX 512
/* TLS 1.3's, the cheapest first: SHA-256 instead of SHA-384 takes 5 % off a handshake. */
#define CIPHERSUITES                                                                       \
  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

static int crypto_failed(const char *what, mskgov_error_info *error) {
  char reason[256];

  ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
  ERR_clear_error();

  return gov_error_set(error, MSKGOV_ERR_CRYPTO, "cannot make %s: %s", what, reason);
}

/* A random serial number, positive. */
static bool set_serial(X509 *certificate) {
  unsigned char bytes[SERIAL_BYTES];
  BIGNUM *number;
  bool done;

  if (RAND_bytes(bytes, sizeof(bytes)) != 1)
    return false;

  bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
  number = BN_bin2bn(bytes, sizeof(bytes), NULL);
  done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);

  return done;
}

static bool set_subject(X509 *certificate, const char *name) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                    (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509_EXTENSION *extension;
  X509V3_CTX context;
  bool added;

  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  added = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);

  return added;
}

/* An unsigned certificate with what both have in common; NULL on failure. */
static X509 *new_certificate(const char *subject, EVP_PKEY *key, X509 *issuer) {
  X509 *certificate = X509_new();

  if (!certificate)
    return NULL;

  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
      !X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_BEFORE_S) ||
      !X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_AFTER_S) ||
      X509_set_pubkey(certificate, key) != 1 || !set_subject(certificate, subject) ||
      X509_set_issuer_name(certificate,
                           X509_get_subject_name(issuer ? issuer : certificate)) != 1 ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash")) {
    X509_free(certificate);
    return NULL;
  }

  return certificate;
}

static X509 *make_ca(EVP_PKEY *key) {
  X509 *ca = new_certificate("mskgov broker CA", key, NULL);

  if (ca && add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(ca, ca, NID_authority_key_identifier, "keyid:always") &&
      X509_sign(ca, key, EVP_sha256()) > 0)
    return ca;

  X509_free(ca);

  return NULL;
}

static void format_names(const char *host, char names[NAMES_MAX]) {
  unsigned char address[sizeof(struct in6_addr)];
  bool is_address =
      inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;

  if (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0)
    snprintf(names, NAMES_MAX, "DNS:localhost,IP:127.0.0.1");
  else
    snprintf(names, NAMES_MAX, "DNS:localhost,IP:127.0.0.1,%s:%s",
             is_address ? "IP" : "DNS", host);
}

static X509 *make_server(EVP_PKEY *key, const char *host, X509 *ca, EVP_PKEY *ca_key) {
  X509 *server = new_certificate("mskgov broker", key, ca);
  char names[NAMES_MAX];

  format_names(host, names);
  if (server && add_extension(server, ca, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(server, ca, NID_key_usage, "critical,digitalSignature") &&
      add_extension(server, ca, NID_ext_key_usage, "serverAuth") &&
      add_extension(server, ca, NID_authority_key_identifier, "keyid:always") &&
      add_extension(server, ca, NID_subject_alt_name, names) &&
      X509_sign(server, ca_key, EVP_sha256()) > 0)
    return server;

  X509_free(server);

  return NULL;
}

static char *to_pem(X509 *certificate) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL, *data;
  long length;

  if (bio && PEM_write_bio_X509(bio, certificate) == 1) {
    length = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)length);
  }
  BIO_free(bio);

  return text;
}

int gov_authority_init(gov_authority *authority, const char *host,
                       mskgov_error_info *error) {
  EVP_PKEY *ca_key = EVP_EC_gen("P-256");
  X509 *ca = NULL;
  int rc = 0;

  *authority = (gov_authority){.key = EVP_EC_gen("P-256")};
  if (ca_key && authority->key)
    ca = make_ca(ca_key);
  if (ca) {
    authority->certificate = make_server(authority->key, host, ca, ca_key);
    authority->ca_pem = to_pem(ca);
  }
  if (!authority->certificate || !authority->ca_pem)
    rc = crypto_failed("the brokers' certificates", error);

  X509_free(ca);
  EVP_PKEY_free(ca_key);

  return rc;
}

void gov_authority_fini(gov_authority *authority) {
  free(authority->ca_pem);
  X509_free(authority->certificate);
  EVP_PKEY_free(authority->key);
  *authority = (gov_authority){0};
}

int gov_authority_tls(const gov_authority *authority, SSL_CTX **context,
                      mskgov_error_info *error) {
  *context = SSL_CTX_new(TLS_server_method());

  /* No client of a broker resumes a session, so tickets would be bytes for nothing. */
  if (!*context || SSL_CTX_set_min_proto_version(*context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(*context, 0) != 1 ||
      SSL_CTX_set_ciphersuites(*context, CIPHERSUITES) != 1 ||
      SSL_CTX_use_certificate(*context, authority->certificate) != 1 ||
      SSL_CTX_use_PrivateKey(*context, authority->key) != 1) {
    SSL_CTX_free(*context);
    *context = NULL;
    return crypto_failed("the brokers' TLS settings", error);
  }

  SSL_CTX_set_session_cache_mode(*context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(*context, SSL_MODE_RELEASE_BUFFERS);
  /* Clients that just close are the rule here. */
  SSL_CTX_set_options(*context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);

  return 0;
}
