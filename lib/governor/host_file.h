/*
 * The file of a host store: found, made, checked, mapped, grown, and the locks on it.
 *
 * Threads: gov_host_file_segment and the locks of members from any; the rest from one.
 * Fork: in a child only gov_host_file_close may be called.
 */
#ifndef GOV_GOVERNOR_HOST_FILE_H
#define GOV_GOVERNOR_HOST_FILE_H

#include "base/process.h"
#include "governor/host_layout.h"

#include <mskgov/error.h>

#include <pthread.h>
#include <stdbool.h>

#define GOV_HOST_PATH_MAX 4096
#define GOV_HOST_FILE_NAME "host-store"

typedef struct gov_host_file {
  char path[GOV_HOST_PATH_MAX];
  int fd;               /* that is mapped */
  gov_process_fd locks; /* the same file, opened anew: what the locks belong to */
  bool read_only;
  gov_host_header *header;
  pthread_mutex_t mutex; /* for the growing of: */
  _Atomic(gov_host_segment *) segments[MSKGOV_HOST_BROKERS_MAX];
} gov_host_file;

/*
 * Opens the store in `directory` (NULL: the default of governor.h) for the user alone, or
 * for the members of `group`, making both if they are not there. A store that was made by
 * another boot, or that is damaged or of another version, is made anew if nobody uses it; in
 * the latter cases grants begin `quiet_ns` later, since what was granted is not known. `join` runs while no other process can open or make
 * it; its return value is returned. Returns 0, MSKGOV_ERR_HOST_STORE (path and reason in
 * `error`), MSKGOV_ERR_SYSTEM.
 */
int gov_host_file_open(gov_host_file *file, const char *directory, const char *group,
                       uint64_t quiet_ns,
                       int (*join)(gov_host_file *file, void *user,
                                   mskgov_error_info *error),
                       void *user, mskgov_error_info *error);

/* Opens one that is there, to look at. Errors as above. */
int gov_host_file_view(gov_host_file *file, const char *directory,
                       mskgov_error_info *error);

/* Unmaps and closes; the locks go. */
void gov_host_file_close(gov_host_file *file);

/*
 * The segment of a broker; if it is not there it is made. Returns 0, MSKGOV_ERR_SYSTEM (the
 * file system is full), MSKGOV_ERR_HOST_STORE (no room in the index).
 */
int gov_host_file_broker(gov_host_file *file, const char *address,
                         gov_host_segment **segment, mskgov_error_info *error);

/* Segment `place`, mapped; NULL: there is none, or it cannot be mapped. */
gov_host_segment *gov_host_file_segment(gov_host_file *file, uint32_t place);

/* Takes the lock of a member, if no living process has it; gives it back. */
bool gov_host_file_lock(gov_host_file *file, uint32_t member);
void gov_host_file_unlock(gov_host_file *file, uint32_t member);

/* Whether another process (or another opening of the file) has the lock of a member. */
bool gov_host_file_is_locked(gov_host_file *file, uint32_t member);

#endif
