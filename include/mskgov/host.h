/*
 * Looking into a host store (governor.h, MSKGOV_STORE_HOST) from any process that may read
 * it: which processes share it, what each broker's budget is used for, and by whom. It
 * changes nothing. `mskgov top` is made of this.
 *
 * Threads: a snapshot is a copy; several threads may read it.
 */
#ifndef MSKGOV_HOST_H
#define MSKGOV_HOST_H

#include <mskgov/common.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for the name of a process, its end included (Linux' comm). */
#define MSKGOV_PROCESS_NAME_MAX 16

/* A governor that shares the store: usually one per process. */
typedef struct mskgov_host_member {
  uint32_t id; /* its place in the store; used again after it has gone */
  int32_t pid; /* in its own PID namespace */
  uint32_t uid;
  uint64_t joined_at_ns; /* monotonic */
  char name[MSKGOV_PROCESS_NAME_MAX];
  uint32_t window_connections; /* the quota that it has set, headroom taken off */
  uint32_t window_ms;
  uint32_t connections_limit; /* UINT32_MAX: not limited */
} mskgov_host_member;

/* What one member has at one broker. */
typedef struct mskgov_host_usage {
  uint32_t member;     /* its id */
  uint32_t waiting;    /* now, in line: past their back-off */
  uint32_t connecting; /* now */
  uint32_t open;       /* now */
  uint64_t granted;    /* since it joined */
  uint64_t connected;
  uint64_t rejected; /* failed for the quota */
  uint64_t failed;   /* failed otherwise */
} mskgov_host_usage;

/* A broker's budget: sums over the members that are there, and what only the store knows.
 */
typedef struct mskgov_host_broker {
  char address[264];
  uint32_t window_used;  /* attempts that the arrival window holds */
  uint32_t window_limit; /* of how many: the smallest quota among the members */
  uint32_t window_ms;
  uint32_t rate_percent; /* of the quota that the adaptive rate allows: 1 to 100 */
  uint32_t connections_limit;
  mskgov_host_usage sum; /* member: unused */
  uint32_t usage_count;  /* rows that mskgov_host_snapshot_usage has for it */
} mskgov_host_broker;

typedef struct mskgov_host_snapshot mskgov_host_snapshot;

/*
 * Reads the store in `directory` (NULL: where governor options with the same NULL put it).
 * Returns 0 and sets *snapshot (owned: mskgov_host_snapshot_free), or
 * MSKGOV_ERR_HOST_STORE: there is none, it is not one, or of another version (`error`
 * says which); MSKGOV_ERR_SYSTEM: it cannot be read; MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_host_snapshot_new(mskgov_host_snapshot **snapshot,
                                        const char *directory, mskgov_error_info *error);
MSKGOV_API void mskgov_host_snapshot_free(mskgov_host_snapshot *snapshot);

/* The path of the store's file, and when it was read (monotonic). */
MSKGOV_API const char *mskgov_host_snapshot_path(const mskgov_host_snapshot *snapshot);
MSKGOV_API uint64_t mskgov_host_snapshot_at_ns(const mskgov_host_snapshot *snapshot);

/* Members, and brokers in the order of their address. Borrowed; NULL past the end. */
MSKGOV_API uint32_t mskgov_host_snapshot_members(const mskgov_host_snapshot *snapshot);
MSKGOV_API const mskgov_host_member *
mskgov_host_snapshot_member(const mskgov_host_snapshot *snapshot, uint32_t place);
MSKGOV_API uint32_t mskgov_host_snapshot_brokers(const mskgov_host_snapshot *snapshot);
MSKGOV_API const mskgov_host_broker *
mskgov_host_snapshot_broker(const mskgov_host_snapshot *snapshot, uint32_t place);

/* Row `row` of broker `place`: what one member has there. */
MSKGOV_API const mskgov_host_usage *
mskgov_host_snapshot_usage(const mskgov_host_snapshot *snapshot, uint32_t place,
                           uint32_t row);

/*
 * The snapshot as text: JSON, or Prometheus' exposition format 0.0.4. Return 0 and set
 * *text (owned: mskgov_text_free), or MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_host_snapshot_json(const mskgov_host_snapshot *snapshot, char **text,
                                         mskgov_error_info *error);
MSKGOV_API int mskgov_host_snapshot_prometheus(const mskgov_host_snapshot *snapshot,
                                               char **text, mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
