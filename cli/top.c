#include "command.h"
#include "screen.h"
#include "tool.h"
#include "top_view.h"

#include <mskgov/host.h>
#include <mskgov/metrics.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 60000

static const char help[] =
    "Usage: mskgov top [OPTION]...\n"
    "Shows who shares the connection quotas of this host: per broker the rate used, the\n"
    "connections open, and who waits, read from the host store.\n"
    "\n"
    "  --directory D       where the store is (where governors put it that name none)\n"
    "  --interval SECONDS  between two looks, 0.1 to 60 (1)\n"
    "  --once              print once, with totals, and end; so it does without a "
    "terminal\n"
    "  --json              print once, as JSON\n"
    "  --help              this text\n"
    "\n"
    "Columns\n"
    "  RATE      attempts in the window, of the quota\n"
    "  OPEN      connections, of the limit     CONN   granted, not yet connected\n"
    "  GRANT/S   grants a second               WAIT   in line\n"
    "  REJECT    failed for the quota          ADAPT  of the quota allowed after that\n"
    "\n"
    "Keys: q quit, p processes on and off, arrows and page keys scroll.\n"
    "\n"
    "Exit status: 0 done; 2 the command line is wrong; 3 there is no store to be read.\n"
    "\n"
    "Example: mskgov top --directory /run/kafka-clients\n";

typedef struct top_options {
  char *directory; /* absolute; NULL: the default. Owned */
  uint64_t interval_ms;
  bool once;
  bool as_json;
} top_options;

/* What the live display knows. */
typedef struct top_display {
  const top_options *options;
  mskgov_host_snapshot *now, *before;
  mskgov_error_info error; /* why there is no newer one */
  bool processes;
  unsigned skip; /* rows scrolled past */
} top_display;

static uint64_t monotonic_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);

  return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

static int read_interval(const char *text, uint64_t *interval_ms) {
  bool is_number = *text >= '0' && *text <= '9' && !text[strspn(text, "0123456789.")];
  char *end;
  double seconds = strtod(text, &end);

  /* strtod takes blanks, signs, exponents and names as well */
  if (!is_number || *end || seconds * 1000 < INTERVAL_MIN_MS ||
      seconds * 1000 > INTERVAL_MAX_MS)
    return tool_usage("--interval: \"%s\" is no number from 0.1 to 60", text);

  *interval_ms = (uint64_t)(seconds * 1000 + 0.5);

  return 0;
}

/* The library takes absolute paths alone; on a command line the other ones are usual. */
static int read_directory(const char *text, char **directory) {
  char *here = *text == '/' ? NULL : getcwd(NULL, 0);
  int length;

  if (!*text)
    return tool_usage("--directory: the name of the directory is empty");
  free(*directory);
  *directory = NULL;
  length = asprintf(directory, "%s%s%s", here ? here : "", here ? "/" : "", text);
  free(here);
  if (length < 0) {
    *directory = NULL;
    return tool_cannot("out of memory");
  }

  return 0;
}

static int print_json(const mskgov_host_snapshot *snapshot) {
  mskgov_error_info error;
  char *text;

  if (mskgov_host_snapshot_json(snapshot, &text, &error))
    return tool_cannot("%s", error.text);

  puts(text);
  mskgov_text_free(text);

  return tool_flush();
}

/* The table as text; NULL without memory. */
static char *format(const mskgov_host_snapshot *now, const mskgov_host_snapshot *before,
                    const top_style *style) {
  top_view *view = top_view_new(now, before);
  char *text = view ? top_table_format(top_view_table(view), style) : NULL;

  top_view_free(view);

  return text;
}

static int print_once(const mskgov_host_snapshot *snapshot) {
  top_style style = {.color = tool_color(stdout), .processes = true};
  unsigned rows;
  char *text;

  if (isatty(STDOUT_FILENO))
    screen_size(&rows, &style.width);
  text = format(snapshot, NULL, &style);
  if (!text)
    return tool_cannot("out of memory");

  fputs(text, stdout);
  free(text);

  return tool_flush();
}

/* Takes another look. What cannot be read now may be there again at the next. */
static void look(top_display *display) {
  mskgov_host_snapshot *snapshot;

  if (mskgov_host_snapshot_new(&snapshot, display->options->directory, &display->error))
    return;

  mskgov_host_snapshot_free(display->before);
  display->before = display->now;
  display->now = snapshot;
}

static unsigned count_lines(const char *text) {
  unsigned lines = 0;

  while ((text = strchr(text, '\n'))) {
    lines++;
    text++;
  }

  return lines;
}

