/*
 * A lock for short sections that are entered very often and seldom by two threads at once:
 * a word, two atomic steps, and futex(2) where threads meet. It is what pthread_mutex_t is
 * underneath, without the kinds and the owner that a mutex looks after at each step; use
 * that wherever the steps do not show in a measurement (bench/peers shows these).
 *
 * All zero: free. Nothing to destroy. It is not recursive and has no order among waiters.
 * After a fork the child must not touch a lock that another thread may have held.
 */
#ifndef GOV_BASE_LOCK_H
#define GOV_BASE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct gov_lock {
  _Atomic uint32_t state; /* 0 free, 1 held, 2 held and somebody may sleep */
} gov_lock;

/* Internal to the lock: what it takes where threads meet. */
void gov_lock_wait(gov_lock *lock);
void gov_lock_wake(gov_lock *lock);

static inline void gov_lock_acquire(gov_lock *lock) {
  uint32_t free = 0;

  if (!atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire,
                                               memory_order_relaxed))
    gov_lock_wait(lock);
}

/* The lock may be gone as soon as another thread has it. */
static inline void gov_lock_release(gov_lock *lock) {
  if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
    gov_lock_wake(lock);
}

#endif
