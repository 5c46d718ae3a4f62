#include "broker/bearer.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SEPARATOR '\x01'

static bool is_key(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')))
      return false;

  return length > 0;
}

/* The length of "n,…," in front of the pairs; 0 if it is not there. */
static size_t header_length(const char *message, size_t length) {
  const char *end;

  if (length < 3 || memcmp(message, "n,", 2) != 0)
    return 0;

  end = memchr(message + 2, ',', length - 2);
  if (!end || (end != message + 2 && strncmp(message + 2, "a=", 2) != 0) ||
      memchr(message, SEPARATOR, (size_t)(end - message)))
    return 0;

  return (size_t)(end - message) + 1;
}

int gov_bearer_parse(const char *message, size_t length, const char **token,
                     size_t *token_length) {
  static const char scheme[] = "Bearer ";
  size_t header = header_length(message, length);
  const char *at = message + header, *end = message + length;

  *token = NULL;
  if (header == 0 || at == end || *at != SEPARATOR)
    return MSKGOV_ERR_PROTOCOL;

  for (at++; at < end && *at != SEPARATOR;) {
    const char *stop = memchr(at, SEPARATOR, (size_t)(end - at));
    const char *equals = stop ? memchr(at, '=', (size_t)(stop - at)) : NULL;

    if (!equals || !is_key(at, (size_t)(equals - at)))
      return MSKGOV_ERR_PROTOCOL;

    if (equals - at == 4 && memcmp(at, "auth", 4) == 0) {
      if (*token || (size_t)(stop - equals - 1) < sizeof(scheme) ||
          strncasecmp(equals + 1, scheme, sizeof(scheme) - 1) != 0)
        return MSKGOV_ERR_PROTOCOL;
      *token = equals + sizeof(scheme);
      *token_length = (size_t)(stop - *token);
    }
    at = stop + 1;
  }

  return *token && end - at == 1 ? 0 : MSKGOV_ERR_PROTOCOL;
}
