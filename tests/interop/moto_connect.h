/*
 * The part of moto_probe that connects: a broker that knows a provider's credentials, and a
 * connection by a token of theirs.
 *
 * Threads: the main thread only; every function may block.
 */
#ifndef MOTO_CONNECT_H
#define MOTO_CONNECT_H

#include <mskgov/mskgov.h>

#include <jansson.h>

/* {"error": …, "code": …}; the caller's. */
json_t *moto_failure(const mskgov_error_info *error);

/* A provider of fixed credentials, owned; NULL: there is an error. `token` may be NULL. */
mskgov_credentials_provider *moto_make_static(const char *key, const char *secret,
                                              const char *token, uint64_t expires_at_ns,
                                              mskgov_error_info *error);

/* The answer to "connect" (moto_probe.c); the caller's. */
json_t *moto_connect(mskgov_credentials_provider *provider, const char *region);

#endif
