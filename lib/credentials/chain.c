/*
 * Providers that are asked in order.
 */
#include "base/error.h"

#include <mskgov/credentials.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct chain {
  size_t count;
  mskgov_credentials_link links[]; /* names are copies, providers holds */
} chain;

/* What all links said, each cut so that all have room. */
static int tell_none(const chain *self, const mskgov_error_info *said,
                     mskgov_error_info *error) {
  char text[MSKGOV_ERROR_TEXT_MAX];
  size_t share = (sizeof(text) - 64) / self->count, used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < self->count; i++) {
    int length = snprintf(text + used, share, "%s%s: %s", i ? "; " : "",
                          self->links[i].name, said[i].text);

    used += (size_t)length < share ? (size_t)length : share - 1;
  }

  return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS, "no credentials were found. %s",
                       text);
}

/* What one link said; and of those before it, that they have none. */
static int tell_failure(const chain *self, size_t failed, int rc, const char *said,
                        mskgov_error_info *error) {
  char before[256] = "";
  size_t used = 0;

  for (size_t i = 0; i < failed && used < sizeof(before); i++)
    used += (size_t)snprintf(before + used, sizeof(before) - used, "%s%s",
                             i ? ", " : "; none are set up by: ", self->links[i].name);

  return gov_error_set(error, rc, "%s: %.*s%s", self->links[failed].name,
                       MSKGOV_ERROR_TEXT_MAX - 384, said, before);
}

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  const chain *self = object;
  mskgov_error_info *said = calloc(self->count, sizeof(*said));
  int rc = MSKGOV_ERR_NO_CREDENTIALS;
  size_t i;

  if (!said)
    return gov_error_no_memory(error);

  for (i = 0; i < self->count; i++) {
    rc = mskgov_credentials_provider_get(self->links[i].provider, credentials, &said[i]);
    if (rc != MSKGOV_ERR_NO_CREDENTIALS)
      break;
  }
  if (i == self->count)
    rc = tell_none(self, said, error);
  else if (rc)
    rc = tell_failure(self, i, rc, said[i].text, error);
  free(said);

  return rc;
}

static void release(void *object) {
  chain *self = object;

  for (size_t i = 0; i < self->count; i++) {
    free((char *)self->links[i].name);
    mskgov_credentials_provider_free(self->links[i].provider);
  }
  free(self);
}

static int check(const mskgov_credentials_link *links, size_t count,
                 mskgov_error_info *error) {
  if (!links || count == 0 || count > MSKGOV_CREDENTIALS_LINKS_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "links has %zu entries; allowed are 1 to %d", links ? count : 0,
                         MSKGOV_CREDENTIALS_LINKS_MAX);
  for (size_t i = 0; i < count; i++)
    if (!links[i].name || !links[i].provider)
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "links[%zu].%s is NULL; a link has a name and a provider", i,
                           links[i].name ? "provider" : "name");

  return 0;
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_chain(mskgov_credentials_provider **provider,
                                          const mskgov_credentials_link *links,
                                          size_t count, mskgov_error_info *error) {
  chain *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  rc = check(links, count, error);
  if (rc)
    return rc;

  self = calloc(1, sizeof(*self) + count * sizeof(*links));
  if (!self)
    return gov_error_no_memory(error);

  for (; self->count < count; self->count++) {
    mskgov_credentials_link *link = &self->links[self->count];

    link->name = strdup(links[self->count].name);
    if (!link->name) {
      release(self);
      return gov_error_no_memory(error);
    }
    link->provider = mskgov_credentials_provider_ref(links[self->count].provider);
  }
  rc = mskgov_credentials_provider_new(provider, &operations, self, error);
  if (rc)
    release(self);

  return rc;
}
