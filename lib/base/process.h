/*
 * Which process this is, and what a forked child must not keep.
 *
 * An object that belongs to the process that made it notes gov_process_generation() and
 * compares later: cheaper than getpid(2), which is a system call. It is told by fork(2) as
 * the C library offers it; a bare clone(2) goes unnoticed.
 *
 * Threads: any.
 */
#ifndef GOV_BASE_PROCESS_H
#define GOV_BASE_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

/* Rises by one in every forked child. Read it by gov_process_generation. */
extern atomic_uint gov_process_forks;

/* The generation of this process. The first call makes forks be noticed from then on. */
unsigned gov_process_generation(void);

/* Whether this is still the process that had the generation. */
static inline bool gov_process_is(unsigned generation) {
  return atomic_load_explicit(&gov_process_forks, memory_order_relaxed) == generation;
}

/* A descriptor that forked children close at once: what it holds is the parent's alone. */
typedef struct gov_process_fd {
  struct gov_process_fd *next;
  int fd;
} gov_process_fd;

/*
 * Opens a file (openat(2), `flags` without O_CREAT) and notes its descriptor until _forget;
 * `entry` is the caller's. A fork comes before or after, never in between. Returns 0 or an
 * errno, with nothing noted.
 */
int gov_process_open(gov_process_fd *entry, int directory, const char *name, int flags);

/* Closes the descriptor and forgets it; in a child, where it is closed, only the latter. */
void gov_process_forget(gov_process_fd *entry);

#endif
