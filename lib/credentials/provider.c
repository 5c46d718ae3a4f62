#include "credentials/provider.h"

#include "base/error.h"
#include "credentials/credentials.h"
#include "credentials/skew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mskgov_credentials_provider {
  atomic_uint holds;
  const mskgov_credentials_provider_ops *ops;
  void *self;
  bool concurrent; /* it sees to its threads itself */
  /* Held while `get` runs, which is all it is for: no two threads at once in there. */
  pthread_mutex_t getting;
};

static int make(mskgov_credentials_provider **out,
                const mskgov_credentials_provider_ops *ops, void *self, bool concurrent,
                mskgov_error_info *error) {
  mskgov_credentials_provider *provider;

  gov_error_reset(error);
  *out = NULL;
  if (!ops || !ops->get)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is NULL; a provider needs a table of operations with `get`",
                         ops ? "ops->get" : "ops");

  provider = malloc(sizeof(*provider));
  if (!provider)
    return gov_error_no_memory(error);

  atomic_init(&provider->holds, 1);
  provider->ops = ops;
  provider->self = self;
  provider->concurrent = concurrent;
  pthread_mutex_init(&provider->getting, NULL);
  *out = provider;

  return 0;
}

int mskgov_credentials_provider_new(mskgov_credentials_provider **provider,
                                    const mskgov_credentials_provider_ops *ops, void *self,
                                    mskgov_error_info *error) {
  return make(provider, ops, self, false, error);
}

int gov_credentials_provider_new_concurrent(mskgov_credentials_provider **provider,
                                            const mskgov_credentials_provider_ops *ops,
                                            void *self, mskgov_error_info *error) {
  return make(provider, ops, self, true, error);
}

/* What `get` left in `error`, made good: it may come from code that is not ours. */
static int failed(int rc, const mskgov_error_info *detail, mskgov_error_info *error) {
  const char *text = detail->text[0] ? detail->text : "the credentials provider failed";

  if (rc > 0) /* not NO_CREDENTIALS: a chain would look elsewhere */
    rc = MSKGOV_ERR_PROTOCOL;

  return gov_error_set(error, rc, "%.*s", MSKGOV_ERROR_TEXT_MAX - 1, text);
}

int gov_credentials_provider_get(mskgov_credentials_provider *provider,
                                 const gov_clock *clock, mskgov_credentials **out,
                                 mskgov_error_info *error) {
  mskgov_credentials *credentials = NULL;
  mskgov_error_info detail = {0};
  int rc;

  *out = NULL;
  if (!provider->concurrent)
    pthread_mutex_lock(&provider->getting);
  rc = provider->ops->get(provider->self, &credentials, &detail);
  if (!provider->concurrent)
    pthread_mutex_unlock(&provider->getting);
  if (rc)
    return failed(rc, &detail, error);
  if (!credentials)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "the credentials provider answered 0 and no credentials");

  rc = gov_credentials_check_life(credentials, gov_skew_unix_ns(&gov_skew_host, clock), 1,
                                  error);
  if (rc) {
    mskgov_credentials_free(credentials);
    return rc;
  }

  *out = credentials;

  return 0;
}

int mskgov_credentials_provider_get(mskgov_credentials_provider *provider,
                                    mskgov_credentials **credentials,
                                    mskgov_error_info *error) {
  gov_error_reset(error);

  return gov_credentials_provider_get(provider, &gov_clock_system, credentials, error);
}

mskgov_credentials_provider *
mskgov_credentials_provider_ref(mskgov_credentials_provider *provider) {
  atomic_fetch_add_explicit(&provider->holds, 1, memory_order_relaxed);

  return provider;
}

void mskgov_credentials_provider_free(mskgov_credentials_provider *provider) {
  if (!provider ||
      atomic_fetch_sub_explicit(&provider->holds, 1, memory_order_acq_rel) != 1)
    return;

  if (provider->ops->free)
    provider->ops->free(provider->self);
  pthread_mutex_destroy(&provider->getting);
  free(provider);
}
