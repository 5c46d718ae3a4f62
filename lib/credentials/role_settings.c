#include "credentials/role_settings.h"

#include "base/check.h"
#include "base/error.h"
#include "base/strings.h"
#include "sign/region.h"

#define RETRIES_MAX 10
#define BACK_OFF_MIN_MS 500
#define BACK_OFF_MAX_MS 60000

void mskgov_role_options_init(mskgov_role_options *options) {
  *options = (mskgov_role_options){
      .struct_size = sizeof(*options),
      .aws_max_retries = gov_service_far_limits.attempts - 1,
      .aws_max_back_off_time_ms = gov_service_far_limits.backoff_max_ms,
      .duration_s = 3600,
  };
}

gov_role gov_role_settings_role(const gov_role_settings *settings) {
  const mskgov_role_options *options = &settings->options;

  return (gov_role){.arn = options->aws_role_arn,
                    .external_id = options->aws_role_external_id,
                    .session_name = options->aws_role_session_name,
                    .duration_s = options->duration_s};
}

static int check(const gov_role_settings *settings, mskgov_error_info *error) {
  static const char *const names[4] = {
      "options.aws_role_arn", "options.aws_role_external_id",
      "options.aws_role_session_name", "options.duration_s"};
  const mskgov_role_options *options = &settings->options;
  gov_role role = gov_role_settings_role(settings);
  int rc = gov_role_check(&role, names, error);

  if (!rc && options->aws_sts_region)
    rc = gov_region_check("options.aws_sts_region", options->aws_sts_region, error);
  if (!rc && options->region)
    rc = gov_region_check("options.region", options->region, error);
  if (rc)
    return rc;

  if (gov_check_range("options.aws_max_retries", options->aws_max_retries, 0, RETRIES_MAX,
                      error) ||
      gov_check_range("options.aws_max_back_off_time_ms", options->aws_max_back_off_time_ms,
                      BACK_OFF_MIN_MS, BACK_OFF_MAX_MS, error))
    return MSKGOV_ERR_INVALID;
  if (options->aws_profile_name && options->source)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.aws_profile_name and options.source are both set; "
                         "allowed is one of them");

  return 0;
}

#define STRINGS 6

static void list_strings(mskgov_role_options *options, const char **strings[STRINGS]) {
  strings[0] = &options->aws_role_arn;
  strings[1] = &options->aws_role_external_id;
  strings[2] = &options->aws_role_session_name;
  strings[3] = &options->aws_sts_region;
  strings[4] = &options->aws_profile_name;
  strings[5] = &options->region;
}

int gov_role_settings_init(gov_role_settings *settings, const mskgov_role_options *options,
                           mskgov_error_info *error) {
  const char **strings[STRINGS];
  int rc = gov_check_struct("options", options, sizeof(*options),
                            "fill the options with mskgov_role_options_init", error);

  *settings = (gov_role_settings){.limits = gov_service_far_limits};
  if (rc)
    return rc;

  settings->options = *options;
  rc = check(settings, error);
  if (rc) {
    settings->options = (mskgov_role_options){0}; /* the strings are not copies */
    return rc;
  }

  settings->limits.attempts = options->aws_max_retries + 1;
  settings->limits.backoff_max_ms = options->aws_max_back_off_time_ms;
  if (options->source)
    mskgov_credentials_provider_ref(options->source);
  list_strings(&settings->options, strings);

  return gov_strings_copy(strings, STRINGS) ? 0 : gov_error_no_memory(error);
}

void gov_role_settings_fini(gov_role_settings *settings) {
  const char **strings[STRINGS];

  list_strings(&settings->options, strings);
  gov_strings_free(strings, STRINGS);
  mskgov_credentials_provider_free(settings->options.source);
  settings->options.source = NULL;
}
