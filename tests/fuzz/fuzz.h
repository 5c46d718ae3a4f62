/*
 * A target: fed with arbitrary bytes, it checks what holds for all of them. It is built
 * twice, with replay.c for the committed corpus and, with -DMSKGOV_FUZZ=ON, for libFuzzer.
 *
 * A target has no state between two inputs, so that each one can be repeated alone.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name is libFuzzer's. `data` has its exact size, so that the sanitizers see every
   byte that is read past it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Also where NDEBUG takes asserts out. */
#define FUZZ_CHECK(condition)                                                              \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);       \
      abort();                                                                             \
    }                                                                                      \
  } while (0)

/* A copy of its exact size; owned: free. Never NULL. */
static inline void *fuzz_copy(const void *data, size_t size) {
  void *copy = malloc(size ? size : 1);

  FUZZ_CHECK(copy);
  if (size)
    memcpy(copy, data, size);

  return copy;
}

/* Likewise, as a string: up to the first NUL, if there is one. */
static inline char *fuzz_string(const void *data, size_t size) {
  char *text = malloc(size + 1);

  FUZZ_CHECK(text);
  if (size)
    memcpy(text, data, size);
  text[size] = '\0';

  return text;
}

/* Whether a view lies in what it was read from. */
static inline bool fuzz_is_within(const void *view, size_t length, const void *data,
                                  size_t size) {
  const char *at = view, *from = data;

  return at && at >= from && length <= size && at + length <= from + size;
}

#endif
