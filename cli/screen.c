#include "screen.h"

#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Alternate screen and no cursor; and back. */
#define ENTER "\x1b[?1049h" HIDE
#define HIDE "\x1b[?25l"
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"

#define KEYS_MAX 64

static const int caught_signals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                     SIGTSTP, SIGCONT, SIGWINCH};
#define SIGNALS (sizeof(caught_signals) / sizeof(caught_signals[0]))

static volatile sig_atomic_t ended, stopping, continued;

static struct {
  bool entered;
  bool has_keys; /* `saved` is what standard input was */
  bool at_end;   /* of standard input */
  struct termios saved;
  sigset_t mask; /* outside */
  struct sigaction actions[SIGNALS];
  char keys[KEYS_MAX]; /* read and not yet told */
  size_t key_count;
} screen;

static void note(int signal_number) {
  if (signal_number == SIGHUP || signal_number == SIGQUIT)
    ended = 1;
  else if (signal_number == SIGTSTP)
    stopping = 1;
  else if (signal_number == SIGCONT)
    continued = 1;
}

bool screen_is_there(void) {
  const char *term = getenv("TERM");

  return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void screen_size(unsigned *rows, unsigned *columns) {
  struct winsize size;

  *rows = 24;
  *columns = 80;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
    return;

  *rows = size.ws_row;
  *columns = size.ws_col;
}

static bool write_all(const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(STDOUT_FILENO, data, size);

    if (written < 0 && errno == EAGAIN) {
      struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};

      if (poll(&ready, 1, 1000) <= 0)
        return false; /* a terminal that takes nothing */
      continue;
    }
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0) {
      data += written;
      size -= (size_t)written;
    }
  }

  return true;
}

static void take_terminal(const char *how) {
  struct termios raw = screen.saved;

  if (screen.has_keys) {
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write_all(how, strlen(how));
}

static void give_terminal(void) {
  write_all(LEAVE, strlen(LEAVE));
  if (screen.has_keys)
    tcsetattr(STDIN_FILENO, TCSANOW, &screen.saved);
}

/* INT and TERM have their handlers already. What was ignored (nohup) stays ignored. */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = note};
  sigset_t set;

  sigemptyset(&set);
  for (size_t i = 0; i < SIGNALS; i++) {
    int number = caught_signals[i];

    sigaddset(&set, number);
    sigaction(number, NULL, &screen.actions[i]);
    if (number != SIGINT && number != SIGTERM && screen.actions[i].sa_handler != SIG_IGN)
      sigaction(number, &action, NULL);
  }
  sigprocmask(SIG_BLOCK, &set, &screen.mask);
}

void screen_enter(void) {
  screen.has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &screen.saved);
  screen.at_end = !screen.has_keys;
  catch_signals();
  take_terminal(ENTER);
  screen.entered = true;
}

void screen_leave(void) {
  if (!screen.entered)
    return;

  give_terminal();
  screen.entered = false;
  sigprocmask(SIG_SETMASK, &screen.mask, NULL);
  for (size_t i = 0; i < SIGNALS; i++)
    sigaction(caught_signals[i], &screen.actions[i], NULL);
}

static const char *next_line(const char *line) {
  const char *end = strchr(line, '\n');

  return end ? end + 1 : line + strlen(line);
}

bool screen_draw(const char *text, unsigned head, unsigned skip, const char *foot) {
  unsigned rows, width;
  char *frame = NULL;
  size_t size;
  bool drawn;
  FILE *file = open_memstream(&frame, &size);

  if (!file)
    return true; /* the next one may succeed */

  screen_size(&rows, &width);
  fputs("\x1b[H", file);
  for (unsigned row = 0; row + 1 < rows; row++) {
    size_t length = strcspn(text, "\n");

    fwrite(text, 1, length, file);
    fputs("\x1b[K\r\n", file);
    text = next_line(text);
    for (; row + 1 == head && skip > 0; skip--)
      text = next_line(text);
  }
  fprintf(file, "%.*s\x1b[K", (int)width - 1, foot);
  drawn = fclose(file) || write_all(frame, size);
  free(frame);

  return drawn;
}

static const struct {
  const char *bytes;
  screen_key key;
} sequences[] = {
    {"\x1b[A", SCREEN_UP},   {"\x1bOA", SCREEN_UP},       {"\x1b[B", SCREEN_DOWN},
    {"\x1bOB", SCREEN_DOWN}, {"\x1b[5~", SCREEN_PAGE_UP}, {"\x1b[6~", SCREEN_PAGE_DOWN},
};

static void drop_keys(size_t count) {
  memmove(screen.keys, screen.keys + count, screen.key_count - count);
  screen.key_count -= count;
}

/* The length of the escape sequence that the keys begin with; one that is cut is whole. */
static size_t sequence_length(void) {
  size_t at = 2;

  if (screen.key_count < 2 || (screen.keys[1] != '[' && screen.keys[1] != 'O'))
    return 1;
  while (at < screen.key_count && (screen.keys[at] < '@' || screen.keys[at] > '~'))
    at++;

  return at < screen.key_count ? at + 1 : screen.key_count;
}

static screen_key take_key(char *character) {
  size_t length;
  screen_key key = SCREEN_NONE;

  if (screen.keys[0] != '\x1b') {
    *character = screen.keys[0];
    drop_keys(1);
    return SCREEN_OTHER;
  }

  length = sequence_length();
  for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
    if (strlen(sequences[i].bytes) == length &&
        !memcmp(screen.keys, sequences[i].bytes, length))
      key = sequences[i].key;
  drop_keys(length);

  return key;
}

/* Stops as the terminal's user asks, with the terminal as it was. */
static void stop(void) {
  const struct timespec at_once = {0};
  sigset_t set;

  stopping = 0;
  give_terminal();
  raise(SIGSTOP);
  sigemptyset(&set);
  sigaddset(&set, SIGCONT);
  sigtimedwait(&set, NULL, &at_once);
  take_terminal(ENTER);
}

static bool read_keys(void) {
  ssize_t got =
      read(STDIN_FILENO, screen.keys + screen.key_count, KEYS_MAX - screen.key_count);

  if (got < 0)
    return errno == EINTR || errno == EAGAIN;
  screen.key_count += (size_t)got;

  return got > 0;
}

screen_key screen_wait(uint64_t timeout_ns, char *character) {
  struct pollfd input = {.fd = screen.at_end ? -1 : STDIN_FILENO, .events = POLLIN};
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                             .tv_nsec = (long)(timeout_ns % 1000000000)};

  if (screen.key_count > 0)
    return take_key(character);

  if (ppoll(&input, 1, &timeout, &screen.mask) > 0 && !read_keys())
    return SCREEN_END; /* the terminal is gone */
  if (ended || tool_signal())
    return SCREEN_END;
  if (stopping)
    stop();
  if (continued) { /* stopped by somebody else: the screen is still taken */
    continued = 0;
    take_terminal(HIDE);
  }

  return screen.key_count > 0 ? take_key(character) : SCREEN_NONE;
}
