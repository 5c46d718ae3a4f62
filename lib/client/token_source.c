#include "client/token_source.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/random.h"
#include "client/process.h"
#include "policy/backoff.h"

#include <mskgov/authenticator.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* A presigned URL with a session token of 16 KiB, percent-encoded, in base64. */
#define TOKEN_MAX (128u << 10)
#define PRINCIPAL_MAX 256u

struct gov_token_source {
  gov_list_node node; /* in `sources` */
  unsigned users;     /* under the process's lock */
  pid_t pid;
  mskgov_authenticator *authenticator;
  mskgov_credentials_provider *provider; /* a hold; NULL: the default chain */

  pthread_mutex_t mutex;
  pthread_cond_t answered;
  struct {
    bool asking;               /* a thread is at the provider */
    mskgov_token *token;       /* the newest, or NULL */
    uint64_t aged_at_ns;       /* Unix: when a newer one is wanted */
    mskgov_error_info failure; /* code 0: the last answer was a token */
    uint64_t retry_at_ns;      /* monotonic: when the provider may be asked again */
    gov_backoff backoff;
    gov_random random;
  } locked;
};

static const gov_backoff_options retry_backoff = {
    .jitter = MSKGOV_JITTER_EQUAL,
    .base_ns = GOV_NS_PER_S,
    .cap_ns = 30 * GOV_NS_PER_S,
};

/* All sources, those inherited by a fork too; under the process's lock. */
static gov_list sources = {{&sources.root, &sources.root}};

static gov_token_source *find_locked(const char *region,
                                     const mskgov_credentials_provider *provider) {
  for (gov_list_node *node = gov_list_first(&sources); node;
       node = gov_list_next(&sources, node)) {
    gov_token_source *source = gov_container_of(node, gov_token_source, node);

    if (source->pid == getpid() && source->provider == provider &&
        strcmp(mskgov_authenticator_region(source->authenticator), region) == 0)
      return source;
  }

  return NULL;
}

static int source_new(gov_token_source **out, const char *region,
                      mskgov_credentials_provider *provider, mskgov_error_info *error) {
  mskgov_authenticator_options options;
  gov_token_source *source = calloc(1, sizeof(*source));
  int rc;

  if (!source)
    return gov_error_no_memory(error);

  mskgov_authenticator_options_init(&options);
  options.region = region;
  options.credentials = provider;
  rc = mskgov_authenticator_new(&source->authenticator, &options, error);
  if (rc) {
    free(source);
    return rc;
  }

  source->pid = getpid();
  pthread_mutex_init(&source->mutex, NULL);
  pthread_cond_init(&source->answered, NULL);
  gov_random_init_system(&source->locked.random);
  source->provider = provider ? mskgov_credentials_provider_ref(provider) : NULL;
  *out = source;

  return 0;
}

int gov_token_source_join(gov_token_source **out, const char *region,
                          mskgov_credentials_provider *provider, mskgov_error_info *error) {
  gov_token_source *source;
  int rc = 0;

  gov_process_lock();
  source = find_locked(region, provider);
  if (!source) {
    rc = source_new(&source, region, provider, error);
    if (rc == 0)
      gov_list_push_back(&sources, &source->node);
  }
  if (rc == 0) {
    source->users++;
    *out = source;
  }
  gov_process_unlock();

  return rc;
}

void gov_token_source_leave(gov_token_source *source) {
  unsigned left;

  if (!source)
    return;

  gov_process_lock();
  left = --source->users;
  if (left == 0)
    gov_list_remove(&source->node);
  gov_process_unlock();
  if (left)
    return;

  mskgov_token_free(source->locked.token);
  mskgov_authenticator_free(source->authenticator);
  mskgov_credentials_provider_free(source->provider);
  if (source->pid == getpid()) {
    pthread_cond_destroy(&source->answered);
    pthread_mutex_destroy(&source->mutex);
  }
  free(source);
}

void gov_token_init(gov_token *token) {
  gov_buffer_init(&token->value, TOKEN_MAX);
  gov_buffer_init(&token->principal, PRINCIPAL_MAX);
  token->expires_at_ns = 0;
}

void gov_token_fini(gov_token *token) {
  gov_buffer_fini(&token->value);
  gov_buffer_fini(&token->principal);
}

/* When it ends by this host's clock, which may be off: librdkafka, which is told, and what is
   compared here go by that. */
