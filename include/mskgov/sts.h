/*
 * AWS STS: credentials of a role, and whose credentials one has.
 *
 * The service of the region is asked, by the variables AWS_USE_FIPS_ENDPOINT and
 * AWS_USE_DUALSTACK_ENDPOINT ("true") at its FIPS or dual-stack name; AWS_ENDPOINT_URL_STS
 * or AWS_ENDPOINT_URL name another one. The variables are read at every call; like getenv,
 * it must not run while another thread changes the environment.
 *
 * A call makes one request of at most 5 s; where that may help (no connection, 5xx,
 * throttling, the identity provider not reached) up to `aws_max_retries` more, with full
 * jitter from 500 ms. After a call that failed so, calls make one request each until one
 * succeeds. A process makes at most 10 requests per second (as many at once), whoever asks.
 *
 * Threads: any; every call may block.
 */
#ifndef MSKGOV_STS_H
#define MSKGOV_STS_H

#include <mskgov/common.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of STS, "AssumeRole", AWS STS API Reference. */
#define MSKGOV_ROLE_DURATION_MIN_S 900
#define MSKGOV_ROLE_DURATION_MAX_S 43200

/*
 * How to assume a role. Always filled by mskgov_role_options_init first. Strings are copied.
 * The first seven are the options of the Java library aws-msk-iam-auth by their own names
 * (awsRoleArn, …).
 */
typedef struct mskgov_role_options {
  size_t struct_size;
  /* arn:<partition>:iam::<account>:role/<name> */
  const char *aws_role_arn;
  /* 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -; NULL: none. */
  const char *aws_role_external_id;
  /*
   * 2 to 64 of A-Z a-z 0-9 _ + = , . @ -. It is part of the principal, which must not change
   * when a connection authenticates anew; so there is no random one. NULL:
   * AWS_ROLE_SESSION_NAME, else "mskgov-<host name>", what is not allowed in it replaced by
   * "-", cut at 64 bytes.
   */
  const char *aws_role_session_name;
  /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the region of the profile; else `region`. */
  const char *aws_sts_region;
  /* The profile whose credentials assume the role; NULL: `source`. */
  const char *aws_profile_name;
  uint32_t aws_max_retries;          /* 3; 0 to 10 */
  uint32_t aws_max_back_off_time_ms; /* 5000, the longest wait; 500 to 60000 */
  uint32_t duration_s;               /* 3600; the role may allow less */
  const char *region;                /* where nothing else tells STS's; NULL: none */
  /* Whose credentials assume the role; a hold. NULL: the default chain. Not with a profile. */
  mskgov_credentials_provider *source;
} mskgov_role_options;

MSKGOV_API void mskgov_role_options_init(mskgov_role_options *options);

/*
 * A provider of the credentials of a role, by AssumeRole. The source is asked at every get.
 *
 * Returns 0 and sets *provider (owned: mskgov_credentials_provider_free), or
 * MSKGOV_ERR_INVALID (the error names the option), MSKGOV_ERR_NO_MEMORY. A get is what the
 * source answered; MSKGOV_ERR_REFUSED if STS refuses (the role's trust policy, bad
 * credentials); MSKGOV_ERR_TRANSPORT if it is not reached or fails (try again later);
 * MSKGOV_ERR_PROTOCOL if it answers something else; MSKGOV_ERR_INVALID if no region is
 * known. For a cache.
 */
MSKGOV_API int mskgov_credentials_provider_new_role(mskgov_credentials_provider **provider,
                                                    const mskgov_role_options *options,
                                                    mskgov_error_info *error);

/*
 * A provider of the credentials of a role, by AssumeRoleWithWebIdentity: a pod with a
 * service account (IRSA), a job of a build service. `token_file` holds the token, at most
 * 20,000 bytes; it is read again at every get, as it is replaced from time to time. NULL:
 * the file that AWS_WEB_IDENTITY_TOKEN_FILE names, and where `options` has none, the role
 * of AWS_ROLE_ARN. `options` may be NULL; its external id and source are not used, and of
 * the profile only the region is.
 *
 * Returns and errors as above; a get is MSKGOV_ERR_NO_CREDENTIALS if there is neither
 * `token_file` nor the variable, MSKGOV_ERR_SYSTEM if the file cannot be read.
 */
MSKGOV_API int mskgov_credentials_provider_new_web_identity(
    mskgov_credentials_provider **provider, const char *token_file,
    const mskgov_role_options *options, mskgov_error_info *error);

/* Whose credentials they are; strings of at most so many bytes, their ends included. */
typedef struct mskgov_caller {
  char account[16];
  char arn[2112];
  char user_id[160];
} mskgov_caller;

/*
 * Asks STS whose the credentials are (GetCallerIdentity; every principal may). `region`:
 * STS's; NULL: AWS_REGION, AWS_DEFAULT_REGION, that of the default profile. Returns 0 and fills *caller, or an error as a get
 * above, and MSKGOV_ERR_CRYPTO.
 */
MSKGOV_API int mskgov_caller_fetch(mskgov_caller *caller, mskgov_credentials *credentials,
                                   const char *region, mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
