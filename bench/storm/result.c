#include "storm/result.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define SCHEMA 1

void storm_result_fini(storm_result *result) {
  free(result->samples);
  free(result->rates);
  *result = (storm_result){0};
}

double storm_result_ratio(const storm_result *result) {
  if (!result->done || result->bound_s <= 0)
    return -1;

  return result->connect_s / result->bound_s;
}

bool storm_result_kept_quota(const storm_result *result, uint32_t quota) {
  return result->done && !result->rejected && result->peak_window <= quota;
}

bool storm_result_kept_promise(const storm_result *result, uint32_t quota) {
  switch (result->mode->budget) {
  case STORM_BUDGET_NONE:
    return true;
  case STORM_BUDGET_ALONE:
    return result->done;
  default:
    return storm_result_kept_quota(result, quota);
  }
}

/* A number to thousandths. */
static json_t *real(double number) {
  return json_real(round(number * 1000) / 1000);
}

static json_t *real_or_null(bool there, double number) {
  return there ? real(number) : json_null();
}

static json_t *scenario_json(const storm_options *options) {
  json_t *modes = json_array(), *json;

  for (int i = 0; i < options->mode_count; i++)
    json_array_append_new(modes, json_string(options->modes[i]->name));

  json = json_pack(
      "{s:s, s:I, s:I, s:I, s:s, s:b, s:o, s:s, s:I, s:I}", "scenario",
      storm_scenario_names[options->scenario], "clients", (json_int_t)options->clients,
      "brokers", (json_int_t)options->brokers, "quota", (json_int_t)options->quota,
      "window", storm_window_names[options->window], "count_rejected",
      options->count_rejected, "modes", modes, "client", options->kind->name, "processes",
      (json_int_t)options->processes, "horizon", (json_int_t)options->horizon_s);
  if (json && options->burst)
    json_object_set_new(json, "burst", json_integer((json_int_t)options->burst));

  return json;
}

static json_t *result_json(const storm_options *options, const storm_result *result) {
  double ratio = storm_result_ratio(result);
  bool any = result->wait_count > 0;
  json_t *json;

  json = json_pack(
      "{s:s, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:{s:o, s:o, s:o}, s:o, s:o, "
      "s:o, s:o}",
      "mode", result->mode->name, "clients", (json_int_t)options->clients, "connected",
      (json_int_t)result->connected, "connect_seconds",
      real_or_null(result->done, result->connect_s), "bound_seconds", real(result->bound_s),
      "ratio", real_or_null(ratio >= 0, ratio), "attempts", (json_int_t)result->attempts,
      "rejected", (json_int_t)result->rejected, "peak_window",
      (json_int_t)result->peak_window, "quota", (json_int_t)options->quota, "wait_ms",
      "p50", real_or_null(any, result->wait_p50_ms), "p99",
      real_or_null(any, result->wait_p99_ms), "max", real_or_null(any, result->wait_max_ms),
      "jain", real(result->jain), "cpu_seconds", real(result->cpu_s), "cpu_share",
      real(result->cpu_share), "rss_mib", real(result->rss_mib));
  if (json && result->dropped)
    json_object_set_new(json, "dropped", json_integer((json_int_t)result->dropped));

  return json;
}

char *storm_result_json(const storm_options *options, const storm_result *results,
                        int count) {
  json_t *list = json_array(), *json;
  char *text = NULL;

  for (int i = 0; i < count; i++)
    if (json_array_append_new(list, result_json(options, &results[i])))
      goto done;

  json =
      json_pack("{s:i, s:I, s:o, s:O}", "schema", SCHEMA, "seed", (json_int_t)options->seed,
                "scenario", scenario_json(options), "results", list);
  if (json)
    text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
  json_decref(json);

done:
  json_decref(list);

  return text;
}
