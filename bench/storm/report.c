#include "storm/report.h"

#include "common/failure.h"
#include "common/file.h"
#include "storm/picture.h"
#include "storm/table.h"

#include <stdlib.h>

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>mskgov-storm</title>\n"
    "<style>\n"
    ":root{--ground:#fff;--ink:#1f2328;--mute:#59636e;--rule:#d8dee4}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;"
    "--mute:#9198a1;--rule:#2f353d}}\n"
    "body{margin:2rem auto;max-width:68rem;padding:0 1rem;background:var(--ground);"
    "color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Helvetica Neue',Arial,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}\n"
    "p{margin:.4rem 0}.mute{color:var(--mute)}\n"
    ".wide{overflow-x:auto;margin:1.2rem 0}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}\n"
    "th,td{padding:.35rem .5rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--rule)}\n"
    "th:first-child,td:first-child{text-align:left}th{font-weight:600}\n"
    "td.kept{font-weight:600}svg{width:100%;height:auto;display:block}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}\n"
    "dt{font-weight:600}dd{margin:0}\n"
    "</style>\n";

static const char columns_head[] =
    "<h2>The columns</h2>\n<dl>\n"
    "<dt>connected</dt><dd>Pairs of client and broker whose connection is up after SASL, "
    "at the end.</dd>\n";

static const char columns_cold[] =
    "<dt>in</dt><dd>From the moment the first client wanted its connections until the last "
    "pair was connected.</dd>\n";

static const char columns_rolling[] =
    "<dt>in</dt><dd>From the moment the broker was back until the last pair that it had "
    "lost was connected again. All that follows counts from the moment it stopped.</dd>\n";

static const char columns_tail[] =
    "<dt>x bound</dt><dd>That time, as a multiple of the bound.</dd>\n"
    "<dt>attempts, rejected</dt><dd>What the brokers counted, all together.</dd>\n"
    "<dt>peak 1 s</dt><dd>The most attempts that a broker saw in any stretch of one "
    "second.</dd>\n"
    "<dt>wait</dt><dd>From the moment a client wanted a connection (any random sleep "
    "included) or lost it, until it was up; of the pairs that connected.</dd>\n"
    "<dt>CPU, of a core</dt><dd>What the clients' processes used until all pairs were "
    "connected, and the same as a share of one core over that time.</dd>\n</dl>\n";

static void write_table(FILE *out, const storm_options *options,
                        const storm_result *results, int count) {
  char cells[STORM_COLUMNS][STORM_CELL_MAX];

  fputs("<div class=\"wide\"><table>\n<tr>", out);
  for (int i = 0; i < STORM_COLUMNS; i++)
    fprintf(out, "<th>%s</th>", storm_column_names[i]);
  fputs("</tr>\n", out);
  for (int row = 0; row < count; row++) {
    bool kept = storm_result_kept_quota(&results[row], options->quota);

    storm_table_row(cells, &results[row]);
    fputs("<tr>", out);
    for (int i = 0; i < STORM_COLUMNS; i++)
      fprintf(out, "<td%s>%s</td>", i == 0 && kept ? " class=\"kept\"" : "", cells[i]);
    fputs("</tr>\n", out);
  }
  fputs("</table></div>\n", out);
}

static void write_page(FILE *out, const storm_options *options, const storm_result *results,
                       int count) {
  fputs(head, out);
  fprintf(out, "<h1>%s</h1>\n<p>",
          options->scenario == STORM_COLD ? "A connection storm" : "A rolling restart");
  storm_table_event(out, options);
  fputs("</p>\n<p class=\"mute\">", out);
  storm_table_scenario(out, options);
  fprintf(out, "; seed %llu.</p>\n", (unsigned long long)options->seed);
  write_table(out, options, results, count);
  fputs("<p>", out);
  storm_table_verdict(out, options, results, count);
  fputs("</p>\n<p>", out);
  storm_table_bound(out, options);
  fputs("</p>\n<div class=\"wide\">\n", out);
  storm_picture_write(out, options, results, count);
  fputs("</div>\n<h2>The modes</h2>\n<dl>\n", out);
  for (int i = 0; i < count; i++)
    fprintf(out, "<dt>%s</dt><dd>%s</dd>\n", results[i].mode->name,
            results[i].mode->sentence);
  fprintf(out, "</dl>\n<h2>The clients</h2>\n<p>%s: %s</p>\n", options->kind->name,
          options->kind->sentence);
  if (options->scenario == STORM_ROLLING)
    fputs("<p>To be connected first, nobody sleeps, and the brokers take any number of "
          "connections; the governors keep to the quota there too.</p>\n",
          out);
  fputs(columns_head, out);
  fputs(options->scenario == STORM_COLD ? columns_cold : columns_rolling, out);
  fputs(columns_tail, out);
  fprintf(out, "<p class=\"mute\">mskgov-storm %s, librdkafka %s.</p>\n</html>\n",
          mskgov_version(), rd_kafka_version_str());
}

typedef void writer(FILE *, const storm_options *, const storm_result *, int);

static int write_with(writer *write, const char *path, const storm_options *options,
                      const storm_result *results, int count, mskgov_error_info *error) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  int rc;

  if (!out)
    return bench_fail_memory(error);

  write(out, options, results, count);
  rc = fclose(out) ? bench_fail_memory(error) : bench_file_write(path, text, length, error);
  free(text);

  return rc;
}

int storm_report_write(const char *path, const storm_options *options,
                       const storm_result *results, int count, mskgov_error_info *error) {
  return write_with(write_page, path, options, results, count, error);
}

int storm_report_write_svg(const char *path, const storm_options *options,
                           const storm_result *results, int count,
                           mskgov_error_info *error) {
  return write_with(storm_picture_write, path, options, results, count, error);
}
