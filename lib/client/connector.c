#include "client/connector.h"

#include "base/check.h"
#include "base/error.h"
#include "client/socket_bio.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#define SETUP_TIMEOUT_DEFAULT_MS 10000
#define SETUP_TIMEOUT_MAX_MS 3600000
/* Forward secrecy and authenticated encryption, which every MSK broker offers. Short lists
   also spare each of thousands of connections a copy of a long one. */
#define CIPHERS_TLS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"

void mskgov_connector_options_init(mskgov_connector_options *options) {
  *options = (mskgov_connector_options){.struct_size = sizeof(*options),
                                        .client_id = "mskgov",
                                        .setup_timeout_ms = SETUP_TIMEOUT_DEFAULT_MS};
}

int gov_connector_crypto_failed(const char *what, mskgov_error_info *error) {
  char reason[256];

  ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
  ERR_clear_error();

  return gov_error_set(error, MSKGOV_ERR_CRYPTO, "cannot make %s: %s", what, reason);
}

static int check_options(const mskgov_connector_options *options,
                         mskgov_error_info *error) {
  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_connector_options_init", error))
    return MSKGOV_ERR_INVALID;
  if (options->client_id &&
      gov_check_range("the length of options.client_id", strlen(options->client_id), 1,
                      MSKGOV_CLIENT_ID_MAX, error))
    return MSKGOV_ERR_INVALID;

  return gov_check_range("options.setup_timeout_ms", options->setup_timeout_ms, 1,
                         SETUP_TIMEOUT_MAX_MS, error);
}

/* Adds every certificate of the PEM; what is no PEM between them does not matter. */
static int trust(SSL_CTX *tls, const char *pem, mskgov_error_info *error) {
  BIO *bio = BIO_new_mem_buf(pem, -1);
  unsigned count = 0;
  X509 *certificate;
  int rc = bio ? 0 : gov_error_no_memory(error);

  ERR_clear_error();
  while (!rc && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
    count++;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), certificate) != 1)
      rc = gov_connector_crypto_failed("the store of trusted certificates", error);
    X509_free(certificate);
  }
  if (!rc && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "options.ca_pem: certificate %u is malformed", count + 1);
  else if (!rc && !count)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "options.ca_pem has no certificate; expected PEM with at least one");
  BIO_free(bio);
  ERR_clear_error();

  return rc;
}

static int make_tls(mskgov_connector *connector, const char *ca_pem,
                    mskgov_error_info *error) {
  SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

  connector->tls = tls;
  if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(tls, CIPHERS_TLS_1_2) != 1 ||
      SSL_CTX_set1_groups_list(tls, GROUPS) != 1)
    return gov_connector_crypto_failed("the TLS settings", error);

  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
  X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(tls),
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  /* Kafka's frames have a length, so an end without TLS's own farewell hides nothing. */
  SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  /* One recv() for all that is there, instead of two for every record. */
  SSL_CTX_set_read_ahead(tls, 1);

  if (ca_pem)
    return trust(tls, ca_pem, error);
  if (SSL_CTX_set_default_verify_paths(tls) != 1)
    return gov_connector_crypto_failed("the system's store of certificates", error);

  return 0;
}

int mskgov_connector_new(mskgov_connector **out, const mskgov_connector_options *options,
                         mskgov_error_info *error) {
  mskgov_connector *connector;
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = check_options(options, error);
  if (rc)
    return rc;

  connector = calloc(1, sizeof(*connector));
  if (!connector)
    return gov_error_no_memory(error);

  atomic_init(&connector->holds, 1);
  connector->setup_timeout_ms = options->setup_timeout_ms;
  connector->client_id = options->client_id ? strdup(options->client_id) : NULL;
  connector->socket = gov_socket_bio_method_new();
  rc = make_tls(connector, options->ca_pem, error);
  if (!rc && (!connector->socket || (options->client_id && !connector->client_id)))
    rc = gov_error_no_memory(error);
  if (rc) {
    mskgov_connector_free(connector);
    return rc;
  }
  *out = connector;

  return 0;
}

mskgov_connector *gov_connector_ref(mskgov_connector *connector) {
  atomic_fetch_add(&connector->holds, 1);

  return connector;
}

void mskgov_connector_free(mskgov_connector *connector) {
  if (!connector || atomic_fetch_sub(&connector->holds, 1) != 1)
    return;

  SSL_CTX_free(connector->tls);
  BIO_meth_free(connector->socket);
  free(connector->client_id);
  free(connector);
}
