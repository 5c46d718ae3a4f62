/*
 * The exchange with a service, against a stand-in on loopback: how often it is tried, at
 * what pace, and what is learnt from its answers.
 */
#include "credentials/service.h"

#include "harness.h"
#include "sts_stub.h"
#include "threads.h"

#include <mskgov/authenticator.h>

#include <stdatomic.h>

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define OK HTTP_STUB_OK("text/plain", "fine")
#define TROUBLE HTTP_STUB_STATUS("503 Busy", "text/plain", "secret")

static const gov_service_limits brisk = {.connect_timeout_ms = 5000,
                                         .timeout_ms = 5000,
                                         .attempts = 3,
                                         .backoff_ms = 1,
                                         .backoff_max_ms = 4};

static uint64_t now_ns(void) {
  return gov_clock_monotonic_ns(&gov_clock_system);
}

static int fetch_from(gov_service *service, uint16_t port, const gov_service_limits *limits,
                      gov_http_answer *answer, mskgov_error_info *error) {
  char url[128];
  const gov_http_request request = {
      .method = "GET", .url = http_stub_url(url, port, "/path"), .direct = true};

  memset(error, 0, sizeof(*error));
  memset(answer, 0, sizeof(*answer));

  return gov_service_fetch(service, &request, limits, answer, error);
}

/* The status, or the error's code. */
static int fetch(gov_service *service, mskgov_error_info *error) {
  gov_http_answer answer;
  int rc = fetch_from(service, sts.port, &brisk, &answer, error);

  if (!rc)
    rc = answer.status;
  gov_http_answer_fini(&answer);

  return rc;
}

static const struct {
  const char *answers[4];
  size_t count; /* the last is given again and again */
  int rc;
  size_t requests;
  const char *text;
} tries[] = {
    {{OK}, 1, 200, 1, ""},
    {{TROUBLE, OK}, 2, 200, 2, ""},
    {{TROUBLE, TROUBLE, OK}, 3, 200, 3, ""},
    {{TROUBLE, "", HTTP_STUB_STATUS("429 Slow", "a/b", "")},
     3,
     MSKGOV_ERR_TRANSPORT,
     3,
     "the demo failed 3 times in a row: it answered with the status 429"},
    {{TROUBLE, TROUBLE, ""},
     3,
     MSKGOV_ERR_TRANSPORT,
     3,
     "the demo failed 3 times in a row"},
    {{HTTP_STUB_STATUS("404 No", "a/b", "")}, 1, 404, 1, ""},
    {{HTTP_STUB_STATUS("400 No", "a/b", "")}, 1, 400, 1, ""},
    {{"HTTP/1.1 301 Gone\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"},
     1,
     301,
     1,
     ""},
    {{HTTP_STUB_STATUS("500 -", "a/b", ""), HTTP_STUB_STATUS("599 -", "a/b", ""),
      HTTP_STUB_STATUS("403 -", "a/b", "")},
     3,
     403,
     3,
     ""},
    {{"no HTTP at all"}, 1, MSKGOV_ERR_PROTOCOL, 1, "the demo failed: "},
    {{TROUBLE, "no HTTP at all"},
     2,
     MSKGOV_ERR_PROTOCOL,
     2,
     "the demo failed 2 times in a row: "},
};

START_TEST(test_tries) {
  gov_service service = {.name = "the demo"};
  http_stub_answer told[4] = {0};
  mskgov_error_info error;

  aws_environment_clear();
  for (size_t i = 0; i < 4; i++)
    told[i].text = tries[_i].answers[i];
  sts_start(told, tries[_i].count);
  ck_assert_int_eq(fetch(&service, &error), tries[_i].rc);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, tries[_i].requests);
  ck_assert_int_eq(error.code, tries[_i].rc < 0 ? tries[_i].rc : 0);
  ck_assert_msg(strncmp(error.text, tries[_i].text, strlen(tries[_i].text)) == 0, "%s",
                error.text);
  ck_assert(!strstr(error.text, "secret"));
  ck_assert(!strstr(error.text, "/path"));
}
END_TEST

/* What passes is for the service to say. */
static bool teapot_may_pass(const gov_http_answer *answer) {
  return answer->status == 418 || memcmp(answer->body.data, "wait", 4) == 0;
}

