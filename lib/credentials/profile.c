/*
 * The credentials of a profile: which of its settings count, and the roles that follow from
 * one another.
 */
#include "base/check.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/strings.h"
#include "credentials/credentials.h"
#include "credentials/path.h"
#include "credentials/profile_file.h"
#include "credentials/region.h"
#include "credentials/role.h"
#include "credentials/sso.h"

#include <mskgov/profile.h>

#include <stdlib.h>
#include <string.h>

/* A program that was not to be killed is remembered by its provider, which is kept for that. */
typedef struct process {
  char *command; /* NULL: there is none yet */
  mskgov_credentials_provider *provider;
} process;

typedef struct profile_provider {
  mskgov_profile_options options; /* the strings are copies */
  process process;
} profile_provider;

/* One get: the files as they are now, and the profiles that it came through. */
typedef struct search {
  const gov_profiles *profiles;
  const char *region; /* of STS where nothing else tells; NULL: none */
  const char *chain[MSKGOV_PROFILE_CHAIN_MAX]; /* those with a role */
  size_t length;
  process *process;
} search;

static int find(search *self, const char *profile, mskgov_credentials **credentials,
                mskgov_error_info *error);

/* Says which profile an error is about; those of a source profile say so already. */
static int within(const char *profile, int rc, const mskgov_error_info *detail,
                  mskgov_error_info *error) {
  return gov_error_set(error, rc, "profile \"%.64s\": %.*s", profile,
                       MSKGOV_ERROR_TEXT_MAX - 80, detail->text);
}

/* Asks a provider that is made for this once. The profile names it, so that it is set up:
   if it has none, that is no reason to look elsewhere. */
static int ask(int rc, mskgov_credentials_provider *provider,
               mskgov_credentials **credentials, mskgov_error_info *error) {
  if (!rc)
    rc = mskgov_credentials_provider_get(provider, credentials, error);
  mskgov_credentials_provider_free(provider);

  return rc == MSKGOV_ERR_NO_CREDENTIALS ? MSKGOV_ERR_REFUSED : rc;
}

static int find_static(const gov_profiles *profiles, const char *profile,
                       mskgov_credentials **credentials, mskgov_error_info *error) {
  const char *id = gov_profiles_get(profiles, profile, "aws_access_key_id");
  const char *secret = gov_profiles_get(profiles, profile, "aws_secret_access_key");
  const char *token = gov_profiles_get(profiles, profile, "aws_session_token");
  int rc;

  if (!id || !secret)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "it has %s and no %s; set both",
                         id ? "aws_access_key_id" : "aws_secret_access_key",
                         id ? "aws_secret_access_key" : "aws_access_key_id");
  rc = mskgov_credentials_new(credentials, id, secret, token, MSKGOV_NEVER, error);
  if (!rc)
    gov_credentials_set_source(*credentials, "profile %s", profile);

  return rc;
}

static int find_sso(const gov_profiles *profiles, const char *profile,
                    mskgov_credentials **credentials, mskgov_error_info *error) {
  const char *session = gov_profiles_get(profiles, profile, "sso_session");
  mskgov_sso_options options = {
      .session = session,
      .start_url = session ? gov_profiles_get_session(profiles, session, "sso_start_url")
                           : gov_profiles_get(profiles, profile, "sso_start_url"),
      .region = session ? gov_profiles_get_session(profiles, session, "sso_region")
                        : gov_profiles_get(profiles, profile, "sso_region"),
      .account_id = gov_profiles_get(profiles, profile, "sso_account_id"),
      .role_name = gov_profiles_get(profiles, profile, "sso_role_name"),
  };
  int rc = gov_sso_check("sso_", &options, error);

  return rc ? rc : gov_sso_get(&options, credentials, error);
}

static void drop_process(process *self) {
  mskgov_credentials_provider_free(self->provider);
  gov_secret_free_string(self->command);
  *self = (process){0};
}

static int find_process(process *self, const char *command,
                        mskgov_credentials **credentials, mskgov_error_info *error) {
  int rc = 0;

  if (!self->command || strcmp(self->command, command) != 0) {
    drop_process(self);
    rc = mskgov_credentials_provider_new_process(&self->provider, command, error);
    self->command = rc ? NULL : gov_secret_strdup(command);
    if (!rc && !self->command) {
      drop_process(self);
      rc = gov_error_no_memory(error);
    }
  }

  return rc ? rc : mskgov_credentials_provider_get(self->provider, credentials, error);
}

