#include "base/error.h"

#include <mskgov/credentials.h>

static int get(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  (void)error;
  *credentials = mskgov_credentials_ref(self);

  return 0;
}

static void release(void *self) {
  mskgov_credentials_free(self);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_static(mskgov_credentials_provider **provider,
                                           mskgov_credentials *credentials,
                                           mskgov_error_info *error) {
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  if (!credentials)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "credentials is NULL; make them with mskgov_credentials_new");

  rc = mskgov_credentials_provider_new(provider, &operations, credentials, error);
  if (rc)
    return rc;

  mskgov_credentials_ref(credentials);

  return 0;
}
