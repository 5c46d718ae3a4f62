/*
 * What every public header shares: symbol visibility, version, and the one special time.
 *
 * Times. A point in time is a `uint64_t` count of nanoseconds, its clock named by the
 * field: monotonic, or "Unix" for wall-clock times. A duration in an option is a
 * `uint64_t` count of milliseconds, its name ending in `_ms`.
 */
#ifndef MSKGOV_COMMON_H
#define MSKGOV_COMMON_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MSKGOV_API __attribute__((visibility("default")))
#define MSKGOV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MSKGOV_API
#define MSKGOV_PRINTF(text, first)
#endif

#define MSKGOV_VERSION_MAJOR 0
#define MSKGOV_VERSION_MINOR 1
#define MSKGOV_VERSION_PATCH 0
#define MSKGOV_VERSION "0.1.0"

/* No time limit, or a moment that does not come: as a time-out, a deadline, an expiry. */
#define MSKGOV_NEVER UINT64_MAX

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, "major.minor.patch". Static string. */
MSKGOV_API const char *mskgov_version(void);

#ifdef __cplusplus
}
#endif

#endif
