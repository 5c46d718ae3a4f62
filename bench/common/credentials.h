/*
 * Credentials for a cluster in a box: of the shape of AWS's, made from a seed, good for
 * nothing else.
 */
#ifndef BENCH_CREDENTIALS_H
#define BENCH_CREDENTIALS_H

#include <mskgov/credentials.h>

/* Returns what mskgov_credentials_new returns; *credentials is owned. */
int bench_credentials_new(mskgov_credentials **credentials, uint64_t seed,
                          mskgov_error_info *error);

#endif