static int find_by_source(const char *source, mskgov_credentials **credentials,
                          mskgov_error_info *error) {
  static const struct {
    const char *name;
    int (*make)(mskgov_credentials_provider **provider, mskgov_error_info *error);
  } sources[] = {
      {"Environment", mskgov_credentials_provider_new_environment},
      {"Ec2InstanceMetadata", mskgov_credentials_provider_new_imds},
      {"EcsContainer", mskgov_credentials_provider_new_container},
  };
  mskgov_credentials_provider *provider;
  int rc;

  for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
    if (strcmp(source, sources[i].name) == 0) {
      rc = sources[i].make(&provider, error);
      return ask(rc, provider, credentials, error);
    }

  return gov_error_set(error, MSKGOV_ERR_INVALID,
                       "credential_source is \"%.64s\"; allowed are Environment, "
                       "Ec2InstanceMetadata and EcsContainer",
                       source);
}

static int read_role(const gov_profiles *profiles, const char *profile, gov_role *role,
                     mskgov_error_info *error) {
  static const char *const names[4] = {"role_arn", "external_id", "role_session_name",
                                       "duration_seconds"};
  const char *duration = gov_profiles_get(profiles, profile, "duration_seconds");

  *role = (gov_role){
      .arn = gov_profiles_get(profiles, profile, "role_arn"),
      .external_id = gov_profiles_get(profiles, profile, "external_id"),
      .session_name = gov_profiles_get(profiles, profile, "role_session_name"),
  };
  if (duration) {
    size_t digits = strspn(duration, "0123456789");

    if (duration[digits] || digits > 5 || atoi(duration) == 0)
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "duration_seconds is \"%.32s\"; allowed are %d to %d", duration,
                           MSKGOV_ROLE_DURATION_MIN_S, MSKGOV_ROLE_DURATION_MAX_S);
    role->duration_s = (uint32_t)atoi(duration);
  }

  return gov_role_check(role, names, error);
}

static int note_link(search *self, const char *profile, mskgov_error_info *error) {
  for (size_t i = 0; i < self->length; i++)
    if (strcmp(self->chain[i], profile) == 0)
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "its source_profile leads back to itself (%zu profiles long); "
                           "one of them has to have credentials of its own",
                           self->length - i);
  if (self->length == MSKGOV_PROFILE_CHAIN_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "it is the source of more than %d roles in a chain",
                         MSKGOV_PROFILE_CHAIN_MAX);
  self->chain[self->length++] = profile;

  return 0;
}

/* The credentials that assume the profile's role. */
static int find_signer(search *self, const char *profile, mskgov_credentials **signer,
                       mskgov_error_info *error) {
  const char *source = gov_profiles_get(self->profiles, profile, "source_profile");
  const char *kind = gov_profiles_get(self->profiles, profile, "credential_source");

  if (!source == !kind)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "it has a role_arn and %s source_profile %s credential_source; "
                         "set one of them",
                         source ? "both" : "neither", source ? "and" : "nor");

  return source ? find(self, source, signer, error) : find_by_source(kind, signer, error);
}

static int find_by_role(search *self, const char *profile, mskgov_credentials **credentials,
                        mskgov_error_info *error) {
  const char *file = gov_profiles_get(self->profiles, profile, "web_identity_token_file");
  mskgov_credentials *signer = NULL;
  const char *region;
  char *path = NULL;
  gov_role role;
  int rc = note_link(self, profile, error);

  if (!rc)
    rc = read_role(self->profiles, profile, &role, error);
  if (!rc)
    rc = gov_region_of_sts("region", NULL, self->profiles, self->chain[0], self->region,
                           &region, error);
  if (!rc)
    rc = file ? gov_path_expand(file, &path, error)
              : find_signer(self, profile, &signer, error);
  if (!rc)
    rc = file ? gov_role_assume_with_file(&role, region, &gov_service_far_limits, path,
                                          credentials, error)
              : gov_role_assume(&role, region, &gov_service_far_limits, signer, credentials,
                                error);
  free(path);
  mskgov_credentials_free(signer);

  return rc;
}

