/*
 * An IAM token that many share: signed once, and again when three quarters of its life are
 * over.
 *
 * Threads: the caller's.
 */
#ifndef BENCH_BEARER_H
#define BENCH_BEARER_H

#include <mskgov/authenticator.h>

typedef struct bench_bearer {
  mskgov_authenticator *authenticator;
  mskgov_token *token;
  uint64_t renew_ns, expires_ns; /* monotonic */
} bench_bearer;

/*
 * Makes the authenticator; takes a hold on the provider. Returns 0 or what
 * mskgov_authenticator_new returns; bench_bearer_fini in any case.
 */
int bench_bearer_init(bench_bearer *bearer, const char *region,
                      mskgov_credentials_provider *credentials, mskgov_error_info *error);
void bench_bearer_fini(bench_bearer *bearer);

/*
 * Sets *token to a token that is alive at `now_ns` (monotonic); borrowed until the next
 * call. May ask the provider. Returns 0 or what mskgov_authenticator_token returns; while
 * the last token lives, a failure to renew it is none.
 */
int bench_bearer_token(bench_bearer *bearer, uint64_t now_ns, const char **token,
                       mskgov_error_info *error);

#endif
