/*
 * Where a host store is, and whether that place is safe to use.
 */
#ifndef GOV_GOVERNOR_HOST_PATH_H
#define GOV_GOVERNOR_HOST_PATH_H

#include <mskgov/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Who may share a store. */
typedef struct gov_host_owner {
  uid_t uid;
  bool shared; /* with the members of: */
  gid_t gid;
} gov_host_owner;

/* NULL: the user alone. Returns 0 or MSKGOV_ERR_HOST_STORE: there is no such group. */
int gov_host_owner_init(gov_host_owner *owner, const char *group, mskgov_error_info *error);

/* The directory of a store; `directory` NULL: the default. Returns 0, MSKGOV_ERR_HOST_STORE:
   it is too long or not absolute. */
int gov_host_path_directory(char *path, size_t size, const char *directory,
                            mskgov_error_info *error);

/*
 * Opens the directory, making it if `owner` is not NULL and it is not there, and checks that
 * nobody can put something else in the store's place. Returns 0 and sets *fd.
 */
int gov_host_path_open(const char *path, const gov_host_owner *owner, int *fd,
                       mskgov_error_info *error);

/* Checks a file that was opened in it: regular, one name, and for an `owner` that is not NULL
   owner and mode as they have to be. Returns 0 or MSKGOV_ERR_HOST_STORE. */
int gov_host_path_check_file(const char *path, const struct stat *seen,
                             const gov_host_owner *owner, mskgov_error_info *error);

/* The mode of the store's files, and the group where it is shared. Returns 0 or an errno. */
int gov_host_path_own_file(int fd, const gov_host_owner *owner);

#endif
