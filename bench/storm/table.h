/*
 * The table of results, for a person at a terminal.
 */
#ifndef STORM_TABLE_H
#define STORM_TABLE_H

#include "storm/result.h"

#include <stdio.h>

/* The columns of a row, which the HTML report shares. */
#define STORM_COLUMNS 12
#define STORM_CELL_MAX 32

extern const char *const storm_column_names[STORM_COLUMNS];

void storm_table_row(char cells[STORM_COLUMNS][STORM_CELL_MAX], const storm_result *result);

/* On what is there; on what happens to it; on how long it takes at least. No line end. */
void storm_table_scenario(FILE *out, const storm_options *options);
void storm_table_event(FILE *out, const storm_options *options);
void storm_table_bound(FILE *out, const storm_options *options);

/* Which modes kept the quota and which did not. */
void storm_table_verdict(FILE *out, const storm_options *options,
                         const storm_result *results, int count);

/* All of it. */
void storm_table_print(FILE *out, const storm_options *options, const storm_result *results,
                       int count);

#endif
