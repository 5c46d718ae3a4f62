#include "common/limits.h"

#include "common/failure.h"

#include <sys/resource.h>

int bench_limits_raise_files(uint64_t files, mskgov_error_info *error) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot read the limit of open files");

  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < files)
    return bench_fail(error, MSKGOV_ERR_SYSTEM,
                      "a process needs %llu open files and may have %llu; raise the hard "
                      "limit (ulimit -Hn), or take fewer clients or more processes",
                      (unsigned long long)files, (unsigned long long)limit.rlim_max);

  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot raise the limit of open files");

  return 0;
}
