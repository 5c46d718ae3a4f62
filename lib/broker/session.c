#include "broker/session.h"

#include "broker/uuid.h"
#include "sign/msk_payload.h"

#include <stdio.h>
#include <string.h>

#define REFUSAL_MAX 128
#define IAM_ANSWER_MAX 128

void gov_session_init(gov_session *session, const gov_kafka_cluster *cluster,
                      const gov_session_gate *gate, void *self) {
  *session = (gov_session){
      .needed = GOV_KAFKA_LENGTH_SIZE, .cluster = cluster, .gate = gate, .self = self};
}

static void on_api_versions(gov_session *session, const gov_kafka_request *request,
                            gov_buffer *out) {
  if (session->state != GOV_SESSION_OPENING && session->state != GOV_SESSION_OPEN) {
    session->state = GOV_SESSION_ENDED;
    return;
  }

  gov_kafka_write_api_versions(
      out, request, request->supported ? GOV_KAFKA_NONE : GOV_KAFKA_UNSUPPORTED_VERSION);
}

static gov_kafka_error judge_handshake(const gov_session *session,
                                       const gov_kafka_request *request,
                                       gov_mechanism *mechanism) {
  gov_kafka_view name = request->body.mechanism;

  if (session->state != GOV_SESSION_OPENING && session->state != GOV_SESSION_OPEN)
    return GOV_KAFKA_ILLEGAL_SASL_STATE;
  if (request->version == 0)
    return GOV_KAFKA_UNSUPPORTED_VERSION;
  if (!gov_mechanism_find(name.data, name.length, mechanism))
    return GOV_KAFKA_UNSUPPORTED_SASL_MECHANISM;

  return GOV_KAFKA_NONE;
}

static void on_handshake(gov_session *session, const gov_kafka_request *request,
                         gov_buffer *out) {
  gov_mechanism mechanism;
  gov_kafka_error error = judge_handshake(session, request, &mechanism);

  gov_kafka_write_sasl_handshake(out, request, error, gov_mechanism_names,
                                 GOV_MECHANISM_COUNT);
  if (error) {
    session->state = GOV_SESSION_ENDED;
  } else if (session->state == GOV_SESSION_OPENING) {
    session->state = GOV_SESSION_HANDSHAKEN;
    session->mechanism = mechanism;
  } else {
    session->state =
        session->mechanism == mechanism ? GOV_SESSION_RENEWING : GOV_SESSION_MISMATCHED;
  }
}

static void refuse(gov_session *session, const gov_kafka_request *request,
                   const char *reason, gov_buffer *out) {
  char uuid[GOV_UUID_SIZE], text[REFUSAL_MAX];

  session->state = GOV_SESSION_ENDED;
  if (gov_uuid_random(uuid))
    return;

  snprintf(text, sizeof(text), "[%s]: %s", uuid, reason);
  gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_SASL_AUTHENTICATION_FAILED,
                                    text, "", 0);
}

static const char *reason_of(gov_token_verdict verdict) {
  switch (verdict) {
  case GOV_TOKEN_MALFORMED:
    return "Invalid authentication payload";
  case GOV_TOKEN_TOO_SHORT:
    return "Session too short";
  default:
    return "Access denied";
  }
}

/* Returns true if the token is good; otherwise the refusal is written. */
static bool check_token(gov_session *session, const gov_kafka_request *request,
                        gov_buffer *out, uint64_t *lifetime_ms) {
  gov_kafka_view message = request->body.auth_bytes;
  gov_token_verdict verdict;

  if (session->gate->check(session->self, session->mechanism, message.data, message.length,
                           &verdict, lifetime_ms)) {
    session->state = GOV_SESSION_ENDED;
    return false;
  }

  if (verdict == GOV_TOKEN_VALID)
    return true;

  refuse(session, request, reason_of(verdict), out);

  return false;
}

