#include "credentials/sts.h"

#include "base/error.h"
#include "codec/time.h"
#include "codec/uri.h"
#include "credentials/credentials.h"
#include "credentials/endpoint.h"
#include "credentials/json.h"
#include "credentials/skew.h"
#include "sign/signed_post.h"

#include <stdio.h>
#include <string.h>

#define SERVICE "STS"
#define VERSION "2011-06-15" /* of the API */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A web identity token of 20,000 bytes, all of them percent-encoded, and the rest. */
#define FORM_MAX 80000
#define CODE_MAX 128
#define SECRET_START 12 /* bytes of a secret that may not be told */
#define MESSAGE_MAX GOV_SERVICE_ANSWER_MAX

/* Refusals that another attempt may not meet: botocore's list of throttling answers, and
   an identity provider that STS did not reach. */
static const char *const passing_codes[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "RequestThrottledException",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "TooManyRequestsException",
    "SlowDown",
    "PriorRequestNotComplete",
    "TransactionInProgressException",
    "EC2ThrottledException",
    "IDPCommunicationError",
};

/* Refusals whose message tells what to mend, and repeats no header that was sent. */
static const char *const telling_codes[] = {
    "AccessDenied",     "ValidationError",         "InvalidIdentityToken",
    "IDPRejectedClaim", "RegionDisabledException", "PackedPolicyTooLarge",
};

static bool is_among(const char *text, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(text, list[i]) == 0)
      return true;

  return false;
}

typedef struct refusal {
  gov_buffer code;
  gov_buffer message;
} refusal;

/* What an answer that is not 200 says; empty where it says nothing. */
static void read_refusal(const gov_http_answer *answer, refusal *said) {
  gov_xml_field fields[] = {
      {"ErrorResponse/Error/Code", &said->code, false},
      {"ErrorResponse/Error/Message", &said->message, false},
  };

  gov_buffer_init(&said->code, CODE_MAX);
  gov_buffer_init(&said->message, MESSAGE_MAX);
  if (answer->body.data &&
      gov_xml_read(answer->body.data, answer->body.length, fields, COUNT(fields), NULL)) {
    gov_buffer_fini(&said->code);
    gov_buffer_fini(&said->message);
  }
}

static void fini_refusal(refusal *said) {
  gov_buffer_fini(&said->code);
  gov_buffer_fini(&said->message);
}

static const char *text_of(const gov_buffer *buffer) {
  return buffer->data ? buffer->data : "";
}

static bool may_pass(const gov_http_answer *answer) {
  refusal said;
  bool passes;

  if (answer->status == 200 || gov_service_may_pass(answer))
    return answer->status != 200;

  read_refusal(answer, &said);
  passes = is_among(text_of(&said.code), passing_codes, COUNT(passing_codes));
  fini_refusal(&said);

  return passes;
}

static gov_service the_service = {
    .name = SERVICE, .may_pass = may_pass, .requests_per_s = 10};

/* "?" for what is no visible ASCII: it goes to a terminal. */
static void make_visible(gov_buffer *text) {
  for (size_t i = 0; i < text->length; i++)
    if (text->data[i] < ' ' || text->data[i] > '~')
      text->data[i] = '?';
}

/* Whether the message repeats a parameter that is a secret, or the beginning of one: STS
   does so when it finds fault with it. */
static bool tells_secret(const char *message, const gov_sts_parameter *parameters,
                         size_t count) {
  static const char *const secret[] = {"ExternalId", "WebIdentityToken"};
  const char *value;

  for (size_t i = 0; i < count; i++) {
    value = parameters[i].value;
    if (value && is_among(parameters[i].name, secret, COUNT(secret)) &&
        memmem(message, strlen(message), value, strnlen(value, SECRET_START)))
      return true;
  }

  return false;
}

static int refused(const gov_http_answer *answer, const gov_sts_parameter *parameters,
                   size_t count, mskgov_error_info *error) {
  refusal said;
  const char *message = "";
  int rc;

  read_refusal(answer, &said);
  make_visible(&said.code);
  make_visible(&said.message);
  if (is_among(text_of(&said.code), telling_codes, COUNT(telling_codes)) &&
      !tells_secret(text_of(&said.message), parameters, count))
    message = text_of(&said.message);

  rc = gov_error_set(error, MSKGOV_ERR_REFUSED, SERVICE " refused (status %d%s%s)%s%.500s",
                     answer->status, said.code.length ? ", " : "", text_of(&said.code),
                     *message ? ": " : "", message);
  fini_refusal(&said);

  return rc;
}

static void put_parameter(gov_buffer *form, const char *name, const char *value) {
  if (!value)
    return;

  gov_buffer_append_string(form, form->length ? "&" : "");
  gov_buffer_append_string(form, name);
  gov_buffer_append_string(form, "=");
  gov_uri_encode(value, strlen(value), form);
}

