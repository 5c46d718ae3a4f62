/*
 * One connection attempt of a librdkafka client to one broker: parked until the governor
 * grants its permit, then connecting under a time limit, then open, until the socket is
 * closed. Its outcome is told from the broker states that librdkafka passes through and
 * the text that it logs.
 *
 * Threads: all functions on the broker's thread of librdkafka, which owns the attempt.
 */
#ifndef GOV_CLIENT_ATTEMPT_H
#define GOV_CLIENT_ATTEMPT_H

#include "client/client.h"

typedef struct gov_attempt gov_attempt;

/*
 * Begins an attempt on the socket `fd`: connects now if a permit is free, else parks it.
 * `id` is the broker's, as librdkafka passes it to connect_cb.
 * Returns 0 and sets *attempt (to be ended by gov_attempt_end), or an errno.
 */
int gov_attempt_begin(gov_attempt **attempt, gov_client *client, int fd,
                      const struct sockaddr *address, int length, const char *id);

/* librdkafka has moved to another broker state, such as "AUTH_REQ" or "UP". */
void gov_attempt_state(gov_attempt *attempt, const char *state);

/* librdkafka has logged why the connection failed. */
void gov_attempt_failure(gov_attempt *attempt, const char *text);

/* The socket `fd` is about to be closed; nothing touches it after this returns. */
void gov_attempt_closing(gov_attempt *attempt, int fd);

/* The attempt is over: reports its outcome, releases its permit, frees it. NULL is fine. */
void gov_attempt_end(gov_attempt *attempt);

#endif
