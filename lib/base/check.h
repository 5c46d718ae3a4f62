/*
 * Checks that every options struct needs, with one wording for all.
 */
#ifndef GOV_BASE_CHECK_H
#define GOV_BASE_CHECK_H

#include <mskgov/error.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Checks that a public struct, whose first member is `size_t struct_size`, is there and of
 * the size that this library knows. `name` is the parameter's, `filler` how its struct_size
 * gets right. Returns 0 or MSKGOV_ERR_INVALID.
 */
int gov_check_struct(const char *name, const void *object, size_t size, const char *filler,
                     mskgov_error_info *error);

/* Checks that low <= value <= high. Returns 0 or MSKGOV_ERR_INVALID. */
int gov_check_range(const char *field, uint64_t value, uint64_t low, uint64_t high,
                    mskgov_error_info *error);

#endif
