/*
 * The snapshot of a host store as text: a snapshot in which every number is another, so that
 * none can stand in for its neighbour, against texts written by hand.
 */
#include "snapshot_stand_in.h"

#include "exposition_check.h"
#include "harness.h"

#include <mskgov/metrics.h>

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const mskgov_host_member members[] = {
    {3, 4321, 1000, 5000000001, "consumer", 20, 1000, 100},
    {7, 4322, 1001, 5000000002, "a\"b\\c\nd\xff", 21, 1500, UINT32_MAX},
};

/* Not in the order of the members. */
static const mskgov_host_usage rows_a[] = {{7, 11, 12, 13, 14, 15, 16, 17},
                                           {3, 21, 22, 23, 24, 25, 26, 27}};
/* One that never had anything here, one of a member that is not there. */
static const mskgov_host_usage rows_b[] = {
    {3, 0, 0, 0, 0, 0, 0, 0}, {9, 31, 32, 33, 34, 35, 36, 37}, {7, 0, 0, 0, 0, 0, 0, 38}};

/* Sums are told as they are given. */
static const stand_in_broker brokers[] = {
    {{"a:1", 41, 42, 1500, 37, 100, {0, 43, 44, 45, 46, 47, 48, UINT64_MAX}, 2}, rows_a},
    {{"b:1", 51, 52, 250, 100, UINT32_MAX, {0, 53, 54, 55, 56, 57, 58, 59}, 3}, rows_b},
};

static const mskgov_host_snapshot snapshot = {
    "/run/mskgov/host-store", 1234567890123, members,
    COUNT(members),           brokers,       COUNT(brokers)};

#define NAME_JSON "a\\\"b\\\\c\\nd?"

START_TEST(json_is_as_documented) {
  char *text = NULL;

  ck_assert_int_eq(mskgov_host_snapshot_json(&snapshot, &text, NULL), 0);
  ck_assert_str_eq(
      text,
      "{\"schema\":1,\"path\":\"/run/mskgov/host-store\",\"at_ns\":1234567890123,"
      "\"members\":["
      "{\"id\":3,\"pid\":4321,\"uid\":1000,\"name\":\"consumer\","
      "\"joined_at_ns\":5000000001,"
      "\"quota\":{\"window_connections\":20,\"window_ms\":1000,\"connections\":100}},"
      "{\"id\":7,\"pid\":4322,\"uid\":1001,\"name\":\"" NAME_JSON "\","
      "\"joined_at_ns\":5000000002,"
      "\"quota\":{\"window_connections\":21,\"window_ms\":1500,\"connections\":null}}],"
      "\"brokers\":["
      "{\"broker\":\"a:1\","
      "\"rate\":{\"used\":41,\"limit\":42,\"window_ms\":1500,\"percent\":37},"
      "\"connections\":{\"open\":45,\"connecting\":44,\"limit\":100},"
      "\"waiting\":43,\"granted\":46,\"connected\":47,\"rejected\":48,"
      "\"failed\":9223372036854775807,\"processes\":["
      "{\"member\":7,\"pid\":4322,\"name\":\"" NAME_JSON "\",\"waiting\":11,"
      "\"connecting\":12,\"open\":13,\"granted\":14,\"connected\":15,\"rejected\":16,"
      "\"failed\":17},"
      "{\"member\":3,\"pid\":4321,\"name\":\"consumer\",\"waiting\":21,"
      "\"connecting\":22,\"open\":23,\"granted\":24,\"connected\":25,\"rejected\":26,"
      "\"failed\":27}]},"
      "{\"broker\":\"b:1\","
      "\"rate\":{\"used\":51,\"limit\":52,\"window_ms\":250,\"percent\":100},"
      "\"connections\":{\"open\":55,\"connecting\":54,\"limit\":null},"
      "\"waiting\":53,\"granted\":56,\"connected\":57,\"rejected\":58,\"failed\":59,"
      "\"processes\":["
      "{\"member\":7,\"pid\":4322,\"name\":\"" NAME_JSON "\",\"waiting\":0,"
      "\"connecting\":0,\"open\":0,\"granted\":0,\"connected\":0,\"rejected\":0,"
      "\"failed\":38}]}]}");
  mskgov_text_free(text);
}
END_TEST

#define A_7 "{broker=\"a:1\",member=\"7\",pid=\"4322\",process=\"a\\\"b\\\\c\\nd?\""
#define A_3 "{broker=\"a:1\",member=\"3\",pid=\"4321\",process=\"consumer\""
#define B_7 "{broker=\"b:1\",member=\"7\",pid=\"4322\",process=\"a\\\"b\\\\c\\nd?\""

