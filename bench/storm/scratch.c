#include "storm/scratch.h"

#include "common/failure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int storm_scratch_make(storm_scratch *scratch, mskgov_error_info *error) {
  const char *parent = getenv("TMPDIR");
  int length;

  if (!parent || !*parent)
    parent = "/tmp";
  length = snprintf(scratch->path, sizeof(scratch->path), "%s/mskgov-storm-XXXXXX", parent);
  errno = ENAMETOOLONG;
  if (length < (int)sizeof(scratch->path) && mkdtemp(scratch->path))
    return 0;

  scratch->path[0] = '\0';

  return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot make a directory in %s: %s", parent,
                    strerror(errno));
}

void storm_scratch_remove(storm_scratch *scratch) {
  DIR *directory = *scratch->path ? opendir(scratch->path) : NULL;
  struct dirent *entry;

  /* what is no file (".", "..") is not removed by unlink */
  while (directory && (entry = readdir(directory)))
    unlinkat(dirfd(directory), entry->d_name, 0);
  if (directory)
    closedir(directory);
  if (*scratch->path)
    rmdir(scratch->path);
  scratch->path[0] = '\0';
}