/* Draws, having brought `skip` within what there is. False: nobody can see it any more. */
static bool draw(top_display *display) {
  top_style style = {
      .color = tool_color(stdout), .processes = display->processes, .per_second = true};
  unsigned rows, columns, lines, room;
  char foot[sizeof(display->error.text) + 96];
  char *text;
  bool drawn;

  screen_size(&rows, &columns);
  /* the last column stays free: behind it, to erase the rest would erase it */
  style.width = columns > 1 ? columns - 1 : 1;
  text = format(display->now, display->before, &style);
  if (!text)
    return true;

  lines = count_lines(text) - TOP_HEAD_LINES;
  room = rows > TOP_HEAD_LINES + 1 ? rows - TOP_HEAD_LINES - 1 : 1;
  if (display->skip + room > lines)
    display->skip = lines > room ? lines - room : 0;
  if (display->error.code)
    snprintf(foot, sizeof(foot), "as it was: %s", display->error.text);
  else
    snprintf(foot, sizeof(foot), "q quit  p processes  arrows scroll  %u-%u of %u",
             lines ? display->skip + 1 : 0,
             display->skip + room < lines ? display->skip + room : lines, lines);
  top_table_clean(foot);
  drawn = screen_draw(text, TOP_HEAD_LINES, display->skip, foot);
  free(text);

  return drawn;
}

static unsigned page(void) {
  unsigned rows, columns;

  screen_size(&rows, &columns);

  return rows > TOP_HEAD_LINES + 2 ? rows - TOP_HEAD_LINES - 2 : 1;
}

static void scroll_up(top_display *display, unsigned lines) {
  display->skip = display->skip > lines ? display->skip - lines : 0;
}

/* Does what a key says; false: the end. */
static bool obey(top_display *display, screen_key key, char character) {
  switch (key) {
  case SCREEN_UP:
    scroll_up(display, 1);
    break;
  case SCREEN_DOWN:
    display->skip++;
    break;
  case SCREEN_PAGE_UP:
    scroll_up(display, page());
    break;
  case SCREEN_PAGE_DOWN:
    display->skip += page();
    break;
  case SCREEN_END:
    return false;
  case SCREEN_OTHER:
    if (character == 'p')
      display->processes = !display->processes;
    return character != 'q';
  case SCREEN_NONE:
    break;
  }

  return true;
}

static int run_live(const top_options *options, mskgov_host_snapshot *first) {
  top_display display = {.options = options, .now = first, .processes = true};
  uint64_t interval_ns = options->interval_ms * NS_PER_MS;
  uint64_t next_ns = monotonic_ns() + interval_ns;
  char character = '\0';
  screen_key key;
  bool drawn;

  tool_catch_signals();
  screen_enter();
  while ((drawn = draw(&display))) {
    uint64_t now_ns = monotonic_ns();

    key = screen_wait(next_ns > now_ns ? next_ns - now_ns : 0, &character);
    if (!obey(&display, key, character))
      break;
    if (monotonic_ns() >= next_ns) {
      look(&display);
      next_ns = monotonic_ns() + interval_ns;
    }
  }
  screen_leave();
  mskgov_host_snapshot_free(display.before);
  mskgov_host_snapshot_free(display.now);

  return drawn ? TOOL_DONE : tool_cannot("cannot write to the terminal");
}

static int run(const top_options *options) {
  mskgov_host_snapshot *snapshot;
  mskgov_error_info error;
  int status, rc;

  rc = mskgov_host_snapshot_new(&snapshot, options->directory, &error);
  if (rc)
    return tool_cannot("%s%s", error.text,
                       rc == MSKGOV_ERR_HOST_STORE ? " (--directory names another place)"
                                                   : "");
  if (!options->as_json && !options->once && screen_is_there())
    return run_live(options, snapshot);

  status = options->as_json ? print_json(snapshot) : print_once(snapshot);
  mskgov_host_snapshot_free(snapshot);

  return status;
}

static int read_option(top_options *options, int opt, const char *text) {
  switch (opt) {
  case 'd':
    return read_directory(text, &options->directory);
  case 'i':
    return read_interval(text, &options->interval_ms);
  case 'o':
    options->once = true;
    return 0;
  default:
    options->as_json = true;
    return 0;
  }
}

int cli_top_run(int argc, char **argv) {
  static const struct option longs[] = {{"directory", required_argument, NULL, 'd'},
                                        {"interval", required_argument, NULL, 'i'},
                                        {"once", no_argument, NULL, 'o'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  top_options options = {.interval_ms = 1000};
  int opt, rc = 0;

  while (!rc && (opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(help, stdout);
      rc = tool_flush();
      goto done;
    }
    rc = opt == '?' || opt == ':' ? tool_bad_option(opt, argv[optind - 1])
                                  : read_option(&options, opt, optarg);
  }
  if (!rc && optind < argc)
    rc = tool_usage("there is no argument \"%s\"", argv[optind]);
  if (!rc)
    rc = run(&options);

done:
  free(options.directory);

  return rc;
}
