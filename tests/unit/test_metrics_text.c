/*
 * Metrics as text. The expected texts are written by hand from docs/metrics.md; the
 * Prometheus texts also pass a checker of the format's own rules (version 0.0.4).
 */
#include "governor/metrics_text.h"

#include "exposition_check.h"
#include "governor/exposition.h"
#include "governor/utf8.h"
#include "harness.h"

#include <mskgov/governor.h>
#include <mskgov/host.h>
#include <mskgov/permit.h>

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
  const char *text;
  bool good;
} expositions[] = {
    {"# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\\\n\"} 1\n", true},
    {"# HELP a x\n# TYPE a gauge\na +Inf\n", true},
    {"# HELP a x\n# TYPE a gauge\na 1", false},               /* no end of line */
    {"# HELP a x\n# TYPE a counter\na 1\n", false},           /* no _total */
    {"# HELP a x\n# TYPE a gauge\nb 1\n", false},             /* another name */
    {"# HELP a x\n# TYPE a gauge\na{b=\"c\"\"} 1\n", false},  /* a quote */
    {"# HELP a x\n# TYPE a gauge\na{b=\"\\t\"} 1\n", false},  /* no such escape */
    {"# HELP a x\n# TYPE a gauge\na{b=\"\xff\"} 1\n", false}, /* no UTF-8 */
    {"# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n", false}, /* twice */
    {"# HELP a x\n# TYPE a gauge\na one\n", false},           /* no number */
    {"a 1\n", false},                                         /* no type */
};

START_TEST(the_checker_knows_good_from_bad) {
  ck_assert_int_eq(is_exposition(expositions[_i].text), expositions[_i].good);
}
END_TEST

/* Characters and what is none. */

static const struct {
  const char *text, *mended;
} utf8[] = {
    {"", ""},
    {"plain", "plain"},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xff", "?"},
    {"a\x80z", "a?z"},            /* a continuation alone */
    {"\xc0\xaf", "??"},           /* overlong '/' */
    {"\xe0\x80\xaf", "???"},      /* overlong, three bytes */
    {"\xed\xa0\x80", "???"},      /* a surrogate */
    {"\xf4\x90\x80\x80", "????"}, /* past U+10FFFF */
    {"\xf5\x80\x80\x80", "????"},
    {"cut \xe2\x82", "cut ??"}, /* at the end of a buffer */
    {"cut \xf0\x9f\x98", "cut ???"},
    {"\xe2\x82z", "??z"},
};

START_TEST(bytes_that_are_no_utf8_are_replaced) {
  char text[32];

  snprintf(text, sizeof(text), "%s", utf8[_i].text);
  gov_utf8_mend(text);
  ck_assert_str_eq(text, utf8[_i].mended);
}
END_TEST

static const struct {
  uint64_t thousandths;
  const char *text;
} numbers[] = {
    {0, "0"},        {1, "0.001"},    {10, "0.01"},
    {250, "0.25"},   {1000, "1"},     {60000, "60"},
    {1001, "1.001"}, {10500, "10.5"}, {UINT64_MAX, "18446744073709551.615"},
};

START_TEST(thousandths_are_exact) {
  char text[GOV_EXPOSITION_NUMBER_MAX];

  gov_exposition_thousandths(text, numbers[_i].thousandths);
  ck_assert_str_eq(text, numbers[_i].text);
}
END_TEST

/* One broker, every number another, so that none can stand in for its neighbour. */
static const gov_metrics_entry entry = {"b-1.example:9098",
                                        {.waiting = 11,
                                         .backing_off = 12,
                                         .connecting = 13,
                                         .open = 14,
                                         .requested = 15,
                                         .granted = 16,
                                         .waits = {1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 4},
                                         .wait_sum_ms = 300250,
                                         .throttled = 17,
                                         .connected = 18,
                                         .failed_quota = 19,
                                         .failed_authentication = 20,
                                         .failed_authorization = 21,
                                         .failed_transport = UINT64_MAX,
                                         .canceled = 22,
                                         .window_used = 23,
                                         .window_limit = 100,
                                         .connections_used = 24,
                                         .connections_limit = UINT32_MAX,
                                         .line = 25,
                                         .rate_percent = 70,
                                         .last_failure = "Too many connects"}};

