/*
 * Looks for secrets in this process's own memory: in every mapping that can be written to,
 * by way of /proc/self/mem. What is looked for is kept masked, so that it is not found where
 * it is kept; string literals are in memory that cannot be written to, and do not count.
 */
#ifndef TEST_MEMORY_SEARCH_H
#define TEST_MEMORY_SEARCH_H

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define NEEDLE_MAX 4096
#define NEEDLE_MASK 0x5a
#define MEMORY_MAPPINGS 2048
#define MEMORY_CHUNK ((size_t)1 << 20)

typedef struct needle {
  size_t length;
  unsigned char masked[NEEDLE_MAX];
} needle;

typedef struct memory_mapping {
  uintptr_t start, end;
  bool is_heap;   /* the main heap of malloc */
  bool is_stack;  /* of the first thread */
  bool is_hidden; /* left out of core dumps: "dd" in VmFlags */
} memory_mapping;

/* Where a secret was found, how often. */
typedef struct memory_places {
  size_t hidden, heap, stack, other;
  uintptr_t last; /* the last one that is not hidden */
} memory_places;

/* A range that does not count: the environment's own copy, which nobody can hide. */
static struct { uintptr_t start, end; } memory_known;

static memory_mapping memory_mappings[MEMORY_MAPPINGS];
static size_t memory_mapping_count;

static inline void needle_add(needle *to, char byte) {
  ck_assert_uint_lt(to->length, NEEDLE_MAX);
  to->masked[to->length++] = (unsigned char)byte ^ NEEDLE_MASK;
}

static inline void needle_set(needle *to, const char *text) {
  to->length = 0;
  while (*text)
    needle_add(to, *text++);
}

/* As it is in a URL (RFC 3986); nothing else than slash and plus needs it in a canary. */
static inline void needle_set_encoded(needle *to, const char *text) {
  to->length = 0;
  for (; *text; text++)
    if (*text == '/' || *text == '+')
      for (const char *c = *text == '/' ? "%2F" : "%2B"; *c; c++)
        needle_add(to, *c);
    else
      needle_add(to, *text);
}

/* Those that can be written to. */
static inline void memory_list(void) {
  FILE *file = fopen("/proc/self/smaps", "re");
  memory_mapping *last = NULL;
  unsigned long start, end;
  char *line = NULL, rights[8];
  size_t size = 0;

  ck_assert_ptr_nonnull(file);
  memory_mapping_count = 0;
  while (getline(&line, &size, file) > 0)
    if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3) {
      last = NULL;
      if (rights[1] != 'w')
        continue;
      ck_assert_uint_lt(memory_mapping_count, MEMORY_MAPPINGS);
      last = &memory_mappings[memory_mapping_count++];
      *last = (memory_mapping){.start = start,
                               .end = end,
                               .is_heap = strstr(line, "[heap]") != NULL,
                               .is_stack = strstr(line, "[stack]") != NULL};
    } else if (last && strncmp(line, "VmFlags:", 8) == 0) {
      last->is_hidden = strstr(line, " dd") != NULL;
    }
  free(line);
  fclose(file);
}

static inline bool needle_is_at(const needle *wanted, const unsigned char *at) {
  for (size_t i = 0; i < wanted->length; i++)
    if ((at[i] ^ NEEDLE_MASK) != wanted->masked[i])
      return false;

  return true;
}

static inline void memory_note(const memory_mapping *in, uintptr_t address,
                               memory_places *places) {
  if (address >= memory_known.start && address < memory_known.end)
    return;

  if (in->is_hidden)
    places->hidden++;
  else if (in->is_heap)
    places->heap++;
  else if (in->is_stack)
    places->stack++;
  else
    places->other++;
  if (!in->is_hidden)
    places->last = address;
}

/* One mapping, through a window of its own, which is not looked at. */
static inline void memory_search_mapping(int mem, const memory_mapping *in,
                                         unsigned char *window, const needle *wanted,
                                         memory_places *places) {
  size_t step = MEMORY_CHUNK - wanted->length + 1;
  uintptr_t own = (uintptr_t)window;

  for (uintptr_t at = in->start; at < in->end; at += step) {
    size_t length = in->end - at < MEMORY_CHUNK ? in->end - at : MEMORY_CHUNK;
    ssize_t got = pread(mem, window, length, (off_t)at);
    const unsigned char *found = window, *end = window + (got > 0 ? got : 0);

    while ((size_t)(end - found) >= wanted->length &&
           (found = memchr(found, wanted->masked[0] ^ NEEDLE_MASK,
                           (size_t)(end - found) - wanted->length + 1))) {
      uintptr_t address = at + (uintptr_t)(found - window);

      if (!(address >= own && address < own + MEMORY_CHUNK) && needle_is_at(wanted, found))
        memory_note(in, address, places);
      found++;
    }
  }
}

static const needle *memory_wanted;
static memory_places memory_found;

static inline void memory_search_all(void) {
  unsigned char *window =
      mmap(NULL, MEMORY_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

  ck_assert_ptr_ne(window, MAP_FAILED);
  ck_assert_int_ge(mem, 0);
  memory_list();
  for (size_t i = 0; i < memory_mapping_count; i++)
    memory_search_mapping(mem, &memory_mappings[i], window, memory_wanted, &memory_found);
  close(mem);
  munmap(window, MEMORY_CHUNK);
}

/* On a stack of its own, so that what was left on the other one is still there. */
static inline memory_places memory_search(const needle *wanted) {
  static ucontext_t caller, searcher;
  static char stack[1 << 17];

  memory_wanted = wanted;
  memory_found = (memory_places){0};
  getcontext(&searcher);
  searcher.uc_stack.ss_sp = stack;
  searcher.uc_stack.ss_size = sizeof(stack);
  searcher.uc_link = &caller;
  makecontext(&searcher, memory_search_all, 0);
  swapcontext(&caller, &searcher);

  return memory_found;
}

#endif
