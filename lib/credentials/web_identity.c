/*
 * The credentials of a role, by AssumeRoleWithWebIdentity with the token in a file.
 */
#include "base/error.h"
#include "credentials/environment.h"
#include "credentials/region.h"
#include "credentials/role_settings.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"
#define ROLE_ARN "AWS_ROLE_ARN"

typedef struct web_identity {
  gov_role_settings settings;
  char *token_file; /* NULL: the environment's */
} web_identity;

static int find_role(const web_identity *self, gov_role *role, mskgov_error_info *error) {
  static const char *const names[4] = {ROLE_ARN, "", "", ""};

  *role = gov_role_settings_role(&self->settings);
  if (role->arn)
    return 0;

  role->arn = gov_environment_variable(ROLE_ARN);
  if (!role->arn)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "there is a web identity token and no role: set " ROLE_ARN
                         " or options.aws_role_arn");

  return gov_role_check(&(gov_role){.arn = role->arn}, names, error);
}

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  const web_identity *self = object;
  const mskgov_role_options *options = &self->settings.options;
  const char *file =
      self->token_file ? self->token_file : gov_environment_variable(TOKEN_FILE);
  char region[MSKGOV_REGION_SIZE];
  gov_role role;
  int rc;

  if (!file)
    return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                         "there is no web identity: " TOKEN_FILE " is not set, or empty");
  rc = find_role(self, &role, error);
  if (!rc)
    rc = gov_region_for_sts("options.aws_sts_region", options->aws_sts_region,
                            options->aws_profile_name, options->region, region, error);

  return rc ? rc
            : gov_role_assume_with_file(&role, region, &self->settings.limits, file,
                                        credentials, error);
}

static void release(void *object) {
  web_identity *self = object;

  gov_role_settings_fini(&self->settings);
  free(self->token_file);
  free(self);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_web_identity(mskgov_credentials_provider **provider,
                                                 const char *token_file,
                                                 const mskgov_role_options *options,
                                                 mskgov_error_info *error) {
  mskgov_role_options defaults;
  web_identity *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  self = calloc(1, sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  mskgov_role_options_init(&defaults);
  rc = gov_role_settings_init(&self->settings, options ? options : &defaults, error);
  if (!rc && token_file && !(self->token_file = strdup(token_file)))
    rc = gov_error_no_memory(error);
  if (!rc)
    rc = mskgov_credentials_provider_new(provider, &operations, self, error);
  if (rc)
    release(self);

  return rc;
}
