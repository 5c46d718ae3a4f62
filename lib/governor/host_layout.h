/*
 * The host store's file, as it lies in memory: a header, the members, the index of brokers,
 * then a segment per broker, in the order in which they came.
 *
 * There is no lock in it. Every word is moved by compare-and-swap or has one writer, and
 * every state that a killed process can leave is a good one:
 *
 *   bucket       one word (policy/bucket.h). A slot that was reserved and not used lapses.
 *   window[]     Q slots of the arrival window (policy/window.h), here one word each: the
 *                moment from which it is free, or who holds it. An attempt takes a free one
 *                by compare-and-swap and stores the moment of its report plus one window.
 *                What a dead process held becomes free one window, and the spread of its
 *                grants, after somebody has noticed.
 *   connection[] a word for each connection that may be open: 0, or who holds it.
 *   row[]        what one member has, written by that member alone. Its waiters count for
 *                the shares, the rest is for the reader.
 *
 * Who is alive is told by locks on bytes of the file (open file description locks), one per
 * member: the kernel lets go of them when the process ends, however it ends, so nothing
 * depends on pids and their reuse, on namespaces, or on a process being scheduled. Whoever
 * gets the lock of a member clears what it held; then the place can be used again.
 *
 * The contents are input: numbers are bounded and times clamped where they are read.
 */
#ifndef GOV_GOVERNOR_HOST_LAYOUT_H
#define GOV_GOVERNOR_HOST_LAYOUT_H

#include "policy/bucket.h"

#include <mskgov/governor.h>
#include <mskgov/host.h>
#include <mskgov/permit.h>

#include <stdatomic.h>
#include <stdint.h>

#define GOV_HOST_MAGIC UINT64_C(0x31766f676b736d) /* "mskgov1" */
#define GOV_HOST_VERSION 2u
#define GOV_HOST_PAGE 4096

/* A member's place. */
typedef struct gov_host_place {
  _Atomic uint32_t generation; /* of the member; 0: the place is free */
  _Atomic uint32_t pid;
  _Atomic uint32_t uid;
  _Atomic uint32_t window_connections; /* its quota, as in mskgov_pacing */
  _Atomic uint32_t max_connections;
  _Atomic uint32_t seal; /* of generation and quota; 0: they are being written */
  _Atomic uint64_t window_ns;
  _Atomic uint64_t interval_ns;
  _Atomic uint64_t joined_at_ns;
  _Atomic uint64_t name[MSKGOV_PROCESS_NAME_MAX / 8];
} gov_host_place;

typedef struct gov_host_header {
  uint64_t magic;
  uint32_t version;
  uint32_t header_size; /* these four repeat the layout's constants */
  uint32_t segment_size;
  uint32_t members_max;
  uint32_t brokers_max;
  unsigned char boot_id[16];     /* the times are of that boot's clock */
  uint64_t quiet_until_ns;       /* grants begin then: what was before is not known */
  _Atomic uint32_t generation;   /* of the last member that joined */
  _Atomic uint32_t epoch;        /* rises when a member comes, goes or changes its quota */
  _Atomic uint32_t members_used; /* places from here on have never been used */

  _Alignas(GOV_HOST_PAGE) gov_host_place members[MSKGOV_HOST_MEMBERS_MAX];
  _Atomic uint64_t brokers[MSKGOV_HOST_BROKERS_MAX]; /* hash of the address; 0: free */
} gov_host_header;

/* What one member has at one broker. */
typedef struct gov_host_row {
  _Alignas(64) _Atomic uint32_t line; /* waiters in line */
  _Atomic uint32_t connecting;
  _Atomic uint32_t open;
  _Atomic uint64_t granted;
  _Atomic uint64_t connected;
  _Atomic uint64_t rejected;
  _Atomic uint64_t failed;
} gov_host_row;

#define GOV_HOST_ADDRESS_WORDS ((MSKGOV_BROKER_ADDRESS_MAX + 8) / 8)

typedef struct gov_host_segment {
  _Alignas(GOV_HOST_PAGE) gov_bucket bucket;
  _Atomic uint64_t adaptive;                      /* policy/adaptive.h; 0: the start */
  _Atomic uint32_t window_mark, connections_mark; /* words from here on have never been
                                                     taken */
  _Alignas(64) _Atomic uint64_t address[GOV_HOST_ADDRESS_WORDS]; /* text, for the reader */
  _Atomic uint32_t connections[MSKGOV_HOST_CONNECTIONS_MAX];
  _Atomic uint64_t window[MSKGOV_HOST_WINDOW_MAX];
  gov_host_row rows[MSKGOV_HOST_MEMBERS_MAX];
} gov_host_segment;

#define GOV_HOST_FILE_MAX                                                                  \
  (sizeof(gov_host_header) + MSKGOV_HOST_BROKERS_MAX * sizeof(gov_host_segment))

_Static_assert(sizeof(gov_host_place) == 64, "a member is a cache line");
_Static_assert(sizeof(gov_host_header) % GOV_HOST_PAGE == 0, "segments begin on a page");
_Static_assert(sizeof(gov_host_segment) % GOV_HOST_PAGE == 0, "and end on one");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "words between processes have to be moved without a lock");

/* A word of the window: free from a moment on, or held. */
#define GOV_HOST_HELD (UINT64_C(1) << 63)

static inline uint64_t gov_host_window_held(uint32_t member, uint32_t generation) {
  return GOV_HOST_HELD | (uint64_t)generation << 16 | member;
}

static inline uint32_t gov_host_window_member(uint64_t word) {
  return (uint32_t)(word & 0xffff);
}

/* Attempts that the first `count` words hold at `now_ns`. */
static inline uint32_t gov_host_window_used(const gov_host_segment *segment, uint32_t count,
                                            uint64_t now_ns) {
  uint32_t used = 0;

  for (uint32_t i = 0; i < count; i++)
    used += atomic_load_explicit(&segment->window[i], memory_order_relaxed) > now_ns;

  return used;
}

/* A word of the connections: 0 is free. */
static inline uint32_t gov_host_connection_held(uint32_t member, uint32_t generation) {
  return generation << 10 | (member + 1);
}

static inline uint32_t gov_host_connection_member(uint32_t word) {
  return (word & 0x3ff) - 1;
}

_Static_assert(MSKGOV_HOST_MEMBERS_MAX < 0x3ff, "a member's number fits ten bits");

#endif
