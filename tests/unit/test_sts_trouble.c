/*
 * STS in trouble, against a stand-in on loopback: what it refuses, what is tried again, and
 * a clock that is off.
 */
#include "base/clock.h"
#include "credentials/role.h"
#include "credentials/sts.h"
#include "example_credentials.h"
#include "harness.h"
#include "sts_stub.h"

#include <mskgov/authenticator.h>

#define ARN "arn:aws:iam::123456789012:role/demo"
#define GOOD STS_CREDENTIALS("AssumeRole", "ASIAGIVEN", "given/Secret", SESSION, EXPIRATION)
#define HOUR_S 3600

static int assume(const gov_service_limits *limits, mskgov_error_info *error) {
  const gov_role role = {.arn = ARN, .session_name = "me"};
  mskgov_credentials *signer, *got;
  int rc;

  memset(error, 0, sizeof(*error));
  ck_assert_int_eq(mskgov_credentials_new(&signer, ID, SECRET, SESSION, MSKGOV_NEVER, NULL),
                   0);
  rc = gov_role_assume(&role, "eu-west-1", limits, signer, &got, error);
  mskgov_credentials_free(signer);
  if (!rc)
    mskgov_credentials_free(got);

  return rc;
}

static void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"wJalr", "IQoJb", ID, "Canonical", "canonical"};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

/* Codes of "Common Errors" and "AssumeRole", AWS STS API Reference. */
static const struct {
  const char *answer;
  int code;
  const char *text;
  size_t requests; /* of sts_brisk's four at most */
} refusals[] = {
    {STS_REFUSAL("403 Forbidden", "AccessDenied",
                 "User: arn:aws:iam::123456789012:user/x is not authorized to perform: "
                 "sts:AssumeRole on resource: " ARN),
     MSKGOV_ERR_REFUSED,
     "AccessDenied): User: arn:aws:iam::123456789012:user/x is not authorized", 1},
    {STS_REFUSAL("403 Forbidden", "SignatureDoesNotMatch",
                 "The request signature we calculated does not match. The Canonical String "
                 "for this request should have been 'POST x-amz-security-token:" SESSION
                 "'"),
     MSKGOV_ERR_REFUSED, "SignatureDoesNotMatch", 1},
    {STS_REFUSAL("403 Forbidden", "InvalidClientTokenId",
                 "The security token included in the request is invalid: " SESSION),
     MSKGOV_ERR_REFUSED, "InvalidClientTokenId", 1},
    {STS_REFUSAL("403 Forbidden", "ExpiredToken", "token " SESSION " expired"),
     MSKGOV_ERR_REFUSED, "ExpiredToken", 1},
    {STS_REFUSAL("400 Bad Request", "ValidationError", "The requested DurationSeconds"),
     MSKGOV_ERR_REFUSED, "ValidationError): The requested DurationSeconds", 1},
    {STS_REFUSAL("400 Bad Request", "InvalidIdentityToken", "No OpenIDConnect provider"),
     MSKGOV_ERR_REFUSED, "InvalidIdentityToken): No OpenIDConnect provider", 1},
    {STS_REFUSAL("400 Bad Request", "Throttling", "Rate exceeded"), MSKGOV_ERR_TRANSPORT,
     "failed 4 times in a row", 4},
    {STS_REFUSAL("400 Bad Request", "IDPCommunicationError", "not reached"),
     MSKGOV_ERR_TRANSPORT, "failed 4 times in a row", 4},
    {HTTP_STUB_STATUS("429 Slow", "text/plain", SECRET), MSKGOV_ERR_TRANSPORT, "429", 4},
    {STS_REFUSAL("500 Internal", "InternalFailure", SECRET), MSKGOV_ERR_TRANSPORT, "500",
     4},
    {HTTP_STUB_STATUS("503 Unavailable", "text/html", SECRET), MSKGOV_ERR_TRANSPORT, "503",
     4},
    {HTTP_STUB_STATUS("403 Forbidden", "text/html", "<html>" SECRET "</html>"),
     MSKGOV_ERR_REFUSED, "status 403", 1},
    {HTTP_STUB_STATUS("403 Forbidden", "application/json",
                      "{\"Error\":{\"Code\":\"" SECRET "\"}}"),
     MSKGOV_ERR_REFUSED, "status 403", 1},
    {HTTP_STUB_STATUS("404 Not Found", "text/plain", ""), MSKGOV_ERR_REFUSED, "status 404",
     1},
    /* a code of STS in a cut-off answer says nothing */
    {HTTP_STUB_STATUS("400 Bad Request", "text/xml",
                      "<ErrorResponse><Error><Code>Throttling</Code>"),
     MSKGOV_ERR_REFUSED, "status 400", 1},
    /* it goes to a terminal */
    {STS_REFUSAL("403 Forbidden", "AccessDenied", "red \xc2\x9b&#10;\x7fline"),
     MSKGOV_ERR_REFUSED, "AccessDenied): red ????line", 1},
    {"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n"
     "Connection: close\r\n\r\n",
     MSKGOV_ERR_REFUSED, "status 302", 1},
    {"SSH-2.0-OpenSSH_9.2\r\n", MSKGOV_ERR_PROTOCOL, "STS failed", 1},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n" GOOD,
     MSKGOV_ERR_TRANSPORT, "failed 4 times in a row", 4},
    {"", MSKGOV_ERR_TRANSPORT, "failed 4 times in a row", 4},
};

