#include "base/lock.h"

#include "base/cold.h"
#include "base/relax.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How often to look before sleeping: a section is shorter than a system call. */
#define LOOKS 30

GOV_COLD void gov_lock_wait(gov_lock *lock) {
  for (int i = 0; i < LOOKS; i++, gov_relax()) {
    uint32_t free = 0;

    if (atomic_load_explicit(&lock->state, memory_order_relaxed) == 0 &&
        atomic_compare_exchange_weak_explicit(&lock->state, &free, 1, memory_order_acquire,
                                              memory_order_relaxed))
      return;
  }

  /* whoever gets it here says that others may sleep: a wake too many at most */
  while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
    syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

/* The address alone counts, so it does no harm if the lock is gone meanwhile. */
GOV_COLD void gov_lock_wake(gov_lock *lock) {
  syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