START_TEST(test_what_may_pass) {
  static const http_stub_answer told[] = {{HTTP_STUB_STATUS("418 -", "a/b", "full"), 0},
                                          {HTTP_STUB_STATUS("400 -", "a/b", "wait"), 0},
                                          {TROUBLE, 0}};
  gov_service service = {.name = "the demo", .may_pass = teapot_may_pass};
  mskgov_error_info error;

  aws_environment_clear();
  sts_start(told, 3);
  ck_assert_int_eq(fetch(&service, &error), 503);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 3);
}
END_TEST

START_TEST(test_statuses_that_may_pass) {
  for (int status = 200; status < 600; status++) {
    gov_http_answer answer = {.status = status};

    ck_assert_int_eq(gov_service_may_pass(&answer), status == 429 || status >= 500);
  }
}
END_TEST

/* After a fetch that failed for good, one attempt, until one succeeds. */
static const struct {
  const char *answer;
  int rc;
  size_t requests;
} outage[] = {
    {TROUBLE, MSKGOV_ERR_TRANSPORT, 3},
    {TROUBLE, MSKGOV_ERR_TRANSPORT, 1},
    {"no HTTP", MSKGOV_ERR_PROTOCOL, 1}, /* no success either */
    {TROUBLE, MSKGOV_ERR_TRANSPORT, 1},
    {OK, 200, 1},
    {TROUBLE, MSKGOV_ERR_TRANSPORT, 3},
    {HTTP_STUB_STATUS("403 -", "a/b", ""), 403, 1}, /* it answers again */
    {TROUBLE, MSKGOV_ERR_TRANSPORT, 3},
};

START_TEST(test_outage) {
  gov_service service = {.name = "the demo"}, other = {.name = "another"};
  mskgov_error_info error;

  aws_environment_clear();
  for (size_t i = 0; i < sizeof(outage) / sizeof(outage[0]); i++) {
    const http_stub_answer told = {outage[i].answer, 0};

    sts_start(&told, 1);
    ck_assert_int_eq(fetch(&service, &error), outage[i].rc);
    http_stub_stop(&sts);
    ck_assert_msg(sts.request_count == outage[i].requests, "step %zu: %zu", i,
                  sts.request_count);
    if (outage[i].rc < 0)
      ck_assert_ptr_nonnull(strstr(error.text, outage[i].requests > 1
                                                   ? "failed 3 times in a row"
                                                   : "demo failed: "));
    if (i == 1) { /* the trouble of one is not another's */
      const http_stub_answer busy = {TROUBLE, 0};

      sts_start(&busy, 1);
      ck_assert_int_eq(fetch(&other, &error), MSKGOV_ERR_TRANSPORT);
      http_stub_stop(&sts);
      ck_assert_uint_eq(sts.request_count, 3);
    }
  }
}
END_TEST

/* The waits are drawn, at most 40, 60 and 60 ms; how long the rest takes is the host's. */
START_TEST(test_waits) {
  const gov_service_limits limits = {.connect_timeout_ms = 5000,
                                     .timeout_ms = 5000,
                                     .attempts = 4,
                                     .backoff_ms = 40,
                                     .backoff_max_ms = 60};
  uint64_t least_ns = UINT64_MAX, most_ns = 0, total_ns = 0;
  gov_http_answer answer;
  mskgov_error_info error;
  uint16_t port = http_stub_closed_port();

  aws_environment_clear();
  for (int i = 0; i < 12; i++) {
    gov_service service = {.name = "the demo"};
    uint64_t from_ns = now_ns(), took_ns;

    ck_assert_int_eq(fetch_from(&service, port, &limits, &answer, &error),
                     MSKGOV_ERR_TRANSPORT);
    took_ns = now_ns() - from_ns;
    total_ns += took_ns;
    least_ns = took_ns < least_ns ? took_ns : least_ns;
    most_ns = took_ns > most_ns ? took_ns : most_ns;
  }
  /* 80 ms each on average; the chance of less than 20 ms each is below 1e-6 */
  ck_assert_uint_ge(total_ns, 240 * MS);
  ck_assert_uint_gt(most_ns - least_ns, 5 * MS);
  ck_assert_uint_lt(least_ns, 160 * MS + S);
}
END_TEST

/* A pace of 4 per second and as many at once: the first 4 at once, 4 more take a second. */
#define CALLERS 8

typedef struct caller {
  gov_service *service;
  int rc;
} caller;

static void *call(void *argument) {
  caller *self = argument;
  mskgov_error_info error;

  self->rc = fetch(self->service, &error);

  return NULL;
}

