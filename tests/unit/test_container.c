/*
 * The provider for the credentials service of ECS and EKS, against a stand-in on loopback.
 * Linked with --wrap=gov_service_fetch, so that no test leaves this host, and with
 * --wrap=gov_secret_wipe, so that the test sees what is wiped.
 */
#include "base/clock.h"
#include "credentials/container.h"
#include "example_credentials.h"
#include "harness.h"
#include "http_stub.h"
#include "service_catch.h"

#include <netinet/in.h>
#include <string.h>

#define BEARER "eyJhbGciOi.token"

#define OK(body) HTTP_STUB_OK("application/json", body)
#define CREDENTIALS                                                                        \
  "{\"RoleArn\":\"arn:aws:iam::123456789012:role/a\",\"AccessKeyId\":\"" ID                \
  "\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" SESSION                             \
  "\",\"Expiration\":\"" EXPIRATION "\"}"
#define WITHOUT_SECRET                                                                     \
  "{\"AccessKeyId\":\"" ID "\",\"Token\":\"" SESSION "\",\"Expiration\":\"" EXPIRATION "\"}"
#define EXPIRED                                                                            \
  "{\"AccessKeyId\":\"" ID "\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" SESSION    \
  "\",\"Expiration\":\"2020-01-02T03:04:05Z\"}"

static http_stub stub;

/* Whether memory with the secret in it was wiped. */
static bool wiped;

void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  wiped = wiped || memmem(memory, length, SECRET, strlen(SECRET));
  __real_gov_secret_wipe(memory, length);
}

static void set(const char *name, const char *value) {
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

static void set_uris(const char *relative, const char *full) {
  set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", relative);
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", full);
}

static void set_tokens(const char *file, const char *token) {
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", token);
}

static int get(const gov_service_limits *limits, mskgov_credentials **got,
               mskgov_error_info *error) {
  mskgov_credentials_provider *provider;
  int rc;

  ck_assert_int_eq(gov_container_new(&provider, limits, NULL), 0);
  rc = mskgov_credentials_provider_get(provider, got, error);
  ck_assert_int_eq(error->code, rc);
  mskgov_credentials_provider_free(provider);

  return rc;
}

static int ask(const gov_service_limits *limits, const http_stub_answer *told,
               size_t count, mskgov_credentials **got, mskgov_error_info *error) {
  char url[128];
  int rc;

  http_stub_start(&stub, told, count);
  set_uris(NULL, http_stub_url(url, stub.port, "/pathword"));
  rc = get(limits, got, error);
  http_stub_stop(&stub);

  return rc;
}

static void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"wJalr", "IQoJb", "eyJ", ID, "pathword"};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

/* A file with `text`; its name is good until the next. */
static const char *make_file(const char *text, size_t length) {
  static char path[64];
  int fd;

  strcpy(path, "/tmp/mskgov-container-XXXXXX");
  fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, length), (int)length);
  close(fd);

  return path;
}

START_TEST(test_credentials) {
  static const http_stub_answer told = {OK(CREDENTIALS), 0};
  mskgov_credentials *got;
  mskgov_error_info error;

  set_tokens(NULL, NULL);
  ck_assert_msg(ask(&brisk, &told, 1, &got, &error) == 0, "%s", error.text);
  check_example(got);
  ck_assert(wiped);
  ck_assert_ptr_nonnull(strstr(stub.requests[0], "GET /pathword HTTP"));
  ck_assert_ptr_null(strcasestr(stub.requests[0], "Authorization"));

  set_tokens(NULL, "Basic " BEARER);
  ck_assert_int_eq(ask(&brisk, &told, 1, &got, &error), 0);
  check_example(got);
  ck_assert_ptr_nonnull(
      strstr(stub.requests[0], "\r\nAuthorization: Basic " BEARER "\r\n"));
}
END_TEST

START_TEST(test_token_file_is_read_every_time) {
  static const http_stub_answer told[] = {{OK(CREDENTIALS), 0}};
  mskgov_credentials_provider *provider;
  mskgov_credentials *got;
  const char *path = make_file("first", 5);
  char url[128];
  FILE *file;

  ck_assert_int_eq(gov_container_new(&provider, &brisk, NULL), 0);
  set_tokens(path, "not-this");
  http_stub_start(&stub, told, 1);
  set_uris(NULL, http_stub_url(url, stub.port, "/"));
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL), 0);
  mskgov_credentials_free(got);

  file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs("second", file);
  ck_assert_int_eq(fclose(file), 0);
  ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, NULL), 0);
  mskgov_credentials_free(got);

  http_stub_stop(&stub);
  ck_assert_ptr_nonnull(strstr(stub.requests[0], "\r\nAuthorization: first\r\n"));
  ck_assert_ptr_nonnull(strstr(stub.requests[1], "\r\nAuthorization: second\r\n"));
  unlink(path);
  mskgov_credentials_provider_free(provider);
}
END_TEST

