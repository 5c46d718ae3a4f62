#include "top_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAR 6       /* columns of the bar */
#define NAME_MIN 16 /* columns that a name has before the bar has to go */
#define NAME_MAX_COLUMNS 320
#define CELL_MAX 48

#define RED "\x1b[31m"
#define YELLOW "\x1b[33m"
#define PLAIN "\x1b[0m"

enum { RATE, RATE_BAR, OPEN, CONNECTING, WAITING, GRANTED, REJECTED, ADAPTIVE, COLUMNS };

/* Names of the columns, and widths that hold usual figures, so that they stay in place. */
static const struct {
  const char *name;
  unsigned width;
} columns[COLUMNS] = {{"RATE", 7}, {"", BAR},    {"OPEN", 9},   {"CONN", 4},
                      {"WAIT", 5}, {"GRANT", 7}, {"REJECT", 6}, {"ADAPT", 5}};

typedef struct table_row {
  char name[NAME_MAX_COLUMNS];
  char cells[COLUMNS][CELL_MAX];
  const char *colors[COLUMNS]; /* NULL: none */
} table_row;

/* Where everything goes; a column of width 0 is left out. */
typedef struct table_layout {
  unsigned name;
  unsigned columns[COLUMNS];
} table_layout;

void top_table_clean(char *text) {
  for (; *text; text++)
    if (*text < ' ' || *text > '~')
      *text = '?';
}

static void show(char *to, size_t size, const char *from) {
  snprintf(to, size, "%s", from);
  top_table_clean(to);
}

static bool is_near(uint64_t used, uint32_t limit) {
  return limit != UINT32_MAX && used > 0 &&
         used * 100 >= (uint64_t)limit * TOP_NEAR_PERCENT;
}

static void of_limit(char cell[CELL_MAX], uint32_t used, uint32_t limit) {
  if (limit == UINT32_MAX)
    snprintf(cell, CELL_MAX, "%" PRIu32 "/-", used);
  else
    snprintf(cell, CELL_MAX, "%" PRIu32 "/%" PRIu32, used, limit);
}

/* As full as the quota is used; one that is used at all shows. */
static void draw_bar(char cell[CELL_MAX], uint32_t used, uint32_t limit) {
  uint64_t full = limit ? ((uint64_t)used * BAR + limit - 1) / limit : 0;

  if (limit == UINT32_MAX)
    return;
  for (unsigned i = 0; i < BAR; i++)
    cell[i] = i < full ? '#' : '.';
  cell[BAR] = '\0';
}

static void fill_figures(table_row *row, const top_figures *figures,
                         const top_style *style) {
  snprintf(row->cells[CONNECTING], CELL_MAX, "%" PRIu32, figures->connecting);
  snprintf(row->cells[WAITING], CELL_MAX, "%" PRIu32, figures->waiting);
  if (!style->per_second)
    snprintf(row->cells[GRANTED], CELL_MAX, "%" PRIu64, figures->granted);
  else if (figures->granted_tenths_s == TOP_UNKNOWN)
    snprintf(row->cells[GRANTED], CELL_MAX, "-");
  else
    snprintf(row->cells[GRANTED], CELL_MAX, "%" PRIu64 ".%u",
             figures->granted_tenths_s / 10, (unsigned)(figures->granted_tenths_s % 10));
  snprintf(row->cells[REJECTED], CELL_MAX, "%" PRIu64, figures->rejected);
  if (figures->rejected)
    row->colors[REJECTED] = RED;
}

static void fill_broker(table_row *row, const top_broker *broker, const top_style *style) {
  uint64_t connections = (uint64_t)broker->figures.open + broker->figures.connecting;

  memset(row, 0, sizeof(*row));
  show(row->name, sizeof(row->name), broker->address);
  of_limit(row->cells[RATE], broker->rate_used, broker->rate_limit);
  draw_bar(row->cells[RATE_BAR], broker->rate_used, broker->rate_limit);
  if (is_near(broker->rate_used, broker->rate_limit))
    row->colors[RATE] = row->colors[RATE_BAR] = YELLOW;
  of_limit(row->cells[OPEN], broker->figures.open, broker->connections_limit);
  if (is_near(connections, broker->connections_limit))
    row->colors[OPEN] = YELLOW;
  fill_figures(row, &broker->figures, style);
  snprintf(row->cells[ADAPTIVE], CELL_MAX, "%" PRIu32 "%%", broker->rate_percent);
}

static void fill_process(table_row *row, const top_process *process,
                         const top_style *style) {
  int length;

  memset(row, 0, sizeof(*row));
  length = snprintf(row->name, sizeof(row->name), " %6" PRId32 " ", process->pid);
  show(row->name + length, sizeof(row->name) - (size_t)length, process->name);
  snprintf(row->cells[OPEN], CELL_MAX, "%" PRIu32, process->figures.open);
  fill_figures(row, &process->figures, style);
}

static void fill_head(table_row *row, const top_style *style) {
  memset(row, 0, sizeof(*row));
  snprintf(row->name, sizeof(row->name), "BROKER%s", style->processes ? " / PROCESS" : "");
  for (int i = 0; i < COLUMNS; i++)
    snprintf(row->cells[i], CELL_MAX, "%s", columns[i].name);
  snprintf(row->cells[GRANTED], CELL_MAX, "%s", style->per_second ? "GRANT/S" : "GRANTED");
}

