/*
 * Points in time as text: the basic form that SigV4 signs, and the ISO 8601 that
 * credentials carry. UTC, the years 1970 to 9999, no leap seconds.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CODEC_TIME_H
#define GOV_CODEC_TIME_H

#include <stdint.h>

/* Sizes of the texts, their ends included. */
#define GOV_TIME_BASIC_SIZE 17
#define GOV_TIME_ISO8601_SIZE 21

/* "20260102T030405Z", exactly. Returns 0 and sets *unix_s, or MSKGOV_ERR_INVALID. */
int gov_time_parse_basic(const char *text, uint64_t *unix_s);

/* "20260102T030405Z"; what comes after 9999 is written as the last second of it. */
void gov_time_format_basic(uint64_t unix_s, char text[GOV_TIME_BASIC_SIZE]);

/*
 * "2026-01-02T03:04:05Z", with a fraction of up to nine digits if need be, and "Z" or an
 * offset such as "+02:00". Returns 0 and sets *unix_ns (MSKGOV_NEVER for a time after
 * July 2554, where nanoseconds end), or MSKGOV_ERR_INVALID.
 */
int gov_time_parse_iso8601(const char *text, uint64_t *unix_ns);

/* "2026-01-02T03:04:05Z", the fraction cut off; for people to read. */
void gov_time_format_iso8601(uint64_t unix_ns, char text[GOV_TIME_ISO8601_SIZE]);

#endif