START_TEST(test_tokens_that_are_not_allowed) {
  static const struct {
    const char *text;
    size_t length;
    const char *expected;
  } cases[] = {
      {BEARER "\n", sizeof(BEARER), "at position 17 of 17 (0x0a)"},
      {BEARER "\r\nX: y", sizeof(BEARER) + 5, "at position 17 of 22 (0x0d)"},
      {BEARER "\0x", sizeof(BEARER) + 1, "(0x00)"},
      {BEARER "\xe9", sizeof(BEARER), "(0xe9)"},
      {"", 0, "is empty"},
  };
  static const http_stub_answer told = {OK(CREDENTIALS), 0};
  mskgov_credentials *got;
  mskgov_error_info error;

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *path = make_file(cases[i].text, cases[i].length);

    set_tokens(path, BEARER);
    ck_assert_int_eq(ask(&brisk, &told, 1, &got, &error), MSKGOV_ERR_INVALID);
    check_text(&error, cases[i].expected);
    check_text(&error, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    ck_assert_uint_eq(stub.request_count, 0);
    unlink(path);
  }

  set_tokens(NULL, BEARER "\r\nX: y");
  ck_assert_int_eq(ask(&brisk, &told, 1, &got, &error), MSKGOV_ERR_INVALID);
  check_text(&error, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a byte");
  ck_assert_uint_eq(stub.request_count, 0);

  set_tokens("/nowhere/token", BEARER);
  ck_assert_int_eq(ask(&brisk, &told, 1, &got, &error), MSKGOV_ERR_SYSTEM);
  check_text(&error, "No such file");
  set_tokens("/dev/zero", BEARER);
  ck_assert_int_eq(ask(&brisk, &told, 1, &got, &error), MSKGOV_ERR_INVALID);
  check_text(&error, "more than 16384 bytes");
}
END_TEST

START_TEST(test_uris) {
  static const struct {
    const char *relative, *full;
    int rc;
    const char *expected, *url;
  } cases[] = {
      {"/v2/a?id=1", "http://127.0.0.1:1/", MSKGOV_ERR_TRANSPORT, "caught",
       "http://169.254.170.2/v2/a?id=1"},
      {"", "http://h/", MSKGOV_ERR_TRANSPORT, "caught", "http://h/"},
      {NULL, "https://h/", MSKGOV_ERR_TRANSPORT, "caught", "https://h/"},
      {"@h/", NULL, MSKGOV_ERR_INVALID, "does not start with a slash", ""},
      {"", "", MSKGOV_ERR_NO_CREDENTIALS, "are not set, or empty", ""},
      {NULL, NULL, MSKGOV_ERR_NO_CREDENTIALS, "are not set, or empty", ""},
  };

  caught.on = true;
  set_tokens(NULL, NULL);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    bool encrypted = strncmp(cases[i].url, "https", 5) == 0;
    mskgov_credentials_provider *provider;
    mskgov_credentials *got;
    mskgov_error_info error;

    caught.url[0] = '\0';
    set_uris(cases[i].relative, cases[i].full);
    ck_assert_int_eq(mskgov_credentials_provider_new_container(&provider, &error), 0);
    ck_assert_int_eq(mskgov_credentials_provider_get(provider, &got, &error), cases[i].rc);
    check_text(&error, cases[i].expected);
    ck_assert_str_eq(caught.url, cases[i].url);
    if (*cases[i].url) {
      ck_assert(caught.request.direct != encrypted);
      ck_assert((caught.request.check == NULL) == encrypted);
    }
    mskgov_credentials_provider_free(provider);
  }
}
END_TEST

static const struct {
  const char *address;
  bool allowed;
} addresses[] = {
    {"127.0.0.1", true},
    {"127.255.0.9", true},
    {"169.254.170.2", true},
    {"169.254.170.23", true},
    {"::1", true},
    {"fd00:ec2::23", true},
    {"::ffff:127.0.0.1", true},
    {"::ffff:169.254.170.23", true},
    {"128.0.0.1", false},
    {"126.0.0.1", false},
    {"169.254.170.3", false},
    {"169.254.169.254", false},
    {"10.0.0.1", false},
    {"0.0.0.0", false},
    {"::", false},
    {"fd00:ec2::254", false},
    {"fe80::1", false},
    {"::ffff:10.0.0.1", false},
};

