/*
 * What connections have in common: TLS settings, the client's name, the time limit.
 *
 * Threads: any; it does not change after it was made.
 */
#ifndef GOV_CLIENT_CONNECTOR_H
#define GOV_CLIENT_CONNECTOR_H

#include <mskgov/connection.h>

#include <openssl/ssl.h>

#include <stdatomic.h>

struct mskgov_connector {
  atomic_uint holds;
  SSL_CTX *tls;
  BIO_METHOD *socket;
  char *client_id; /* may be NULL */
  uint64_t setup_timeout_ms;
};

/* Takes a hold; given up with mskgov_connector_free. */
mskgov_connector *gov_connector_ref(mskgov_connector *connector);

/* MSKGOV_ERR_CRYPTO for `what`, with OpenSSL's reason; empties its queue of errors. */
int gov_connector_crypto_failed(const char *what, mskgov_error_info *error);

#endif