START_TEST(json_is_as_documented) {
  char *text = NULL;

  ck_assert_int_eq(gov_metrics_json(&entry, 1, "host", &text, NULL), 0);
  ck_assert_str_eq(
      text,
      "{\"schema\":1,\"store\":\"host\",\"brokers\":[{\"broker\":\"b-1.example:9098\","
      "\"waiting\":11,\"backing_off\":12,\"connecting\":13,\"open\":14,\"requested\":15,"
      "\"granted\":16,\"throttled\":17,\"connected\":18,"
      "\"failed\":{\"quota\":19,\"authentication\":20,\"authorization\":21,"
      "\"transport\":9223372036854775807},\"canceled\":22,"
      "\"waits\":[{\"up_to_ms\":1,\"count\":1},{\"up_to_ms\":10,\"count\":0},"
      "{\"up_to_ms\":100,\"count\":2},{\"up_to_ms\":250,\"count\":0},"
      "{\"up_to_ms\":500,\"count\":0},{\"up_to_ms\":1000,\"count\":0},"
      "{\"up_to_ms\":2500,\"count\":0},{\"up_to_ms\":5000,\"count\":0},"
      "{\"up_to_ms\":10000,\"count\":0},{\"up_to_ms\":30000,\"count\":0},"
      "{\"up_to_ms\":60000,\"count\":3},{\"up_to_ms\":null,\"count\":4}],"
      "\"wait_sum_ms\":300250,"
      "\"budget\":{\"rate\":{\"used\":23,\"limit\":100,\"percent\":70},"
      "\"connections\":{\"used\":24,\"limit\":null},\"waiting\":25},"
      "\"last_failure\":\"Too many connects\"}]}");
  mskgov_text_free(text);
}
END_TEST

/* Every line behind the heads, in their order. */
static const char *const samples[] = {
    "mskgov_info{version=\"" MSKGOV_VERSION "\",store=\"local\"} 1",
    "mskgov_waiting{broker=\"b-1.example:9098\"} 11",
    "mskgov_backing_off{broker=\"b-1.example:9098\"} 12",
    "mskgov_connecting{broker=\"b-1.example:9098\"} 13",
    "mskgov_open_connections{broker=\"b-1.example:9098\"} 14",
    "mskgov_requested_total{broker=\"b-1.example:9098\"} 15",
    "mskgov_throttled_total{broker=\"b-1.example:9098\"} 17",
    "mskgov_connected_total{broker=\"b-1.example:9098\"} 18",
    "mskgov_failures_total{broker=\"b-1.example:9098\",outcome=\"quota\"} 19",
    "mskgov_failures_total{broker=\"b-1.example:9098\",outcome=\"authentication\"} 20",
    "mskgov_failures_total{broker=\"b-1.example:9098\",outcome=\"authorization\"} 21",
    ("mskgov_failures_total{broker=\"b-1.example:9098\",outcome=\"transport\"} "
     "18446744073709551615"), /* parentheses: not a comma forgotten */
    "mskgov_canceled_total{broker=\"b-1.example:9098\"} 22",
    "mskgov_budget_rate_used{broker=\"b-1.example:9098\"} 23",
    "mskgov_budget_rate_limit{broker=\"b-1.example:9098\"} 100",
    "mskgov_budget_rate_ratio{broker=\"b-1.example:9098\"} 0.7",
    "mskgov_budget_connections_used{broker=\"b-1.example:9098\"} 24",
    "mskgov_budget_connections_limit{broker=\"b-1.example:9098\"} +Inf",
    "mskgov_budget_waiting{broker=\"b-1.example:9098\"} 25",
    /* 1, 1 + 0, 1 + 0 + 2, ...: buckets hold what the smaller ones hold */
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"0.001\"} 1",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"0.01\"} 1",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"0.1\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"0.25\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"0.5\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"1\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"2.5\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"5\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"10\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"30\"} 3",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"60\"} 6",
    "mskgov_wait_seconds_bucket{broker=\"b-1.example:9098\",le=\"+Inf\"} 10",
    "mskgov_wait_seconds_sum{broker=\"b-1.example:9098\"} 300.25",
    "mskgov_wait_seconds_count{broker=\"b-1.example:9098\"} 10",
};

START_TEST(prometheus_is_as_documented) {
  char *text = NULL, *rest, *line;
  size_t seen = 0;

  ck_assert_int_eq(gov_metrics_prometheus(&entry, 1, "local", &text, NULL), 0);
  ck_assert(is_exposition(text));
  for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    if (*line == '#')
      continue;
    ck_assert_uint_lt(seen, COUNT(samples));
    ck_assert_str_eq(line, samples[seen++]);
  }
  ck_assert_uint_eq(seen, COUNT(samples));
  mskgov_text_free(text);
}
END_TEST

static const struct {
  const char *address, *label, *json;
} names[] = {
    {"a\"b\\c\nd", "{broker=\"a\\\"b\\\\c\\nd\"}", "\"broker\":\"a\\\"b\\\\c\\nd\""},
    {"a\xff\xc3\xa4", "{broker=\"a?\xc3\xa4\"}", "\"broker\":\"a?\xc3\xa4\""},
    {"\x1b[2J", "{broker=\"\x1b[2J\"}", "\"broker\":\"\\u001B[2J\""},
};

