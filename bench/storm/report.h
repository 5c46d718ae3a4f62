/*
 * The report: one HTML page that needs nothing else, light and dark.
 */
#ifndef STORM_REPORT_H
#define STORM_REPORT_H

#include "storm/result.h"

/* Write the page, and the picture alone. Return 0 or MSKGOV_ERR_SYSTEM, _NO_MEMORY. */
int storm_report_write(const char *path, const storm_options *options,
                       const storm_result *results, int count, mskgov_error_info *error);
int storm_report_write_svg(const char *path, const storm_options *options,
                           const storm_result *results, int count,
                           mskgov_error_info *error);

#endif
