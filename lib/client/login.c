#include "client/login.h"

#include "base/error.h"
#include "codec/kafka.h"
#include "codec/kafka_client.h"

#include <stdbool.h>
#include <string.h>

#define MECHANISM "OAUTHBEARER"
#define HANDSHAKE_CORRELATION 1
#define AUTHENTICATE_CORRELATION 2
/* Both frames and what is around the token are far smaller than this. */
#define REQUESTS_OVERHEAD 2048
/* What AWS writes where a connection is over the quota or the limit. */
#define TOO_MANY "Too many connects"
#define LEFT_OUT "[...]"

static void write_initial_response(gov_buffer *out, const char *token) {
  gov_buffer_append_string(out, "n,,\001auth=Bearer ");
  gov_buffer_append_string(out, token);
  gov_buffer_append_string(out, "\001\001");
}

int gov_login_init(gov_login *login, const char *client_id, const char *token) {
  size_t limit = strlen(token) + REQUESTS_OVERHEAD;
  gov_buffer response;
  bool failed;

  *login = (gov_login){.state = GOV_LOGIN_GREETING};
  gov_buffer_init(&login->out, limit);
  gov_buffer_init(&login->in, GOV_KAFKA_LENGTH_SIZE + GOV_LOGIN_ANSWER_MAX);
  gov_kafka_write_handshake_request(&login->out, HANDSHAKE_CORRELATION, client_id,
                                    MECHANISM);
  login->may_send = login->out.length;

  gov_buffer_init(&response, limit);
  write_initial_response(&response, token);
  failed = response.failed;
  gov_kafka_write_authenticate_request(&login->out, AUTHENTICATE_CORRELATION, client_id,
                                       (gov_kafka_view){response.data, response.length});
  gov_buffer_fini(&response);

  return failed || login->out.failed ? MSKGOV_ERR_NO_MEMORY : 0;
}

void gov_login_fini(gov_login *login) {
  gov_buffer_fini(&login->out);
  gov_buffer_fini(&login->in);
}

size_t gov_login_unsent(const gov_login *login, const char **data) {
  *data = login->out.data;

  return login->may_send;
}

void gov_login_sent(gov_login *login, size_t length) {
  gov_buffer_consume(&login->out, length);
  login->may_send -= length;
  if (login->out.length == 0)
    gov_buffer_fini(&login->out);
}

static bool is_base64url(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '-' || c == '_';
}

static size_t run_length(const char *text, size_t length) {
  size_t run = 0;

  while (run < length && is_base64url(text[run]))
    run++;

  return run;
}

/* The broker's words, fit for a log. */
static void quote(char to[GOV_LOGIN_TEXT_MAX + 1], gov_kafka_view from) {
  size_t used = 0;

  for (size_t i = 0; i < from.length;) {
    size_t run = run_length(from.data + i, from.length - i);
    bool hidden = run > GOV_LOGIN_RUN_MAX;
    char other = from.data[i] >= ' ' && from.data[i] <= '~' ? from.data[i] : '?';
    const char *piece = hidden ? LEFT_OUT : run ? from.data + i : &other;
    size_t size = hidden ? strlen(LEFT_OUT) : run ? run : 1;

    if (size > GOV_LOGIN_TEXT_MAX - used)
      break;
    memcpy(to + used, piece, size);
    used += size;
    i += run ? run : 1;
  }
  to[used] = '\0';
}

static int malformed(const char *what, mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_PROTOCOL, "the broker's answer to %s is malformed",
                       what);
}

static int out_of_order(const char *what, mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       "the broker answered %s before it was asked", what);
}

/* Kafka's own exceptions for these three are kinds of AuthenticationException. */
static bool is_refusal(int16_t error) {
  return error == GOV_KAFKA_UNSUPPORTED_SASL_MECHANISM ||
         error == GOV_KAFKA_ILLEGAL_SASL_STATE ||
         error == GOV_KAFKA_SASL_AUTHENTICATION_FAILED;
}

