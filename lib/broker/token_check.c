#include "broker/token_check.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/bearer.h"
#include "broker/payload.h"
#include "broker/presigned.h"
#include "codec/base64.h"
#include "codec/time.h"
#include "sign/sigv4.h"

#include <openssl/crypto.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTION "kafka-cluster:Connect"
#define SERVICE "kafka-cluster"
/* The host is one of ours and as short as a name of DNS. */
#define CANONICAL_REQUEST_MAX (GOV_PRESIGNED_QUERY_MAX + 1024)
#define STRING_TO_SIGN_MAX 512
#define DATE_LENGTH 8 /* YYYYMMDD */

/* The parameters of a well-formed token, and what was read from them. */
typedef struct token_claims {
  const char *action, *algorithm, *credential, *date, *signed_headers, *signature;
  const char *session_token; /* NULL: none */
  uint64_t signed_at_s;
  uint64_t expires_s;
} token_claims;

int gov_token_check_init(gov_token_check *check, const char *region, const char *host,
                         mskgov_credentials *const *credentials, size_t count) {
  *check = (gov_token_check){0};
  check->region = strdup(region);
  check->host = strdup(host);
  check->credentials = calloc(count, sizeof(mskgov_credentials *));
  if (!check->region || !check->host || !check->credentials)
    return MSKGOV_ERR_NO_MEMORY;

  for (; check->credentials_count < count; check->credentials_count++)
    check->credentials[check->credentials_count] =
        mskgov_credentials_ref(credentials[check->credentials_count]);

  return 0;
}

void gov_token_check_fini(gov_token_check *check) {
  for (size_t i = 0; i < check->credentials_count; i++)
    mskgov_credentials_free(check->credentials[i]);
  free(check->credentials);
  free(check->host);
  free(check->region);
  *check = (gov_token_check){0};
}

/* Digits only, at most `max`. */
static bool parse_number(const char *text, uint64_t max, uint64_t *value) {
  *value = 0;
  for (const char *c = text; *c; c++) {
    if (*c < '0' || *c > '9')
      return false;
    *value = *value * 10 + (uint64_t)(*c - '0');
    if (*value > max)
      return false;
  }

  return *text != '\0';
}

static size_t count_of(const char *text, char c) {
  size_t count = 0;

  for (; *text; text++)
    count += *text == c;

  return count;
}

static bool read_claims(const gov_presigned *presigned, token_claims *claims) {
  const char *expires = gov_presigned_find(presigned, "X-Amz-Expires");

  claims->action = gov_presigned_find(presigned, "Action");
  claims->algorithm = gov_presigned_find(presigned, "X-Amz-Algorithm");
  claims->credential = gov_presigned_find(presigned, "X-Amz-Credential");
  claims->date = gov_presigned_find(presigned, "X-Amz-Date");
  claims->signed_headers = gov_presigned_find(presigned, "X-Amz-SignedHeaders");
  claims->signature = gov_presigned_find(presigned, "X-Amz-Signature");
  claims->session_token = gov_presigned_find(presigned, "X-Amz-Security-Token");
  if (!claims->action || !claims->algorithm || !claims->credential || !claims->date ||
      !claims->signed_headers || !claims->signature || !expires)
    return false;

  return gov_time_parse_basic(claims->date, &claims->signed_at_s) == 0 &&
         parse_number(expires, GOV_TOKEN_LIFETIME_MAX_S, &claims->expires_s) &&
         claims->expires_s >= 1 && count_of(claims->credential, '/') == 4 &&
         strlen(claims->signature) == GOV_SIGV4_SIGNATURE_SIZE - 1 &&
         strspn(claims->signature, "0123456789abcdef") == GOV_SIGV4_SIGNATURE_SIZE - 1;
}

/* The credentials that the scope names; NULL if it is not a scope of ours. */
static mskgov_credentials *find_credentials(const gov_token_check *check,
                                            const token_claims *claims) {
  const char *slash = strchr(claims->credential, '/');
  size_t id_length = (size_t)(slash - claims->credential);
  char scope[128];

  snprintf(scope, sizeof(scope), "/%.*s/%s/" SERVICE "/aws4_request", DATE_LENGTH,
           claims->date, check->region);
  if (strcmp(slash, scope) != 0)
    return NULL;

  for (size_t i = 0; i < check->credentials_count; i++) {
    const char *id = mskgov_credentials_access_key_id(check->credentials[i]);

    if (strlen(id) == id_length && memcmp(id, claims->credential, id_length) == 0)
      return check->credentials[i];
  }

  return NULL;
}

/* Whether it is signed for a host that a client reaches us by. */
static bool is_our_host(const gov_token_check *check, gov_mechanism mechanism,
                        const char *host) {
  char endpoint[128];

  if (mechanism == GOV_MECHANISM_AWS_MSK_IAM)
    return strcmp(host, check->host) == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "127.0.0.1") == 0;

  snprintf(endpoint, sizeof(endpoint), "kafka.%s.amazonaws.com", check->region);

  return strcmp(host, endpoint) == 0;
}

