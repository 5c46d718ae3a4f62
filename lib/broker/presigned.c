#include "broker/presigned.h"

#include "codec/uri.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define USER_AGENT "User-Agent"

static const char *text_at(const gov_presigned *presigned, size_t place) {
  return presigned->text.data + place;
}

static bool is_unreserved_only(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];

    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
          c == '-' || c == '.' || c == '_' || c == '~'))
      return false;
  }

  return length > 0;
}

/* Takes `literal` off the front of what is left. */
static bool skip(const char **at, size_t *left, const char *literal) {
  size_t length = strlen(literal);

  if (*left < length || memcmp(*at, literal, length) != 0)
    return false;

  *at += length;
  *left -= length;

  return true;
}

/* "https://kafka.<region>.amazonaws.com/?", of which the signer for Java leaves out the
   slash. */
static bool skip_host(const char **at, size_t *left, const char **host,
                      size_t *host_length) {
  size_t region = 0;

  if (!skip(at, left, "https://"))
    return false;

  *host = *at;
  if (!skip(at, left, "kafka."))
    return false;
  while (region < *left &&
         (((*at)[region] >= 'a' && (*at)[region] <= 'z') ||
          ((*at)[region] >= '0' && (*at)[region] <= '9') || (*at)[region] == '-'))
    region++;
  *at += region;
  *left -= region;
  if (region == 0 || !skip(at, left, ".amazonaws.com"))
    return false;

  *host_length = (size_t)(*at - *host);
  skip(at, left, "/");

  return skip(at, left, "?");
}

void gov_presigned_init(gov_presigned *presigned) {
  *presigned = (gov_presigned){0};
  gov_buffer_init(&presigned->text, GOV_PRESIGNED_TEXT_MAX);
}

void gov_presigned_fini(gov_presigned *presigned) {
  gov_buffer_fini(&presigned->text);
}

static int append(gov_presigned *presigned, const char *text, size_t length,
                  size_t *place) {
  *place = presigned->text.length;
  gov_buffer_append(&presigned->text, text, length);
  gov_buffer_append(&presigned->text, "", 1);

  return presigned->text.failed ? MSKGOV_ERR_NO_MEMORY : 0;
}

int gov_presigned_set_host(gov_presigned *presigned, const char *host, size_t length) {
  return append(presigned, host, length, &presigned->host);
}

static int append_decoded(gov_presigned *presigned, const char *text, size_t length,
                          size_t *place) {
  int rc;

  *place = presigned->text.length;
  rc = gov_uri_decode(text, length, &presigned->text);
  gov_buffer_append(&presigned->text, "", 1);
  if (presigned->text.failed)
    return MSKGOV_ERR_NO_MEMORY;

  return rc ? MSKGOV_ERR_PROTOCOL : 0;
}

/* Inserts a parameter at its place in the order of names. */
static int insert(gov_presigned *presigned, size_t name, size_t value) {
  size_t i = presigned->count;

  if (presigned->count == GOV_PRESIGNED_PARAMETERS_MAX ||
      gov_presigned_find(presigned, text_at(presigned, name)))
    return MSKGOV_ERR_PROTOCOL;

  for (; i > 0 && strcmp(text_at(presigned, presigned->parameters[i - 1].name),
                         text_at(presigned, name)) > 0;
       i--)
    presigned->parameters[i] = presigned->parameters[i - 1];
  presigned->parameters[i].name = name;
  presigned->parameters[i].value = value;
  presigned->count++;

  return 0;
}

int gov_presigned_add(gov_presigned *presigned, const char *name, const char *value) {
  size_t name_at, value_at;
  int rc = append(presigned, name, strlen(name), &name_at);

  if (!rc)
    rc = append(presigned, value, strlen(value), &value_at);

  return rc ? rc : insert(presigned, name_at, value_at);
}

static int parse_parameter(gov_presigned *presigned, const char *at, size_t name_length,
                           size_t length) {
  size_t name, value;
  int rc;

  if (name_length == length || !is_unreserved_only(at, name_length))
    return MSKGOV_ERR_PROTOCOL;

  rc = append_decoded(presigned, at, name_length, &name);
  if (!rc)
    rc = append_decoded(presigned, at + name_length + 1, length - name_length - 1, &value);

  return rc ? rc : insert(presigned, name, value);
}

int gov_presigned_parse(gov_presigned *presigned, const char *url, size_t length) {
  const char *at = url, *host;
  size_t left = length, host_length;

  gov_presigned_init(presigned);
  if (length > GOV_PRESIGNED_URL_MAX || !skip_host(&at, &left, &host, &host_length))
    return MSKGOV_ERR_PROTOCOL;
  if (gov_presigned_set_host(presigned, host, host_length))
    return MSKGOV_ERR_NO_MEMORY;

  for (;;) {
    const char *ampersand = memchr(at, '&', left);
    size_t one = ampersand ? (size_t)(ampersand - at) : left;
    const char *equals = memchr(at, '=', one);
    size_t name = equals ? (size_t)(equals - at) : one;
    bool is_signed = name != strlen(USER_AGENT) || memcmp(at, USER_AGENT, name) != 0;
    int rc = is_signed ? parse_parameter(presigned, at, name, one) : 0;

    if (rc)
      return rc;
    if (!ampersand)
      break;
    at += one + 1;
    left -= one + 1;
  }

  return gov_presigned_find(presigned, GOV_PRESIGNED_SIGNATURE) ? 0 : MSKGOV_ERR_PROTOCOL;
}

const char *gov_presigned_host(const gov_presigned *presigned) {
  return text_at(presigned, presigned->host);
}

const char *gov_presigned_find(const gov_presigned *presigned, const char *name) {
  for (size_t i = 0; i < presigned->count; i++)
    if (strcmp(text_at(presigned, presigned->parameters[i].name), name) == 0)
      return text_at(presigned, presigned->parameters[i].value);

  return NULL;
}

void gov_presigned_canonical_query(const gov_presigned *presigned, gov_buffer *out) {
  bool first = true;

  for (size_t i = 0; i < presigned->count; i++) {
    const char *name = text_at(presigned, presigned->parameters[i].name);
    const char *value = text_at(presigned, presigned->parameters[i].value);

    if (strcmp(name, GOV_PRESIGNED_SIGNATURE) == 0)
      continue;
    if (!first)
      gov_buffer_append(out, "&", 1);
    first = false;
    gov_buffer_append_string(out, name);
    gov_buffer_append(out, "=", 1);
    gov_uri_encode(value, strlen(value), out);
  }
}
