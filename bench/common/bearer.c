#include "common/bearer.h"

#include "common/clock.h"

/* A token that cannot be renewed is tried again, while the old one lives. */
#define RENEW_AGAIN_NS BENCH_NS_PER_S

int bench_bearer_init(bench_bearer *bearer, const char *region,
                      mskgov_credentials_provider *credentials, mskgov_error_info *error) {
  mskgov_authenticator_options options;

  *bearer = (bench_bearer){0};
  mskgov_authenticator_options_init(&options);
  options.region = region;
  options.credentials = credentials;

  return mskgov_authenticator_new(&bearer->authenticator, &options, error);
}

void bench_bearer_fini(bench_bearer *bearer) {
  mskgov_token_free(bearer->token);
  mskgov_authenticator_free(bearer->authenticator);
  *bearer = (bench_bearer){0};
}

static uint64_t unix_now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);

  return (uint64_t)now.tv_sec * BENCH_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int renew(bench_bearer *bearer, uint64_t now_ns, mskgov_error_info *error) {
  uint64_t expires_ns, unix_ns, life_ns;
  mskgov_token *token;
  int rc = mskgov_authenticator_token(bearer->authenticator, &token, error);

  if (rc)
    return rc;

  mskgov_token_free(bearer->token);
  bearer->token = token;
  expires_ns = mskgov_token_expires_at_ns(token);
  unix_ns = unix_now_ns();
  life_ns = expires_ns > unix_ns ? expires_ns - unix_ns : 0;
  bearer->renew_ns = now_ns + life_ns / 4 * 3;
  bearer->expires_ns = now_ns + life_ns;

  return 0;
}

int bench_bearer_token(bench_bearer *bearer, uint64_t now_ns, const char **token,
                       mskgov_error_info *error) {
  mskgov_error_info failure = {0};
  int rc = 0;

  if (!bearer->token || now_ns >= bearer->renew_ns)
    rc = renew(bearer, now_ns, &failure);
  if (rc && (!bearer->token || now_ns >= bearer->expires_ns)) {
    *error = failure;
    return rc;
  }
  if (rc)
    bearer->renew_ns = now_ns + RENEW_AGAIN_NS;
  *token = mskgov_token_value(bearer->token);

  return 0;
}