START_TEST(test_refusals) {
  const http_stub_answer told = {refusals[_i].answer, 0};
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  sts_start(&told, 1);
  rc = assume(&sts_brisk, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == refusals[_i].code && rc == error.code, "%d: %s", rc, error.text);
  check_text(&error, refusals[_i].text);
  ck_assert_uint_eq(sts.request_count, refusals[_i].requests);
}
END_TEST

/* Trouble that passes is not told. */
START_TEST(test_trouble_that_passes) {
  static const http_stub_answer told[] = {
      {STS_REFUSAL("400 Bad Request", "Throttling", "Rate exceeded"), 0},
      {HTTP_STUB_STATUS("503 Unavailable", "text/html", ""), 0},
      {"", 0},
      {STS_OK(GOOD), 0}};
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  sts_start(told, 4);
  rc = assume(&sts_brisk, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_uint_eq(sts.request_count, 4);
}
END_TEST

/* Every way of being slow or endless ends, within the time that one attempt has. */
static const struct {
  http_stub_answer answer;
  int code;
} slow[] = {
    {{NULL, HTTP_STUB_HANG}, MSKGOV_ERR_TRANSPORT},
    {{"HTTP/1.1 200 OK\r\n\r\n<Assume", HTTP_STUB_HANG}, MSKGOV_ERR_TRANSPORT},
    {{"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", HTTP_STUB_DRIP},
     MSKGOV_ERR_TRANSPORT},
    {{"HTTP/1.1 200 OK\r\nX: ", HTTP_STUB_DRIP}, MSKGOV_ERR_TRANSPORT},
    {{"HTTP/1.1 200 OK\r\n\r\n", HTTP_STUB_ENDLESS}, MSKGOV_ERR_PROTOCOL},
    {{"HTTP/1.1 403 Forbidden\r\n\r\n", HTTP_STUB_ENDLESS}, MSKGOV_ERR_PROTOCOL},
};

START_TEST(test_slow_and_endless) {
  gov_service_limits limits = {.connect_timeout_ms = 5000,
                               .timeout_ms = 5000,
                               .attempts = 1,
                               .backoff_ms = 1,
                               .backoff_max_ms = 1};
  mskgov_error_info error;
  int rc;

  if (slow[_i].code == MSKGOV_ERR_TRANSPORT)
    limits.timeout_ms = 200;
  aws_environment_clear();
  sts_start(&slow[_i].answer, 1);
  rc = assume(&limits, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == slow[_i].code, "%d: %s", rc, error.text);
  check_text(&error, "STS failed: ");
}
END_TEST

START_TEST(test_nobody_listens) {
  char url[128];
  mskgov_error_info error;

  aws_environment_clear();
  setenv("AWS_ENDPOINT_URL_STS", http_stub_url(url, http_stub_closed_port(), "/"), 1);
  ck_assert_int_eq(assume(&sts_brisk, &error), MSKGOV_ERR_TRANSPORT);
  check_text(&error, "STS failed 4 times in a row: ");
}
END_TEST

/* A status and a Date that is so many seconds after this host's. */
static void write_dated(char text[4096], const char *status, int64_t ahead_s,
                        const char *body) {
  time_t at = time(NULL) + ahead_s;
  struct tm broken;
  char date[64];

  gmtime_r(&at, &broken);
  strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &broken);
  snprintf(text, 4096,
           "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n"
           "%s",
           status, date, body);
}

static int64_t signed_ahead_s(size_t n) {
  char date[64];
  struct tm at = {0};

  ck_assert_uint_lt(n, sts.request_count);
  ck_assert(request_header(sts.requests[n], "X-Amz-Date", date, sizeof(date)));
  ck_assert_ptr_nonnull(strptime(date, "%Y%m%dT%H%M%SZ", &at));

  return timegm(&at) - time(NULL);
}

static const char refused_body[] =
    "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired"
    "</Message></Error></ErrorResponse>";

static const struct {
  int64_t off_s;   /* of the services' time against ours */
  size_t requests; /* 2: it was tried again by the right time */
} skews[] = {{HOUR_S, 2}, {-HOUR_S, 2}, {400, 2}, {0, 1}, {20, 1}, {-20, 1}};

