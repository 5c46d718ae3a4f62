/*
 * A certificate authority that lives as long as a cluster, and the server certificate
 * that it signs: ECDSA P-256, for one host name or address besides localhost and
 * 127.0.0.1. The authority's own key is gone as soon as it has signed.
 *
 * Threads: any; it does not change after it was made.
 */
#ifndef GOV_BROKER_AUTHORITY_H
#define GOV_BROKER_AUTHORITY_H

#include <mskgov/error.h>

#include <openssl/ssl.h>

typedef struct gov_authority {
  char *ca_pem;
  X509 *certificate;
  EVP_PKEY *key;
} gov_authority;

/* Returns 0, MSKGOV_ERR_CRYPTO or MSKGOV_ERR_NO_MEMORY; _fini in any case. */
int gov_authority_init(gov_authority *authority, const char *host,
                       mskgov_error_info *error);
void gov_authority_fini(gov_authority *authority);

/* A server's TLS settings with the certificate: *context is owned (SSL_CTX_free). */
int gov_authority_tls(const gov_authority *authority, SSL_CTX **context,
                      mskgov_error_info *error);

#endif
