#include "common/limits.h"

#include "common/failure.h"

#include <sys/resource.h>

int bench_limits_raise_files(uint64_t files, mskgov_error_info *error) {
  struct rlimit limit, higher;

  if (getrlimit(RLIMIT_NOFILE, &limit))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot read the limit of open files");

  /* Only root may, and only up to fs.nr_open. */
  higher = (struct rlimit){.rlim_cur = files, .rlim_max = files};
  if (limit.rlim_max < files && setrlimit(RLIMIT_NOFILE, &higher))
    return bench_fail(
        error, MSKGOV_ERR_SYSTEM,
        "a process needs %llu open files and may have %llu; raise the hard "
        "limit (ulimit -Hn; root, up to fs.nr_open), or take fewer clients or "
        "more processes",
        (unsigned long long)files, (unsigned long long)limit.rlim_max);

  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max >= files && setrlimit(RLIMIT_NOFILE, &limit))
    return bench_fail(error, MSKGOV_ERR_SYSTEM, "cannot raise the limit of open files");

  return 0;
}
