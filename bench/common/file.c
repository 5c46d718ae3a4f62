#include "common/file.h"

#include "common/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t length) {
  while (length) {
    ssize_t written = write(fd, text, length);

    if (written < 0 && errno != EINTR)
      return -1;
    if (written > 0) {
      text += written;
      length -= (size_t)written;
    }
  }

  return 0;
}

/* A device, a pipe or a link is written to, and never replaced. */
static int write_through(const char *path, const char *text, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int failed;

  if (fd < 0)
    return -1;
  failed = write_all(fd, text, length);

  return close(fd) || failed ? -1 : 0;
}

static int write_beside(const char *path, const char *text, size_t length) {
  char beside[PATH_MAX];
  mode_t mask;
  int fd, failed, saved_errno;

  if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= sizeof(beside)) {
    errno = ENAMETOOLONG;
    return -1;
  }

  fd = mkostemp(beside, O_CLOEXEC);
  if (fd < 0)
    return -1;

  mask = umask(0);
  umask(mask);
  failed = write_all(fd, text, length) || fchmod(fd, 0666 & ~mask);
  failed = close(fd) || failed || rename(beside, path);
  if (!failed)
    return 0;

  saved_errno = errno;
  unlink(beside);
  errno = saved_errno;

  return -1;
}

int bench_file_write(const char *path, const char *text, size_t length,
                     mskgov_error_info *error) {
  struct stat there;
  int failed;

  if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
    failed = write_through(path, text, length);
  else
    failed = write_beside(path, text, length);

  return failed ? bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot write %s: %s", path,
                             strerror(errno))
                : 0;
}
