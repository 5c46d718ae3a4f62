#include "credentials/endpoint.h"

#include "base/error.h"
#include "credentials/environment.h"
#include "sign/service_host.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANY "AWS_ENDPOINT_URL"

static bool is_true(const char *variable) {
  const char *value = gov_environment_variable(variable);

  return value && strcasecmp(value, "true") == 0;
}

/* Bytes of a name or address at the beginning of `text`; 0: there is none. */
static size_t host_length(const char *text) {
  size_t length;

  if (*text != '[')
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789.-_");

  length = 1 + strspn(text + 1, "0123456789ABCDEFabcdef:.");

  return length > 1 && text[length] == ']' ? length + 1 : 0;
}

/* Bytes of ":1" to ":65535" at the beginning of `text`; 0: there is none. */
static size_t port_length(const char *text) {
  size_t digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;

  return digits > 0 && digits <= 5 && text[1] != '0' && atoi(text + 1) <= 65535 ? digits + 1
                                                                                : 0;
}

/* "https://host[:port]", with or without a slash: nothing else can be signed for. */
static int set_url(gov_endpoint *endpoint, const char *variable, const char *url,
                   mskgov_error_info *error) {
  bool encrypted = strncasecmp(url, "https://", 8) == 0;
  const char *host = url + (encrypted ? 8 : 7);
  size_t length = 0;

  if (encrypted || strncasecmp(url, "http://", 7) == 0)
    length = host_length(host);
  if (length > 0)
    length += port_length(host + length);
  if (length == 0 || (host[length] && strcmp(host + length, "/") != 0) ||
      strlen(url) > GOV_ENDPOINT_URL_MAX - 2)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is no URL of a service; expected \"https://host\" or "
                         "\"https://host:port\", at most %d bytes",
                         variable, GOV_ENDPOINT_URL_MAX - 2);

  snprintf(endpoint->url, sizeof(endpoint->url), "%s%s", url, host[length] ? "" : "/");
  snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int)length, host);

  return 0;
}

/* The port that goes without saying is not in the Host header. */
static void strip_port(gov_endpoint *endpoint) {
  const char *port = strncasecmp(endpoint->url, "https:", 6) == 0 ? ":443" : ":80";
  size_t length = strlen(endpoint->host), suffix = strlen(port);

  if (length > suffix && strcmp(endpoint->host + length - suffix, port) == 0)
    endpoint->host[length - suffix] = '\0';
}

static int find_host(gov_buffer *host, const char *service, const char *region,
                     mskgov_error_info *error) {
  return gov_service_host(host, strcmp(service, "STS") == 0 ? "sts" : "portal.sso", region,
                          is_true("AWS_USE_FIPS_ENDPOINT"),
                          is_true("AWS_USE_DUALSTACK_ENDPOINT"), error);
}

int gov_endpoint_find(gov_endpoint *endpoint, const char *service, const char *region,
                      mskgov_error_info *error) {
  bool ignored = is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
  char variable[64];
  const char *name = variable, *url;
  gov_buffer host;
  int rc;

  snprintf(variable, sizeof(variable), ANY "_%s", service);
  url = gov_environment_variable(variable);
  if (!url)
    url = gov_environment_variable(name = ANY);
  if (url && !ignored) {
    rc = set_url(endpoint, name, url, error);
    if (!rc)
      strip_port(endpoint);
    return rc;
  }

  gov_buffer_init(&host, GOV_SERVICE_HOST_MAX);
  rc = find_host(&host, service, region, error);
  if (!rc) {
    snprintf(endpoint->url, sizeof(endpoint->url), "https://%s/", host.data);
    snprintf(endpoint->host, sizeof(endpoint->host), "%s", host.data);
  }
  gov_buffer_fini(&host);

  return rc;
}
