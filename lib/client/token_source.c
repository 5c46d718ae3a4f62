#include "client/token_source.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"

#include <mskgov/authenticator.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A presigned URL with a session token of 16 KiB, percent-encoded, in base64. */
#define TOKEN_MAX (128u << 10)
#define PRINCIPAL_MAX 256u

struct gov_token_source {
  gov_list_node node; /* in `sources` */
  unsigned users;     /* under the mutex of `sources` */
  mskgov_authenticator *authenticator;
  mskgov_credentials_provider *provider; /* a hold; NULL: the environment */

  pthread_mutex_t mutex;
  struct {
    mskgov_token *token; /* the newest, or NULL */
    uint64_t aged_at_ns; /* Unix: when a newer one is wanted */
  } locked;
};

static struct {
  pthread_mutex_t mutex;
  gov_list list;
} sources = {.mutex = PTHREAD_MUTEX_INITIALIZER,
             .list = {{&sources.list.root, &sources.list.root}}};

static gov_token_source *find_locked(const char *region,
                                     const mskgov_credentials_provider *provider) {
  for (gov_list_node *node = gov_list_first(&sources.list); node;
       node = gov_list_next(&sources.list, node)) {
    gov_token_source *source = gov_container_of(node, gov_token_source, node);

    if (source->provider == provider &&
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

  pthread_mutex_init(&source->mutex, NULL);
  source->provider = provider ? mskgov_credentials_provider_ref(provider) : NULL;
  *out = source;

  return 0;
}

int gov_token_source_join(gov_token_source **out, const char *region,
                          mskgov_credentials_provider *provider, mskgov_error_info *error) {
  gov_token_source *source;
  int rc = 0;

  pthread_mutex_lock(&sources.mutex);
  source = find_locked(region, provider);
  if (!source) {
    rc = source_new(&source, region, provider, error);
    if (rc == 0)
      gov_list_push_back(&sources.list, &source->node);
  }
  if (rc == 0) {
    source->users++;
    *out = source;
  }
  pthread_mutex_unlock(&sources.mutex);

  return rc;
}

void gov_token_source_leave(gov_token_source *source) {
  unsigned left;

  if (!source)
    return;

  pthread_mutex_lock(&sources.mutex);
  left = --source->users;
  if (left == 0)
    gov_list_remove(&source->node);
  pthread_mutex_unlock(&sources.mutex);
  if (left)
    return;

  mskgov_token_free(source->locked.token);
  mskgov_authenticator_free(source->authenticator);
  mskgov_credentials_provider_free(source->provider);
  pthread_mutex_destroy(&source->mutex);
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

static int copy(const mskgov_token *from, gov_token *to, mskgov_error_info *error) {
  gov_buffer_reset(&to->value);
  gov_buffer_reset(&to->principal);
  gov_buffer_append_string(&to->value, mskgov_token_value(from));
  gov_buffer_append_string(&to->principal, mskgov_token_principal(from));
  to->expires_at_ns = mskgov_token_expires_at_ns(from);

  return to->value.failed || to->principal.failed ? gov_error_no_memory(error) : 0;
}

/* Keeps a token that was just signed; with a quarter of its life gone it has aged. */
static void keep_locked(gov_token_source *source, mskgov_token *token, uint64_t now_ns) {
  uint64_t expires_at_ns = mskgov_token_expires_at_ns(token);

  mskgov_token_free(source->locked.token);
  source->locked.token = token;
  source->locked.aged_at_ns =
      expires_at_ns > now_ns ? now_ns + (expires_at_ns - now_ns) / 4 : 0;
}

int gov_token_source_get(gov_token_source *source, gov_token *token,
                         mskgov_error_info *error) {
  uint64_t now_ns = gov_clock_unix_ns(&gov_clock_system);
  mskgov_token *signed_now = NULL;
  bool fresh;
  int rc = 0;

  pthread_mutex_lock(&source->mutex);
  fresh = source->locked.token && now_ns < source->locked.aged_at_ns;
  if (fresh)
    rc = copy(source->locked.token, token, error);
  pthread_mutex_unlock(&source->mutex);
  if (fresh)
    return rc;

  rc = mskgov_authenticator_token(source->authenticator, &signed_now, error);
  if (rc)
    return rc;

  rc = copy(signed_now, token, error);
  pthread_mutex_lock(&source->mutex);
  keep_locked(source, signed_now, now_ns);
  pthread_mutex_unlock(&source->mutex);

  return rc;
}
