#include "base/secret.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FROM_HEAP 1
#else
#define FROM_HEAP 0
#endif

#define BLOCK_MIN ((size_t)64)
#define KINDS 11 /* BLOCK_MIN << 0 to BLOCK_MIN << 10, which is GOV_SECRET_BLOCK_MAX */
#define REGION_SIZE ((size_t)256 * 1024)

/* A block that nobody has; the first of its bytes link it. */
typedef struct block {
  struct block *next;
} block;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  block *free[KINDS];
  char *rest; /* of the newest region, not handed out yet */
  size_t left;
} locked;

/* A child must not find the lock held by a thread that it does not have. */
static void before_fork(void) {
  pthread_mutex_lock(&mutex);
}

static void after_fork(void) {
  pthread_mutex_unlock(&mutex);
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork, after_fork);
}

static void *map(size_t size) {
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (memory == MAP_FAILED)
    return NULL;

  /* A kernel without it dumps them; there is nothing better to do. */
  (void)madvise(memory, size, MADV_DONTDUMP);

  return memory;
}

static size_t to_pages(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  return size > SIZE_MAX - page ? SIZE_MAX & ~(page - 1) : (size + page - 1) & ~(page - 1);
}

static unsigned kind_of(size_t size) {
  unsigned kind = 0;

  while (BLOCK_MIN << kind < size)
    kind++;

  return kind;
}

/* What is left of a region is too small for this block; it is cut up for smaller ones. */
static void use_up_rest_locked(void) {
  for (unsigned kind = KINDS; kind-- > 0;)
    while (locked.left >= BLOCK_MIN << kind) {
      block *spare = (block *)(void *)locked.rest;

      spare->next = locked.free[kind];
      locked.free[kind] = spare;
      locked.rest += BLOCK_MIN << kind;
      locked.left -= BLOCK_MIN << kind;
    }
}

static void *take_locked(unsigned kind) {
  size_t size = BLOCK_MIN << kind;
  block *found = locked.free[kind];
  char *region;

  if (found) {
    locked.free[kind] = found->next;
    return found;
  }
  if (locked.left < size) {
    region = map(REGION_SIZE);
    if (!region)
      return NULL;
    use_up_rest_locked();
    locked.rest = region;
    locked.left = REGION_SIZE;
  }
  found = (block *)(void *)locked.rest;
  locked.rest += size;
  locked.left -= size;

  return found;
}

void *gov_secret_alloc(size_t size) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  void *memory;

  if (FROM_HEAP)
    return malloc(size);
  if (size > GOV_SECRET_BLOCK_MAX)
    return map(to_pages(size));

  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&mutex);
  memory = take_locked(kind_of(size));
  pthread_mutex_unlock(&mutex);

  return memory;
}

void *gov_secret_zalloc(size_t size) {
  void *memory = gov_secret_alloc(size);

  if (memory)
    memset(memory, 0, size);

  return memory;
}

void gov_secret_free(void *memory, size_t size) {
  block *freed = memory;
  unsigned kind;

  if (!memory)
    return;

  explicit_bzero(memory, size);
  if (FROM_HEAP) {
    free(memory);
  } else if (size > GOV_SECRET_BLOCK_MAX) {
    munmap(memory, to_pages(size));
  } else {
    kind = kind_of(size);
    pthread_mutex_lock(&mutex);
    freed->next = locked.free[kind];
    locked.free[kind] = freed;
    pthread_mutex_unlock(&mutex);
  }
}

char *gov_secret_strdup(const char *string) {
  size_t size = strlen(string) + 1;
  char *copy = gov_secret_alloc(size);

  if (copy)
    memcpy(copy, string, size);

  return copy;
}

void gov_secret_free_string(char *string) {
  if (string)
    gov_secret_free(string, strlen(string) + 1);
}

void gov_secret_wipe(void *memory, size_t length) {
  explicit_bzero(memory, length);
}
