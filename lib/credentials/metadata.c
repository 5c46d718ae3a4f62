#include "credentials/metadata.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "codec/time.h"
#include "policy/backoff.h"

#include <jansson.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

static void sleep_ns(uint64_t ns) {
  struct timespec left = {(time_t)(ns / GOV_NS_PER_S), (long)(ns % GOV_NS_PER_S)};

  while (nanosleep(&left, &left) && errno == EINTR)
    ;
}

static bool may_pass(int status) {
  return status == 429 || status >= 500;
}

/* One attempt. *again: another one may help. */
static int try_once(const gov_http_request *request, gov_http_answer *answer, bool *again,
                    mskgov_error_info *error) {
  int rc = gov_http_perform(request, answer, error);

  if (rc) {
    *again = rc == MSKGOV_ERR_TRANSPORT;
    return rc;
  }

  *again = may_pass(answer->status);
  if (*again) {
    rc = gov_error_set(error, MSKGOV_ERR_TRANSPORT, "it answered with the status %d",
                       answer->status);
    gov_http_answer_fini(answer);
  }

  return rc;
}

int gov_metadata_fetch(const char *service, const gov_http_request *request,
                       const gov_metadata_limits *limits, gov_http_answer *answer,
                       mskgov_error_info *error) {
  const gov_backoff_options waits = {.jitter = MSKGOV_JITTER_FULL,
                                     .base_ns = gov_ms_to_ns(limits->backoff_ms),
                                     .cap_ns = gov_ms_to_ns(limits->backoff_ms) * 8};
  gov_http_request bounded = *request;
  mskgov_error_info detail;
  gov_backoff backoff;
  gov_random random;
  uint32_t attempt = 0;
  bool again;
  int rc;

  assert(limits->attempts > 0);
  bounded.connect_timeout_ms = limits->connect_timeout_ms;
  bounded.timeout_ms = limits->timeout_ms;
  bounded.answer_max = GOV_METADATA_ANSWER_MAX;
  gov_backoff_init(&backoff);
  gov_random_init_system(&random);

  for (;;) {
    gov_error_reset(&detail);
    rc = try_once(&bounded, answer, &again, &detail);
    attempt++;
    if (!again || attempt == limits->attempts)
      break;
    sleep_ns(gov_backoff_next(&backoff, &waits, &random));
  }
  if (!rc)
    return 0;

  if (again)
    return gov_error_set(error, rc, "%s failed %u times in a row: %.*s", service, attempt,
                         MSKGOV_ERROR_TEXT_MAX - 128, detail.text);

  return gov_error_set(error, rc, "%s failed: %.*s", service, MSKGOV_ERROR_TEXT_MAX - 128,
                       detail.text);
}

/* The text of a field; NULL, with the error set, if there is none. */
static const char *read_field(const char *service, const json_t *object, const char *name,
                              mskgov_error_info *error) {
  const char *value = json_string_value(json_object_get(object, name));

  if (!value)
    gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                  "%s answered with JSON in which %s is missing or no text", service, name);

  return value;
}

static int check_code(const char *service, const json_t *object, mskgov_error_info *error) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const json_t *code = json_object_get(object, "Code");
  const char *text = json_string_value(code);

  if (!code || (text && strcmp(text, "Success") == 0))
    return 0;

  /* A word, or it is not repeated. */
  if (!text || strlen(text) > 64 || text[strspn(text, letters)])
    text = "?";

  return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                       "%s has no credentials to give: its Code is \"%s\"", service, text);
}

static int read_object(const char *service, const json_t *object,
                       mskgov_credentials **credentials, mskgov_error_info *error) {
  const char *id, *secret, *token, *expiration;
  mskgov_error_info detail;
  uint64_t expires_at_ns;
  int rc = check_code(service, object, error);

  if (rc)
    return rc;
  if (!(id = read_field(service, object, "AccessKeyId", error)) ||
      !(secret = read_field(service, object, "SecretAccessKey", error)) ||
      !(token = read_field(service, object, "Token", error)) ||
      !(expiration = read_field(service, object, "Expiration", error)))
    return MSKGOV_ERR_PROTOCOL;

  if (gov_time_parse_iso8601(expiration, &expires_at_ns))
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with an Expiration that is no time in ISO 8601",
                         service);

  rc = mskgov_credentials_new(credentials, id, secret, token, expires_at_ns, &detail);
  if (rc == MSKGOV_ERR_INVALID)
    rc = MSKGOV_ERR_PROTOCOL; /* it is the service's fault */

  return rc ? gov_error_set(error, rc, "%s answered with bad credentials: %.*s", service,
                            MSKGOV_ERROR_TEXT_MAX - 128, detail.text)
            : 0;
}

/* The texts are jansson's, which frees them as they are. */
static void wipe_object(json_t *object) {
  const char *name;
  json_t *value;

  json_object_foreach(object, name, value) {
    if (json_is_string(value))
      gov_secret_wipe((char *)json_string_value(value), json_string_length(value));
  }
  json_decref(object);
}

int gov_metadata_read(const char *service, const gov_http_answer *answer,
                      mskgov_credentials **credentials, mskgov_error_info *error) {
  const char *text = answer->body.data ? answer->body.data : "";
  json_t *object = json_loadb(text, answer->body.length, JSON_REJECT_DUPLICATES, NULL);
  int rc;

  if (!json_is_object(object)) {
    json_decref(object);
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with something else than an object in JSON", service);
  }

  rc = read_object(service, object, credentials, error);
  wipe_object(object);

  return rc;
}
