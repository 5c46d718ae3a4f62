/*
 * Times as text. The expected numbers are those of GNU date: date -u -d '…' +%s.
 */
#include "codec/time.h"
#include "harness.h"

#include <mskgov/common.h>
#include <mskgov/error.h>

#define S UINT64_C(1000000000)

START_TEST(test_basic) {
  static const struct {
    uint64_t unix_s;
    const char *text;
  } cases[] = {
      {0, "19700101T000000Z"},          {951782400, "20000229T000000Z"},
      {1767323045, "20260102T030405Z"}, {2147483648, "20380119T031408Z"},
      {4107542399, "21000228T235959Z"}, {253402300799, "99991231T235959Z"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[GOV_TIME_BASIC_SIZE];
    uint64_t unix_s;

    gov_time_format_basic(cases[i].unix_s, text);
    ck_assert_str_eq(text, cases[i].text);
    ck_assert_int_eq(gov_time_parse_basic(cases[i].text, &unix_s), 0);
    ck_assert_uint_eq(unix_s, cases[i].unix_s);
  }
}
END_TEST

START_TEST(test_basic_refused) {
  static const char *const cases[] = {
      "",
      "2",
      "20260102",
      "20260102T030405",
      "20260102T030405z",
      "20260102t030405Z",
      "20260102 030405Z",
      "20260102T030405ZZ",
      "20260102T030405Z ",
      " 20260102T030405Z",
      "2026-01-02T030405Z",
      "20261302T030405Z",
      "20260002T030405Z",
      "20260132T030405Z",
      "20260100T030405Z",
      "20260229T030405Z",
      "21000229T000000Z",
      "20260431T000000Z",
      "20260102T240000Z",
      "20260102T036000Z",
      "20260102T030460Z",
      "19691231T235959Z",
      "00000101T000000Z",
      "2026010aT030405Z",
      "2026+102T030405Z",
      "2026010\xc2T030405Z",
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    uint64_t unix_s = 7;

    ck_assert_msg(gov_time_parse_basic(cases[i], &unix_s) == MSKGOV_ERR_INVALID,
                  "\"%s\" was taken", cases[i]);
    ck_assert_uint_eq(unix_s, 7);
  }
}
END_TEST

START_TEST(test_iso8601) {
  static const struct {
    const char *text;
    uint64_t unix_ns;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-01-02T03:04:05Z", 1767323045 * S},
      {"2026-01-02T03:04:05.5Z", 1767323045 * S + 500000000},
      {"2026-01-02T03:04:05.000Z", 1767323045 * S},
      {"2026-01-02T03:04:05.123456789Z", 1767323045 * S + 123456789},
      {"2026-01-02T03:04:05.000000001Z", 1767323045 * S + 1},
      {"2026-01-02T03:04:05+00:00", 1767323045 * S},
      {"2026-01-02T03:04:05-00:00", 1767323045 * S},
      {"2026-01-02T05:04:05+02:00", 1767323045 * S},
      {"2026-01-01T21:34:05.25-05:30", 1767323045 * S + 250000000},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1969-12-31T23:00:00-01:00", 0},
      {"2024-02-29T00:00:00Z", 1709164800 * S},
      /* 2^64 ns are 18446744073.709551616 s. */
      {"2554-07-21T23:34:33Z", 18446744073 * S},
      {"2554-07-21T23:34:33.709551614Z", UINT64_MAX - 1},
      {"2554-07-21T23:34:33.8Z", MSKGOV_NEVER},
      {"2554-07-21T23:34:34Z", MSKGOV_NEVER},
      {"9999-12-31T23:59:59Z", MSKGOV_NEVER},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    uint64_t unix_ns = 7;

    ck_assert_msg(gov_time_parse_iso8601(cases[i].text, &unix_ns) == 0,
                  "\"%s\" was refused", cases[i].text);
    ck_assert_msg(unix_ns == cases[i].unix_ns, "\"%s\" is %llu", cases[i].text,
                  (unsigned long long)unix_ns);
  }
}
END_TEST

START_TEST(test_iso8601_refused) {
  static const char *const cases[] = {
      "",
      "2026",
      "2026-01-02",
      "2026-01-02T03:04:05",
      "2026-01-02 03:04:05Z",
      "2026-01-02t03:04:05Z",
      "2026-01-02T03:04:05z",
      "2026-01-02T03:04:05Zjunk",
      "2026-01-02T03:04:05.Z",
      "2026-01-02T03:04:05.1234567890Z",
      "2026-01-02T03:04:05,5Z",
      "2026-01-02T03:04:05.5",
      "2026-01-02T03:04:05.-5Z",
      "2026-01-02T03:04:05+02",
      "2026-01-02T03:04:05+0200",
      "2026-01-02T03:04:05+24:00",
      "2026-01-02T03:04:05+02:60",
      "2026-01-02T03:04:05+02:00Z",
      "2026-01-02T03:04:05 +02:00",
      "2026-13-02T03:04:05Z",
      "2026-01-00T03:04:05Z",
      "2023-02-29T00:00:00Z",
      "2026-01-02T24:00:00Z",
      "2026-01-02T03:60:00Z",
      "2026-01-02T03:04:60Z",
      "1969-12-31T23:59:59Z",
      "1970-01-01T00:00:00+00:01",
      "26-01-02T03:04:05Z",
      "1767323045",
      "tomorrow",
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    uint64_t unix_ns = 7;

    ck_assert_msg(gov_time_parse_iso8601(cases[i], &unix_ns) == MSKGOV_ERR_INVALID,
                  "\"%s\" was taken", cases[i]);
    ck_assert_uint_eq(unix_ns, 7);
  }
}
END_TEST

START_TEST(test_format_iso8601) {
  char text[GOV_TIME_ISO8601_SIZE];

  gov_time_format_iso8601(1767323045 * S + 999999999, text);
  ck_assert_str_eq(text, "2026-01-02T03:04:05Z");
  gov_time_format_iso8601(0, text);
  ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
  gov_time_format_iso8601(MSKGOV_NEVER, text);
  ck_assert_str_eq(text, "2554-07-21T23:34:33Z");
}
END_TEST

START_TEST(test_format_ends_with_9999) {
  char text[GOV_TIME_BASIC_SIZE];

  gov_time_format_basic(UINT64_C(253402300800), text);
  ck_assert_str_eq(text, "99991231T235959Z");
  gov_time_format_basic(UINT64_MAX, text);
  ck_assert_str_eq(text, "99991231T235959Z");
}
END_TEST

TEST_MAIN("time", TEST(test_basic), TEST(test_basic_refused), TEST(test_iso8601),
          TEST(test_iso8601_refused), TEST(test_format_iso8601),
          TEST(test_format_ends_with_9999))
