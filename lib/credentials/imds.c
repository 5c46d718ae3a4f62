#include "credentials/imds.h"

#include "base/error.h"
#include "credentials/credentials.h"
#include "credentials/environment.h"
#include "credentials/json.h"
#include "sign/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVICE "the instance metadata service"
#define DISABLED "AWS_EC2_METADATA_DISABLED"
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ENDPOINT_MODE "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"

/* "Retrieve security credentials from instance metadata", Amazon EC2 User Guide. */
#define TOKEN_PATH "/latest/api/token"
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define REGION_PATH "/latest/meta-data/placement/region"
#define TTL_S 21600 /* the longest that the service gives */
#define TTL_TEXT "21600"
/* Renewed this long before, so that no request is under way when it ends. */
#define TTL_MARGIN_S 300

#define URL_MAX 1024
#define TOKEN_MAX 4096 /* those seen have 56 bytes */
#define ROLE_MAX 64    /* IAM's limit on role names */

static gov_service the_service = {.name = SERVICE};

const gov_service_limits gov_imds_limits = {.connect_timeout_ms = 1000,
                                            .timeout_ms = 2000,
                                            .attempts = 3,
                                            .backoff_ms = 200,
                                            .backoff_max_ms = 1600};

typedef struct imds {
  const gov_clock *clock;
  gov_service_limits limits;
  gov_buffer token;        /* of the session; empty: there is none */
  uint64_t token_until_ns; /* monotonic */
} imds;

static void init(imds *self, const gov_clock *clock, const gov_service_limits *limits) {
  *self = (imds){.clock = clock, .limits = *limits};
  gov_buffer_init(&self->token, TOKEN_MAX);
}

/* *base: static, or borrowed from the environment. */
static int find_base(const char **base, mskgov_error_info *error) {
  const char *disabled = gov_environment_variable(DISABLED);
  const char *mode = gov_environment_variable(ENDPOINT_MODE);

  if (disabled && strcasecmp(disabled, "true") == 0)
    return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                         SERVICE " is switched off by " DISABLED
                                 "; unset it, or use another credentials provider");

  *base = gov_environment_variable(ENDPOINT);
  if (*base)
    return 0;

  if (!mode || strcasecmp(mode, "IPv4") == 0)
    *base = "http://169.254.169.254";
  else if (strcasecmp(mode, "IPv6") == 0)
    *base = "http://[fd00:ec2::254]";
  else
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         ENDPOINT_MODE " is \"%.32s\"; allowed are IPv4 and IPv6", mode);

  return 0;
}

/* One request, tried again where that may help, with one header. */
static int fetch(const imds *self, const char *method, const char *path, const char *part,
                 const gov_http_header *header, gov_http_answer *answer,
                 mskgov_error_info *error) {
  char url[URL_MAX];
  gov_http_request request = {
      .method = method, .url = url, .headers = header, .header_count = 1, .direct = true};
  const char *base;
  size_t length;
  int rc = find_base(&base, error);

  if (rc)
    return rc;

  length = strlen(base);
  if (length + strlen(path) + strlen(part) >= sizeof(url))
    return gov_error_set(error, MSKGOV_ERR_INVALID, ENDPOINT " is longer than %zu bytes",
                         sizeof(url) - strlen(path) - strlen(part) - 1);
  if (base[length - 1] == '/')
    length--;
  snprintf(url, sizeof(url), "%.*s%s%s", (int)length, base, path, part);

  return gov_service_fetch(&the_service, &request, &self->limits, answer, error);
}

/* A status that another attempt does not mend. */
static int bad_status(int status, const char *wanted, mskgov_error_info *error) {
  const char *hint = "";

  if (status == 403)
    hint = "; it may be switched off for this instance";
  else if (status == 404)
    hint = "; does the instance have a role (an instance profile)?";

  return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                       SERVICE " answered the request for %s with the status %d%s", wanted,
                       status, hint);
}

static void drop_token(imds *self) {
  gov_buffer_fini(&self->token);
}

static bool is_visible(const gov_buffer *text) {
  for (size_t i = 0; i < text->length; i++)
    if (text->data[i] < '!' || text->data[i] > '~')
      return false;

  return text->length > 0;
}

