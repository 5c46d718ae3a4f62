/*
 * The inside of an authenticator: its clock can be given, for tests.
 */
#ifndef GOV_CREDENTIALS_AUTHENTICATOR_H
#define GOV_CREDENTIALS_AUTHENTICATOR_H

#include "base/clock.h"
#include "sign/region.h"
#include "sign/sigv4.h"

#include <mskgov/authenticator.h>

#include <pthread.h>

#define GOV_USER_AGENT_MAX 256

struct mskgov_authenticator {
  const gov_clock *clock;
  mskgov_credentials_provider *provider;
  char region[GOV_REGION_MAX + 1];
  char user_agent[GOV_USER_AGENT_MAX + 1];
  pthread_mutex_t mutex;
  struct {
    /* The signing key of the credentials (a hold, NULL: none yet) on the day; and what
       else is made of them once, as it would be the greater part of a token's cost. */
    mskgov_credentials *credentials;
    uint64_t day; /* since 1970 */
    unsigned char key[GOV_SIGV4_KEY_SIZE];
    gov_buffer encoded_session; /* the session token, percent-encoded */
  } locked;
};

/* mskgov_authenticator_new with a clock of one's own, borrowed. */
int gov_authenticator_new_with_clock(mskgov_authenticator **authenticator,
                                     const mskgov_authenticator_options *options,
                                     const gov_clock *clock, mskgov_error_info *error);

#endif
