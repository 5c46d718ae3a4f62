/*
 * The HTTP exchange, against a server that misbehaves as it is told. Linked with
 * --wrap=gov_secret_wipe, so that the test sees what is wiped.
 */
#include "base/error.h"
#include "example_credentials.h"
#include "harness.h"
#include "http/http.h"
#include "http_stub.h"

#include <string.h>

#define ANSWER_MAX 1000
/* What no error text may hold: parts of the URL, of what is sent and of what is answered. */
#define PATH "/pathword?queryword=1"
#define SENT "headerword"

static gov_http_request make(char url[128], uint16_t port) {
  static const gov_http_header headers[] = {{"X-Sent", SENT}};

  return (gov_http_request){.method = "GET",
                            .url = http_stub_url(url, port, PATH),
                            .headers = headers,
                            .header_count = 1,
                            .connect_timeout_ms = 10000,
                            .timeout_ms = 10000,
                            .answer_max = ANSWER_MAX,
                            .direct = true};
}

static void check_text(const mskgov_error_info *error, const char *expected) {
  static const char *const never[] = {"pathword", "queryword", SENT, "bodyword",
                                      "answerword"};

  check_text_without(error, expected, never, sizeof(never) / sizeof(never[0]));
}

/* One exchange with a server that gives one answer. */
static int ask(const gov_http_request *how, const http_stub_answer *told, http_stub *stub,
               gov_http_answer *answer, mskgov_error_info *error) {
  gov_http_request request = *how;
  char url[128];
  int rc;

  http_stub_start(stub, told, 1);
  request.url = http_stub_url(url, stub->port, PATH);
  gov_error_reset(error);
  rc = gov_http_perform(&request, answer, error);
  http_stub_stop(stub);
  ck_assert_int_eq(error->code, rc);

  return rc;
}

static http_stub stub;

/* Whether memory with the secret in it was wiped. */
static bool wiped;

void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  wiped = wiped || memmem(memory, length, SENT, strlen(SENT));
  __real_gov_secret_wipe(memory, length);
}

START_TEST(test_answer) {
  static const struct {
    const char *text;
    int status;
    const char *type, *body;
    uint64_t date_ns;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
       /* date -u -d '2026-01-02 03:04:05' +%s */
       "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n\r\nhello",
       200, "text/plain", "hello", UINT64_C(1767323045000000000)},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: soon\r\n\r\n"
       "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
       200, "", "hello", 0},
      {"HTTP/1.0 200 OK\r\n\r\nuntil it closes", 200, "", "until it closes", 0},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", NULL, 0},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "", "no", 0},
      {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, "", NULL, 0},
      {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, "", NULL, 0},
      {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, "",
       NULL, 0},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    http_stub_answer told = {cases[i].text, HTTP_STUB_CLOSE};
    char url[128];
    gov_http_request request = make(url, 0);
    gov_http_answer answer;
    mskgov_error_info error;

    ck_assert_msg(ask(&request, &told, &stub, &answer, &error) == 0, "%s", error.text);
    ck_assert_int_eq(answer.status, cases[i].status);
    ck_assert_str_eq(answer.content_type, cases[i].type);
    ck_assert_pstr_eq(answer.body.data, cases[i].body);
    ck_assert_uint_eq(answer.date_ns, cases[i].date_ns);
    ck_assert_uint_eq(stub.request_count, 1); /* redirects too */
    gov_http_answer_fini(&answer);
    ck_assert_ptr_null(answer.body.data);
  }
}
END_TEST

static void check_sent(const char *expected) {
  ck_assert_msg(strstr(stub.requests[0], expected), "\"%s\" lacks \"%s\"", stub.requests[0],
                expected);
}

START_TEST(test_request) {
  static const struct {
    const char *method, *body;
    const char *expected[3];
    const char *never;
  } cases[] = {
      {"GET",
       NULL,
       {"GET " PATH " HTTP/1.1\r\n", "\r\nX-Sent: " SENT "\r\n", "\r\n\r\n"},
       "Content-"},
      {"PUT",
       NULL,
       {"PUT " PATH " HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n", ""},
       "Content-Type"},
      {"POST",
       "bodyword",
       {"POST ", "\r\nContent-Length: 8\r\n", "\r\n\r\nbodyword"},
       "Content-Type"},
  };
  static const http_stub_answer told = {HTTP_STUB_OK("text/plain", "fine"), 0};

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char url[128];
    gov_http_request request = make(url, 0);
    gov_http_answer answer;
    mskgov_error_info error;

    request.method = cases[i].method;
    request.body = cases[i].body;
    request.body_length = cases[i].body ? strlen(cases[i].body) : 0;
    ck_assert_msg(ask(&request, &told, &stub, &answer, &error) == 0, "%s", error.text);
    for (size_t k = 0; k < 3; k++)
      check_sent(cases[i].expected[k]);
    check_sent("\r\nUser-Agent: mskgov/" MSKGOV_VERSION "\r\n");
    ck_assert_ptr_null(strstr(stub.requests[0], cases[i].never));
    ck_assert(wiped); /* the header's line */
    wiped = false;
    gov_http_answer_fini(&answer);
  }
}
END_TEST