START_TEST(test_addresses) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  const char *text = addresses[_i].address;
  bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
  mskgov_credentials *got;
  mskgov_error_info error = {0};

  ck_assert(is_v4 || inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
  caught.on = true;
  set_tokens(NULL, NULL);
  set_uris(NULL, "http://h/");
  ck_assert_int_eq(get(&brisk, &got, &error), MSKGOV_ERR_TRANSPORT);
  error = (mskgov_error_info){0};
  ck_assert_int_eq(
      caught.request.check(caught.request.check_self,
                           is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, &error),
      addresses[_i].allowed ? 0 : MSKGOV_ERR_INVALID);
  check_text(&error, addresses[_i].allowed ? "" : text);
}
END_TEST

/* All of 0.0.0.0/8 leads to this host, so a listener would be reached without the check. */
START_TEST(test_address_is_checked_when_connecting) {
  static const http_stub_answer told = {OK(CREDENTIALS), 0};
  mskgov_credentials *got;
  mskgov_error_info error;
  char url[64];

  set_tokens(NULL, BEARER);
  http_stub_start(&stub, &told, 1);
  snprintf(url, sizeof(url), "http://0.0.0.0:%u/", stub.port);
  set_uris(NULL, url);
  ck_assert_int_eq(get(&brisk, &got, &error), MSKGOV_ERR_INVALID);
  http_stub_stop(&stub);
  check_text(&error, "AWS_CONTAINER_CREDENTIALS_FULL_URI leads to 0.0.0.0; allowed with");
  ck_assert_uint_eq(stub.request_count, 0);
}
END_TEST

#define REFUSAL HTTP_STUB_STATUS("403 Forbidden", "text/plain", SECRET)
#define BUSY HTTP_STUB_STATUS("503 Busy", "text/plain", SECRET)

static const struct {
  http_stub_answer told[3];
  size_t count, requests;
  int rc;
  const char *expected;
} failures[] = {
    {{{BUSY, 0}, {NULL, 0}, {OK(CREDENTIALS), 0}}, 3, 3, 0, ""},
    {{{HTTP_STUB_OK("text/html", CREDENTIALS), 0}}, 1, 1, 0, ""},
    {{{BUSY, 0}}, 1, 3, MSKGOV_ERR_TRANSPORT, "answered with the status 503"},
    {{{NULL, HTTP_STUB_HANG}}, 1, 3, MSKGOV_ERR_TRANSPORT, "within 100 ms"},
    {{{REFUSAL, 0}}, 1, 1, MSKGOV_ERR_REFUSED, "status 403; is the authorization"},
    {{{"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 0}},
     1,
     1,
     MSKGOV_ERR_REFUSED,
     "the status 302"},
    {{{HTTP_STUB_OK("text/html", "<html>" SECRET), 0}}, 1, 1, MSKGOV_ERR_PROTOCOL, "JSON"},
    {{{OK(WITHOUT_SECRET), 0}}, 1, 1, MSKGOV_ERR_PROTOCOL, "SecretAccessKey"},
    {{{OK(EXPIRED), 0}}, 1, 1, MSKGOV_ERR_CREDENTIALS_EXPIRED, "2020-01-02T03:04:05Z"},
};

START_TEST(test_failures) {
  gov_service_limits limits = brisk;
  mskgov_credentials *got;
  mskgov_error_info error;
  int rc;

  if (strstr(failures[_i].expected, "100 ms"))
    limits.timeout_ms = 100;
  set_tokens(NULL, BEARER);
  rc = ask(&limits, failures[_i].told, failures[_i].count, &got, &error);
  ck_assert_msg(rc == failures[_i].rc, "%d %s", rc, error.text);
  check_text(&error, failures[_i].expected);
  ck_assert_uint_eq(stub.request_count, failures[_i].requests);
  if (!rc)
    check_example(got);
}
END_TEST

TEST_MAIN("container", TEST(test_credentials), TEST(test_token_file_is_read_every_time),
          TEST(test_tokens_that_are_not_allowed), TEST(test_uris),
          TEST_TABLE(test_addresses, addresses),
          TEST(test_address_is_checked_when_connecting),
          TEST_TABLE(test_failures, failures))
