/*
 * Filling a mskgov_error_info from a program that uses the public interface.
 */
#ifndef BENCH_FAILURE_H
#define BENCH_FAILURE_H

#include <mskgov/error.h>

/* Sets code and text; the first failure wins. Returns `code`, for `return`. */
int bench_fail(mskgov_error_info *error, int code, const char *format, ...)
    MSKGOV_PRINTF(3, 4);

int bench_fail_memory(mskgov_error_info *error);

#endif