/* The kind of credentials that the profile has. A source profile with keys is these keys. */
static int find_kind(search *self, const char *profile, mskgov_credentials **credentials,
                     mskgov_error_info *error) {
  const gov_profiles *profiles = self->profiles;
  const char *command = gov_profiles_get(profiles, profile, "credential_process");
  bool has_keys = gov_profiles_get(profiles, profile, "aws_access_key_id") ||
                  gov_profiles_get(profiles, profile, "aws_secret_access_key");

  if (has_keys && self->length > 0)
    return find_static(profiles, profile, credentials, error);
  if (gov_profiles_get(profiles, profile, "role_arn"))
    return find_by_role(self, profile, credentials, error);
  if (gov_profiles_get(profiles, profile, "sso_account_id") ||
      gov_profiles_get(profiles, profile, "sso_role_name"))
    return find_sso(profiles, profile, credentials, error);
  if (has_keys)
    return find_static(profiles, profile, credentials, error);
  if (command)
    return find_process(self->process, command, credentials, error);

  return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                       "it has no credentials: no role_arn, sso_account_id, "
                       "aws_access_key_id or credential_process");
}

static int find(search *self, const char *profile, mskgov_credentials **credentials,
                mskgov_error_info *error) {
  bool is_source = self->length > 0;
  mskgov_error_info detail = {0};
  int rc;

  if (!gov_profiles_has(self->profiles, profile))
    return gov_error_set(error,
                         is_source || strcmp(profile, "default") != 0
                             ? MSKGOV_ERR_INVALID
                             : MSKGOV_ERR_NO_CREDENTIALS,
                         "there is no profile \"%.64s\" in %.150s or %.150s", profile,
                         gov_profiles_config_path(self->profiles),
                         gov_profiles_credentials_path(self->profiles));

  rc = find_kind(self, profile, credentials, &detail);
  /* A source that has none is a mistake in the file. */
  if (rc == MSKGOV_ERR_NO_CREDENTIALS && is_source)
    rc = MSKGOV_ERR_INVALID;

  return rc ? within(profile, rc, &detail, error) : 0;
}

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  profile_provider *self = object;
  const mskgov_profile_options *options = &self->options;
  const char *profile = options->profile ? options->profile : gov_profile_default_name();
  search now = {.region = options->region, .process = &self->process};
  gov_profiles *profiles;
  int rc =
      gov_profiles_load(&profiles, options->config_file, options->credentials_file, error);

  if (rc)
    return rc;

  now.profiles = profiles;
  rc = find(&now, profile, credentials, error);
  gov_profiles_free(profiles);

  return rc;
}

#define STRINGS 4

static void list_strings(mskgov_profile_options *options, const char **strings[STRINGS]) {
  strings[0] = &options->profile;
  strings[1] = &options->config_file;
  strings[2] = &options->credentials_file;
  strings[3] = &options->region;
}

static void release(void *object) {
  profile_provider *self = object;
  const char **strings[STRINGS];

  list_strings(&self->options, strings);
  gov_strings_free(strings, STRINGS);
  drop_process(&self->process);
  free(self);
}

void mskgov_profile_options_init(mskgov_profile_options *options) {
  *options = (mskgov_profile_options){.struct_size = sizeof(*options)};
}

static int check_options(const mskgov_profile_options *options, mskgov_error_info *error) {
  int rc = gov_check_struct("options", options, sizeof(*options),
                            "fill the options with mskgov_profile_options_init", error);

  if (!rc && options->profile && !*options->profile)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "options.profile is empty; expected a name, or NULL");
  if (!rc && options->region)
    rc = gov_region_check("options.region", options->region, error);

  return rc;
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_profile(mskgov_credentials_provider **provider,
                                            const mskgov_profile_options *options,
                                            mskgov_error_info *error) {
  const char **strings[STRINGS];
  mskgov_profile_options defaults;
  profile_provider *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  mskgov_profile_options_init(&defaults);
  if (!options)
    options = &defaults;
  rc = check_options(options, error);
  if (rc)
    return rc;

  self = calloc(1, sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  self->options = *options;
  list_strings(&self->options, strings);
  rc = gov_strings_copy(strings, STRINGS)
           ? mskgov_credentials_provider_new(provider, &operations, self, error)
           : gov_error_no_memory(error);
  if (rc)
    release(self);

  return rc;
}
