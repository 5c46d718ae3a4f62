/*
 * The table of `mskgov top`: from figures to lines of a given width. No I/O, no clock.
 *
 * Names are input: whatever is not printable ASCII is shown as '?', so that no name can
 * speak to the terminal, and every character is one column wide.
 */
#ifndef CLI_TOP_TABLE_H
#define CLI_TOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rate that is not known yet. */
#define TOP_UNKNOWN UINT64_MAX
/* Lines of the head: title and names of the columns. */
#define TOP_HEAD_LINES 2
/* From which share of a quota on its figures are yellow, in percent. */
#define TOP_NEAR_PERCENT 80

/* What somebody has at a broker. */
typedef struct top_figures {
  uint32_t waiting;
  uint32_t connecting;
  uint32_t open;
  uint64_t granted;          /* in all */
  uint64_t granted_tenths_s; /* tenths of a grant per second; or TOP_UNKNOWN */
  uint64_t rejected;
} top_figures;

typedef struct top_process {
  const char *name; /* borrowed */
  int32_t pid;
  top_figures figures;
} top_process;

typedef struct top_broker {
  const char *address; /* borrowed */
  uint32_t rate_used;
  uint32_t rate_limit; /* UINT32_MAX: nobody has set one */
  uint32_t rate_percent;
  uint32_t connections_limit; /* UINT32_MAX: not limited */
  top_figures figures;
  const top_process *processes; /* borrowed */
  size_t process_count;
} top_broker;

typedef struct top_table {
  const char *path;          /* borrowed */
  uint32_t members;          /* governors that share the store */
  uint32_t window_ms;        /* that the rates are for */
  const top_broker *brokers; /* borrowed */
  size_t broker_count;
} top_table;

typedef struct top_style {
  unsigned width; /* columns that a line has at most; 0: as many as it needs */
  bool color;
  bool processes;  /* a row for each process, below its broker */
  bool per_second; /* grants per second; otherwise in all */
} top_style;

/*
 * The lines, each ended by '\n': TOP_HEAD_LINES, then the rows. Columns that do not fit are
 * left out, the bar first, and long names are cut in the middle. Returns the text (owned:
 * free), NULL without memory.
 */
char *top_table_format(const top_table *table, const top_style *style);

/* Replaces what is not printable ASCII by '?', in place. */
void top_table_clean(char *text);

#endif
