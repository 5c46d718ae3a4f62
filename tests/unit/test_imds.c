/*
 * The provider for EC2's instance metadata service, against a stand-in on loopback. Linked
 * with --wrap=gov_service_fetch, so that no test leaves this host.
 */
#include "base/clock.h"
#include "credentials/imds.h"
#include "credentials/provider.h"
#include "example_credentials.h"
#include "harness.h"
#include "http_stub.h"

#define METADATA_IS_DIRECT
#include "service_catch.h"

#include <string.h>

#define S UINT64_C(1000000000)
#define TOKEN_1 "AQAEsessiontoken1=="
#define TOKEN_2 "AQAEsessiontoken2=="

#define OK(body) HTTP_STUB_OK("text/plain", body)
#define FULL(code, type)                                                                   \
  "{\"Code\":\"" code "\",\"LastUpdated\":\"2026-01-02T03:04:05Z\",\"Type\":\"AWS-HMAC\"," \
  "\"AccessKeyId\":\"" ID "\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" SESSION     \
  "\",\"" type "\":\"" EXPIRATION "\"}"
#define CREDENTIALS FULL("Success", "Expiration")

static uint64_t now_ns;

static uint64_t read_now(void *self) {
  (void)self;

  return now_ns;
}

static const gov_clock test_clock = {.monotonic_ns = read_now, .unix_ns = read_now};

static http_stub stub;

static void set_endpoint(uint16_t port, const char *path) {
  char url[128];

  setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_stub_url(url, port, path), 1);
  unsetenv("AWS_EC2_METADATA_DISABLED");
}

static mskgov_credentials_provider *make(const gov_service_limits *limits) {
  mskgov_credentials_provider *provider;

  ck_assert_int_eq(gov_imds_new(&provider, &test_clock, limits, NULL), 0);

  return provider;
}

static void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"wJalr", "IQoJb", "AQAEs", ID};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

static void check_request(size_t n, const char *line, const char *header) {
  const char *request = stub.requests[n];

  ck_assert_uint_gt(stub.request_count, n);
  ck_assert_msg(strncmp(request, line, strlen(line)) == 0, "request %zu: %s", n, request);
  ck_assert_msg(strcasestr(request, header), "request %zu: %s", n, request);
}

static void get_well(mskgov_credentials_provider *provider) {
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  ck_assert_msg(gov_credentials_provider_get(provider, &test_clock, &got, &error) == 0,
                "%s", error.text);
  check_example(got);
}

#define ROLE_LINE "GET /latest/meta-data/iam/security-credentials/ HTTP"
#define KEYS_LINE "GET /latest/meta-data/iam/security-credentials/a.role+1 HTTP"
#define SENT_1 "\r\nX-aws-ec2-metadata-token: " TOKEN_1 "\r\n"
#define SENT_2 "\r\nX-aws-ec2-metadata-token: " TOKEN_2 "\r\n"

