/*
 * Small files with secrets in them, read whole.
 *
 * A file is opened once and read to its end, so that one that is replaced meanwhile (by
 * rename) is seen as it was or as it is, never as a mixture. Pipes are read as well, as of
 * the shell's <(…): if one has a writer that has written nothing yet, the call waits, at
 * most GOV_FILE_WAIT_MS in all. One without a writer is empty, and so is /dev/null.
 *
 * Threads: any; may block.
 */
#ifndef GOV_CREDENTIALS_FILE_H
#define GOV_CREDENTIALS_FILE_H

#include "base/buffer.h"

#include <mskgov/error.h>

#define GOV_FILE_WAIT_MS 5000

/*
 * Appends what the file holds to `out`. `what` names it in the error, before its path:
 * "the file of AWS_…".
 *
 * Returns 0; MSKGOV_ERR_SYSTEM: it cannot be read, or is a directory;
 * MSKGOV_ERR_INVALID: it is longer than the limit of `out`; MSKGOV_ERR_TRANSPORT: the writer
 * of a pipe took too long; or MSKGOV_ERR_NO_MEMORY. After an error `out` is to be thrown
 * away.
 */
int gov_file_read(const char *path, const char *what, gov_buffer *out,
                  mskgov_error_info *error);

/* The same, but a file that is not there counts as empty. */
int gov_file_read_if_there(const char *path, const char *what, gov_buffer *out,
                           mskgov_error_info *error);

#endif
