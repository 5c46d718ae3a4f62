/*
 * The profiles of the shared AWS files: ~/.aws/config and ~/.aws/credentials, as the AWS
 * command line and the SDKs read them.
 *
 * Threads: any; every get may block.
 */
#ifndef MSKGOV_PROFILE_H
#define MSKGOV_PROFILE_H

#include <mskgov/common.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Roles that follow from one another in a chain at most. */
#define MSKGOV_PROFILE_CHAIN_MAX 16

/* Which profile, of which files. Always filled by mskgov_profile_options_init first. Strings
   are copied. */
typedef struct mskgov_profile_options {
  size_t struct_size;
  const char *profile;          /* NULL: AWS_PROFILE, else "default" */
  const char *config_file;      /* NULL: AWS_CONFIG_FILE, else ~/.aws/config */
  const char *credentials_file; /* NULL: AWS_SHARED_CREDENTIALS_FILE, else
                                   ~/.aws/credentials */
  const char *region;           /* of STS where neither environment nor profile tell */
} mskgov_profile_options;

MSKGOV_API void mskgov_profile_options_init(mskgov_profile_options *options);

/*
 * A provider of the credentials of a profile. The files are read at every get. A profile has
 * one of these, looked for in this order:
 *
 *   - role_arn, with web_identity_token_file, source_profile or credential_source
 *     (Environment, Ec2InstanceMetadata, EcsContainer), and external_id, role_session_name,
 *     duration_seconds. The source profile may have a role itself; one that leads back to
 *     itself is an error, unless it has keys;
 *   - sso_account_id and sso_role_name, with sso_session or sso_start_url and sso_region;
 *   - aws_access_key_id, aws_secret_access_key and perhaps aws_session_token;
 *   - credential_process.
 *
 * `options` may be NULL. Returns 0 and sets *provider (owned:
 * mskgov_credentials_provider_free), or MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY. A get is
 * MSKGOV_ERR_NO_CREDENTIALS if there is no such profile and it is the default one, or it has
 * none of the above; MSKGOV_ERR_INVALID if a profile that was asked for is not there, or a
 * file or setting is not as it should be; MSKGOV_ERR_SYSTEM or MSKGOV_ERR_TRANSPORT (a pipe)
 * if a file cannot be read; MSKGOV_ERR_REFUSED if what it names has none; else what the
 * source answered. For a cache.
 */
MSKGOV_API int
mskgov_credentials_provider_new_profile(mskgov_credentials_provider **provider,
                                        const mskgov_profile_options *options,
                                        mskgov_error_info *error);

/* AWS IAM Identity Center. Always filled by mskgov_sso_options_init first. Strings are
   copied. */
typedef struct mskgov_sso_options {
  size_t struct_size;
  const char *session;    /* sso_session; NULL: the older way, by the start URL alone */
  const char *start_url;  /* sso_start_url */
  const char *region;     /* sso_region */
  const char *account_id; /* sso_account_id, 12 digits */
  const char *role_name;  /* sso_role_name */
} mskgov_sso_options;

MSKGOV_API void mskgov_sso_options_init(mskgov_sso_options *options);

/*
 * A provider of credentials by IAM Identity Center, with the access token that `aws sso
 * login` left in ~/.aws/sso/cache. It is read at every get, and not renewed here.
 *
 * Returns 0 and sets *provider (owned: mskgov_credentials_provider_free), or
 * MSKGOV_ERR_INVALID (the error names the option), MSKGOV_ERR_NO_MEMORY. A get is
 * MSKGOV_ERR_REFUSED if there is no token, it has expired, or the service refuses (log in
 * anew); MSKGOV_ERR_TRANSPORT if it is not reached or fails; MSKGOV_ERR_PROTOCOL if it
 * answers something else, or the token's file is none; MSKGOV_ERR_SYSTEM if that cannot be
 * read; MSKGOV_ERR_INVALID for a variable that is not allowed, or without a home. For a cache.
 */
MSKGOV_API int mskgov_credentials_provider_new_sso(mskgov_credentials_provider **provider,
                                                   const mskgov_sso_options *options,
                                                   mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