START_TEST(test_clock_that_is_off) {
  static char refusal[4096], success[4096];
  const http_stub_answer told[] = {{refusal, 0}, {success, 0}};
  bool corrected = skews[_i].requests == 2;
  mskgov_error_info error;
  int64_t off_s;
  int rc;

  aws_environment_clear();
  write_dated(refusal, "403 Forbidden", skews[_i].off_s, refused_body);
  write_dated(success, "200 OK", skews[_i].off_s, GOOD);
  sts_start(told, 2);
  rc = assume(&sts_brisk, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == (corrected ? 0 : MSKGOV_ERR_REFUSED), "%d: %s", rc, error.text);
  ck_assert_uint_eq(sts.request_count, skews[_i].requests);
  ck_assert_int_le(llabs(signed_ahead_s(0)), 25);
  if (corrected)
    ck_assert_int_le(llabs(signed_ahead_s(1) - skews[_i].off_s), 25);
  off_s = mskgov_clock_skew_ns() / (int64_t)GOV_NS_PER_S;
  ck_assert_int_le(llabs(off_s - (corrected ? skews[_i].off_s : 0)), 5);
}
END_TEST

/* A refusal that tells the time it was judged by, and no Date. */
START_TEST(test_refusal_tells_the_time) {
  static char refusal[4096];
  const http_stub_answer told[] = {{refusal, 0}, {HTTP_STUB_OK("text/xml", GOOD), 0}};
  time_t there = time(NULL) + HOUR_S;
  mskgov_error_info error;
  struct tm broken;
  char now[32];
  int rc;

  aws_environment_clear();
  gmtime_r(&there, &broken);
  strftime(now, sizeof(now), "%Y%m%dT%H%M%SZ", &broken);
  snprintf(refusal, sizeof(refusal),
           HTTP_STUB_STATUS("403 Forbidden", "text/xml",
                            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>"
                            "<Message>Signature expired: 20260102T030405Z is now earlier "
                            "than 20260102T030505Z (%s - 5 min.)</Message></Error>"
                            "</ErrorResponse>"),
           now);
  sts_start(told, 2);
  rc = assume(&sts_brisk, &error);
  http_stub_stop(&sts);
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_uint_eq(sts.request_count, 2);
  ck_assert_int_le(llabs(signed_ahead_s(1) - HOUR_S), 25);
}
END_TEST

/* A request without a signature has no time that could be wrong. */
START_TEST(test_web_identity_by_a_clock_that_is_off) {
  static char refusal[4096];
  const http_stub_answer told = {refusal, 0};
  const gov_role role = {.arn = ARN, .session_name = "me"};
  char path[] = "/tmp/mskgov-sts-XXXXXX";
  int fd = mkstemp(path), rc;
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  ck_assert_int_eq(write(fd, "a.b.c", 5), 5);
  close(fd);
  aws_environment_clear();
  write_dated(refusal, "403 Forbidden", HOUR_S, refused_body);
  sts_start(&told, 1);
  rc = gov_role_assume_with_file(&role, "eu-west-1", &sts_brisk, path, &got, &error);
  http_stub_stop(&sts);
  unlink(path);
  ck_assert_int_eq(rc, MSKGOV_ERR_REFUSED);
  ck_assert_uint_eq(sts.request_count, 1);
}
END_TEST

/* A refusal is one more request, not a loop; the next call goes by what was learnt. */
START_TEST(test_refused_by_the_right_time_too) {
  static char refusal[4096], success[4096];
  const http_stub_answer told[] = {{refusal, 0}, {refusal, 0}, {success, 0}};
  mskgov_error_info error;

  aws_environment_clear();
  write_dated(refusal, "403 Forbidden", HOUR_S, refused_body);
  write_dated(success, "200 OK", HOUR_S, GOOD);
  sts_start(told, 3);
  ck_assert_int_eq(assume(&sts_brisk, &error), MSKGOV_ERR_REFUSED);
  check_text(&error, "SignatureDoesNotMatch");
  ck_assert_int_eq(assume(&sts_brisk, &error), 0);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 3);
  ck_assert_int_le(llabs(signed_ahead_s(2) - HOUR_S), 25);
}
END_TEST

TEST_MAIN("sts_trouble", TEST_TABLE(test_refusals, refusals),
          TEST(test_trouble_that_passes), TEST_TABLE(test_slow_and_endless, slow),
          TEST(test_nobody_listens), TEST_TABLE(test_clock_that_is_off, skews),
          TEST(test_refusal_tells_the_time), TEST(test_web_identity_by_a_clock_that_is_off),
          TEST(test_refused_by_the_right_time_too))
