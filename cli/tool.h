/*
 * What all programs of the project share: exit statuses, messages, checked options.
 *
 * Data goes to stdout, messages go to stderr. Threads: the main thread only.
 */
#ifndef TOOL_H
#define TOOL_H

#include <mskgov/common.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses. */
enum {
  TOOL_DONE = 0,
  TOOL_NO = 1,     /* it ran, and the answer is no */
  TOOL_USAGE = 2,  /* the command line is wrong */
  TOOL_CANNOT = 3, /* it could not run */
};

/* Names the program in every later message: "mskgov broker". Borrowed for ever. */
void tool_begin(const char *program);

/* Prints "<program>: <text>", and a hint at --help. Returns TOOL_USAGE, for `return`. */
int tool_usage(const char *format, ...) MSKGOV_PRINTF(1, 2);

/* Prints "<program>: <text>". Returns TOOL_CANNOT, for `return`. */
int tool_cannot(const char *format, ...) MSKGOV_PRINTF(1, 2);

/* Prints "<program>: <text>"; the program goes on. */
void tool_warn(const char *format, ...) MSKGOV_PRINTF(1, 2);

/* What getopt_long answered with '?' or ':' about `argument`. Returns TOOL_USAGE. */
int tool_bad_option(int answer, const char *argument);

/*
 * Reads a whole number from `min` to `max`. Returns 0, or TOOL_USAGE after a message that
 * names the option, the value and the range.
 */
int tool_number(const char *option, const char *text, uint64_t min, uint64_t max,
                uint64_t *value);

/* The same for a number that fits 32 bits. */
int tool_number32(const char *option, const char *text, uint32_t min, uint32_t max,
                  uint32_t *value);

/*
 * Finds `text` among `names` (ended by NULL) and sets *place. Returns 0, or TOOL_USAGE
 * after a message that lists the names. `later` (may be NULL, ended by NULL) are values
 * that are known and not there in this version.
 */
int tool_choice(const char *option, const char *text, const char *const *names,
                const char *const *later, int *place);

/* Writes a Unix time, nanoseconds, as ISO 8601: "2026-01-02T03:04:05Z". */
#define TOOL_TIME_SIZE 32
void tool_format_time(uint64_t unix_ns, char text[TOOL_TIME_SIZE]);

/* Flushes stdout. Returns 0, or TOOL_CANNOT after a message: the data was not written. */
int tool_flush(void);

/* Whether to colour what goes to `stream`: a terminal that can, and NO_COLOR is unset. */
bool tool_color(FILE *stream);

/* From now on SIGINT and SIGTERM do not end the program but are told by tool_signal. */
void tool_catch_signals(void);

/* The signal that was caught, 0 if none. */
int tool_signal(void);

/* Ends the program as the caught signal would have. Returns TOOL_CANNOT if it cannot. */
int tool_die_of_signal(void);

#endif
