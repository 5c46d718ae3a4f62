/*
 * STS on loopback: what it answers, and what it was asked.
 */
#ifndef TEST_STS_STUB_H
#define TEST_STS_STUB_H

#include "aws_environment.h"
#include "base/buffer.h"
#include "credentials/service.h"
#include "credentials/skew.h"
#include "http_stub.h"

#include <ctype.h>
#include <time.h>

#define STS_OK(body) HTTP_STUB_OK("text/xml", body)
#define STS_CREDENTIALS(action, id, secret, token, expiration)                             \
  "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action       \
  "Result><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/demo/x</Arn>"       \
  "</AssumedRoleUser><Credentials><AccessKeyId>" id                                        \
  "</AccessKeyId><SecretAccessKey>" secret "</SecretAccessKey><SessionToken>" token        \
  "</SessionToken><Expiration>" expiration "</Expiration></Credentials></" action          \
  "Result><ResponseMetadata><RequestId>c6104cbe"                                           \
  "</RequestId></ResponseMetadata></" action "Response>"
#define STS_REFUSAL(status, code, message)                                                 \
  HTTP_STUB_STATUS(status, "text/xml",                                                     \
                   "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"   \
                   "<Error><Type>Sender</Type><Code>" code "</Code><Message>" message      \
                   "</Message></Error><RequestId>c6104cbe</RequestId></ErrorResponse>")

/* Quick, and long enough for a host that is busy. */
static const gov_service_limits sts_brisk = {.connect_timeout_ms = 5000,
                                             .timeout_ms = 5000,
                                             .attempts = 4,
                                             .backoff_ms = 1,
                                             .backoff_max_ms = 8};

static http_stub sts;

static inline void sts_start(const http_stub_answer *answers, size_t count) {
  char url[128];

  http_stub_start(&sts, answers, count);
  setenv("AWS_ENDPOINT_URL_STS", http_stub_url(url, sts.port, ""), 1);
}

/* A header of a request, without white space around; false: it has none, or several. */
static inline bool request_header(const char *request, const char *name, char *value,
                                  size_t size) {
  const char *end = strstr(request, "\r\n\r\n");
  char start[64];
  const char *found;
  size_t length;

  ck_assert_ptr_nonnull(end);
  snprintf(start, sizeof(start), "\r\n%s:", name);
  found = strcasestr(request, start);
  if (!found || found > end)
    return false;
  found += strlen(start);
  ck_assert(!strcasestr(found, start) || strcasestr(found, start) > end);
  found += strspn(found, " ");
  length = strcspn(found, "\r");
  ck_assert_uint_lt(length, size);
  memcpy(value, found, length);
  value[length] = '\0';

  return true;
}

/* A decoded field of the form that a request has in its body; false: it has none. The
   decoding is that of HTML's forms, written down here anew. */
static inline bool request_field(const char *request, const char *name, char *value,
                                 size_t size) {
  const char *body = strstr(request, "\r\n\r\n");
  size_t length = strlen(name), used = 0;
  unsigned byte;

  ck_assert_ptr_nonnull(body);
  for (body += 4; strncmp(body, name, length) != 0 || body[length] != '=';) {
    body = strchr(body, '&');
    if (!body)
      return false;
    body++;
  }
  for (body += length + 1; *body && *body != '&'; body++) {
    ck_assert_uint_lt(used + 1, size);
    if (*body == '%') {
      ck_assert_int_eq(sscanf(body + 1, "%2x", &byte), 1);
      value[used++] = (char)byte;
      body += 2;
    } else {
      ck_assert(*body != '+'); /* SigV4's encoding has none */
      value[used++] = *body;
    }
  }
  value[used] = '\0';

  return true;
}

/* The field is this text; NULL: it is not there. */
static inline void check_field(size_t n, const char *name, const char *expected) {
  static char value[65536];
  bool found;

  ck_assert_uint_lt(n, sts.request_count);
  found = request_field(sts.requests[n], name, value, sizeof(value));
  if (!expected)
    ck_assert_msg(!found, "request %zu has %s=%s", n, name, value);
  else
    ck_assert_msg(found && strcmp(value, expected) == 0, "request %zu: %s is %s, not %s", n,
                  name, found ? value : "missing", expected);
}

#endif
