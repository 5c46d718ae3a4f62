/*
 * A scratch directory: fresh, for this user only, and gone afterwards with what is in it.
 *
 * Threads: one.
 */
#ifndef STORM_SCRATCH_H
#define STORM_SCRATCH_H

#include <mskgov/error.h>

#define STORM_SCRATCH_MAX 256

typedef struct storm_scratch {
  char path[STORM_SCRATCH_MAX]; /* empty: there is none */
} storm_scratch;

/*
 * Makes one in $TMPDIR, or in /tmp. Returns 0 (storm_scratch_remove) or MSKGOV_ERR_SYSTEM.
 */
int storm_scratch_make(storm_scratch *scratch, mskgov_error_info *error);

/* Removes it, and the files in it. One that was never made is fine. */
void storm_scratch_remove(storm_scratch *scratch);

#endif
