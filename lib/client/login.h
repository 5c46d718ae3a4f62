/*
 * The SASL exchange of one connection as a state machine: the bytes of a broker in, the
 * bytes of a client out. No I/O and no clock.
 *
 *   GREETING --answer to SaslHandshake--> PROVING --answer to SaslAuthenticate--> DONE
 *   any --refusal, malformed, out of order--> an error, and it is over
 *
 * SaslAuthenticate carries the initial response of RFC 7628, "n,,^Aauth=Bearer <token>^A^A".
 * It is sent only after SaslHandshake was answered, as brokers expect it.
 *
 * A refusal's text is the broker's, up to GOV_LOGIN_TEXT_MAX bytes of it, with '?' for what
 * is no printable ASCII. A run of base64url too long for any name is left out, since a
 * token is one, and brokers have been known to quote what they were sent.
 *
 * Threads: the caller's.
 */
#ifndef GOV_CLIENT_LOGIN_H
#define GOV_CLIENT_LOGIN_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stdint.h>

/* The longest answer: far more than MSK's, which have a hundred bytes. */
#define GOV_LOGIN_ANSWER_MAX 16384
#define GOV_LOGIN_TEXT_MAX 255
/* The longest run of base64url that is shown; roles and sessions have 64 bytes at most. */
#define GOV_LOGIN_RUN_MAX 64

typedef enum gov_login_state {
  GOV_LOGIN_GREETING = 0,
  GOV_LOGIN_PROVING,
  GOV_LOGIN_DONE
} gov_login_state;

typedef struct gov_login {
  gov_login_state state;
  gov_buffer out;  /* both requests, one after the other; wiped as they are sent */
  size_t may_send; /* bytes of `out` whose turn has come */
  gov_buffer in;   /* the part of an answer that is there */
  uint64_t session_lifetime_ms; /* once DONE; 0: without end */
} gov_login;

/*
 * Prepares both requests. `client_id` may be NULL; the token is copied. Returns 0 or
 * MSKGOV_ERR_NO_MEMORY; gov_login_fini in any case.
 */
int gov_login_init(gov_login *login, const char *client_id, const char *token);

/* Wipes what there is of the token, and gives the memory back. */
void gov_login_fini(gov_login *login);

/* How many bytes are to be sent now; sets *data to them. */
size_t gov_login_unsent(const gov_login *login, const char **data);

/* The first `length` of them were sent. */
void gov_login_sent(gov_login *login, size_t length);

/*
 * Takes in what the broker sent. Returns 0, MSKGOV_ERR_QUOTA, MSKGOV_ERR_AUTHENTICATION,
 * MSKGOV_ERR_PROTOCOL or MSKGOV_ERR_NO_MEMORY.
 */
int gov_login_feed(gov_login *login, const void *data, size_t length,
                   mskgov_error_info *error);

#endif
