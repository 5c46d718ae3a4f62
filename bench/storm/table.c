#include "storm/table.h"

#include "tool.h"

#include <inttypes.h>
#include <string.h>

const char *const storm_column_names[STORM_COLUMNS] = {
    "mode",     "connected", "in",       "x bound",  "attempts", "rejected",
    "peak 1 s", "wait p50",  "wait p99", "wait max", "CPU",      "of a core"};

static void duration(char *cell, double ms) {
  if (ms < 1000)
    snprintf(cell, STORM_CELL_MAX, "%.0f ms", ms);
  else
    snprintf(cell, STORM_CELL_MAX, "%.2f s", ms / 1000);
}

void storm_table_row(char cells[STORM_COLUMNS][STORM_CELL_MAX],
                     const storm_result *result) {
  double ratio = storm_result_ratio(result);

  for (int i = 0; i < STORM_COLUMNS; i++)
    strcpy(cells[i], "-");

  snprintf(cells[0], STORM_CELL_MAX, "%s", result->mode->name);
  snprintf(cells[1], STORM_CELL_MAX, "%" PRIu32 "/%" PRIu32, result->connected,
           result->pairs);
  if (result->done)
    duration(cells[2], result->connect_s * 1000);
  else
    strcpy(cells[2], "not done");
  if (ratio >= 0)
    snprintf(cells[3], STORM_CELL_MAX, "%.2f", ratio);
  snprintf(cells[4], STORM_CELL_MAX, "%" PRIu64, result->attempts);
  snprintf(cells[5], STORM_CELL_MAX, "%" PRIu64, result->rejected);
  snprintf(cells[6], STORM_CELL_MAX, "%" PRIu32, result->peak_window);
  if (result->wait_count) {
    duration(cells[7], result->wait_p50_ms);
    duration(cells[8], result->wait_p99_ms);
    duration(cells[9], result->wait_max_ms);
  }
  snprintf(cells[10], STORM_CELL_MAX, "%.2f s", result->cpu_s);
  snprintf(cells[11], STORM_CELL_MAX, "%.1f %%", result->cpu_share);
}

void storm_table_scenario(FILE *out, const storm_options *options) {
  fprintf(out,
          "%u %s client%s (%u process%s) x %u broker%s; quota %u/s per broker, %s window, ",
          options->clients, options->kind->name, options->clients == 1 ? "" : "s",
          options->processes, options->processes == 1 ? "" : "es", options->brokers,
          options->brokers == 1 ? "" : "s", options->quota,
          storm_window_names[options->window]);
  if (options->burst)
    fprintf(out, "burst %u, ", options->burst);
  fprintf(out, "rejected %s; horizon %u s",
          options->count_rejected ? "count" : "do not count", options->horizon_s);
}

void storm_table_event(FILE *out, const storm_options *options) {
  if (options->scenario == STORM_COLD)
    fputs("All clients connect at once.", out);
  else
    fprintf(out,
            "All clients are connected; then one broker stops for %u s, and its clients "
            "come back.",
            STORM_AWAY_S);
}

void storm_table_bound(FILE *out, const storm_options *options) {
  fprintf(
      out,
      "The bound is the least time in which the quota lets all %s: "
      "(%u - 1) / %u = %.2f s.",
      options->scenario == STORM_COLD ? "connect" : "come back, once the broker is there",
      options->clients, options->quota, (double)(options->clients - 1) / options->quota);
}

/* Lists the modes that kept the quota, or those that did not. Returns how many. */
static int names(FILE *out, const char *before, const storm_options *options,
                 const storm_result *results, int count, bool kept) {
  int found = 0;

  for (int i = 0; i < count; i++)
    if (storm_result_kept_quota(&results[i], options->quota) == kept)
      fprintf(out, "%s%s", found++ ? ", " : before, results[i].mode->name);
  if (found)
    fputc('.', out);

  return found;
}

void storm_table_verdict(FILE *out, const storm_options *options,
                         const storm_result *results, int count) {
  fprintf(out,
          "Kept the quota of %u/s, with all connected and none rejected: ", options->quota);
  if (!names(out, "", options, results, count, true))
    fputs("none.", out);
  names(out, " Not so: ", options, results, count, false);
}

static void print_row(FILE *out, char cells[STORM_COLUMNS][STORM_CELL_MAX],
                      const int *widths, const char *before, const char *after) {
  fputs(before, out);
  fprintf(out, "%-*s", widths[0], cells[0]);
  for (int i = 1; i < STORM_COLUMNS; i++)
    fprintf(out, "  %*s", widths[i], cells[i]);
  fprintf(out, "%s\n", after);
}

void storm_table_print(FILE *out, const storm_options *options, const storm_result *results,
                       int count) {
  char cells[STORM_MODES + 1][STORM_COLUMNS][STORM_CELL_MAX];
  bool color = tool_color(out);
  int widths[STORM_COLUMNS] = {0};

  for (int i = 0; i < STORM_COLUMNS; i++)
    strcpy(cells[0][i], storm_column_names[i]);
  for (int i = 0; i < count; i++)
    storm_table_row(cells[i + 1], &results[i]);
  for (int row = 0; row <= count; row++)
    for (int i = 0; i < STORM_COLUMNS; i++)
      if ((int)strlen(cells[row][i]) > widths[i])
        widths[i] = (int)strlen(cells[row][i]);

  storm_table_scenario(out, options);
  fputc('\n', out);
  storm_table_event(out, options);
  fputs("\n\n", out);
  print_row(out, cells[0], widths, color ? "\033[1m" : "", color ? "\033[0m" : "");
  for (int i = 0; i < count; i++)
    print_row(out, cells[i + 1], widths, "", "");
  fputc('\n', out);
  storm_table_bound(out, options);
  fputc('\n', out);
  storm_table_verdict(out, options, results, count);
  fputc('\n', out);
}
