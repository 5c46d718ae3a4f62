/*
 * Paths that begin with the home directory.
 *
 * Threads: any, as far as nobody changes the environment meanwhile.
 */
#ifndef GOV_CREDENTIALS_PATH_H
#define GOV_CREDENTIALS_PATH_H

#include <mskgov/error.h>

/*
 * A copy of `path` in which a "~" that is the first part ("~", "~/…") is the home
 * directory: that of HOME, or that of the user database if HOME is not set, or empty.
 * "~name" is no such part. Nothing else is expanded.
 *
 * Returns 0 and sets *expanded (owned: free), MSKGOV_ERR_NO_MEMORY, or MSKGOV_ERR_INVALID:
 * the home directory is not known.
 */
int gov_path_expand(const char *path, char **expanded, mskgov_error_info *error);

#endif