static bool is_same_secret(const char *a, const char *b) {
  if (!a || !b)
    return !a && !b;

  return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

/* What is left until `at_ns`, in milliseconds; 0 if it has passed. */
static uint64_t left_ms(uint64_t at_ns, uint64_t now_ns) {
  return at_ns > now_ns ? (at_ns - now_ns) / GOV_NS_PER_MS : 0;
}

static int sign_again(const gov_token_check *check, const gov_presigned *presigned,
                      const token_claims *claims, const mskgov_credentials *credentials,
                      char signature[GOV_SIGV4_SIGNATURE_SIZE]) {
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  gov_buffer query, request, string;
  char day[DATE_LENGTH + 1];
  int rc;

  gov_buffer_init(&query, GOV_PRESIGNED_QUERY_MAX);
  gov_buffer_init(&request, CANONICAL_REQUEST_MAX);
  gov_buffer_init(&string, STRING_TO_SIGN_MAX);
  snprintf(day, sizeof(day), "%.*s", DATE_LENGTH, claims->date);

  gov_presigned_canonical_query(presigned, &query);
  rc = query.failed ? MSKGOV_ERR_NO_MEMORY : 0;
  if (!rc)
    rc = gov_sigv4_presigned_canonical_request(&request, "/", query.data,
                                               gov_presigned_host(presigned));
  if (!rc)
    rc = gov_sigv4_string_to_sign(&string, claims->date, check->region, SERVICE,
                                  request.data, request.length, NULL);
  if (!rc)
    rc = gov_sigv4_key(mskgov_credentials_secret_access_key(credentials), day,
                       check->region, SERVICE, key, NULL);
  if (!rc)
    rc = gov_sigv4_signature(key, string.data, string.length, signature, NULL);

  gov_secret_wipe(key, sizeof(key));
  gov_buffer_fini(&string);
  gov_buffer_fini(&request);
  gov_buffer_fini(&query);

  return rc;
}

/* Raises *verdict from GOV_TOKEN_DENIED if there is no reason for that. */
static int judge(const gov_token_check *check, const gov_presigned *presigned,
                 const token_claims *claims, uint64_t now_ns, gov_token_verdict *verdict,
                 uint64_t *lifetime_ms) {
  const mskgov_credentials *credentials = find_credentials(check, claims);
  char signature[GOV_SIGV4_SIGNATURE_SIZE];
  uint64_t token_ms, credentials_ms;
  int rc;

  if (!credentials || strcmp(claims->action, ACTION) != 0 ||
      strcmp(claims->algorithm, GOV_SIGV4_ALGORITHM) != 0 ||
      strcmp(claims->signed_headers, "host") != 0 ||
      claims->signed_at_s > now_ns / GOV_NS_PER_S + GOV_TOKEN_SKEW_S ||
      !is_same_secret(claims->session_token, mskgov_credentials_session_token(credentials)))
    return 0;

  /* Both fit: a date that is not too far ahead of a clock that fits. */
  token_ms = left_ms((claims->signed_at_s + claims->expires_s) * GOV_NS_PER_S, now_ns);
  credentials_ms = left_ms(mskgov_credentials_expires_at_ns(credentials), now_ns);
  if (token_ms == 0 || credentials_ms == 0)
    return 0;

  rc = sign_again(check, presigned, claims, credentials, signature);
  if (rc || CRYPTO_memcmp(signature, claims->signature, sizeof(signature) - 1) != 0)
    return rc;

  *verdict =
      credentials_ms < GOV_TOKEN_SESSION_MIN_MS ? GOV_TOKEN_TOO_SHORT : GOV_TOKEN_VALID;
  *lifetime_ms = token_ms < credentials_ms ? token_ms : credentials_ms;
  if (*lifetime_ms > GOV_TOKEN_SESSION_MAX_MS)
    *lifetime_ms = GOV_TOKEN_SESSION_MAX_MS;

  return 0;
}

/* The token in the message of RFC 7628, taken apart. */
static int parse_bearer(gov_presigned *presigned, const char *message, size_t length) {
  const char *token;
  size_t token_length;
  gov_buffer url;
  int rc;

  if (gov_bearer_parse(message, length, &token, &token_length) ||
      token_length / 4 * 3 > GOV_PRESIGNED_URL_MAX - 2)
    return MSKGOV_ERR_PROTOCOL;

  gov_buffer_init(&url, GOV_PRESIGNED_URL_MAX);
  rc = gov_base64url_decode(token, token_length, &url);
  if (!rc)
    rc = gov_presigned_parse(presigned, url.data ? url.data : "", url.length);
  gov_buffer_fini(&url);

  return rc;
}

int gov_token_check_message(const gov_token_check *check, gov_mechanism mechanism,
                            const char *message, size_t length, uint64_t now_unix_ns,
                            gov_token_verdict *verdict, uint64_t *lifetime_ms) {
  gov_presigned presigned = {0};
  token_claims claims;
  int rc;

  *verdict = GOV_TOKEN_MALFORMED;
  *lifetime_ms = 0;
  if (mechanism == GOV_MECHANISM_AWS_MSK_IAM)
    rc = gov_payload_parse(&presigned, message, length);
  else
    rc = parse_bearer(&presigned, message, length);

  if (!rc && read_claims(&presigned, &claims)) {
    *verdict = GOV_TOKEN_DENIED;
    if (is_our_host(check, mechanism, gov_presigned_host(&presigned)))
      rc = judge(check, &presigned, &claims, now_unix_ns, verdict, lifetime_ms);
  }
  gov_presigned_fini(&presigned);

  return rc == MSKGOV_ERR_NO_MEMORY || rc == MSKGOV_ERR_CRYPTO ? rc : 0;
}
