/*
 * The credentials of a role, by AssumeRole with the credentials of another provider.
 */
#include "base/error.h"
#include "credentials/region.h"
#include "credentials/role_settings.h"

#include <mskgov/profile.h>

#include <stdlib.h>

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  gov_role_settings *self = object;
  const mskgov_role_options *options = &self->options;
  gov_role role = gov_role_settings_role(self);
  char region[MSKGOV_REGION_SIZE];
  mskgov_credentials *signer;
  int rc = gov_region_for_sts("options.aws_sts_region", options->aws_sts_region,
                              options->aws_profile_name, options->region, region, error);

  if (rc)
    return rc;

  rc = mskgov_credentials_provider_get(options->source, &signer, error);
  if (rc)
    return rc;

  rc = gov_role_assume(&role, region, &self->limits, signer, credentials, error);
  mskgov_credentials_free(signer);

  return rc;
}

static void release(void *object) {
  gov_role_settings_fini(object);
  free(object);
}

/* The provider of the credentials to assume the role with, where none is given. */
static int make_source(mskgov_role_options *options, mskgov_error_info *error) {
  mskgov_profile_options profile;
  mskgov_credentials_default_options all;

  if (options->aws_profile_name) {
    mskgov_profile_options_init(&profile);
    profile.profile = options->aws_profile_name;
    profile.region = options->region;
    return mskgov_credentials_provider_new_profile(&options->source, &profile, error);
  }

  mskgov_credentials_default_options_init(&all);
  all.region = options->region;

  return mskgov_credentials_provider_new_default(&options->source, &all, error);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_role(mskgov_credentials_provider **provider,
                                         const mskgov_role_options *options,
                                         mskgov_error_info *error) {
  gov_role_settings *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  self = malloc(sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  rc = gov_role_settings_init(self, options, error);
  if (!rc && !self->options.aws_role_arn)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "options.aws_role_arn is NULL; expected the ARN of a role");
  if (!rc && !self->options.source)
    rc = make_source(&self->options, error);
  if (!rc)
    rc = mskgov_credentials_provider_new(provider, &operations, self, error);
  if (rc)
    release(self);

  return rc;
}
