#include "credentials/region.h"

#include "base/check.h"
#include "base/error.h"
#include "credentials/environment.h"
#include "credentials/imds.h"

#include <mskgov/error.h>

#include <stdio.h>
#include <string.h>

#define REGION "AWS_REGION"
#define DEFAULT_REGION "AWS_DEFAULT_REGION"

const char *gov_profile_default_name(void) {
  const char *name = gov_environment_variable("AWS_PROFILE");

  return name ? name : "default";
}

int gov_region_set(const char *field, const char *given, const gov_profiles *profiles,
                   const char *profile, const char **region, const char **source,
                   mskgov_error_info *error) {
  const struct {
    const char *source, *name, *value;
  } places[] = {
      {"option", field, given},
      {REGION, REGION, gov_environment_variable(REGION)},
      {DEFAULT_REGION, DEFAULT_REGION, gov_environment_variable(DEFAULT_REGION)},
      {"profile", "the profile's region",
       profiles ? gov_profiles_get(profiles, profile, "region") : NULL},
  };

  *region = *source = NULL;
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    if (places[i].value) {
      *region = places[i].value;
      *source = places[i].source;
      return gov_region_check(places[i].name, *region, error);
    }

  return 0;
}

static int sts_unknown(const char *field, mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_INVALID,
                       "the region of STS is not known; set %s, " REGION ", " DEFAULT_REGION
                       " or the region of the profile",
                       field);
}

int gov_region_of_sts(const char *field, const char *given, const gov_profiles *profiles,
                      const char *profile, const char *fallback, const char **region,
                      mskgov_error_info *error) {
  const char *source;
  int rc = gov_region_set(field, given, profiles, profile, region, &source, error);

  if (rc || *region)
    return rc;
  if (!fallback)
    return sts_unknown(field, error);
  *region = fallback;

  return 0;
}

/* What is set, copied. The files are read only if nothing else tells; *source NULL: nothing
   does. */
static int find_set(const char *field, const char *given, const char *profile,
                    const char *config_file, const char *credentials_file,
                    char region[MSKGOV_REGION_SIZE], const char **source,
                    mskgov_error_info *error) {
  gov_profiles *profiles = NULL;
  const char *found;
  int rc = gov_region_set(field, given, NULL, NULL, &found, source, error);

  if (!rc && !found) {
    rc = gov_profiles_load(&profiles, config_file, credentials_file, error);
    if (!rc)
      rc = gov_region_set(field, NULL, profiles,
                          profile ? profile : gov_profile_default_name(), &found, source,
                          error);
  }
  if (!rc && found)
    strcpy(region, found);
  gov_profiles_free(profiles);

  return rc;
}

int gov_region_for_sts(const char *field, const char *given, const char *profile,
                       const char *fallback, char region[MSKGOV_REGION_SIZE],
                       mskgov_error_info *error) {
  const char *source;
  int rc = find_set(field, given, profile, NULL, NULL, region, &source, error);

  if (rc || source)
    return rc;
  if (!fallback)
    return sts_unknown(field, error);
  snprintf(region, MSKGOV_REGION_SIZE, "%s", fallback);

  return 0;
}

void mskgov_region_options_init(mskgov_region_options *options) {
  *options = (mskgov_region_options){.struct_size = sizeof(*options), .ask_instance = true};
}

/* By what is set, then by the broker's name. *source stays NULL if none tells. */
static int find_here(const mskgov_region_options *options, char region[MSKGOV_REGION_SIZE],
                     const char **source, mskgov_error_info *broker_error,
                     mskgov_error_info *error) {
  int rc = find_set("region", options->region, options->profile, options->config_file,
                    options->credentials_file, region, source, error);

  if (rc || *source || !options->broker)
    return rc;

  if (!mskgov_region_from_broker(options->broker, region, MSKGOV_REGION_SIZE, broker_error))
    *source = "broker";

  return 0;
}

static int ask_instance(const gov_service_limits *limits, char region[MSKGOV_REGION_SIZE],
                        const char **source, mskgov_error_info *error) {
  gov_buffer answer;
  int rc;

  gov_buffer_init(&answer, MSKGOV_REGION_SIZE - 1);
  rc = gov_imds_region(&answer, limits, error);
  if (!rc) {
    strcpy(region, answer.data);
    *source = "instance metadata";
  }
  gov_buffer_fini(&answer);

  return rc;
}

int gov_region_find(const mskgov_region_options *options,
                    const gov_service_limits *instance_limits,
                    char region[MSKGOV_REGION_SIZE], const char **source,
                    mskgov_error_info *error) {
  mskgov_error_info broker = {0}, instance = {0};
  const char *found = NULL;
  int rc;

  gov_error_reset(error);
  rc = gov_check_struct("options", options, sizeof(*options),
                        "fill the options with mskgov_region_options_init", error);
  if (!rc)
    rc = find_here(options, region, &found, &broker, error);
  if (rc)
    return rc;
  if (!found && options->ask_instance)
    rc = ask_instance(instance_limits, region, &found, &instance);
  if (rc == MSKGOV_ERR_NO_MEMORY)
    return gov_error_no_memory(error);
  if (!found)
    return gov_error_set(
        error, MSKGOV_ERR_NO_CREDENTIALS,
        "the region is not known: it is not given, " REGION " and " DEFAULT_REGION
        " are not set, profile \"%.64s\" has none%s%.300s%s%.300s",
        options->profile ? options->profile : gov_profile_default_name(),
        broker.code ? "; " : "", broker.text, instance.code ? "; " : "", instance.text);
  if (source)
    *source = found;

  return 0;
}

int mskgov_region_find(const mskgov_region_options *options,
                       char region[MSKGOV_REGION_SIZE], const char **source,
                       mskgov_error_info *error) {
  return gov_region_find(options, &gov_imds_limits, region, source, error);
}
