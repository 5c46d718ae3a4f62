#include "base/address.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

/* RFC 1035; and the longest textual IPv6 address with a zone is shorter. */
#define HOST_MAX 255
#define PORT_MAX 65535

static bool is_one_of(char c, const char *more) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr(more, c));
}

static const char *check_host(const char *host, size_t length) {
  bool bracketed = length > 0 && host[0] == '[';

  if (length == 0)
    return "the host is empty";
  if (length > HOST_MAX)
    return "the host is longer than 255 bytes";
  if (bracketed && (length < 4 || host[length - 1] != ']'))
    return "the bracket of the IPv6 address is not closed";

  for (size_t i = bracketed; i < length - bracketed; i++)
    if (!is_one_of(host[i], bracketed ? ":.%_-" : ".-_"))
      return bracketed ? "the IPv6 address has a byte that is not allowed"
                       : "the host has a byte that is not allowed (an IPv6 address "
                         "stands in brackets)";

  return NULL;
}

static const char *check_port(const char *port) {
  unsigned value = 0;

  if (!*port || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5)
    return "the port is not a number from 1 to 65535";

  for (; *port; port++)
    value = value * 10 + (unsigned)(*port - '0');

  return value >= 1 && value <= PORT_MAX ? NULL
                                         : "the port is not a number from 1 to 65535";
}

int gov_address_check(const char *field, const char *address, size_t *host_length,
                      mskgov_error_info *error) {
  const char *colon, *problem;

  if (!address)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is NULL; expected \"host:port\", such as "
                         "\"b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098\"",
                         field);

  colon = strrchr(address, ':');
  problem = colon ? check_host(address, (size_t)(colon - address)) : "the port is missing";
  if (!problem)
    problem = check_port(colon + 1);
  if (problem)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is \"%.270s\": %s; expected \"host:port\", such as "
                         "\"b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098\"",
                         field, address, problem);

  if (host_length)
    *host_length = (size_t)(colon - address);

  return 0;
}
