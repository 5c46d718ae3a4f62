/*
 * The IAM authenticator: makes what MSK's IAM listeners take, tokens for SASL OAUTHBEARER
 * and payloads for SASL AWS_MSK_IAM.
 *
 * A token is the base64url form of a presigned URL (SigV4, service kafka-cluster, action
 * kafka-cluster:Connect); a payload is the same as an object of JSON, for one broker. Each is
 * a bearer credential: whoever has it can connect until it expires. It lives in wiped memory, and no log or error text of the library holds it.
 *
 * Threads: any; an authenticator may be shared. mskgov_authenticator_token may block as
 * long as its credentials provider does.
 */
#ifndef MSKGOV_AUTHENTICATOR_H
#define MSKGOV_AUTHENTICATOR_H

#include <mskgov/common.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>
#include <mskgov/region.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mskgov_authenticator mskgov_authenticator;
typedef struct mskgov_token mskgov_token;

/* Longest life of a token, seconds: X-Amz-Expires of the official signers. */
#define MSKGOV_TOKEN_LIFETIME_MAX_S 900

/* Options of an authenticator. Always filled by mskgov_authenticator_options_init first. */
typedef struct mskgov_authenticator_options {
  size_t struct_size;
  /* The cluster's AWS region, such as "eu-west-1"; copied. No default. */
  const char *region;
  /* Where credentials come from; the authenticator takes a hold. One that fetches them
     belongs behind a cache. NULL: mskgov_credentials_provider_new_default, this
     authenticator's own. */
  mskgov_credentials_provider *credentials;
  /* Appended, percent-encoded, as User-Agent; copied. NULL: "mskgov/<version>". */
  const char *user_agent;
} mskgov_authenticator_options;

MSKGOV_API void mskgov_authenticator_options_init(mskgov_authenticator_options *options);

/*
 * Makes an authenticator; fetches nothing yet. Returns 0 and sets *authenticator (owned:
 * mskgov_authenticator_free), or MSKGOV_ERR_INVALID (the region is missing or is no AWS
 * region; the user agent is longer than 256 bytes), MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_authenticator_new(mskgov_authenticator **authenticator,
                                        const mskgov_authenticator_options *options,
                                        mskgov_error_info *error);
MSKGOV_API void mskgov_authenticator_free(mskgov_authenticator *authenticator);

/* The region; borrowed until the authenticator is freed. */
MSKGOV_API const char *
mskgov_authenticator_region(const mskgov_authenticator *authenticator);

/*
 * Fetches credentials and signs a token with them. The signing key is kept per day, region
 * and credentials. Returns 0 and sets *token (owned: mskgov_token_free), or the
 * provider's error, MSKGOV_ERR_NO_CREDENTIALS, MSKGOV_ERR_CREDENTIALS_EXPIRED (they have
 * less than one second to live), MSKGOV_ERR_CRYPTO, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_authenticator_token(mskgov_authenticator *authenticator,
                                          mskgov_token **token, mskgov_error_info *error);

/*
 * The same as the first client message of SASL AWS_MSK_IAM, for one broker ("host:port"; its
 * name is signed as it stands): an object of JSON, version "2020_10_22", as the Java library
 * aws-msk-iam-auth sends it. Bytes of the user agent that are no visible ASCII are sent as
 * question marks. Owned, read and freed like a token. Returns as above, and
 * MSKGOV_ERR_INVALID: `broker` is malformed.
 */
MSKGOV_API int mskgov_authenticator_payload(mskgov_authenticator *authenticator,
                                            const char *broker, mskgov_token **payload,
                                            mskgov_error_info *error);

/*
 * Tells the authenticator how a broker worded its refusal of a token or payload (the adapter
 * for librdkafka does so for connections that it governs). If it says that the signature has expired or is not yet current,
 * and when, this host's clock is off: tokens are signed by the corrected time from then on.
 * Returns 1 if that is so, and another token is worth a try; else 0.
 */
MSKGOV_API int mskgov_authenticator_refused(mskgov_authenticator *authenticator,
                                            const char *text);

/*
 * How far this host's clock is behind the time of AWS's services (below 0: ahead of it), in
 * nanoseconds, as learnt from their answers (Date) and refusals; 0 if that is not known, or
 * is less than 30 s. Signing, and judging what has expired, go by the corrected time. One
 * figure for the process; what was learnt is dropped when somebody sets the clock.
 */
MSKGOV_API int64_t mskgov_clock_skew_ns(void);

/* Frees a token and wipes its memory. NULL does nothing. */
MSKGOV_API void mskgov_token_free(mskgov_token *token);

/* The token itself, base64url without padding, or the payload's JSON; borrowed until the
   token is freed. */
MSKGOV_API const char *mskgov_token_value(const mskgov_token *token);

/* The principal's name for SASL: the access key id. Borrowed until the token is freed. */
MSKGOV_API const char *mskgov_token_principal(const mskgov_token *token);

/* Where the credentials that it is signed with come from, as mskgov_credentials_source says.
   Borrowed until the token is freed. */
MSKGOV_API const char *mskgov_token_source(const mskgov_token *token);

/*
 * When the token ends, Unix time: signing time + min(900 s, whole seconds until the
 * credentials expire), since the token dies with its credentials.
 */
MSKGOV_API uint64_t mskgov_token_expires_at_ns(const mskgov_token *token);

#ifdef __cplusplus
}
#endif

#endif