static void check_token_request(size_t n) {
  check_request(n, "PUT /latest/api/token HTTP",
                "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
}

START_TEST(test_credentials) {
  static const http_stub_answer told[] = {
      {OK(TOKEN_1), 0}, {OK("a.role+1\n"), 0}, {OK(CREDENTIALS), 0}};
  static const char *const paths[] = {"", "/"};

  for (size_t i = 0; i < 2; i++) {
    mskgov_credentials_provider *provider = make(&brisk);

    http_stub_start(&stub, told, 3);
    set_endpoint(stub.port, paths[i]);
    get_well(provider);
    http_stub_stop(&stub);
    ck_assert_uint_eq(stub.request_count, 3);
    check_token_request(0);
    check_request(1, ROLE_LINE, SENT_1);
    check_request(2, KEYS_LINE, SENT_1);
    mskgov_credentials_provider_free(provider);
  }
}
END_TEST

START_TEST(test_session_token_is_kept) {
  static const http_stub_answer told[] = {
      {OK(TOKEN_1), 0},     {OK("a.role+1"), 0}, {OK(CREDENTIALS), 0}, {OK("a.role+1"), 0},
      {OK(CREDENTIALS), 0}, {OK(TOKEN_2), 0},    {OK("a.role+1"), 0},  {OK(CREDENTIALS), 0},
  };
  mskgov_credentials_provider *provider = make(&brisk);

  http_stub_start(&stub, told, 8);
  set_endpoint(stub.port, "");
  now_ns = 1000 * S;
  get_well(provider);
  now_ns += (21600 - 300) * S - 1; /* 5 min before its end */
  get_well(provider);
  now_ns += 1;
  get_well(provider);
  http_stub_stop(&stub);
  ck_assert_uint_eq(stub.request_count, 8);
  check_request(3, ROLE_LINE, SENT_1);
  check_request(4, KEYS_LINE, SENT_1);
  check_token_request(5);
  check_request(6, ROLE_LINE, SENT_2);
  check_request(7, KEYS_LINE, SENT_2);
  mskgov_credentials_provider_free(provider);
}
END_TEST

/* A get that goes well, with so many requests. */
static void serve_well(mskgov_credentials_provider *provider, const http_stub_answer *told,
                       size_t count) {
  http_stub_start(&stub, told, count);
  set_endpoint(stub.port, "");
  get_well(provider);
  http_stub_stop(&stub);
  ck_assert_uint_eq(stub.request_count, count);
}

#define UNKNOWN HTTP_STUB_STATUS("401 Unauthorized", "text/html", "<html>")

START_TEST(test_session_token_is_not_known_any_more) {
  static const http_stub_answer told[] = {{OK(TOKEN_1), 0},
                                          {OK("a.role+1"), 0},
                                          {UNKNOWN, 0},
                                          {OK(TOKEN_2), 0},
                                          {OK(CREDENTIALS), 0}};
  mskgov_credentials_provider *provider = make(&brisk);

  serve_well(provider, told, 5);
  check_request(2, KEYS_LINE, SENT_1);
  check_token_request(3);
  check_request(4, KEYS_LINE, SENT_2);
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_failures_that_pass) {
  static const http_stub_answer told[] = {
      {NULL, 0},
      {HTTP_STUB_STATUS("500 Oops", "text/html", "<html>"), 0},
      {OK(TOKEN_1), 0},
      {HTTP_STUB_STATUS("503 Busy", "text/html", "<html>"), 0},
      {HTTP_STUB_STATUS("429 Too Many Requests", "text/html", "<html>"), 0},
      {OK("a.role+1"), 0},
      {HTTP_STUB_STATUS("503 Busy", "text/html", "<html>"), 0},
      {OK(CREDENTIALS), 0},
  };
  mskgov_credentials_provider *provider = make(&brisk);

  serve_well(provider, told, 8);
  mskgov_credentials_provider_free(provider);
}
END_TEST

static const struct {
  http_stub_answer told[4]; /* one after the other, the last again and again */
  size_t count, requests;
  int rc;
  const char *expected;
} failures[] = {
    {{{HTTP_STUB_STATUS("503 Busy", "text/plain", SECRET), 0}},
     1,
     3,
     MSKGOV_ERR_TRANSPORT,
     "failed 3 times in a row: it answered with the status 503"},
    {{{NULL, HTTP_STUB_HANG}}, 1, 3, MSKGOV_ERR_TRANSPORT, "within 100 ms"},
    {{{OK("A"), HTTP_STUB_DRIP}}, 1, 3, MSKGOV_ERR_TRANSPORT, "within 100 ms"},
    {{{HTTP_STUB_STATUS("403 Forbidden", "text/plain", ""), 0}},
     1,
     1,
     MSKGOV_ERR_NO_CREDENTIALS,
     "switched off for this instance"},
    /* No way back to version 1. */
    {{{HTTP_STUB_STATUS("404 Not Found", "text/plain", ""), 0}},
     1,
     1,
     MSKGOV_ERR_NO_CREDENTIALS,
     "a session token with the status 404"},
    {{{"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 0}},
     1,
     1,
     MSKGOV_ERR_NO_CREDENTIALS,
     "the status 302"},
    {{{OK(""), 0}}, 1, 1, MSKGOV_ERR_PROTOCOL, "a session token that is empty"},
    {{{OK(TOKEN_1 "\r\nX: y"), 0}}, 1, 1, MSKGOV_ERR_PROTOCOL, "no visible ASCII"},
    {{{OK(TOKEN_1), 0}, {HTTP_STUB_STATUS("404 Not Found", "text/plain", ""), 0}},
     2,
     2,
     MSKGOV_ERR_NO_CREDENTIALS,
     "does the instance have a role"},
    {{{OK(TOKEN_1), 0}, {OK(""), 0}}, 2, 2, MSKGOV_ERR_NO_CREDENTIALS, "knows no role"},
    {{{OK(TOKEN_1), 0}, {OK("../../" SECRET), 0}},
     2,
     2,
     MSKGOV_ERR_PROTOCOL,
     "a role name that IAM does not allow"},
    {{{OK(TOKEN_1), 0}, {UNKNOWN, 0}, {OK(TOKEN_2), 0}, {UNKNOWN, 0}},
     4,
     4,
     MSKGOV_ERR_NO_CREDENTIALS,
     "the status 401"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK("{\"AccessKeyId\":\"" ID), 0}},
     3,
     3,
     MSKGOV_ERR_PROTOCOL,
     "JSON"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {HTTP_STUB_OK("text/html", "<html>" SECRET), 0}},
     3,
     3,
     MSKGOV_ERR_PROTOCOL,
     "JSON"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK("[]"), 0}}, 3, 3, MSKGOV_ERR_PROTOCOL, ""},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK("{\"Code\":\"Success\"}"), 0}},
     3,
     3,
     MSKGOV_ERR_PROTOCOL,
     "AccessKeyId"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK(FULL("Success", "Expires")), 0}},
     3,
     3,
     MSKGOV_ERR_PROTOCOL,
     "Expiration"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK(FULL("Failed", "Expiration")), 0}},
     3,
     3,
     MSKGOV_ERR_REFUSED,
     "Code"},
    {{{OK(TOKEN_1), 0}, {OK("role"), 0}, {OK(SECRET), HTTP_STUB_ENDLESS}},
     3,
     3,
     MSKGOV_ERR_PROTOCOL,
     "more than 65536 bytes"},
};