static int on_handshake(gov_login *login, const void *frame, size_t length,
                        mskgov_error_info *error) {
  gov_kafka_view name = gov_kafka_view_of("nothing");
  gov_kafka_handshake_answer answer;
  char offered[GOV_LOGIN_TEXT_MAX + 1];

  if (gov_kafka_handshake_answer_parse(&answer, frame, length) ||
      answer.correlation != HANDSHAKE_CORRELATION)
    return malformed("SaslHandshake", error);
  if (login->may_send)
    return out_of_order("SaslHandshake", error);

  if (answer.error) {
    gov_kafka_mechanisms_next(&answer, &name);
    quote(offered, name);
    return gov_error_set(
        error, is_refusal(answer.error) ? MSKGOV_ERR_AUTHENTICATION : MSKGOV_ERR_PROTOCOL,
        "the broker does not take SASL " MECHANISM " (error %d); it offers %s%s",
        answer.error, offered, answer.count ? " and more" : "");
  }

  login->state = GOV_LOGIN_PROVING;
  login->may_send = login->out.length;

  return 0;
}

static bool contains(gov_kafka_view text, const char *words) {
  return text.data && memmem(text.data, text.length, words, strlen(words));
}

static int refused(const gov_kafka_authenticate_answer *answer, mskgov_error_info *error) {
  char text[GOV_LOGIN_TEXT_MAX + 1];

  quote(text, answer->text.length ? answer->text : gov_kafka_view_of("no reason given"));
  if (!is_refusal(answer->error))
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "SaslAuthenticate failed: %s (error %d)", text, answer->error);

  return gov_error_set(error,
                       contains(answer->text, TOO_MANY) ? MSKGOV_ERR_QUOTA
                                                        : MSKGOV_ERR_AUTHENTICATION,
                       "SASL authentication failed: %s (error %d)", text, answer->error);
}

static int on_authenticate(gov_login *login, const void *frame, size_t length,
                           mskgov_error_info *error) {
  gov_kafka_authenticate_answer answer;
  char text[GOV_LOGIN_TEXT_MAX + 1];

  if (gov_kafka_authenticate_answer_parse(&answer, frame, length) ||
      answer.correlation != AUTHENTICATE_CORRELATION)
    return malformed("SaslAuthenticate", error);
  if (answer.error)
    return refused(&answer, error);

  /* RFC 7628, 3.2.2: the server says why it failed, and wants an acknowledgement of it
     before it fails in earnest. Closing is one. */
  if (answer.auth_bytes.length) {
    quote(text, answer.auth_bytes);
    return gov_error_set(error, MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: %s",
                         text);
  }
  if (login->may_send)
    return out_of_order("SaslAuthenticate", error);

  login->state = GOV_LOGIN_DONE;
  login->session_lifetime_ms = (uint64_t)answer.session_lifetime_ms;

  return 0;
}

/* Handles the first answer in `in`, if it is there whole; sets *used to its size or 0. */
static int step(gov_login *login, size_t *used, mskgov_error_info *error) {
  const char *frame = login->in.data + GOV_KAFKA_LENGTH_SIZE;
  size_t needed;

  *used = 0;
  if (login->state == GOV_LOGIN_DONE)
    return out_of_order("something", error);
  if (gov_kafka_frame_length(login->in.data, login->in.length, GOV_LOGIN_ANSWER_MAX,
                             &needed))
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "the broker's answer is none, or longer than %d bytes",
                         GOV_LOGIN_ANSWER_MAX);
  if (login->in.length < needed)
    return 0;

  *used = needed;
  if (login->state == GOV_LOGIN_GREETING)
    return on_handshake(login, frame, needed - GOV_KAFKA_LENGTH_SIZE, error);

  return on_authenticate(login, frame, needed - GOV_KAFKA_LENGTH_SIZE, error);
}

int gov_login_feed(gov_login *login, const void *data, size_t length,
                   mskgov_error_info *error) {
  size_t used = 0;
  int rc;

  do {
    size_t room = login->in.limit - login->in.length;
    size_t taken = length < room ? length : room;

    gov_buffer_append(&login->in, data, taken);
    if (login->in.failed)
      return gov_error_no_memory(error);
    data = (const char *)data + taken;
    length -= taken;
    rc = step(login, &used, error);
    if (used)
      gov_buffer_consume(&login->in, used);
  } while (!rc && (length || (used && login->in.length)));

  if (login->in.length == 0)
    gov_buffer_fini(&login->in);

  return rc;
}
