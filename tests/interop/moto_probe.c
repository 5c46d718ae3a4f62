/*
 * moto_probe PROVIDER: a credentials provider of ours, driven by tests/interop/moto.
 *
 * PROVIDER is an object of JSON: "kind" is role, web_identity, profile, imds or default;
 * "role_arn", "external_id", "session_name", "token_file", "profile" and "region" are
 * options of it; "access_key_id" and "secret_access_key" are the role's source (else the
 * default chain); "cached" puts a cache in front. The rest is in the environment.
 *
 * Then it reads commands, one a line, and answers each by an object of JSON that has no
 * secret in it, and "error" (a text) and "code" if it failed:
 *
 *   get            "access_key_id", "source" and "expires_at_s" of what the provider gives
 *   get THREADS    so many threads at once: "answers", "failures", "keys" (different ones)
 *   caller         "arn", "account", "user_id", and "access_key_id" of whom STS was asked
 *   connect        starts a broker that knows the credentials, and connects by a token:
 *                  "accepted" (the broker's count), "principal", "source"; "another": how
 *                  the broker refuses a token by a secret one byte of which was changed,
 *                  "denied" (its count)
 *
 * Exit status: 0; 1 there is no such provider or command, or no memory.
 */
#include "moto_connect.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define THREADS_MAX 2000
#define STACK_BYTES (128 * 1024)
#define KEY_MAX 129 /* an access key id, its end included */

typedef struct setting {
  const char *kind, *role_arn, *external_id, *session_name, *token_file, *profile, *region;
  const char *access_key_id, *secret_access_key;
  int cached;
} setting;

/* --- The provider --- */

static int make_role(mskgov_credentials_provider **provider, const setting *wanted,
                     mskgov_error_info *error) {
  mskgov_role_options options;
  int rc;

  mskgov_role_options_init(&options);
  options.aws_role_arn = wanted->role_arn;
  options.aws_role_external_id = wanted->external_id;
  options.aws_role_session_name = wanted->session_name;
  options.region = wanted->region;
  if (strcmp(wanted->kind, "web_identity") == 0)
    return mskgov_credentials_provider_new_web_identity(provider, wanted->token_file,
                                                        &options, error);

  if (wanted->access_key_id)
    options.source = moto_make_static(wanted->access_key_id, wanted->secret_access_key,
                                      NULL, MSKGOV_NEVER, error);
  options.aws_profile_name = wanted->profile;
  rc = mskgov_credentials_provider_new_role(provider, &options, error);
  mskgov_credentials_provider_free(options.source);

  return rc;
}

static int make_kind(mskgov_credentials_provider **provider, const setting *wanted,
                     mskgov_error_info *error) {
  mskgov_profile_options profile;
  mskgov_credentials_default_options all;

  if (strcmp(wanted->kind, "role") == 0 || strcmp(wanted->kind, "web_identity") == 0)
    return make_role(provider, wanted, error);
  if (strcmp(wanted->kind, "imds") == 0)
    return mskgov_credentials_provider_new_imds(provider, error);
  if (strcmp(wanted->kind, "profile") == 0) {
    mskgov_profile_options_init(&profile);
    profile.profile = wanted->profile;
    profile.region = wanted->region;
    return mskgov_credentials_provider_new_profile(provider, &profile, error);
  }
  if (strcmp(wanted->kind, "default") == 0) {
    mskgov_credentials_default_options_init(&all);
    all.profile = wanted->profile;
    all.region = wanted->region;
    return mskgov_credentials_provider_new_default(provider, &all, error);
  }
  fprintf(stderr, "moto_probe: there is no provider \"%s\"\n", wanted->kind);
  exit(EXIT_FAILURE);
}

static int make_provider(mskgov_credentials_provider **provider, const setting *wanted,
                         mskgov_error_info *error) {
  mskgov_credentials_provider *source;
  int rc = make_kind(&source, wanted, error);

  if (rc || !wanted->cached) {
    *provider = source;
    return rc;
  }
  rc = mskgov_credentials_provider_new_cached(provider, source, NULL, NULL, error);
  mskgov_credentials_provider_free(source);

  return rc;
}

/* --- get --- */

static json_t *get(mskgov_credentials_provider *provider) {
  mskgov_credentials *credentials;
  mskgov_error_info error;
  uint64_t expires_at_ns;
  json_t *answer;

  if (mskgov_credentials_provider_get(provider, &credentials, &error))
    return moto_failure(&error);

  expires_at_ns = mskgov_credentials_expires_at_ns(credentials);
  answer = json_pack(
      "{s:s, s:s, s:o}", "access_key_id", mskgov_credentials_access_key_id(credentials),
      "source", mskgov_credentials_source(credentials), "expires_at_s",
      expires_at_ns == MSKGOV_NEVER ? json_null()
                                    : json_integer((json_int_t)(expires_at_ns / NS_PER_S)));
  mskgov_credentials_free(credentials);

  return answer;
}

typedef struct asker {
  pthread_t thread;
  pthread_barrier_t *start;
  mskgov_credentials_provider *provider;
  char key[KEY_MAX]; /* "": the get failed */
} asker;

