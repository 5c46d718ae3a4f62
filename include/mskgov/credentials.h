/*
 * AWS credentials, and where they come from.
 *
 * Credentials are values: immutable, counted, their memory wiped when the last hold goes.
 * A provider is where they come from; an application can bring its own. Those that fetch
 * something belong behind a cache (mskgov_credentials_provider_new_cached).
 *
 * Threads: any. Credentials may be shared between threads.
 */
#ifndef MSKGOV_CREDENTIALS_H
#define MSKGOV_CREDENTIALS_H

#include <mskgov/common.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mskgov_credentials mskgov_credentials;
typedef struct mskgov_credentials_provider mskgov_credentials_provider;

/*
 * Makes credentials. All strings are copied. `session_token` may be NULL (long-term
 * keys). `expires_at_ns`: Unix time, or MSKGOV_NEVER.
 *
 * Returns 0 and sets *credentials (owned: mskgov_credentials_free), or
 * MSKGOV_ERR_INVALID: a part is empty, too long (access key id and secret 128 bytes,
 * session token 16 KiB) or has a byte that is no visible ASCII (a space, a line end);
 * MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_credentials_new(mskgov_credentials **credentials,
                                      const char *access_key_id,
                                      const char *secret_access_key,
                                      const char *session_token, uint64_t expires_at_ns,
                                      mskgov_error_info *error);

/* Another hold on the same credentials; given up with mskgov_credentials_free. */
MSKGOV_API mskgov_credentials *mskgov_credentials_ref(mskgov_credentials *credentials);

/* Gives up a hold; the last one wipes the memory. NULL does nothing. */
MSKGOV_API void mskgov_credentials_free(mskgov_credentials *credentials);

/* The parts, borrowed until the credentials are freed. The session token may be NULL. */
MSKGOV_API const char *
mskgov_credentials_access_key_id(const mskgov_credentials *credentials);
MSKGOV_API const char *
mskgov_credentials_secret_access_key(const mskgov_credentials *credentials);
MSKGOV_API const char *
mskgov_credentials_session_token(const mskgov_credentials *credentials);
MSKGOV_API uint64_t mskgov_credentials_expires_at_ns(const mskgov_credentials *credentials);

/*
 * Where they come from, for people to read: "environment", "profile demo", "container",
 * "instance metadata", "role arn:…", "web identity arn:…", "process aws-vault", "SSO role
 * …"; "application" for those that it made itself. Borrowed likewise.
 */
MSKGOV_API const char *mskgov_credentials_source(const mskgov_credentials *credentials);

/* What a provider of the application's own consists of. */
typedef struct mskgov_credentials_provider_ops {
  /*
   * Fetches credentials: returns 0 and sets *credentials (a hold that the caller gives
   * up), or a negative code with a text in `error` (never NULL, empty before the call;
   * its code is filled in). It may block, and bounds its own time. It is never called by
   * two threads at once for one provider, and never on a thread of librdkafka or on the
   * pacing thread; so it must not ask its own provider.
   */
  int (*get)(void *self, mskgov_credentials **credentials, mskgov_error_info *error);
  /* Frees `self`, after the last hold on the provider went. May be NULL. */
  void (*free)(void *self);
} mskgov_credentials_provider_ops;

/*
 * A provider of the application's own. `ops` is borrowed for the provider's life (a
 * static table), `self` is taken. Returns 0 and sets *provider (owned:
 * mskgov_credentials_provider_free), or MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY; on
 * failure `self` stays the caller's.
 */
MSKGOV_API int mskgov_credentials_provider_new(mskgov_credentials_provider **provider,
                                               const mskgov_credentials_provider_ops *ops,
                                               void *self, mskgov_error_info *error);

/* A provider that always answers `credentials`; takes a hold of its own on them. */
MSKGOV_API int
mskgov_credentials_provider_new_static(mskgov_credentials_provider **provider,
                                       mskgov_credentials *credentials,
                                       mskgov_error_info *error);

/*
 * A provider that reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
 * AWS_CREDENTIAL_EXPIRATION (ISO 8601) at every get. Like getenv, it must not run while
 * another thread changes the environment.
 */
MSKGOV_API int
mskgov_credentials_provider_new_environment(mskgov_credentials_provider **provider,
                                            mskgov_error_info *error);

