/*
 * mskgov-storm: what a fleet of clients does to the connection quota of a cluster, and
 * what a governor makes of it.
 */
#include "common/failure.h"
#include "common/file.h"
#include "storm/report.h"
#include "storm/storm.h"
#include "storm/table.h"
#include "storm/worker.h"
#include "tool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int write_json(const storm_options *options, const storm_result *results,
                      mskgov_error_info *error) {
  char *text = storm_result_json(options, results, options->mode_count);
  int rc;

  rc = text ? bench_file_write(options->json_path, text, strlen(text), error)
            : bench_fail_memory(error);
  free(text);

  return rc;
}

static int write_files(const storm_options *options, const storm_result *results,
                       mskgov_error_info *error) {
  int count = options->mode_count, rc = 0;

  if (options->json_path)
    rc = write_json(options, results, error);
  if (!rc && options->report_path)
    rc = storm_report_write(options->report_path, options, results, count, error);
  if (!rc && options->svg_path)
    rc = storm_report_write_svg(options->svg_path, options, results, count, error);

  return rc;
}

/* A governed mode is a promise; the others are only measured. */
static int answer(const storm_options *options, const storm_result *results) {
  for (int i = 0; i < options->mode_count; i++)
    if (!storm_result_kept_promise(&results[i], options->quota))
      return TOOL_NO;

  return TOOL_DONE;
}

static int run(const storm_options *options, storm_result *results) {
  mskgov_error_info error = {0};
  int rc = 0, status;

  for (int i = 0; !rc && i < options->mode_count; i++)
    rc = storm_run(&results[i], options, options->modes[i], &error);
  if (tool_signal())
    return tool_die_of_signal();
  if (rc)
    return tool_cannot("%s", error.text);

  storm_table_print(stdout, options, results, options->mode_count);
  status = tool_flush();
  if (status)
    return status;

  rc = write_files(options, results, &error);

  return rc ? tool_cannot("%s", error.text) : answer(options, results);
}

int main(int argc, char **argv) {
  storm_result results[STORM_MODES] = {0};
  storm_options options;
  int status;

  tool_begin("mskgov-storm");
  signal(SIGPIPE, SIG_IGN);
  status = storm_options_read(&options, argc, argv);
  if (status != STORM_OPTIONS_GO)
    return status;
  if (options.worker)
    return storm_worker_run();

  tool_catch_signals();
  status = run(&options, results);
  for (int i = 0; i < options.mode_count; i++)
    storm_result_fini(&results[i]);

  return status;
}