/* Every line behind the heads, in their order. */
static const char *const samples[] = {
    "mskgov_host_members 2",
    "mskgov_host_rate_used{broker=\"a:1\"} 41",
    "mskgov_host_rate_used{broker=\"b:1\"} 51",
    "mskgov_host_rate_limit{broker=\"a:1\"} 42",
    "mskgov_host_rate_limit{broker=\"b:1\"} 52",
    "mskgov_host_rate_window_seconds{broker=\"a:1\"} 1.5",
    "mskgov_host_rate_window_seconds{broker=\"b:1\"} 0.25",
    "mskgov_host_rate_ratio{broker=\"a:1\"} 0.37",
    "mskgov_host_rate_ratio{broker=\"b:1\"} 1",
    "mskgov_host_open_connections{broker=\"a:1\"} 45",
    "mskgov_host_open_connections{broker=\"b:1\"} 55",
    "mskgov_host_connecting{broker=\"a:1\"} 44",
    "mskgov_host_connecting{broker=\"b:1\"} 54",
    "mskgov_host_connections_limit{broker=\"a:1\"} 100",
    "mskgov_host_connections_limit{broker=\"b:1\"} +Inf",
    "mskgov_host_waiting{broker=\"a:1\"} 43",
    "mskgov_host_waiting{broker=\"b:1\"} 53",
    "mskgov_host_process_waiting" A_7 "} 11",
    "mskgov_host_process_waiting" A_3 "} 21",
    "mskgov_host_process_waiting" B_7 "} 0",
    "mskgov_host_process_connecting" A_7 "} 12",
    "mskgov_host_process_connecting" A_3 "} 22",
    "mskgov_host_process_connecting" B_7 "} 0",
    "mskgov_host_process_open_connections" A_7 "} 13",
    "mskgov_host_process_open_connections" A_3 "} 23",
    "mskgov_host_process_open_connections" B_7 "} 0",
    "mskgov_host_process_granted_total" A_7 "} 14",
    "mskgov_host_process_granted_total" A_3 "} 24",
    "mskgov_host_process_granted_total" B_7 "} 0",
    "mskgov_host_process_connected_total" A_7 "} 15",
    "mskgov_host_process_connected_total" A_3 "} 25",
    "mskgov_host_process_connected_total" B_7 "} 0",
    "mskgov_host_process_failures_total" A_7 ",outcome=\"quota\"} 16",
    "mskgov_host_process_failures_total" A_3 ",outcome=\"quota\"} 26",
    "mskgov_host_process_failures_total" B_7 ",outcome=\"quota\"} 0",
    "mskgov_host_process_failures_total" A_7 ",outcome=\"other\"} 17",
    "mskgov_host_process_failures_total" A_3 ",outcome=\"other\"} 27",
    "mskgov_host_process_failures_total" B_7 ",outcome=\"other\"} 38",
};

START_TEST(prometheus_is_as_documented) {
  char *text = NULL, *rest, *line;
  size_t seen = 0;

  ck_assert_int_eq(mskgov_host_snapshot_prometheus(&snapshot, &text, NULL), 0);
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

/* What stands in the store without a member is nobody's quota. */
START_TEST(without_members_there_is_no_quota) {
  const stand_in_broker broker = {
      {"a:1", 0, 4096, 100, 100, UINT32_MAX, {0, 0, 0, 0, 0, 0, 0, 0}, 0}, NULL};
  const mskgov_host_snapshot unused = {"/x", 1, NULL, 0, &broker, 1};
  char *text = NULL;

  ck_assert_int_eq(mskgov_host_snapshot_json(&unused, &text, NULL), 0);
  ck_assert_str_eq(text,
                   "{\"schema\":1,\"path\":\"/x\",\"at_ns\":1,\"members\":[],"
                   "\"brokers\":[{\"broker\":\"a:1\","
                   "\"rate\":{\"used\":0,\"limit\":null,\"window_ms\":100,\"percent\":100},"
                   "\"connections\":{\"open\":0,\"connecting\":0,\"limit\":null},"
                   "\"waiting\":0,\"granted\":0,\"connected\":0,\"rejected\":0,"
                   "\"failed\":0,\"processes\":[]}]}");
  mskgov_text_free(text);

  ck_assert_int_eq(mskgov_host_snapshot_prometheus(&unused, &text, NULL), 0);
  ck_assert_ptr_nonnull(strstr(text, "\nmskgov_host_members 0\n"));
  ck_assert_ptr_nonnull(strstr(text, "\nmskgov_host_rate_limit{broker=\"a:1\"} +Inf\n"));
  mskgov_text_free(text);
}
END_TEST

TEST_MAIN("host_text", TEST(json_is_as_documented), TEST(prometheus_is_as_documented),
          TEST(without_members_there_is_no_quota))