static int need_token(imds *self, mskgov_error_info *error) {
  static const gov_http_header ttl = {"X-aws-ec2-metadata-token-ttl-seconds", TTL_TEXT};
  uint64_t asked_ns = gov_clock_monotonic_ns(self->clock);
  gov_http_answer answer;
  int rc;

  if (self->token.length && asked_ns < self->token_until_ns)
    return 0;

  drop_token(self);
  rc = fetch(self, "PUT", TOKEN_PATH, "", &ttl, &answer, error);
  if (rc)
    return rc;

  if (answer.status != 200) {
    rc = bad_status(answer.status, "a session token", error);
  } else if (!is_visible(&answer.body) || answer.body.length > TOKEN_MAX) {
    rc = gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       SERVICE " answered with a session token that is empty, longer than "
                               "%d bytes or no visible ASCII",
                       TOKEN_MAX);
  } else {
    gov_buffer_append(&self->token, answer.body.data, answer.body.length);
    rc = self->token.failed ? gov_error_no_memory(error) : 0;
    self->token_until_ns = gov_time_add(asked_ns, (TTL_S - TTL_MARGIN_S) * GOV_NS_PER_S);
  }
  gov_http_answer_fini(&answer);

  return rc;
}

/* With the session token; a new one if the service does not know it any more. */
static int get_path(imds *self, const char *path, const char *part, const char *wanted,
                    gov_http_answer *answer, mskgov_error_info *error) {
  gov_http_header header = {.name = "X-aws-ec2-metadata-token"};
  int rc;

  for (int left = 1;; left--) {
    rc = need_token(self, error);
    if (rc)
      return rc;

    header.value = self->token.data;
    rc = fetch(self, "GET", path, part, &header, answer, error);
    if (rc || answer->status == 200)
      return rc;
    if (answer->status == 401)
      drop_token(self);
    if (answer->status != 401 || !left)
      break;
    gov_http_answer_fini(answer);
  }

  rc = bad_status(answer->status, wanted, error);
  gov_http_answer_fini(answer);

  return rc;
}

/* The first line. IAM: letters, digits and "+=,.@_-", all of which a path may hold. */
static int read_role(const gov_buffer *body, char role[ROLE_MAX + 1],
                     mskgov_error_info *error) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789+=,.@_-";
  const char *text = body->data ? body->data : "";
  size_t length = strcspn(text, "\r\n");

  if (length == 0)
    return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                         SERVICE " knows no role of this instance; attach an instance "
                                 "profile, or use another credentials provider");
  if (length > ROLE_MAX || strspn(text, allowed) < length)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         SERVICE " answered with a role name that IAM does not allow");

  memcpy(role, text, length);
  role[length] = '\0';

  return 0;
}

static int get(void *object, mskgov_credentials **credentials, mskgov_error_info *error) {
  imds *self = object;
  char role[ROLE_MAX + 1];
  gov_http_answer answer;
  int rc;

  rc = get_path(self, ROLE_PATH, "", "the name of the role", &answer, error);
  if (rc)
    return rc;
  rc = read_role(&answer.body, role, error);
  gov_http_answer_fini(&answer);
  if (rc)
    return rc;

  rc = get_path(self, ROLE_PATH, role, "the credentials of the role", &answer, error);
  if (rc)
    return rc;
  rc = gov_credentials_json_take(&gov_credentials_shape_metadata, SERVICE, &answer,
                                 credentials, error);
  if (!rc)
    gov_credentials_set_source(*credentials, "instance metadata, role %s", role);

  return rc;
}

static void release(void *object) {
  imds *self = object;

  drop_token(self);
  free(self);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int gov_imds_new(mskgov_credentials_provider **provider, const gov_clock *clock,
                 const gov_service_limits *limits, mskgov_error_info *error) {
  imds *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  self = malloc(sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  init(self, clock, limits);
  rc = mskgov_credentials_provider_new(provider, &operations, self, error);
  if (rc)
    release(self);

  return rc;
}

int mskgov_credentials_provider_new_imds(mskgov_credentials_provider **provider,
                                         mskgov_error_info *error) {
  return gov_imds_new(provider, &gov_clock_system, &gov_imds_limits, error);
}

int gov_imds_region(gov_buffer *region, const gov_service_limits *limits,
                    mskgov_error_info *error) {
  gov_http_answer answer;
  imds self;
  int rc;

  init(&self, &gov_clock_system, limits);
  rc = get_path(&self, REGION_PATH, "", "the region", &answer, error);
  drop_token(&self);
  if (rc)
    return rc;

  if (!answer.body.data || gov_region_check("region", answer.body.data, NULL)) {
    rc = gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       SERVICE " answered with a region that is none");
  } else {
    gov_buffer_append_string(region, answer.body.data); /* no further than was checked */
    rc = region->failed ? gov_error_no_memory(error) : 0;
  }
  gov_http_answer_fini(&answer);

  return rc;
}
