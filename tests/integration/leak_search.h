/*
 * Looks for canaries in what a program printed: twelve bytes in a row of any form of one are
 * a leak, so that texts that were cut are found too. The forms: as it is, percent-encoded
 * (once, as in a URL, and twice, as in a canonical request), with JSON's escaped slashes;
 * and each of these in base64 and base64url at all three alignments, and in hexadecimal.
 */
#ifndef TEST_LEAK_SEARCH_H
#define TEST_LEAK_SEARCH_H

#include "leak_canaries.h"

#include <assert.h>
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAK_WINDOW 12
#define LEAK_WINDOWS_MAX 262144
#define LEAK_FORM_MAX 4096

typedef struct leak_window {
  char bytes[LEAK_WINDOW];
  const canary *of;
} leak_window;

static leak_window leak_windows[LEAK_WINDOWS_MAX];
static size_t leak_window_count;

static inline int leak_compare(const void *a, const void *b) {
  return memcmp(a, b, LEAK_WINDOW);
}

static inline void leak_add(const canary *of, const char *text, size_t length) {
  for (size_t i = 0; i + LEAK_WINDOW <= length; i++) {
    assert(leak_window_count < LEAK_WINDOWS_MAX);
    memcpy(leak_windows[leak_window_count].bytes, text + i, LEAK_WINDOW);
    leak_windows[leak_window_count++].of = of;
  }
}

/* RFC 4648, with no padding; of what has `skipped` bytes before it, the characters that
   depend on the text alone. */
static inline void leak_add_base64(const canary *of, const char *text, size_t skipped,
                                   const char *last_two) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  char out[LEAK_FORM_MAX];
  size_t length = strlen(text), used = 0;

  assert(length * 4 / 3 + 4 < sizeof(out));
  for (size_t bit = skipped ? 6 - skipped * 8 % 6 : 0; bit + 6 <= length * 8; bit += 6) {
    unsigned value = 0;

    for (size_t i = bit; i < bit + 6; i++)
      value = value * 2 + ((unsigned char)text[i / 8] >> (7 - i % 8) & 1);
    out[used++] = value < 62 ? letters[value] : last_two[value - 62];
  }
  leak_add(of, out, used);
}

static inline void leak_add_hex(const canary *of, const char *text, const char *format) {
  char out[LEAK_FORM_MAX];
  size_t used = 0;

  assert(strlen(text) * 2 < sizeof(out));
  for (; *text; text++)
    used += (size_t)snprintf(out + used, sizeof(out) - used, format,
                             (unsigned)(unsigned char)*text);
  leak_add(of, out, used);
}

static inline void leak_add_forms(const canary *of, const char *text) {
  leak_add(of, text, strlen(text));
  for (size_t skipped = 0; skipped < 3; skipped++) {
    leak_add_base64(of, text, skipped, "+/");
    leak_add_base64(of, text, skipped, "-_");
  }
  leak_add_hex(of, text, "%02x");
  leak_add_hex(of, text, "%02X");
}

/* The bytes of `which` replaced, each by `format` of it. */
static inline void leak_escape(const char *text, const char *which, const char *format,
                               char out[LEAK_FORM_MAX]) {
  size_t used = 0;

  for (; *text; text++)
    used += (size_t)snprintf(out + used, LEAK_FORM_MAX - used,
                             strchr(which, *text) ? format : "%c",
                             (unsigned)(unsigned char)*text);
}

static inline void leak_search_init(void) {
  static const char *const formats[] = {"%%%02X", "%%%02x", "%%25%02X", "\\%c"};
  char escaped[LEAK_FORM_MAX];

  if (leak_window_count)
    return;
  for (const canary *c = canaries; c < canaries + CANARIES; c++) {
    leak_add_forms(c, c->text);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
      leak_escape(c->text, i == 3 ? "/" : "/+", formats[i], escaped);
      leak_add_forms(c, escaped);
    }
  }
  qsort(leak_windows, leak_window_count, sizeof(leak_windows[0]), leak_compare);
}

/* The first canary in the bytes and its place; NULL: there is none. `token_is_fine`: those
   that a token holds may be there. */
static inline const canary *leak_search(const char *data, size_t length, bool token_is_fine,
                                        size_t *at) {
  leak_search_init();
  for (size_t i = 0; i + LEAK_WINDOW <= length; i++) {
    const leak_window *found = bsearch(data + i, leak_windows, leak_window_count,
                                       sizeof(leak_windows[0]), leak_compare);

    if (found && !(token_is_fine && found->of->in_token)) {
      *at = i;
      return found->of;
    }
  }

  return NULL;
}

static inline void leak_assert_none(const char *where, const char *data, size_t length,
                                    bool token_is_fine) {
  size_t at = 0, from;
  const canary *found = leak_search(data, length, token_is_fine, &at);

  from = at > 60 ? at - 60 : 0;
  ck_assert_msg(!found, "%s: byte %zu of %zu is of %s:\n%.*s", where, at, length,
                found ? found->name : "", (int)(length - from < 160 ? length - from : 160),
                data + from);
}

#endif