/* One exchange, retries and all, with a signature of now. */
static int post(const gov_endpoint *endpoint, const char *region,
                const gov_service_limits *limits, const gov_buffer *form,
                const mskgov_credentials *signer, gov_http_answer *answer,
                mskgov_error_info *error) {
  gov_signed_post parts = {.host = endpoint->host,
                           .region = region,
                           .service = "sts",
                           .body = form->data,
                           .body_length = form->length};
  char date[GOV_TIME_BASIC_SIZE];
  gov_http_header headers[4] = {{"Content-Type", GOV_SIGNED_POST_CONTENT_TYPE}};
  gov_http_request request = {.method = "POST",
                              .url = endpoint->url,
                              .headers = headers,
                              .header_count = 1,
                              .body = form->data,
                              .body_length = form->length};
  gov_buffer authorization;
  int rc = 0;

  gov_buffer_init(&authorization, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  if (signer) {
    parts.now_s = gov_skew_unix_ns(&gov_skew_host, &gov_clock_system) / GOV_NS_PER_S;
    parts.access_key_id = mskgov_credentials_access_key_id(signer);
    parts.secret_access_key = mskgov_credentials_secret_access_key(signer);
    parts.session_token = mskgov_credentials_session_token(signer);
    gov_time_format_basic(parts.now_s, date);
    rc = gov_signed_post_authorize(&authorization, &parts, error);
    headers[request.header_count++] = (gov_http_header){"X-Amz-Date", date};
    headers[request.header_count++] =
        (gov_http_header){"Authorization", authorization.data};
    if (parts.session_token)
      headers[request.header_count++] =
          (gov_http_header){"X-Amz-Security-Token", parts.session_token};
  }
  if (!rc)
    rc = gov_service_fetch(&the_service, &request, limits, answer, error);
  gov_buffer_fini(&authorization);

  return rc;
}

static void learn_from(const gov_http_answer *answer) {
  refusal said;

  read_refusal(answer, &said);
  gov_skew_learn_refusal(&gov_skew_host, &gov_clock_system, text_of(&said.message));
  fini_refusal(&said);
}

/* Whether the skew is another one than before, by more than answers take. */
static bool has_moved(int64_t before_ns) {
  int64_t by_ns = gov_skew_ns(&gov_skew_host, &gov_clock_system) - before_ns;

  return by_ns >= (int64_t)GOV_SKEW_LEAST_NS || by_ns <= -(int64_t)GOV_SKEW_LEAST_NS;
}

int gov_sts_call(const char *region, const gov_service_limits *limits,
                 const gov_sts_parameter *parameters, size_t count,
                 const mskgov_credentials *signer, gov_http_answer *answer,
                 mskgov_error_info *error) {
  int64_t skew_ns = gov_skew_ns(&gov_skew_host, &gov_clock_system);
  gov_endpoint endpoint;
  gov_buffer form;
  int rc = gov_endpoint_find(&endpoint, "STS", region, error);

  if (rc)
    return rc;

  gov_buffer_init(&form, FORM_MAX);
  for (size_t i = 0; i < count; i++)
    put_parameter(&form, parameters[i].name, parameters[i].value);
  put_parameter(&form, "Version", VERSION);
  rc = form.failed ? gov_error_no_memory(error)
                   : post(&endpoint, region, limits, &form, signer, answer, error);

  /* Its answer told that this host's clock is off: once more, by the right time. */
  if (!rc && answer->status != 200 && signer)
    learn_from(answer);
  if (!rc && answer->status != 200 && signer && has_moved(skew_ns)) {
    gov_http_answer_fini(answer);
    rc = post(&endpoint, region, limits, &form, signer, answer, error);
  }
  gov_buffer_fini(&form);
  if (!rc && answer->status != 200) {
    rc = refused(answer, parameters, count, error);
    gov_http_answer_fini(answer);
  }

  return rc;
}

int gov_sts_read(const gov_http_answer *answer, gov_xml_field *fields, size_t count,
                 mskgov_error_info *error) {
  mskgov_error_info detail;
  int rc;

  gov_error_reset(&detail);
  rc = gov_xml_read(text_of(&answer->body), answer->body.length, fields, count, &detail);
  if (rc)
    return gov_error_set(error, rc, SERVICE " answered with something unexpected: %.400s",
                         detail.text);

  for (size_t i = 0; i < count; i++)
    if (!fields[i].found)
      return gov_error_set(error, MSKGOV_ERR_PROTOCOL, SERVICE " answered without %s",
                           fields[i].path);

  return 0;
}

static int make_credentials(const gov_buffer *parts, mskgov_credentials **credentials,
                            mskgov_error_info *error) {
  uint64_t expires_at_ns;

  if (gov_time_parse_iso8601(text_of(&parts[3]), &expires_at_ns))
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         SERVICE
                         " answered with an Expiration that is no time in ISO 8601");

  return gov_credentials_new_answered(credentials, SERVICE, text_of(&parts[0]),
                                      text_of(&parts[1]), text_of(&parts[2]), expires_at_ns,
                                      error);
}

int gov_sts_read_credentials(const char *action, const gov_http_answer *answer,
                             mskgov_credentials **credentials, mskgov_error_info *error) {
  static const char *const names[] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                      "Expiration"};
  char paths[COUNT(names)][128];
  gov_buffer parts[COUNT(names)];
  gov_xml_field fields[COUNT(names)];
  int rc;

  if (answer->body.length > 0 && answer->body.data[0] == '{') /* some stand-ins do */
    return gov_credentials_json_read(
        strcmp(action, "AssumeRole") == 0 ? &gov_credentials_shape_sts_role
                                          : &gov_credentials_shape_sts_web_identity,
        SERVICE, answer->body.data, answer->body.length, credentials, error);

  for (size_t i = 0; i < COUNT(names); i++) {
    snprintf(paths[i], sizeof(paths[i]), "%sResponse/%sResult/Credentials/%s", action,
             action, names[i]);
    gov_buffer_init(&parts[i], GOV_SESSION_TOKEN_MAX);
    fields[i] = (gov_xml_field){paths[i], &parts[i], false};
  }
  rc = gov_sts_read(answer, fields, COUNT(fields), error);
  if (!rc)
    rc = make_credentials(parts, credentials, error);
  for (size_t i = 0; i < COUNT(names); i++)
    gov_buffer_fini(&parts[i]);

  return rc;
}