/*
 * A provider for containers: the role of an ECS task, or of a pod by EKS Pod Identity. It
 * asks the service on this host that AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (a path on
 * 169.254.170.2) or else AWS_CONTAINER_CREDENTIALS_FULL_URI names, with the token in the
 * file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, or else in
 * AWS_CONTAINER_AUTHORIZATION_TOKEN. Variables and file are read at every get; like getenv,
 * it must not run while another thread changes the environment. Plain HTTP goes to
 * loopback and the addresses of ECS and EKS only, whatever a name resolves to.
 *
 * A get makes one request of at most 2 s, and up to two more where that may help. It is
 * MSKGOV_ERR_NO_CREDENTIALS if no variable names a service; MSKGOV_ERR_REFUSED if it refuses;
 * MSKGOV_ERR_TRANSPORT if it is not reached or fails (try again later);
 * MSKGOV_ERR_PROTOCOL if it answers something else; MSKGOV_ERR_INVALID for a variable or a
 * token that is not allowed; MSKGOV_ERR_SYSTEM if the file cannot be read. For a cache.
 */
MSKGOV_API int
mskgov_credentials_provider_new_container(mskgov_credentials_provider **provider,
                                          mskgov_error_info *error);

/*
 * A provider for instances of EC2: the role of the instance profile, by the instance
 * metadata service, version 2 only. AWS_EC2_METADATA_DISABLED ("true" switches it off),
 * AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE ("IPv4",
 * "IPv6") are read at every get, as above.
 *
 * A get makes two requests, or three for a new session, each of at most 2 s (1 s to
 * connect) and made up to three times where that may help; elsewhere than on EC2 it gives
 * up after some 3 s. The errors are those of the container's provider; but
 * MSKGOV_ERR_NO_CREDENTIALS if it is switched off, the instance has no role, or it answers
 * with another status than 200, for a next link of a chain. In a
 * container, the instance's hop limit has to be 2 or more. For a cache.
 */
MSKGOV_API int mskgov_credentials_provider_new_imds(mskgov_credentials_provider **provider,
                                                    mskgov_error_info *error);

/*
 * A provider that runs a program, as `credential_process` of a profile does: it writes JSON
 * with Version (1), AccessKeyId, SecretAccessKey and, if need be, SessionToken and
 * Expiration (ISO 8601; without it they never expire, and a cache runs it once). `command`
 * is copied, and split as the AWS CLI splits it, without a shell: white space parts the
 * words; single and double quotes, and a backslash, keep it in them; nothing is expanded.
 *
 * A get starts the program, found by PATH, with the environment of the application (like
 * getenv, it must not run while another thread changes it), its standard error, nothing to
 * read, default signals and a process group of its own. What it wrote by its end counts,
 * 64 KiB at most; what it leaves running is let be. After 60 s all of the group is killed.
 * An application may ignore SIGCHLD or wait for any child: the exit status is then unknown.
 *
 * A get is MSKGOV_ERR_REFUSED if the program fails (a status other than 0, or a signal);
 * MSKGOV_ERR_PROTOCOL if it writes something else, or too much; MSKGOV_ERR_DEADLINE if it
 * takes too long, or one that did was not to be killed and is still there;
 * MSKGOV_ERR_SYSTEM if it cannot be started. An error names the program, and neither its
 * arguments nor what it wrote. For a cache.
 *
 * Returns 0 and sets *provider (owned: mskgov_credentials_provider_free), or
 * MSKGOV_ERR_INVALID: `command` is NULL, empty, longer than 4096 bytes or 64 words, or has
 * a quote that is not closed or a backslash at its end; MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int
mskgov_credentials_provider_new_process(mskgov_credentials_provider **provider,
                                        const char *command, mskgov_error_info *error);

/* What a cache tells. */
typedef enum mskgov_credentials_event_kind {
  MSKGOV_CREDENTIALS_FETCHED = 0,  /* the first ones, or newer ones */
  MSKGOV_CREDENTIALS_FAILED = 1,   /* a fetch failed; `error` says why */
  MSKGOV_CREDENTIALS_EXPIRED = 2,  /* those in hand have expired, and there are no others */
  MSKGOV_CREDENTIALS_RECOVERED = 3 /* fetched again after failures */
} mskgov_credentials_event_kind;

/* One event; all of it borrowed until the callback returns. */
typedef struct mskgov_credentials_event {
  mskgov_credentials_event_kind kind;
  const char *source;     /* of the credentials in hand; "" if there are none */
  uint64_t expires_at_ns; /* of these, Unix; MSKGOV_NEVER; 0 if there are none */
  uint64_t next_ms;       /* the next fetch is in so many; MSKGOV_NEVER: none is due */
  uint32_t failures;      /* in a row; those that RECOVERED ends */
  const mskgov_error_info *error; /* of the last failure; code 0 if there is none */
} mskgov_credentials_event;

