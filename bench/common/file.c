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

int bench_file_write(const char *path, const char *text, size_t length,
                     mskgov_error_info *error) {
  char beside[PATH_MAX];
  mode_t mask;
  int fd, failed;

  if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= sizeof(beside))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "the path \"%.80s…\" is too long", path);

  fd = mkostemp(beside, O_CLOEXEC);
  if (fd < 0)
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot write %s: %s", path,
                      strerror(errno));

  mask = umask(0);
  umask(mask);
  failed = write_all(fd, text, length) || fchmod(fd, 0666 & ~mask);
  failed = close(fd) || failed || rename(beside, path);
  if (!failed)
    return 0;

  bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
  unlink(beside);

  return MSKGOV_ERR_SYSTEM;
}
