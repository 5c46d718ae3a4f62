/*
 * The limit of open files.
 */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include <mskgov/error.h>

/*
 * Descriptors that a librdkafka client takes per broker at most: the socket, the socket
 * kept aside and the timer while it is parked, two pipes that wake the broker's thread,
 * and its share of the client's own.
 */
#define BENCH_FILES_PER_PAIR 8u

/* Descriptors that a light client takes per broker. */
#define BENCH_FILES_PER_LIGHT_PAIR 1u

/* Descriptors that a broker takes per connection, one of them still closing. */
#define BENCH_FILES_PER_CONNECTION 2u

/* For everything else a process has open. */
#define BENCH_FILES_SPARE 64u

/*
 * Raises this process's limit of open files to `files` at least, and the hard limit with it
 * where that is lower and the process may raise it (root). Returns 0, or MSKGOV_ERR_SYSTEM
 * with a text that says what is needed, what there is, and how to get more.
 */
int bench_limits_raise_files(uint64_t files, mskgov_error_info *error);

#endif
