/*
 * Files that appear whole or not at all.
 */
#ifndef BENCH_FILE_H
#define BENCH_FILE_H

#include <mskgov/error.h>

/*
 * Writes `text` to `path`: first to a file beside it, then renamed; straight through where
 * something other than a regular file stands (a device, a link). Returns 0, or
 * MSKGOV_ERR_SYSTEM with a text that names the path and the reason.
 */
int bench_file_write(const char *path, const char *text, size_t length,
                     mskgov_error_info *error);

#endif