static uint64_t ends_here_ns(const mskgov_token *token) {
  uint64_t expires_at_ns = mskgov_token_expires_at_ns(token);
  int64_t behind_ns = mskgov_clock_skew_ns();

  if (behind_ns < 0)
    return gov_time_add(expires_at_ns, (uint64_t)-behind_ns);

  return expires_at_ns > (uint64_t)behind_ns ? expires_at_ns - (uint64_t)behind_ns : 0;
}

static int copy(const mskgov_token *from, gov_token *to, mskgov_error_info *error) {
  gov_buffer_reset(&to->value);
  gov_buffer_reset(&to->principal);
  gov_buffer_append_string(&to->value, mskgov_token_value(from));
  gov_buffer_append_string(&to->principal, mskgov_token_principal(from));
  to->expires_at_ns = ends_here_ns(from);

  return to->value.failed || to->principal.failed ? gov_error_no_memory(error) : 0;
}

/* Keeps a token that was just signed; with a quarter of its life gone it has aged. */
static void keep_locked(gov_token_source *source, mskgov_token *token) {
  uint64_t now_ns = gov_clock_unix_ns(&gov_clock_system);
  uint64_t expires_at_ns = ends_here_ns(token);

  mskgov_token_free(source->locked.token);
  source->locked.token = token;
  source->locked.aged_at_ns =
      expires_at_ns > now_ns ? now_ns + (expires_at_ns - now_ns) / 4 : 0;
  source->locked.failure.code = 0;
  gov_backoff_init(&source->locked.backoff);
}

static void keep_failure_locked(gov_token_source *source,
                                const mskgov_error_info *failure) {
  source->locked.failure = *failure;
  source->locked.retry_at_ns = gov_time_add(
      gov_clock_monotonic_ns(&gov_clock_system),
      gov_backoff_next(&source->locked.backoff, &retry_backoff, &source->locked.random));
}

/* Answers from what is known; false: the provider has to be asked. */
static bool answer_locked(gov_token_source *source, gov_token *token, int *rc,
                          uint64_t *retry_at_ns, mskgov_error_info *error) {
  if (source->locked.failure.code) {
    if (gov_clock_monotonic_ns(&gov_clock_system) >= source->locked.retry_at_ns)
      return false;
    if (retry_at_ns)
      *retry_at_ns = source->locked.retry_at_ns;
    *rc = gov_error_set(error, source->locked.failure.code, "%s",
                        source->locked.failure.text);
    return true;
  }

  if (!source->locked.token ||
      gov_clock_unix_ns(&gov_clock_system) >= source->locked.aged_at_ns)
    return false;
  *rc = copy(source->locked.token, token, error);

  return true;
}

/* One thread asks the provider; who comes meanwhile waits for its answer. */
int gov_token_source_get(gov_token_source *source, gov_token *token, uint64_t *retry_at_ns,
                         mskgov_error_info *error) {
  mskgov_token *signed_now = NULL;
  mskgov_error_info failure;
  int rc = 0;

  pthread_mutex_lock(&source->mutex);
  while (source->locked.asking)
    pthread_cond_wait(&source->answered, &source->mutex);
  if (answer_locked(source, token, &rc, retry_at_ns, error)) {
    pthread_mutex_unlock(&source->mutex);
    return rc;
  }
  source->locked.asking = true;
  pthread_mutex_unlock(&source->mutex);

  mskgov_authenticator_token(source->authenticator, &signed_now, &failure);

  pthread_mutex_lock(&source->mutex);
  source->locked.asking = false;
  if (signed_now)
    keep_locked(source, signed_now);
  else
    keep_failure_locked(source, &failure);
  if (!answer_locked(source, token, &rc, retry_at_ns, error))
    rc = signed_now ? copy(signed_now, token, error)
                    : gov_error_set(error, failure.code, "%s", failure.text);
  pthread_cond_broadcast(&source->answered);
  pthread_mutex_unlock(&source->mutex);

  return rc;
}

bool gov_token_source_refused(gov_token_source *source, const char *text) {
  if (!mskgov_authenticator_refused(source->authenticator, text))
    return false;

  pthread_mutex_lock(&source->mutex);
  source->locked.aged_at_ns = 0;
  pthread_mutex_unlock(&source->mutex);

  return true;
}
