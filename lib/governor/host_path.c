#include "governor/host_path.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP_BUFFER 16384

int gov_host_owner_init(gov_host_owner *owner, const char *group,
                        mskgov_error_info *error) {
  char buffer[GROUP_BUFFER];
  struct group entry, *found = NULL;

  *owner = (gov_host_owner){.uid = geteuid(), .shared = group != NULL};
  if (!group)
    return 0;

  if (getgrnam_r(group, &entry, buffer, sizeof(buffer), &found) || !found)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "options.host_group is \"%.64s\"; there is no such group", group);
  owner->gid = entry.gr_gid;

  return 0;
}

static bool is_directory(const char *path) {
  struct stat seen;

  return stat(path, &seen) == 0 && S_ISDIR(seen.st_mode);
}

int gov_host_path_directory(char *path, size_t size, const char *directory,
                            mskgov_error_info *error) {
  const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
  unsigned uid = (unsigned)geteuid();
  char of_user[64];
  int length;

  snprintf(of_user, sizeof(of_user), "/run/user/%u", uid);
  if (directory)
    length = snprintf(path, size, "%s", directory);
  else if (runtime && *runtime == '/')
    length = snprintf(path, size, "%s/mskgov", runtime);
  else if (is_directory(of_user))
    length = snprintf(path, size, "%s/mskgov", of_user);
  else
    length = snprintf(path, size, "/dev/shm/mskgov-%u", uid);

  if (*path != '/')
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "options.host_directory is \"%.128s\"; allowed are absolute paths",
                         path);
  if (length < 0 || (size_t)length >= size)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "the path of the host store is longer than %zu bytes", size - 1);
  /* with a slash at its end a symbolic link would be followed */
  while (length > 1 && path[length - 1] == '/')
    path[--length] = '\0';

  return 0;
}

static int make(const char *path, const gov_host_owner *owner, mskgov_error_info *error) {
  if (mkdir(path, 0700)) {
    if (errno == EEXIST)
      return 0;
    return gov_error_set_errno(error, errno,
                               "cannot make the host store's directory %s; make it, or set "
                               "options.host_directory",
                               path);
  }
  if (!owner->shared)
    return 0;

  if (chown(path, (uid_t)-1, owner->gid) || chmod(path, 02770))
    return gov_error_set_errno(
        error, errno, "cannot give the host store's directory %s to the group", path);

  return 0;
}

static int check_directory(const char *path, const struct stat *seen,
                           const gov_host_owner *owner, mskgov_error_info *error) {
  mode_t mode = seen->st_mode & 07777;

  if (owner->shared && seen->st_gid != owner->gid)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "the host store's directory %s belongs to group %u; expected %u",
                         path, (unsigned)seen->st_gid, (unsigned)owner->gid);
  if (!owner->shared && seen->st_uid != owner->uid)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "the host store's directory %s belongs to user %u; this process "
                         "is user %u: set options.host_directory, or share it by "
                         "options.host_group",
                         path, (unsigned)seen->st_uid, (unsigned)owner->uid);
  if (mode & (owner->shared ? 0002 : 0022))
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "the host store's directory %s has mode %04o, so that others can "
                         "replace the store; expected %s",
                         path, (unsigned)mode, owner->shared ? "2770" : "0700");

  return 0;
}

int gov_host_path_open(const char *path, const gov_host_owner *owner, int *fd,
                       mskgov_error_info *error) {
  struct stat seen;
  int rc;

  rc = owner ? make(path, owner, error) : 0;
  if (rc)
    return rc;

  *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (*fd < 0 && errno == ENOENT)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "there is no host store in %s; a governor with the store host "
                         "makes it",
                         path);
  if (*fd < 0)
    return gov_error_set_errno(error, errno, "cannot open the host store's directory %s",
                               path);
  if (!owner)
    return 0;

  rc = fstat(*fd, &seen) ? gov_error_set_errno(error, errno, "cannot look at %s", path)
                         : check_directory(path, &seen, owner, error);
  if (rc) {
    close(*fd);
    *fd = -1;
  }

  return rc;
}

int gov_host_path_check_file(const char *path, const struct stat *seen,
                             const gov_host_owner *owner, mskgov_error_info *error) {
  mode_t mode = seen->st_mode & 07777, expected = owner && owner->shared ? 0660 : 0600;

  if (!S_ISREG(seen->st_mode) || seen->st_nlink != 1)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "%s is no regular file of one name, so it is no host store", path);
  if (!owner)
    return 0;
  if (owner->shared ? seen->st_gid != owner->gid : seen->st_uid != owner->uid)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "%s belongs to user %u and group %u, not to %s %u", path,
                         (unsigned)seen->st_uid, (unsigned)seen->st_gid,
                         owner->shared ? "group" : "user",
                         (unsigned)(owner->shared ? owner->gid : owner->uid));
  if (mode != expected)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE, "%s has mode %04o; expected %04o",
                         path, (unsigned)mode, (unsigned)expected);

  return 0;
}

int gov_host_path_own_file(int fd, const gov_host_owner *owner) {
  if (owner->shared && fchown(fd, (uid_t)-1, owner->gid))
    return errno;
  if (fchmod(fd, owner->shared ? 0660 : 0600))
    return errno;

  return 0;
}