/* Two brokers, so that samples of one name have to stand together. */
START_TEST(names_break_neither_format) {
  gov_metrics_entry entries[2] = {entry, entry};
  char *text = NULL;

  entries[1].address = names[_i].address;
  /* as a detail of a failure that was cut inside a character */
  strcpy(entries[1].metrics.last_failure, "cut \xe2\x82");
  ck_assert_int_eq(gov_metrics_prometheus(entries, 2, "local", &text, NULL), 0);
  ck_assert(is_exposition(text));
  ck_assert_ptr_nonnull(strstr(text, names[_i].label));
  mskgov_text_free(text);

  ck_assert_int_eq(gov_metrics_json(entries, 2, "local", &text, NULL), 0);
  ck_assert_ptr_nonnull(strstr(text, names[_i].json));
  ck_assert_ptr_nonnull(strstr(text, "\"last_failure\":\"cut ??\""));
  mskgov_text_free(text);
}
END_TEST

START_TEST(no_brokers_are_a_text_too) {
  char *text = NULL;

  ck_assert_int_eq(gov_metrics_json(NULL, 0, "local", &text, NULL), 0);
  ck_assert_str_eq(text, "{\"schema\":1,\"store\":\"local\",\"brokers\":[]}");
  mskgov_text_free(text);
}
END_TEST

/* The public functions, on a governor and on its host store. */

static mskgov_governor *host_governor(const char *directory) {
  mskgov_governor_options options;
  mskgov_governor *governor = NULL;
  mskgov_error_info error;

  mskgov_governor_options_init(&options);
  options.store = MSKGOV_STORE_HOST;
  options.host_directory = directory;
  ck_assert_msg(mskgov_governor_new(&governor, &options, &error) == 0, "%s", error.text);

  return governor;
}

static void remove_store(const char *directory) {
  char path[128];

  snprintf(path, sizeof(path), "%s/host-store", directory);
  unlink(path);
  snprintf(path, sizeof(path), "%s/host-store.lock", directory);
  unlink(path);
  rmdir(directory);
}

static void check_members(const json_t *members) {
  int id, pid, most;

  ck_assert_uint_eq(json_array_size(members), 2);
  ck_assert_int_eq(json_unpack(json_array_get(members, 0), "{s:i, s:i, s:{s:i}}", "id", &id,
                               "pid", &pid, "quota", "connections", &most),
                   0);
  ck_assert_int_eq(id, 0);
  ck_assert_int_eq(pid, (int)getpid());
  ck_assert_int_eq(most, 3000);
}

static void check_rows(const json_t *rows) {
  int pid, open;

  ck_assert_uint_eq(json_array_size(rows), 1); /* the other one has nothing here */
  ck_assert_int_eq(
      json_unpack(json_array_get(rows, 0), "{s:i, s:i}", "pid", &pid, "open", &open), 0);
  ck_assert_int_eq(pid, (int)getpid());
  ck_assert_int_eq(open, 1);
}

static void check_host_json(const mskgov_host_snapshot *snapshot) {
  int schema, used, limit, window_ms, percent, open, connecting, most, granted, connected;
  json_t *json, *brokers, *rows, *members;
  const char *address;
  char *text = NULL;

  ck_assert_int_eq(mskgov_host_snapshot_json(snapshot, &text, NULL), 0);
  json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  mskgov_text_free(text);
  ck_assert_int_eq(json_unpack(json, "{s:i, s:o, s:o}", "schema", &schema, "members",
                               &members, "brokers", &brokers),
                   0);
  ck_assert_int_eq(schema, 1);
  check_members(members);
  ck_assert_uint_eq(json_array_size(brokers), 1);
  ck_assert_int_eq(
      json_unpack(json_array_get(brokers, 0),
                  "{s:s, s:{s:i, s:i, s:i, s:i}, s:{s:i, s:i, s:i}, s:i, s:i, s:o}",
                  "broker", &address, "rate", "used", &used, "limit", &limit, "window_ms",
                  &window_ms, "percent", &percent, "connections", "open", &open,
                  "connecting", &connecting, "limit", &most, "granted", &granted,
                  "connected", &connected, "processes", &rows),
      0);
  ck_assert_str_eq(address, "b-1.example:9098");
  /* what was reported leaves the window after a second, what was not stays */
  ck_assert((used == 1 || used == 2) && limit == 100 && window_ms == 1000 &&
            percent == 100);
  ck_assert(open == 1 && connecting == 1 && most == 3000);
  ck_assert(granted == 2 && connected == 1);
  check_rows(rows);
  json_decref(json);
}

