/*
 * The members of a host store: joining, leaving, and clearing up after those who ended.
 *
 * Threads: any, save for joining and leaving.
 */
#ifndef GOV_GOVERNOR_HOST_MEMBERS_H
#define GOV_GOVERNOR_HOST_MEMBERS_H

#include "governor/host_file.h"

#include <mskgov/quota.h>

/* This process as a member, and what is known of the others. */
typedef struct gov_host_member {
  uint32_t id;
  uint32_t generation;
  gov_host_place own;    /* what its place says; the one in the file may be damaged */
  pthread_mutex_t mutex; /* one of a process's threads clears up, or writes, at a time */
  _Atomic uint64_t swept_at_ns; /* when somebody of this process last looked */
} gov_host_member;

/* What all members together allow: the smallest quota. */
typedef struct gov_host_agreement {
  uint32_t members;
  uint32_t members_used; /* their numbers are below this */
  bool changing;         /* somebody is writing another quota: ask again */
  uint32_t window_connections;
  uint32_t max_connections;
  uint64_t window_ns;
  uint64_t interval_ns;
} gov_host_agreement;

/*
 * Joins with a quota. Returns 0, or MSKGOV_ERR_HOST_STORE: no place is free. While it runs
 * nobody else may be joining (gov_host_file_open sees to it).
 */
int gov_host_member_join(gov_host_member *member, gov_host_file *file,
                         const mskgov_pacing *pacing, uint32_t max_connections,
                         mskgov_error_info *error);

/* Another quota. */
void gov_host_member_set_quota(gov_host_member *member, gov_host_file *file,
                               const mskgov_pacing *pacing, uint32_t max_connections);

/* Leaves: what it still holds is let go as if it had been killed. */
void gov_host_member_leave(gov_host_member *member, gov_host_file *file);

/*
 * Clears up after members that have ended, if nobody of this process has looked for
 * `every_ns`. Returns whether there was one.
 */
bool gov_host_member_sweep(gov_host_member *member, gov_host_file *file, uint64_t every_ns,
                           uint64_t now_ns);

/* Writes the member's place anew if somebody has damaged it. */
void gov_host_member_mend(gov_host_member *member, gov_host_file *file);

/* What the members allow now; `own` (not NULL) is one of them, whatever the file says. */
void gov_host_members_agree(const gov_host_file *file, const gov_host_place *own,
                            gov_host_agreement *agreement);

/* Whether a member's place is taken; how many wait in its line, as far as can be believed.
 */
bool gov_host_member_is_there(const gov_host_file *file, uint32_t id);
uint32_t gov_host_row_line(const gov_host_row *row);

/*
 * Whether a word of the window or of the connections is held by somebody who is there. If
 * not, the file was damaged, and the word is free: whoever ends is cleared up after before
 * it ceases to be there.
 */
bool gov_host_window_is_held(const gov_host_file *file, uint64_t word);
bool gov_host_connection_is_held(const gov_host_file *file, uint32_t word);

/* For an attempt of a process that was killed to be on its way still. */
#define GOV_HOST_STRAY_NS (20 * UINT64_C(1000000))

#endif
