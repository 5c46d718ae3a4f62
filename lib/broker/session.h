/*
 * One connection as a state machine: the bytes of a client in, the bytes of a broker out.
 * No I/O and no clock; what the session cannot know it asks its gate.
 *
 *   OPENING --SaslHandshake--> HANDSHAKEN --SaslAuthenticate--> OPEN
 *      OPEN --SaslHandshake--> RENEWING   --SaslAuthenticate--> OPEN   (KIP-368)
 *      OPEN --SaslHandshake, another mechanism--> MISMATCHED --any request--> ENDED
 *   any --refusal, wrong order, malformed--> ENDED
 *
 * ApiVersions is answered in OPENING and OPEN, Metadata in OPEN. SaslHandshake 0, whose
 * tokens would come without frames, is refused. A request out of order is answered with
 * ILLEGAL_SASL_STATE if it is one of SASL's, and not at all otherwise. Neither is what
 * follows a handshake for a renewal by another mechanism than the session's own: that
 * handshake is answered as if it were good, as by Kafka (REAUTH_BAD_MECHANISM of
 * SaslServerAuthenticator).
 *
 * The first SaslAuthenticate of a connection is its attempt: the gate is asked for the
 * quota first and looks at the token afterwards, since the quota is there to spare the
 * broker the cost of authentication. A renewal is no attempt.
 *
 * Threads: the caller's.
 */
#ifndef GOV_BROKER_SESSION_H
#define GOV_BROKER_SESSION_H

#include "broker/token_check.h"
#include "codec/kafka.h"

#include <mskgov/broker.h>

/* Longest request before authentication: a token, or a payload, with a session token of
   16 KiB fits. */
#define GOV_SESSION_FRAME_MAX 65536
/* Longest request on an open session: Metadata with many topics. */
#define GOV_SESSION_OPEN_FRAME_MAX (1u << 20)
/* The answer to the longest request fits. */
#define GOV_SESSION_ANSWER_MAX (16u << 20)

typedef struct gov_session_gate {
  /* The attempt: sets *within_quota. Not 0: it could not be recorded, the session ends.
   */
  int (*attempt)(void *self, bool *within_quota);
  /* Decides on a token, as gov_token_check_message does with the time of now. */
  int (*check)(void *self, gov_mechanism mechanism, const char *message, size_t length,
               gov_token_verdict *verdict, uint64_t *lifetime_ms);
  /* What became of the attempt; once after each that returned 0. */
  void (*settle)(void *self, mskgov_verdict verdict);
} gov_session_gate;

typedef enum gov_session_state {
  GOV_SESSION_OPENING = 0,
  GOV_SESSION_HANDSHAKEN,
  GOV_SESSION_OPEN,
  GOV_SESSION_RENEWING,
  GOV_SESSION_MISMATCHED,
  GOV_SESSION_ENDED
} gov_session_state;

typedef struct gov_session {
  gov_session_state state;
  gov_mechanism mechanism; /* from HANDSHAKEN on */
  bool attempted;
  size_t needed; /* bytes that the next feed has to hold to get on */
  const gov_kafka_cluster *cluster;
  const gov_session_gate *gate;
  void *self; /* the gate's */
} gov_session;

/* All borrowed. There is nothing to give back. */
void gov_session_init(gov_session *session, const gov_kafka_cluster *cluster,
                      const gov_session_gate *gate, void *self);

/*
 * Handles the first request in `data`, if it is there whole, and appends the answer to
 * `out`. Returns how many bytes were used; 0 until session->needed of them are there. In
 * the state ENDED the caller closes the connection once `out` is sent.
 */
size_t gov_session_feed(gov_session *session, const void *data, size_t length,
                        gov_buffer *out);

#endif
