#include "codec/time.h"

#include "base/clock.h"

#include <mskgov/common.h>
#include <mskgov/error.h>

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define LAST_SECOND UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* The part of a time that a letter of a pattern stands for; NULL: the byte itself. */
static int *part_of(struct tm *tm, char letter) {
  switch (letter) {
  case 'Y':
    return &tm->tm_year;
  case 'M':
    return &tm->tm_mon;
  case 'D':
    return &tm->tm_mday;
  case 'h':
    return &tm->tm_hour;
  case 'm':
    return &tm->tm_min;
  case 's':
    return &tm->tm_sec;
  default:
    return NULL;
  }
}

/*
 * Reads `text` against a pattern: a letter of "YMDhms" takes a digit of that part, any
 * other byte stands for itself. Returns what follows, or NULL.
 */
static const char *scan(const char *text, const char *pattern, struct tm *tm) {
  *tm = (struct tm){0};

  for (; *pattern; pattern++, text++) {
    int *part = part_of(tm, *pattern);

    if (part ? *text < '0' || *text > '9' : *text != *pattern)
      return NULL;
    if (part)
      *part = *part * 10 + (*text - '0');
  }

  tm->tm_year -= 1900;
  tm->tm_mon -= 1;

  return text;
}

/* timegm carries February 30 over into March, so what it made is read back. */
static bool to_unix(const struct tm *tm, int64_t *unix_s) {
  struct tm normal = *tm;

  *unix_s = timegm(&normal);

  return normal.tm_year == tm->tm_year && normal.tm_mon == tm->tm_mon &&
         normal.tm_mday == tm->tm_mday && normal.tm_hour == tm->tm_hour &&
         normal.tm_min == tm->tm_min && normal.tm_sec == tm->tm_sec;
}

int gov_time_parse_basic(const char *text, uint64_t *unix_s) {
  const char *end;
  struct tm tm;
  int64_t s;

  end = scan(text, "YYYYMMDDThhmmssZ", &tm);
  if (!end || *end || !to_unix(&tm, &s) || s < 0)
    return MSKGOV_ERR_INVALID;

  *unix_s = (uint64_t)s;

  return 0;
}

/* The other way round, from the last digit on. */
static void format(uint64_t unix_s, const char *pattern, char *text) {
  time_t s = (time_t)(unix_s < LAST_SECOND ? unix_s : LAST_SECOND);
  size_t at = strlen(pattern);
  struct tm tm;

  gmtime_r(&s, &tm);
  tm.tm_year += 1900;
  tm.tm_mon += 1;
  text[at] = '\0';
  while (at-- > 0) {
    int *part = part_of(&tm, pattern[at]);

    text[at] = part ? (char)('0' + *part % 10) : pattern[at];
    if (part)
      *part /= 10;
  }
}

void gov_time_format_basic(uint64_t unix_s, char text[GOV_TIME_BASIC_SIZE]) {
  format(unix_s, "YYYYMMDDThhmmssZ", text);
}

void gov_time_format_iso8601(uint64_t unix_ns, char text[GOV_TIME_ISO8601_SIZE]) {
  format(unix_ns / GOV_NS_PER_S, "YYYY-MM-DDThh:mm:ssZ", text);
}

/* "", or "." and one to nine digits. */
static const char *parse_fraction(const char *text, uint64_t *ns) {
  size_t digits;

  *ns = 0;
  if (*text != '.')
    return text;

  digits = strspn(++text, "0123456789");
  if (digits < 1 || digits > 9)
    return NULL;

  for (size_t i = 0; i < 9; i++)
    *ns = *ns * 10 + (i < digits ? (uint64_t)(text[i] - '0') : 0);

  return text + digits;
}

/* "Z", "+hh:mm" or "-hh:mm", and the end. */
static bool parse_offset(const char *text, int64_t *offset_s) {
  struct tm tm;
  const char *end;

  *offset_s = 0;
  if (strcmp(text, "Z") == 0)
    return true;
  if (*text != '+' && *text != '-')
    return false;

  end = scan(text + 1, "hh:mm", &tm);
  if (!end || *end || tm.tm_hour > 23 || tm.tm_min > 59)
    return false;

  *offset_s = (tm.tm_hour * 60 + tm.tm_min) * (*text == '-' ? -60 : 60);

  return true;
}

int gov_time_parse_iso8601(const char *text, uint64_t *unix_ns) {
  int64_t s, offset_s;
  uint64_t fraction_ns;
  struct tm tm;

  text = scan(text, "YYYY-MM-DDThh:mm:ss", &tm);
  if (!text || !to_unix(&tm, &s))
    return MSKGOV_ERR_INVALID;

  text = parse_fraction(text, &fraction_ns);
  if (!text || !parse_offset(text, &offset_s) || s < offset_s)
    return MSKGOV_ERR_INVALID;

  s -= offset_s;
  *unix_ns = (uint64_t)s > UINT64_MAX / GOV_NS_PER_S
                 ? MSKGOV_NEVER
                 : gov_time_add((uint64_t)s * GOV_NS_PER_S, fraction_ns);

  return 0;
}