START_TEST(test_answer_that_does_not_do) {
  static const struct {
    http_stub_answer told;
    uint32_t timeout_ms;
    int rc;
    const char *expected;
  } cases[] = {
      {{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nanswerword", HTTP_STUB_CLOSE},
       10000,
       MSKGOV_ERR_TRANSPORT,
       "closed the connection within the answer"},
      {{NULL, HTTP_STUB_CLOSE}, 10000, MSKGOV_ERR_TRANSPORT, "failed: "},
      {{"answerword\r\n\r\n", HTTP_STUB_CLOSE},
       10000,
       MSKGOV_ERR_PROTOCOL,
       "the answer is no HTTP/1"},
      {{NULL, HTTP_STUB_HANG},
       100,
       MSKGOV_ERR_TRANSPORT,
       "did not answer completely within 100 ms"},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", HTTP_STUB_DRIP},
       100,
       MSKGOV_ERR_TRANSPORT,
       "did not answer completely within 100 ms"},
      {{"HTTP/1.1 200 OK\r\nX: ", HTTP_STUB_DRIP},
       100,
       MSKGOV_ERR_TRANSPORT,
       "did not answer completely within 100 ms"},
      {{"HTTP/1.1 200 OK\r\n\r\nanswerword", HTTP_STUB_ENDLESS},
       10000,
       MSKGOV_ERR_PROTOCOL,
       "answered with more than 1000 bytes"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char url[128], host[32];
    gov_http_request request = make(url, 0);
    gov_http_answer answer;
    mskgov_error_info error;

    request.timeout_ms = cases[i].timeout_ms;
    ck_assert_int_eq(ask(&request, &cases[i].told, &stub, &answer, &error), cases[i].rc);
    check_text(&error, cases[i].expected);
    snprintf(host, sizeof(host), "127.0.0.1:%u", stub.port);
    check_text(&error, host);
    ck_assert_ptr_null(answer.body.data);
    ck_assert_int_eq(answer.status, 0);
  }
}
END_TEST

START_TEST(test_longest_answer) {
  static const size_t lengths[] = {ANSWER_MAX - 1, ANSWER_MAX, ANSWER_MAX + 1};

  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    char url[128], text[ANSWER_MAX + 100];
    http_stub_answer told = {text, HTTP_STUB_CLOSE};
    gov_http_request request = make(url, 0);
    gov_http_answer answer;
    mskgov_error_info error;
    int start = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", lengths[i]);

    memset(text + start, 'x', lengths[i]);
    text[(size_t)start + lengths[i]] = '\0';
    ck_assert_int_eq(ask(&request, &told, &stub, &answer, &error),
                     lengths[i] > ANSWER_MAX ? MSKGOV_ERR_PROTOCOL : 0);
    ck_assert_uint_eq(answer.body.length, lengths[i] > ANSWER_MAX ? 0 : lengths[i]);
    gov_http_answer_fini(&answer);
  }
}
END_TEST

START_TEST(test_endless_headers) {
  static char text[70000];
  http_stub_answer told = {text, HTTP_STUB_HANG};
  char url[128];
  gov_http_request request = make(url, 0);
  gov_http_answer answer;
  mskgov_error_info error;

  strcpy(text, "HTTP/1.1 200 OK\r\n");
  for (size_t i = strlen(text); i + 20 < sizeof(text); i += 15)
    strcpy(text + i, "X: answerword\r\n");
  ck_assert_int_eq(ask(&request, &told, &stub, &answer, &error), MSKGOV_ERR_PROTOCOL);
  check_text(&error, "more than 65536 bytes of headers");

  /* One that does not end; libcurl's limit, and its versions differ in the code. */
  told = (http_stub_answer){"HTTP/1.1 200 OK\r\nX: answerword", HTTP_STUB_ENDLESS};
  ck_assert_int_ne(ask(&request, &told, &stub, &answer, &error), 0);
  check_text(&error, "");
}
END_TEST

START_TEST(test_refused) {
  char url[128];
  gov_http_request request = make(url, http_stub_closed_port());
  gov_http_answer answer;
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_http_perform(&request, &answer, &error), MSKGOV_ERR_TRANSPORT);
  check_text(&error, "cannot connect to 127.0.0.1:");
  check_text(&error, "Connection refused");
}
END_TEST

