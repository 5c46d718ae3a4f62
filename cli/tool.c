#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "mskgov";
static volatile sig_atomic_t caught;

void tool_begin(const char *program) {
  program_name = program;
}

static void message(const char *format, va_list args) {
  fprintf(stderr, "%s: ", program_name);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
}

int tool_usage(const char *format, ...) {
  va_list args;

  va_start(args, format);
  message(format, args);
  va_end(args);
  fprintf(stderr, "Try '%s --help'.\n", program_name);

  return TOOL_USAGE;
}

int tool_cannot(const char *format, ...) {
  va_list args;

  va_start(args, format);
  message(format, args);
  va_end(args);

  return TOOL_CANNOT;
}

void tool_warn(const char *format, ...) {
  va_list args;

  va_start(args, format);
  message(format, args);
  va_end(args);
}

int tool_bad_option(int answer, const char *argument) {
  if (answer == ':')
    return tool_usage("option \"%s\" needs a value", argument);

  return tool_usage("there is no option \"%s\"", argument);
}

int tool_number(const char *option, const char *text, uint64_t min, uint64_t max,
                uint64_t *value) {
  unsigned long long number;
  char *end;

  errno = 0;
  number = strtoull(text, &end, 10);
  /* strtoull takes blanks and signs; here a number begins with a digit */
  if (text[0] < '0' || text[0] > '9' || *end || errno || number < min || number > max)
    return tool_usage("--%s: \"%s\" is no whole number from %llu to %llu", option, text,
                      (unsigned long long)min, (unsigned long long)max);

  *value = number;

  return 0;
}

int tool_number32(const char *option, const char *text, uint32_t min, uint32_t max,
                  uint32_t *value) {
  uint64_t number;
  int rc;

  rc = tool_number(option, text, min, max, &number);
  if (rc)
    return rc;

  *value = (uint32_t)number;

  return 0;
}

static int find(const char *text, const char *const *names) {
  for (int i = 0; names && names[i]; i++)
    if (!strcmp(text, names[i]))
      return i;

  return -1;
}

int tool_choice(const char *option, const char *text, const char *const *names,
                const char *const *later, int *place) {
  char list[256] = "";
  size_t length = 0;

  *place = find(text, names);
  if (*place >= 0)
    return 0;

  for (int i = 0; names[i] && length < sizeof(list); i++)
    length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "",
                               names[i]);

  if (find(text, later) >= 0)
    return tool_usage("--%s: \"%s\" is not there in version %s; there are: %s", option,
                      text, mskgov_version(), list);

  return tool_usage("--%s: \"%s\" is not known; there are: %s", option, text, list);
}

int tool_flush(void) {
  if (fflush(stdout) || ferror(stdout))
    return tool_cannot("cannot write to standard output: %s", strerror(errno));

  return 0;
}

bool tool_color(FILE *stream) {
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");

  return isatty(fileno(stream)) && !(no_color && *no_color) && term &&
         strcmp(term, "dumb") != 0;
}

static void catch_signal(int signal_number) {
  caught = signal_number;
}

void tool_catch_signals(void) {
  struct sigaction action = {.sa_handler = catch_signal};

  /* no SA_RESTART: a signal ends the waiting in poll */
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int tool_signal(void) {
  return caught;
}

int tool_die_of_signal(void) {
  signal(caught, SIG_DFL);
  raise(caught);

  return TOOL_CANNOT;
}

void tool_format_time(uint64_t unix_ns, char text[TOOL_TIME_SIZE]) {
  time_t seconds = (time_t)(unix_ns / 1000000000u);
  struct tm utc;

  gmtime_r(&seconds, &utc);
  strftime(text, TOOL_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