START_TEST(test_pace) {
  static const http_stub_answer told = {OK, 0};
  gov_service service = {.name = "the demo", .requests_per_s = 4};
  caller callers[CALLERS];
  mskgov_error_info error;
  uint64_t from_ns;

  aws_environment_clear();
  sts_start(&told, 1);
  for (int i = 0; i < CALLERS; i++)
    callers[i] = (caller){.service = &service};
  from_ns = now_ns();
  test_threads_run(CALLERS, call, callers, sizeof(*callers));
  ck_assert_uint_ge(now_ns() - from_ns, 950 * MS);
  for (int i = 0; i < CALLERS; i++)
    ck_assert_int_eq(callers[i].rc, 200);

  from_ns = now_ns(); /* each one more: a quarter of a second */
  ck_assert_int_eq(fetch(&service, &error), 200);
  ck_assert_int_eq(fetch(&service, &error), 200);
  ck_assert_uint_ge(now_ns() - from_ns, 200 * MS);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, CALLERS + 2);
}
END_TEST

/* Attempts count, not fetches. */
START_TEST(test_pace_counts_attempts) {
  static const http_stub_answer told = {TROUBLE, 0};
  gov_service service = {.name = "the demo", .requests_per_s = 2};
  mskgov_error_info error;
  uint64_t from_ns = now_ns();

  aws_environment_clear();
  sts_start(&told, 1);
  ck_assert_int_eq(fetch(&service, &error), MSKGOV_ERR_TRANSPORT);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 3);
  ck_assert_uint_ge(now_ns() - from_ns, 450 * MS);
}
END_TEST

/* A queue of more than half a minute is refused at once, and costs no request. */
START_TEST(test_pace_without_room) {
  gov_service_limits once = brisk;
  gov_service service = {.name = "the demo", .requests_per_s = 1};
  gov_http_answer answer;
  mskgov_error_info error;
  uint64_t from_ns = now_ns();

  once.attempts = 1;
  aws_environment_clear();
  atomic_store(&service.bucket.tat_ns, now_ns() + 40 * S);
  ck_assert_int_eq(fetch_from(&service, http_stub_closed_port(), &once, &answer, &error),
                   MSKGOV_ERR_TRANSPORT);
  ck_assert_uint_lt(now_ns() - from_ns, 20 * S);
  ck_assert_ptr_nonnull(strstr(error.text, "too often"));
  ck_assert_ptr_nonnull(strstr(error.text, "1 requests per second"));
}
END_TEST

static const struct {
  const char *status;
  int64_t ahead_s, learnt_s;
} dates[] = {{"200 OK", 7200, 7200},
             {"404 -", -7200, -7200},
             {"503 -", 600, 600},
             {"200 OK", 10, 0}};

START_TEST(test_date_is_learnt) {
  time_t at = time(NULL) + dates[_i].ahead_s;
  gov_service service = {.name = "the demo"};
  char text[512], date[64];
  const http_stub_answer told = {text, 0};
  mskgov_error_info error;
  struct tm broken;

  aws_environment_clear();
  gmtime_r(&at, &broken);
  strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &broken);
  snprintf(text, sizeof(text),
           "HTTP/1.1 %s\r\nDATE: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
           dates[_i].status, date);
  ck_assert_int_eq(mskgov_clock_skew_ns(), 0);
  sts_start(&told, 1);
  fetch(&service, &error);
  http_stub_stop(&sts);
  ck_assert_int_le(llabs(mskgov_clock_skew_ns() / (int64_t)S - dates[_i].learnt_s),
                   dates[_i].learnt_s ? 10 : 0);
}
END_TEST

START_TEST(test_answer_is_bounded) {
  static char text[GOV_SERVICE_ANSWER_MAX + 512];
  const http_stub_answer told = {text, 0};
  size_t length = GOV_SERVICE_ANSWER_MAX + (size_t)_i;
  gov_service service = {.name = "the demo"};
  mskgov_error_info error;
  size_t start;

  aws_environment_clear();
  start = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
  memset(text + start, 'x', length);
  sts_start(&told, 1);
  ck_assert_int_eq(fetch(&service, &error), _i ? MSKGOV_ERR_PROTOCOL : 200);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 1);
}
END_TEST

TEST_MAIN("service", TEST_TABLE(test_tries, tries), TEST(test_what_may_pass),
          TEST(test_statuses_that_may_pass), TEST(test_outage), TEST(test_waits),
          TEST(test_pace), TEST(test_pace_counts_attempts), TEST(test_pace_without_room),
          TEST_TABLE(test_date_is_learnt, dates), TEST_LOOP(test_answer_is_bounded, 2))
