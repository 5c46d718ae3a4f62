/*
 * Points in time: what is read is what the calendar says, to the nanosecond; it comes back
 * through the formatter; what is refused sets nothing. The first eight bytes are a time to
 * write, too.
 */
#include "codec/time.h"

#include "fuzz.h"

#include <mskgov/common.h>
#include <mskgov/error.h>

#include <inttypes.h>

#define UNTOUCHED UINT64_C(0x0123456789abcdef)
#define NS UINT64_C(1000000000)
#define LAST_SECOND UINT64_C(253402300799) /* 9999-12-31T23:59:59Z: date -u -d … +%s */

/* Days from 1970 on, by counting; the years are 1970 to 9999. */
static int64_t seconds_of(int year, int month, int day, int hour, int minute, int second) {
  static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  int past = month > 2 ? year : year - 1; /* with its leap day behind */
  int64_t days = (year - 1970) * 365 + before[month - 1] + day - 1 + past / 4 - past / 100 +
                 past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

static void check_iso8601(const char *text) {
  const char *start = text;
  char again[GOV_TIME_ISO8601_SIZE], digits[10] = "000000000", sign = 'Z';
  int y, mo, d, h, mi, s, end = 0, away_h = 0, away_mi = 0;
  uint64_t ns = UNTOUCHED, expected_s, back = UNTOUCHED;
  int64_t s_unix;
  size_t fraction;

  if (gov_time_parse_iso8601(text, &ns)) {
    FUZZ_CHECK(ns == UNTOUCHED);
    return;
  }
  FUZZ_CHECK(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &end) ==
             6);
  FUZZ_CHECK(end == 19 && mo >= 1 && mo <= 12);
  text += end;
  fraction = *text == '.' ? strspn(text + 1, "0123456789") : 0;
  FUZZ_CHECK(fraction <= 9);
  memcpy(digits, text + 1, fraction);
  text += fraction ? fraction + 1 : 0;
  FUZZ_CHECK(sscanf(text, "%c%2d:%2d", &sign, &away_h, &away_mi) == (*text == 'Z' ? 1 : 3));
  FUZZ_CHECK(strlen(text) == (sign == 'Z' ? 1 : 6) && away_h < 24 && away_mi < 60);

  s_unix =
      seconds_of(y, mo, d, h, mi, s) - (away_h * 60 + away_mi) * (sign == '-' ? -60 : 60);
  FUZZ_CHECK(s_unix >= 0);
  expected_s = (uint64_t)s_unix;
  if (expected_s > UINT64_MAX / NS ||
      strtoull(digits, NULL, 10) > UINT64_MAX - expected_s * NS)
    FUZZ_CHECK(ns == MSKGOV_NEVER);
  else
    FUZZ_CHECK(ns == expected_s * NS + strtoull(digits, NULL, 10));

  /* Without an offset it is the same text again, so no part was carried over. */
  gov_time_format_iso8601(ns, again);
  FUZZ_CHECK(sign != 'Z' || ns == MSKGOV_NEVER || memcmp(again, start, 19) == 0);
  FUZZ_CHECK(gov_time_parse_iso8601(again, &back) == 0 && back == ns - ns % NS);
}

static void check_basic(const char *text) {
  char again[GOV_TIME_BASIC_SIZE];
  uint64_t s = UNTOUCHED;

  if (gov_time_parse_basic(text, &s)) {
    FUZZ_CHECK(s == UNTOUCHED);
    return;
  }
  gov_time_format_basic(s, again);
  FUZZ_CHECK(s <= LAST_SECOND && strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_string(data, size), basic[GOV_TIME_BASIC_SIZE];
  uint64_t number = 0, back;

  check_iso8601(text);
  check_basic(text);
  free(text);

  memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
  gov_time_format_basic(number, basic);
  FUZZ_CHECK(gov_time_parse_basic(basic, &back) == 0);
  FUZZ_CHECK(back == (number < LAST_SECOND ? number : LAST_SECOND));

  return 0;
}
