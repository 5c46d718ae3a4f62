#include "identity.h"

#include "tool.h"

#include <string.h>

bool identity_take(identity *who, int option, const char *argument) {
  switch (option) {
  case 'P':
    who->profile = argument;
    return true;
  case 'R':
    who->region = argument;
    return true;
  case 'A':
    who->role_arn = argument;
    return true;
  case 'E':
    who->external_id = argument;
    return true;
  case 'S':
    who->session_name = argument;
    return true;
  default:
    return false;
  }
}

int identity_check(const identity *who) {
  if (who->profile && !*who->profile)
    return tool_usage("--profile is empty; expected the name of a profile");
  if (!who->role_arn && (who->external_id || who->session_name))
    return tool_usage("%s is for a role, and --role-arn is missing",
                      who->external_id ? "--external-id" : "--session-name");

  return 0;
}

/* A cluster takes signatures for its own region only. */
static void warn_of_other_region(const identity *who, const char *region,
                                 const char *source) {
  char of_broker[MSKGOV_REGION_SIZE];

  if (who->broker &&
      !mskgov_region_from_broker(who->broker, of_broker, sizeof(of_broker), NULL) &&
      strcmp(of_broker, region) != 0)
    tool_warn("the region is %s (%s), and by its name the broker is in %s, which will "
              "refuse the token; --region %s mends it",
              region, source, of_broker, of_broker);
}

int identity_region(const identity *who, char region[MSKGOV_REGION_SIZE]) {
  mskgov_region_options options;
  mskgov_error_info error;
  const char *source;
  int rc;

  mskgov_region_options_init(&options);
  options.region = who->region;
  options.profile = who->profile;
  options.broker = who->broker;
  rc = mskgov_region_find(&options, region, &source, &error);
  if (rc == MSKGOV_ERR_NO_CREDENTIALS)
    return tool_usage("--region is missing: %s", error.text);
  if (rc == MSKGOV_ERR_INVALID && who->region)
    return tool_usage("--%s", error.text);
  if (rc)
    return tool_cannot("%s", error.text);
  warn_of_other_region(who, region, source);

  return 0;
}

/* The role of the options, with the credentials of `source`. */
static int make_role(const identity *who, const char *region,
                     mskgov_credentials_provider *source,
                     mskgov_credentials_provider **provider) {
  mskgov_role_options options;
  mskgov_error_info error;
  int rc;

  mskgov_role_options_init(&options);
  options.aws_role_arn = who->role_arn;
  options.aws_role_external_id = who->external_id;
  options.aws_role_session_name = who->session_name;
  options.aws_sts_region = region;
  options.source = source;
  rc = mskgov_credentials_provider_new_role(provider, &options, &error);
  if (rc == MSKGOV_ERR_INVALID)
    return tool_usage("--role-arn, --external-id or --session-name: %s", error.text);

  return rc ? tool_cannot("%s", error.text) : 0;
}

int identity_provider(const identity *who, const char *region,
                      mskgov_credentials_provider **provider) {
  mskgov_credentials_default_options options;
  mskgov_credentials_provider *source;
  mskgov_error_info error;
  int rc;

  mskgov_credentials_default_options_init(&options);
  options.profile = who->profile;
  options.region = region;
  if (mskgov_credentials_provider_new_default(&source, &options, &error))
    return tool_cannot("%s", error.text);
  if (!who->role_arn) {
    *provider = source;
    return 0;
  }

  rc = make_role(who, region, source, provider);
  mskgov_credentials_provider_free(source);

  return rc;
}