static void *ask(void *object) {
  asker *self = object;
  mskgov_credentials *credentials;
  mskgov_error_info error;

  pthread_barrier_wait(self->start);
  if (mskgov_credentials_provider_get(self->provider, &credentials, &error) == 0) {
    snprintf(self->key, sizeof(self->key), "%s",
             mskgov_credentials_access_key_id(credentials));
    mskgov_credentials_free(credentials);
  }

  return NULL;
}

static int compare_keys(const void *a, const void *b) {
  return strcmp(((const asker *)a)->key, ((const asker *)b)->key);
}

static json_t *count_keys(asker *askers, size_t count) {
  size_t failures = 0, keys = 0;

  qsort(askers, count, sizeof(*askers), compare_keys);
  for (size_t i = 0; i < count; i++) {
    if (askers[i].key[0] == '\0')
      failures++;
    else if (i == 0 || strcmp(askers[i].key, askers[i - 1].key) != 0)
      keys++;
  }

  return json_pack("{s:I, s:I, s:I}", "answers", (json_int_t)(count - failures), "failures",
                   (json_int_t)failures, "keys", (json_int_t)keys);
}

static json_t *get_at_once(mskgov_credentials_provider *provider, size_t count) {
  static asker askers[THREADS_MAX];
  pthread_barrier_t start;
  pthread_attr_t small;

  if (count < 1 || count > THREADS_MAX)
    return json_pack("{s:s}", "error", "so many threads are not allowed");
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, STACK_BYTES);
  pthread_barrier_init(&start, NULL, (unsigned)count);
  for (size_t i = 0; i < count; i++) {
    askers[i] = (asker){.start = &start, .provider = provider};
    if (pthread_create(&askers[i].thread, &small, ask, &askers[i])) {
      fprintf(stderr, "moto_probe: thread %zu cannot be started\n", i);
      exit(EXIT_FAILURE);
    }
  }
  for (size_t i = 0; i < count; i++)
    pthread_join(askers[i].thread, NULL);
  pthread_barrier_destroy(&start);
  pthread_attr_destroy(&small);

  return count_keys(askers, count);
}

/* --- caller --- */

static json_t *caller(mskgov_credentials_provider *provider, const char *region) {
  mskgov_credentials *credentials;
  mskgov_error_info error;
  mskgov_caller who;
  json_t *answer;

  if (mskgov_credentials_provider_get(provider, &credentials, &error))
    return moto_failure(&error);
  if (mskgov_caller_fetch(&who, credentials, region, &error))
    answer = moto_failure(&error);
  else
    answer = json_pack("{s:s, s:s, s:s, s:s}", "arn", who.arn, "account", who.account,
                       "user_id", who.user_id, "access_key_id",
                       mskgov_credentials_access_key_id(credentials));
  mskgov_credentials_free(credentials);

  return answer;
}

/* --- Commands --- */

static void obey(const char *command, mskgov_credentials_provider *provider,
                 const char *region) {
  json_t *answer;

  if (strcmp(command, "get") == 0)
    answer = get(provider);
  else if (strncmp(command, "get ", 4) == 0)
    answer = get_at_once(provider, strtoul(command + 4, NULL, 10));
  else if (strcmp(command, "caller") == 0)
    answer = caller(provider, region);
  else if (strcmp(command, "connect") == 0)
    answer = moto_connect(provider, region);
  else
    answer = NULL;
  if (!answer || json_dumpf(answer, stdout, JSON_COMPACT)) {
    fprintf(stderr, "moto_probe: \"%s\" cannot be answered\n", command);
    exit(EXIT_FAILURE);
  }
  putchar('\n');
  fflush(stdout);
  json_decref(answer);
}

int main(int argc, char **argv) {
  setting wanted = {.region = "us-east-1"};
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  json_error_t where;
  json_t *json = json_loads(argc == 2 ? argv[1] : "", JSON_REJECT_DUPLICATES, &where);
  char *line = NULL;
  size_t size = 0;

  if (!json || json_unpack_ex(json, &where, JSON_STRICT,
                              "{s:s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?b}", "kind",
                              &wanted.kind, "role_arn", &wanted.role_arn, "external_id",
                              &wanted.external_id, "session_name", &wanted.session_name,
                              "token_file", &wanted.token_file, "profile", &wanted.profile,
                              "region", &wanted.region, "access_key_id",
                              &wanted.access_key_id, "secret_access_key",
                              &wanted.secret_access_key, "cached", &wanted.cached)) {
    fprintf(stderr, "moto_probe: %s\n", where.text);
    return EXIT_FAILURE;
  }
  if (make_provider(&provider, &wanted, &error)) {
    fprintf(stderr, "moto_probe: %s\n", error.text);
    return EXIT_FAILURE;
  }

  while (getline(&line, &size, stdin) >= 0) {
    line[strcspn(line, "\n")] = '\0';
    obey(line, provider, wanted.region);
  }
  free(line);
  mskgov_credentials_provider_free(provider);
  json_decref(json);

  return EXIT_SUCCESS;
}
