/*
 * The default chain: where the AWS SDK for C looks for credentials, in its order.
 */
#include "base/check.h"
#include "base/error.h"
#include "credentials/container.h"

#include <mskgov/credentials.h>
#include <mskgov/profile.h>
#include <mskgov/sts.h>

#include <string.h>

#define LINKS 4

void mskgov_credentials_default_options_init(mskgov_credentials_default_options *options) {
  *options = (mskgov_credentials_default_options){.struct_size = sizeof(*options)};
}

static int make_profile(mskgov_credentials_provider **provider,
                        const mskgov_credentials_default_options *options,
                        mskgov_error_info *error) {
  mskgov_profile_options profile;

  mskgov_profile_options_init(&profile);
  profile.profile = options->profile;
  profile.region = options->region;

  return mskgov_credentials_provider_new_profile(provider, &profile, error);
}

static int make_web_identity(mskgov_credentials_provider **provider,
                             const mskgov_credentials_default_options *options,
                             mskgov_error_info *error) {
  mskgov_role_options role;

  mskgov_role_options_init(&role);
  role.region = options->region;
  role.aws_profile_name = options->profile;

  return mskgov_credentials_provider_new_web_identity(provider, NULL, &role, error);
}

/* Where a container's service is named it is the one to ask, whatever it answers: the
   instance's role is another principal. The variables do not change. */
static int make_metadata(mskgov_credentials_link *link, mskgov_error_info *error) {
  if (gov_container_is_named()) {
    link->name = "container";
    return mskgov_credentials_provider_new_container(&link->provider, error);
  }
  link->name = "instance metadata";

  return mskgov_credentials_provider_new_imds(&link->provider, error);
}

static int make_links(mskgov_credentials_link links[LINKS], size_t *count,
                      const mskgov_credentials_default_options *options,
                      mskgov_error_info *error) {
  mskgov_credentials_link *next = links;
  int rc = 0;

  if (!options->profile) {
    next->name = "environment";
    rc = mskgov_credentials_provider_new_environment(&next++->provider, error);
  }
  if (!rc) {
    next->name = "profile";
    rc = make_profile(&next++->provider, options, error);
  }
  if (!rc) {
    next->name = "web identity";
    rc = make_web_identity(&next++->provider, options, error);
  }
  if (!rc)
    rc = make_metadata(next++, error);
  *count = (size_t)(next - links);

  return rc;
}

int mskgov_credentials_provider_new_default(
    mskgov_credentials_provider **provider,
    const mskgov_credentials_default_options *options, mskgov_error_info *error) {
  mskgov_credentials_default_options defaults;
  mskgov_credentials_link links[LINKS] = {0};
  mskgov_credentials_provider *chain = NULL;
  size_t count;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  mskgov_credentials_default_options_init(&defaults);
  if (!options)
    options = &defaults;
  rc = gov_check_struct("options", options, sizeof(*options),
                        "fill the options with mskgov_credentials_default_options_init",
                        error);
  if (rc)
    return rc;

  rc = make_links(links, &count, options, error);
  if (!rc)
    rc = mskgov_credentials_provider_new_chain(&chain, links, count, error);
  for (size_t i = 0; i < LINKS; i++)
    mskgov_credentials_provider_free(links[i].provider);
  if (!rc)
    rc = mskgov_credentials_provider_new_cached(provider, chain, options->on_event,
                                                options->on_event_user, error);
  mskgov_credentials_provider_free(chain);

  return rc;
}
