/*
 * Tokens for any number of clients: one per region and credentials provider, signed when
 * the last one has aged, however many clients ask. A failure is shared as well: until its
 * back-off is over, everyone gets the same answer and nobody asks the provider.
 *
 * Process-wide state: the list of sources, under the process's lock. Threads: any.
 */
#ifndef GOV_CLIENT_TOKEN_SOURCE_H
#define GOV_CLIENT_TOKEN_SOURCE_H

#include "base/buffer.h"

#include <mskgov/credentials.h>
#include <mskgov/error.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct gov_token_source gov_token_source;

/*
 * The source for this region and provider (NULL: the default chain), shared with all that
 * ask for the same. Returns 0 and sets *source (a hold: gov_token_source_leave), or what
 * mskgov_authenticator_new answers.
 */
int gov_token_source_join(gov_token_source **source, const char *region,
                          mskgov_credentials_provider *provider, mskgov_error_info *error);
void gov_token_source_leave(gov_token_source *source);

/* A token, copied out; gov_token_init and _fini, which wipes it. */
typedef struct gov_token {
  gov_buffer value;
  gov_buffer principal;
  uint64_t expires_at_ns; /* Unix, by this host's clock */
} gov_token;

void gov_token_init(gov_token *token);
void gov_token_fini(gov_token *token);

/*
 * Copies a token that has at least three quarters of its life ahead, signing a new one if
 * need be; that may block as long as the provider does. Returns 0, or the authenticator's
 * error, and in *retry_at_ns (monotonic; may be NULL) when to ask again.
 */
int gov_token_source_get(gov_token_source *source, gov_token *token, uint64_t *retry_at_ns,
                         mskgov_error_info *error);

/*
 * A broker refused the token with this text. Returns whether a new one is worth a try: the
 * text told that the clock is off (mskgov_authenticator_refused), and the next get signs by
 * the corrected time.
 */
bool gov_token_source_refused(gov_token_source *source, const char *text);

#endif