static void measure(const table_row *row, table_layout *layout) {
  unsigned length = (unsigned)strlen(row->name);

  if (length > layout->name)
    layout->name = length;
  for (int i = 0; i < COLUMNS; i++) {
    length = (unsigned)strlen(row->cells[i]);
    if (length > layout->columns[i])
      layout->columns[i] = length;
  }
}

/* Columns that all but the name take, the blank before each included. */
static unsigned rest(const table_layout *layout) {
  unsigned sum = 0;

  for (int i = 0; i < COLUMNS; i++)
    sum += layout->columns[i] ? layout->columns[i] + 1 : 0;

  return sum;
}

static void fit(table_layout *layout, unsigned width) {
  unsigned least = layout->name < NAME_MIN ? layout->name : NAME_MIN;

  if (!width || layout->name + rest(layout) <= width)
    return;

  if (rest(layout) + least > width)
    layout->columns[RATE_BAR] = 0;
  for (int i = COLUMNS - 1; i >= 0 && rest(layout) + least > width; i--)
    layout->columns[i] = 0;
  if (rest(layout) + layout->name > width)
    layout->name = width > rest(layout) ? width - rest(layout) : 0;
}

/* Cuts out of the middle: the front tells brokers apart, the end is the port. */
static void shorten(char *name, unsigned width) {
  size_t length = strlen(name);
  const char *colon = strrchr(name, ':');
  size_t tail = colon ? length - (size_t)(colon - name) : 0;

  if (length <= width)
    return;
  if (tail + 4 > width)
    tail = 0;
  if (width == 0)
    *name = '\0';
  else {
    name[width - tail - 1] = '~';
    memmove(name + width - tail, name + length - tail, tail + 1);
  }
}

static void print_row(FILE *file, table_row *row, const table_layout *layout, bool color) {
  int last = -1;

  for (int i = 0; i < COLUMNS; i++)
    if (layout->columns[i] && *row->cells[i])
      last = i;
  shorten(row->name, layout->name);
  fprintf(file, "%-*s", last < 0 ? 0 : (int)layout->name, row->name);
  for (int i = 0; i <= last; i++) {
    const char *before = color && row->colors[i] ? row->colors[i] : "";

    if (layout->columns[i])
      fprintf(file, " %s%*s%s", before, (int)layout->columns[i], row->cells[i],
              *before ? PLAIN : "");
  }
  fputc('\n', file);
}

/* Of an open connection's cell a process has the first half only: it is put below it. */
static void align_open(table_row *row, const top_broker *broker) {
  char limit[CELL_MAX];
  size_t length;

  of_limit(limit, 0, broker->connections_limit);
  length = strlen(row->cells[OPEN]);
  snprintf(row->cells[OPEN] + length, CELL_MAX - length, "%*s", (int)strlen(limit) - 1, "");
}

typedef void use_row(void *user, table_row *row);

static void each_row(const top_table *table, const top_style *style, use_row *use,
                     void *user) {
  table_row row;

  fill_head(&row, style);
  use(user, &row);
  for (size_t i = 0; i < table->broker_count; i++) {
    const top_broker *broker = &table->brokers[i];

    fill_broker(&row, broker, style);
    use(user, &row);
    for (size_t j = 0; style->processes && j < broker->process_count; j++) {
      fill_process(&row, &broker->processes[j], style);
      align_open(&row, broker);
      use(user, &row);
    }
  }
}

static void measure_row(void *user, table_row *row) {
  measure(row, user);
}

typedef struct row_printer {
  FILE *file;
  table_layout layout;
  bool color;
} row_printer;

static void print_one(void *user, table_row *row) {
  row_printer *printer = user;

  print_row(printer->file, row, &printer->layout, printer->color);
}

static void print_title(FILE *file, const top_table *table, unsigned width) {
  char path[4096], title[4096 + 128], window[32] = "";

  show(path, sizeof(path), table->path);
  if (table->members)
    snprintf(window, sizeof(window), ", rates in %" PRIu32 ".%" PRIu32 " s",
             table->window_ms / 1000, table->window_ms % 1000 / 100);
  snprintf(title, sizeof(title), "%" PRIu32 " member%s, %zu broker%s%s, %s", table->members,
           table->members == 1 ? "" : "s", table->broker_count,
           table->broker_count == 1 ? "" : "s", window, path);
  if (width)
    shorten(title, width);
  fprintf(file, "%s\n", title);
}

char *top_table_format(const top_table *table, const top_style *style) {
  row_printer printer = {.color = style->color};
  char *text = NULL;
  size_t size;
  int failed;

  printer.file = open_memstream(&text, &size);
  if (!printer.file)
    return NULL;

  for (int i = 0; i < COLUMNS; i++)
    printer.layout.columns[i] = columns[i].width;
  each_row(table, style, measure_row, &printer.layout);
  fit(&printer.layout, style->width);
  print_title(printer.file, table, style->width);
  each_row(table, style, print_one, &printer);

  failed = ferror(printer.file);
  failed = fclose(printer.file) || failed;
  if (failed) {
    free(text);
    return NULL;
  }

  return text;
}