START_TEST(test_failures) {
  gov_service_limits limits = brisk;
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  if (strstr(failures[_i].expected, "100 ms"))
    limits.timeout_ms = 100;
  provider = make(&limits);
  http_stub_start(&stub, failures[_i].told, failures[_i].count);
  set_endpoint(stub.port, "");
  ck_assert_int_eq(gov_credentials_provider_get(provider, &test_clock, &got, &error),
                   failures[_i].rc);
  http_stub_stop(&stub);
  check_text(&error, failures[_i].expected);
  check_text(&error, "the instance metadata service");
  ck_assert_ptr_null(got);
  ck_assert_uint_eq(stub.request_count, failures[_i].requests);
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_refused) {
  mskgov_credentials_provider *provider = make(&brisk);
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  set_endpoint(http_stub_closed_port(), "");
  ck_assert_int_eq(gov_credentials_provider_get(provider, &test_clock, &got, &error),
                   MSKGOV_ERR_TRANSPORT);
  check_text(&error, "failed 3 times in a row");
  check_text(&error, "Connection refused");
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_environment) {
  static const struct {
    const char *disabled, *endpoint, *mode;
    int rc;
    const char *expected, *url;
  } cases[] = {
      {NULL, NULL, NULL, MSKGOV_ERR_TRANSPORT, "caught",
       "http://169.254.169.254/latest/api/token"},
      {"false", "", "", MSKGOV_ERR_TRANSPORT, "caught",
       "http://169.254.169.254/latest/api/token"},
      {NULL, NULL, "ipv4", MSKGOV_ERR_TRANSPORT, "caught",
       "http://169.254.169.254/latest/api/token"},
      {NULL, NULL, "IPv6", MSKGOV_ERR_TRANSPORT, "caught",
       "http://[fd00:ec2::254]/latest/api/token"},
      {NULL, "http://[::1]:80/", "IPv6", MSKGOV_ERR_TRANSPORT, "caught",
       "http://[::1]:80/latest/api/token"},
      {NULL, NULL, "IPv5", MSKGOV_ERR_INVALID, "is \"IPv5\"; allowed are IPv4", ""},
      {"true", NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS, "AWS_EC2_METADATA_DISABLED", ""},
      {"TRUE", NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS, "AWS_EC2_METADATA_DISABLED", ""},
  };
  static const char *const names[] = {"AWS_EC2_METADATA_DISABLED",
                                      "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                      "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"};

  caught.on = true;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *values[] = {cases[i].disabled, cases[i].endpoint, cases[i].mode};
    mskgov_credentials_provider *provider;
    mskgov_credentials *got;
    mskgov_error_info error = {0};

    for (size_t k = 0; k < 3; k++)
      if (values[k])
        setenv(names[k], values[k], 1);
      else
        unsetenv(names[k]);
    caught.url[0] = '\0';
    ck_assert_int_eq(mskgov_credentials_provider_new_imds(&provider, &error), 0);
    ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error), cases[i].rc);
    check_text(&error, cases[i].expected);
    ck_assert_str_eq(caught.url, cases[i].url);
    mskgov_credentials_provider_free(provider);
  }
}
END_TEST

START_TEST(test_region) {
  static const http_stub_answer told[][2] = {{{OK(TOKEN_1), 0}, {OK("eu-west-1"), 0}},
                                             {{OK(TOKEN_1), 0}, {OK("nowhere\r\n"), 0}},
                                             {{OK(TOKEN_1), 0}, {OK(""), 0}}};

  for (size_t i = 0; i < 3; i++) {
    gov_buffer region;
    mskgov_error_info error = {0};

    gov_buffer_init(&region, 64);
    http_stub_start(&stub, told[i], 2);
    set_endpoint(stub.port, "");
    ck_assert_int_eq(gov_imds_region(&region, &brisk, &error), i ? MSKGOV_ERR_PROTOCOL : 0);
    http_stub_stop(&stub);
    check_request(1, "GET /latest/meta-data/placement/region HTTP", SENT_1);
    ck_assert_pstr_eq(region.data, i ? NULL : "eu-west-1");
    gov_buffer_fini(&region);
  }
}
END_TEST

TEST_MAIN("imds", TEST(test_credentials), TEST(test_session_token_is_kept),
          TEST(test_session_token_is_not_known_any_more), TEST(test_failures_that_pass),
          TEST_TABLE(test_failures, failures), TEST(test_refused), TEST(test_environment),
          TEST(test_region))
