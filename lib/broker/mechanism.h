/*
 * The SASL mechanisms that a broker takes, by the names that SaslHandshake has for them.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_BROKER_MECHANISM_H
#define GOV_BROKER_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

typedef enum gov_mechanism {
  GOV_MECHANISM_OAUTHBEARER = 0, /* RFC 7628, with a token for MSK (bearer.h) */
  GOV_MECHANISM_AWS_MSK_IAM      /* MSK's own, with a payload (payload.h) */
} gov_mechanism;

/* Their names, in the order above. */
#define GOV_MECHANISM_COUNT 2
extern const char *const gov_mechanism_names[GOV_MECHANISM_COUNT];

/* Sets *mechanism, or returns false: there is none of that name. */
bool gov_mechanism_find(const char *name, size_t length, gov_mechanism *mechanism);

#endif