/* Opens the session. Returns false if it has ended instead. */
static bool admit(gov_session *session, const gov_kafka_request *request,
                  uint64_t lifetime_ms, gov_buffer *out) {
  char uuid[GOV_UUID_SIZE], answer[IAM_ANSWER_MAX] = "";

  if (session->mechanism == GOV_MECHANISM_AWS_MSK_IAM) {
    if (gov_uuid_random(uuid)) {
      session->state = GOV_SESSION_ENDED;
      return false;
    }
    snprintf(answer, sizeof(answer),
             "{\"version\":\"" GOV_MSK_PAYLOAD_VERSION "\",\"request-id\":\"%s\"}", uuid);
  }

  session->state = GOV_SESSION_OPEN;
  gov_kafka_write_sasl_authenticate(out, request, GOV_KAFKA_NONE, NULL, answer,
                                    lifetime_ms);

  return true;
}

static void on_attempt(gov_session *session, const gov_kafka_request *request,
                       gov_buffer *out) {
  bool within_quota;
  uint64_t lifetime_ms;

  if (session->gate->attempt(session->self, &within_quota)) {
    session->state = GOV_SESSION_ENDED;
    return;
  }
  session->attempted = true;

  if (!within_quota) {
    refuse(session, request, "Too many connects", out);
    session->gate->settle(session->self, MSKGOV_VERDICT_REJECTED);
    return;
  }

  if (!check_token(session, request, out, &lifetime_ms) ||
      !admit(session, request, lifetime_ms, out)) {
    session->gate->settle(session->self, MSKGOV_VERDICT_DENIED);
    return;
  }

  session->gate->settle(session->self, MSKGOV_VERDICT_ACCEPTED);
}

static void on_renewal(gov_session *session, const gov_kafka_request *request,
                       gov_buffer *out) {
  uint64_t lifetime_ms;

  if (check_token(session, request, out, &lifetime_ms))
    admit(session, request, lifetime_ms, out);
}

static void on_authenticate(gov_session *session, const gov_kafka_request *request,
                            gov_buffer *out) {
  switch (session->state) {
  case GOV_SESSION_HANDSHAKEN:
    on_attempt(session, request, out);
    return;
  case GOV_SESSION_RENEWING:
    on_renewal(session, request, out);
    return;
  default:
    session->state = GOV_SESSION_ENDED;
    gov_kafka_write_sasl_authenticate(
        out, request, GOV_KAFKA_ILLEGAL_SASL_STATE,
        "Unexpected Kafka request of type SASL_AUTHENTICATE during SASL handshake.", "", 0);
  }
}

static void on_request(gov_session *session, const gov_kafka_request *request,
                       gov_buffer *out) {
  if (session->state == GOV_SESSION_MISMATCHED)
    session->state = GOV_SESSION_ENDED;
  else if (request->api == GOV_KAFKA_API_VERSIONS)
    on_api_versions(session, request, out);
  else if (request->api == GOV_KAFKA_SASL_HANDSHAKE && request->supported)
    on_handshake(session, request, out);
  else if (request->api == GOV_KAFKA_SASL_AUTHENTICATE && request->supported)
    on_authenticate(session, request, out);
  else if (request->api == GOV_KAFKA_METADATA && request->supported &&
           session->state == GOV_SESSION_OPEN)
    gov_kafka_write_metadata(out, request, session->cluster);
  else
    session->state = GOV_SESSION_ENDED;
}

size_t gov_session_feed(gov_session *session, const void *data, size_t length,
                        gov_buffer *out) {
  size_t limit = session->state == GOV_SESSION_OPEN ? GOV_SESSION_OPEN_FRAME_MAX
                                                    : GOV_SESSION_FRAME_MAX;
  gov_kafka_request request;
  size_t used;

  if (session->state == GOV_SESSION_ENDED)
    return length;

  if (gov_kafka_frame_length(data, length, limit, &session->needed)) {
    session->state = GOV_SESSION_ENDED;
    return length;
  }
  if (length < session->needed)
    return 0;

  used = session->needed;
  session->needed = GOV_KAFKA_LENGTH_SIZE;
  if (gov_kafka_request_parse(&request, (const char *)data + GOV_KAFKA_LENGTH_SIZE,
                              used - GOV_KAFKA_LENGTH_SIZE))
    session->state = GOV_SESSION_ENDED;
  else
    on_request(session, &request, out);

  if (out->failed) {
    gov_buffer_reset(out);
    session->state = GOV_SESSION_ENDED;
  }

  return used;
}
