/*
 * The terminal's whole screen: entered, drawn on, waited at, and given back as it was, also
 * when a signal ends or stops the program.
 *
 * While the screen is entered, signals come in screen_wait alone: none can be missed
 * between looking and sleeping.
 *
 * Threads: the main thread only. There is one screen.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum screen_key {
  SCREEN_NONE, /* the time is over, or the size has changed: draw again */
  SCREEN_UP,
  SCREEN_DOWN,
  SCREEN_PAGE_UP,
  SCREEN_PAGE_DOWN,
  SCREEN_END,  /* the program shall end: a signal, or the terminal is gone */
  SCREEN_OTHER /* *character */
} screen_key;

/* Whether standard output is a terminal that can be drawn on. */
bool screen_is_there(void);

/* The terminal's size; 24 by 80 if it does not tell. */
void screen_size(unsigned *rows, unsigned *columns);

/* Takes the screen, after tool_catch_signals. Keys are read if standard input is a
   terminal. */
void screen_enter(void);

/* Gives it back. Without a screen taken it does nothing. */
void screen_leave(void);

/*
 * Draws `text`, the lines of which have to fit: the first `head` lines, those from line
 * `head + skip` on, and `foot` in the last row of the terminal. One write, in place. Returns
 * whether it was written.
 */
bool screen_draw(const char *text, unsigned head, unsigned skip, const char *foot);

/* Waits for a key, a change of size or a signal, `timeout_ns` at the longest. */
screen_key screen_wait(uint64_t timeout_ns, char *character);

#endif