/* Called on the cache's thread, in order, with no lock held; not any more once the free of
   the last hold has returned, save for a call that had begun. While it runs no fetch begins.
   It may call anything. */
typedef void mskgov_credentials_event_cb(const mskgov_credentials_event *event, void *user);

/* "fetched", "failed", …; static string, never NULL. */
MSKGOV_API const char *mskgov_credentials_event_name(mskgov_credentials_event_kind kind);

/*
 * A provider that keeps what `source` answers, so that it is asked once however many want
 * credentials. Takes a hold on the source; only the cache should ask it then. A thread of
 * the cache's own, started by the first get, asks it:
 *
 *   - again 15 to 10 min before the credentials expire, at a time that is drawn (short ones:
 *     a half to a third of their life before); never for those that do not expire;
 *   - after a failure in 0 to 0.5, 1 and 2 s, then every 30 to 60 s.
 *
 * A get answers at once while the credentials it has live, whatever becomes of a refresh.
 * Otherwise it waits for the fetch that is under way, 60 s at most (MSKGOV_ERR_DEADLINE);
 * between two tries it answers the last failure at once. Any number of threads may ask.
 *
 * Freeing it does not wait for a fetch under way: the thread ends after that, and `source`
 * may be freed there. After a fork, make another: in the child a get is MSKGOV_ERR_FORKED,
 * and freeing the cache leaves its memory alone, as its thread may have been at it.
 *
 * `on_event` may be NULL.
 *
 * Returns 0 and sets *provider (owned: mskgov_credentials_provider_free), or
 * MSKGOV_ERR_INVALID (`source` is NULL), MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_credentials_provider_new_cached(
    mskgov_credentials_provider **provider, mskgov_credentials_provider *source,
    mskgov_credentials_event_cb *on_event, void *user, mskgov_error_info *error);

/* One link of a chain. */
typedef struct mskgov_credentials_link {
  const char *name;                      /* for errors; copied */
  mskgov_credentials_provider *provider; /* the chain takes a hold */
} mskgov_credentials_link;

#define MSKGOV_CREDENTIALS_LINKS_MAX 16

/*
 * A provider that asks others in order. One that has none (MSKGOV_ERR_NO_CREDENTIALS: it is
 * not set up) is passed over; any other failure ends the search, as the next one might
 * answer as another principal. If none has any, the error is MSKGOV_ERR_NO_CREDENTIALS and
 * says what each link answered. `count`: 1 to MSKGOV_CREDENTIALS_LINKS_MAX.
 *
 * Returns 0 and sets *provider (owned: mskgov_credentials_provider_free), or
 * MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_credentials_provider_new_chain(mskgov_credentials_provider **provider,
                                                     const mskgov_credentials_link *links,
                                                     size_t count,
                                                     mskgov_error_info *error);

/* Options of the default chain. Always filled by mskgov_credentials_default_options_init
   first. Strings are copied. */
typedef struct mskgov_credentials_default_options {
  size_t struct_size;
  const char *profile; /* NULL: AWS_PROFILE, else "default" */
  const char *region;  /* of STS where neither environment nor profile tell; NULL: none */
  mskgov_credentials_event_cb *on_event; /* of the cache; NULL: none */
  void *on_event_user;
} mskgov_credentials_default_options;

MSKGOV_API void
mskgov_credentials_default_options_init(mskgov_credentials_default_options *options);

/*
 * The default chain of the AWS SDK for C behind a cache: the environment, unless a profile is
 * given here; the profile (profile.h); the web identity that the environment names (sts.h);
 * the container's role if the environment names its service, else the instance's role.
 *
 * `options` may be NULL. Returns as the cache.
 */
MSKGOV_API int
mskgov_credentials_provider_new_default(mskgov_credentials_provider **provider,
                                        const mskgov_credentials_default_options *options,
                                        mskgov_error_info *error);

/*
 * Asks the provider. Returns what its `get` returned; *credentials is a hold of the
 * caller's. Credentials that have already expired are MSKGOV_ERR_CREDENTIALS_EXPIRED.
 */
MSKGOV_API int mskgov_credentials_provider_get(mskgov_credentials_provider *provider,
                                               mskgov_credentials **credentials,
                                               mskgov_error_info *error);

/* Another hold on the same provider; given up with mskgov_credentials_provider_free. */
MSKGOV_API mskgov_credentials_provider *
mskgov_credentials_provider_ref(mskgov_credentials_provider *provider);

/* Gives up a hold on the provider. NULL does nothing. */
MSKGOV_API void mskgov_credentials_provider_free(mskgov_credentials_provider *provider);

#ifdef __cplusplus
}
#endif

#endif