START_TEST(test_request_that_is_not_allowed) {
  static const struct {
    const char *url;
    gov_http_header header;
    const char *expected;
  } cases[] = {
      {"file:///etc/hostname", {"a", "b"}, "URL is not allowed"},
      {"ftp://127.0.0.1/", {"a", "b"}, "neither http nor https"},
      {"127.0.0.1/", {"a", "b"}, "cannot be read"},
      {"", {"a", "b"}, "cannot be read"},
      {"http://user:pathword@127.0.0.1/", {"a", "b"}, "has a user name"},
      {"http://127.0.0.1:1/", {"a", SENT "\r\nb: c"}, "line end"},
      {"http://127.0.0.1:1/", {"a", SENT "\n"}, "line end"},
      {"http://127.0.0.1:1/", {"a\nb", SENT}, "line end"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_http_request request = make((char[128]){0}, 0);
    gov_http_answer answer;
    mskgov_error_info error = {0};

    request.url = cases[i].url;
    request.headers = &cases[i].header;
    ck_assert_int_eq(gov_http_perform(&request, &answer, &error), MSKGOV_ERR_INVALID);
    check_text(&error, cases[i].expected);
  }
}
END_TEST

/* An address check that counts, and says what it is told. */
typedef struct checker {
  int asked, rc;
} checker;

static int check_address(void *self, const struct sockaddr *address,
                         mskgov_error_info *error) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
  checker *c = self;

  c->asked++;
  ck_assert_int_eq(address->sa_family, AF_INET);
  ck_assert_uint_eq(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);

  return c->rc ? gov_error_set(error, c->rc, "not that one") : 0;
}

START_TEST(test_address_check) {
  static const http_stub_answer told = {HTTP_STUB_OK("text/plain", "fine"), 0};
  static const int results[] = {0, MSKGOV_ERR_INVALID};

  for (size_t i = 0; i < 2; i++) {
    checker c = {.rc = results[i]};
    gov_http_request request = make((char[128]){0}, 0);
    gov_http_answer answer;
    mskgov_error_info error;

    request.check = check_address;
    request.check_self = &c;
    ck_assert_int_eq(ask(&request, &told, &stub, &answer, &error), results[i]);
    ck_assert_int_eq(c.asked, 1);
    ck_assert_str_eq(error.text, results[i] ? "not that one" : "");
    ck_assert_uint_eq(stub.request_count, results[i] ? 0 : 1);
    gov_http_answer_fini(&answer);
  }
}
END_TEST

START_TEST(test_proxy) {
  static const http_stub_answer told = {HTTP_STUB_OK("text/plain", "proxied"), 0};
  char url[128];
  gov_http_request request = make(url, 0);
  gov_http_answer answer;

  for (int direct = 0; direct < 2; direct++) {
    char proxy[128];

    http_stub_start(&stub, &told, 1);
    setenv("http_proxy", http_stub_url(proxy, stub.port, ""), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    http_stub_url(url, http_stub_closed_port(), PATH);
    request.direct = direct;
    ck_assert_int_eq(gov_http_perform(&request, &answer, NULL),
                     direct ? MSKGOV_ERR_TRANSPORT : 0);
    gov_http_answer_fini(&answer);
    http_stub_stop(&stub);
    ck_assert_uint_eq(stub.request_count, direct ? 0 : 1);
  }
}
END_TEST

START_TEST(test_netrc_is_left_alone) {
  static const http_stub_answer told = {HTTP_STUB_OK("text/plain", "fine"), 0};
  char home[] = "/tmp/mskgov-http-XXXXXX", path[64], url[128];
  gov_http_request request = make(url, 0);
  gov_http_answer answer;
  mskgov_error_info error;
  FILE *file;

  ck_assert_ptr_nonnull(mkdtemp(home));
  snprintf(path, sizeof(path), "%s/.netrc", home);
  file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  fputs("machine 127.0.0.1 login user password word\n", file);
  ck_assert_int_eq(fclose(file), 0);
  setenv("HOME", home, 1);
  ck_assert_int_eq(ask(&request, &told, &stub, &answer, &error), 0);
  ck_assert_ptr_null(strcasestr(stub.requests[0], "Authorization"));
  gov_http_answer_fini(&answer);
  unlink(path);
  rmdir(home);
}
END_TEST

TEST_MAIN("http", TEST(test_answer), TEST(test_request), TEST(test_answer_that_does_not_do),
          TEST(test_longest_answer), TEST(test_endless_headers), TEST(test_refused),
          TEST(test_request_that_is_not_allowed), TEST(test_address_check),
          TEST(test_proxy), TEST(test_netrc_is_left_alone))