static void check_host_prometheus(const mskgov_host_snapshot *snapshot) {
  static const char *const lines[] = {
      "\nmskgov_host_members 2\n",
      "\nmskgov_host_rate_limit{broker=\"b-1.example:9098\"} 100\n",
      "\nmskgov_host_rate_window_seconds{broker=\"b-1.example:9098\"} 1\n",
      "\nmskgov_host_rate_ratio{broker=\"b-1.example:9098\"} 1\n",
      "\nmskgov_host_open_connections{broker=\"b-1.example:9098\"} 1\n",
      "\nmskgov_host_connections_limit{broker=\"b-1.example:9098\"} 3000\n",
      "\nmskgov_host_process_open_connections{broker=\"b-1.example:9098\",member=\"0\",",
  };
  char *text = NULL;

  ck_assert_int_eq(mskgov_host_snapshot_prometheus(snapshot, &text, NULL), 0);
  ck_assert(is_exposition(text));
  for (size_t i = 0; i < COUNT(lines); i++)
    ck_assert_msg(strstr(text, lines[i]) != NULL, "missing: %s", lines[i]);
  ck_assert_ptr_null(strstr(text, "member=\"1\""));
  mskgov_text_free(text);
}

START_TEST(a_governor_and_its_store_tell) {
  char directory[] = "/tmp/mskgov-test-XXXXXX", *text = NULL;
  mskgov_host_snapshot *snapshot = NULL;
  mskgov_governor *governor, *other;
  mskgov_permit *permit = NULL, *on_its_way = NULL;
  mskgov_error_info error;

  ck_assert_ptr_nonnull(mkdtemp(directory));
  governor = host_governor(directory);
  other = host_governor(directory);
  ck_assert_int_eq(mskgov_permit_acquire(governor, "b-1.example:9098", NULL, MSKGOV_NEVER,
                                         &permit, &error),
                   0);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_CONNECTED, NULL), 0);
  ck_assert_int_eq(mskgov_permit_acquire(governor, "b-1.example:9098", NULL, MSKGOV_NEVER,
                                         &on_its_way, &error),
                   0);

  ck_assert_int_eq(mskgov_governor_metrics_json(governor, &text, &error), 0);
  ck_assert_ptr_nonnull(strstr(text,
                               "{\"schema\":1,\"store\":\"host\",\"brokers\":[{\"broker\":"
                               "\"b-1.example:9098\",\"waiting\":0,"));
  mskgov_text_free(text);
  ck_assert_int_eq(mskgov_governor_metrics_prometheus(governor, &text, &error), 0);
  ck_assert(is_exposition(text));
  mskgov_text_free(text);

  ck_assert_msg(mskgov_host_snapshot_new(&snapshot, directory, &error) == 0, "%s",
                error.text);
  check_host_json(snapshot);
  check_host_prometheus(snapshot);
  mskgov_host_snapshot_free(snapshot);
  mskgov_permit_release(on_its_way);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
  mskgov_governor_free(other);
  remove_store(directory);
}
END_TEST

START_TEST(brokers_come_in_the_order_of_their_names) {
  mskgov_governor_options options;
  mskgov_governor *governor = NULL;
  mskgov_broker *handle;
  char *text = NULL;

  mskgov_governor_options_init(&options);
  ck_assert_int_eq(mskgov_governor_new(&governor, &options, NULL), 0);
  ck_assert_int_eq(mskgov_governor_broker(governor, "b:1", &handle, NULL), 0);
  ck_assert_int_eq(mskgov_governor_broker(governor, "c:1", &handle, NULL), 0);
  ck_assert_int_eq(mskgov_governor_broker(governor, "a:1", &handle, NULL), 0);
  ck_assert_int_eq(mskgov_governor_metrics_json(governor, &text, NULL), 0);
  ck_assert(strstr(text, "\"a:1\"") < strstr(text, "\"b:1\""));
  ck_assert(strstr(text, "\"b:1\"") < strstr(text, "\"c:1\""));
  mskgov_text_free(text);
  mskgov_governor_free(governor);

  ck_assert_int_eq(mskgov_governor_metrics_json(NULL, &text, NULL), MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(text);
}
END_TEST

TEST_MAIN("metrics_text", TEST_TABLE(the_checker_knows_good_from_bad, expositions),
          TEST_TABLE(bytes_that_are_no_utf8_are_replaced, utf8),
          TEST_TABLE(thousandths_are_exact, numbers), TEST(json_is_as_documented),
          TEST(prometheus_is_as_documented), TEST_TABLE(names_break_neither_format, names),
          TEST(no_brokers_are_a_text_too), TEST(a_governor_and_its_store_tell),
          TEST(brokers_come_in_the_order_of_their_names))
