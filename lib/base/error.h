/*
 * Filling a mskgov_error_info. The first error wins: a later one does not overwrite it.
 */
#ifndef GOV_BASE_ERROR_H
#define GOV_BASE_ERROR_H

#include <mskgov/error.h>

/* Empties `error`; the first thing that a public function does. NULL is fine. */
void gov_error_reset(mskgov_error_info *error);

/* Sets code and text unless an error is set already. Returns `code`, for `return`. */
int gov_error_set(mskgov_error_info *error, int code, const char *format, ...)
    MSKGOV_PRINTF(3, 4);

/* The same, with the text of `errnum` appended: "…: No such file or directory". */
int gov_error_set_errno(mskgov_error_info *error, int errnum, const char *format, ...)
    MSKGOV_PRINTF(3, 4);

/* MSKGOV_ERR_NO_MEMORY with its sentence. */
int gov_error_no_memory(mskgov_error_info *error);

#endif
