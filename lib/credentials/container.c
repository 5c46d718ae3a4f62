#include "credentials/container.h"

#include "base/error.h"
#include "credentials/credentials.h"
#include "credentials/environment.h"
#include "credentials/file.h"
#include "credentials/json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define SERVICE "the container's credentials service"
#define RELATIVE_URI "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"

/* "Container credential provider", AWS SDKs and Tools Reference Guide. */
#define ECS_BASE "http://169.254.170.2"

#define URL_MAX 4096
#define TOKEN_MAX 16384 /* those of EKS have below 2 KiB */

static gov_service the_service = {.name = SERVICE};

static const gov_service_limits default_limits = {.connect_timeout_ms = 2000,
                                                  .timeout_ms = 2000,
                                                  .attempts = 3,
                                                  .backoff_ms = 200,
                                                  .backoff_max_ms = 1600};

/* The services of ECS and EKS (IPv4), as 169.254.170.x; loopback is 127.0.0.0/8. */
static bool may_be_told_v4(uint32_t address) {
  return address >> 24 == 127 || address == 0xa9feaa02 || address == 0xa9feaa17;
}

static bool may_be_told_v6(const struct in6_addr *address) {
  static const struct in6_addr eks = {
      {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23}}};
  uint32_t mapped;

  if (IN6_IS_ADDR_V4MAPPED(address)) {
    memcpy(&mapped, address->s6_addr + 12, sizeof(mapped));
    return may_be_told_v4(ntohl(mapped));
  }

  return IN6_IS_ADDR_LOOPBACK(address) || memcmp(address, &eks, sizeof(eks)) == 0;
}

/* In plain HTTP the token and the credentials go to this host only. */
static int check_address(void *self, const struct sockaddr *address,
                         mskgov_error_info *error) {
  char text[INET6_ADDRSTRLEN] = "an address of another kind";
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;

  (void)self;
  if (address->sa_family == AF_INET) {
    memcpy(&v4, address, sizeof(v4));
    if (may_be_told_v4(ntohl(v4.sin_addr.s_addr)))
      return 0;
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  } else if (address->sa_family == AF_INET6) {
    memcpy(&v6, address, sizeof(v6));
    if (may_be_told_v6(&v6.sin6_addr))
      return 0;
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }

  return gov_error_set(error, MSKGOV_ERR_INVALID,
                       FULL_URI " leads to %s; allowed with http are loopback, "
                                "169.254.170.2, 169.254.170.23 and fd00:ec2::23; use https",
                       text);
}

static int find_url(char url[URL_MAX], mskgov_error_info *error) {
  const char *relative = gov_environment_variable(RELATIVE_URI);
  const char *full = gov_environment_variable(FULL_URI);

  if (!relative && !full)
    return gov_error_set(error, MSKGOV_ERR_NO_CREDENTIALS,
                         SERVICE
                         " is not known: " RELATIVE_URI " and " FULL_URI
                         " are not set, or empty; use another credentials provider");
  if (relative && *relative != '/')
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         RELATIVE_URI " does not start with a slash");
  if (snprintf(url, URL_MAX, "%s%s", relative ? ECS_BASE : "",
               relative ? relative : full) >= URL_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "%s is too long; allowed are %d bytes",
                         relative ? RELATIVE_URI : FULL_URI,
                         URL_MAX - 1 - (int)strlen(ECS_BASE));

  return 0;
}

bool gov_container_is_named(void) {
  return gov_environment_variable(RELATIVE_URI) || gov_environment_variable(FULL_URI);
}

/* A line end in a header would be the start of another one. */
static int check_token(const char *source, const gov_buffer *token,
                       mskgov_error_info *error) {
  if (token->length == 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "%s is empty", source);

  for (size_t i = 0; i < token->length; i++)
    if (token->data[i] < ' ' || token->data[i] > '~')
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "%s has a byte that is not allowed at position %zu of %zu "
                           "(0x%02x); allowed is visible ASCII: no line end",
                           source, i + 1, token->length,
                           (unsigned)(unsigned char)token->data[i]);

  return 0;
}

/* Appends the value of the Authorization header; nothing if there is none. */
static int find_token(gov_buffer *token, mskgov_error_info *error) {
  const char *path = gov_environment_variable(TOKEN_FILE);
  const char *value = gov_environment_variable(TOKEN);
  int rc;

  if (path) {
    rc = gov_file_read(path, "the file of " TOKEN_FILE, token, error);
    return rc ? rc : check_token("the file of " TOKEN_FILE, token, error);
  }
  if (!value)
    return 0;

  gov_buffer_append_string(token, value);
  if (token->failed)
    return gov_error_set(error, MSKGOV_ERR_INVALID, TOKEN " is longer than %d bytes",
                         TOKEN_MAX);

  return check_token(TOKEN, token, error);
}

static int fetch(const gov_service_limits *limits, const char *url, const gov_buffer *token,
                 gov_http_answer *answer, mskgov_error_info *error) {
  const gov_http_header authorization = {"Authorization", token->data};
  bool encrypted = strncasecmp(url, "https:", 6) == 0;
  gov_http_request request = {.method = "GET",
                              .url = url,
                              .headers = &authorization,
                              .header_count = token->length ? 1 : 0,
                              .direct = !encrypted,
                              .check = encrypted ? NULL : check_address};
  int rc = gov_service_fetch(&the_service, &request, limits, answer, error);

  if (rc || answer->status == 200)
    return rc;

  rc = gov_error_set(error, MSKGOV_ERR_REFUSED, SERVICE " answered with the status %d%s",
                     answer->status,
                     answer->status == 401 || answer->status == 403
                         ? "; is the authorization token the right one?"
                         : "");
  gov_http_answer_fini(answer);

  return rc;
}

static int get(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  char url[URL_MAX];
  gov_http_answer answer;
  gov_buffer token;
  int rc;

  rc = find_url(url, error);
  if (rc)
    return rc;

  gov_buffer_init(&token, TOKEN_MAX);
  rc = find_token(&token, error);
  if (!rc)
    rc = fetch(self, url, &token, &answer, error);
  gov_buffer_fini(&token);
  if (rc)
    return rc;

  rc = gov_credentials_json_take(&gov_credentials_shape_metadata, SERVICE, &answer,
                                 credentials, error);
  if (!rc)
    gov_credentials_set_source(*credentials, "container");

  return rc;
}

static const mskgov_credentials_provider_ops operations = {get, free};

int gov_container_new(mskgov_credentials_provider **provider,
                      const gov_service_limits *limits, mskgov_error_info *error) {
  gov_service_limits *copy;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  copy = malloc(sizeof(*copy));
  if (!copy)
    return gov_error_no_memory(error);

  *copy = *limits;
  rc = mskgov_credentials_provider_new(provider, &operations, copy, error);
  if (rc)
    free(copy);

  return rc;
}

int mskgov_credentials_provider_new_container(mskgov_credentials_provider **provider,
                                              mskgov_error_info *error) {
  return gov_container_new(provider, &default_limits, error);
}
