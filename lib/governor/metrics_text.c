#include "governor/metrics_text.h"

#include "governor/exposition.h"
#include "governor/json.h"

#include <stdlib.h>

/* Waits that a person, a pipeline and a rolling restart each call long. */
static const uint64_t bounds_ms[MSKGOV_WAIT_BUCKETS] = {
    1, 10, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, MSKGOV_NEVER};

uint64_t mskgov_wait_bucket_ms(uint32_t bucket) {
  return bucket < MSKGOV_WAIT_BUCKETS ? bounds_ms[bucket] : MSKGOV_NEVER;
}

void mskgov_text_free(char *text) {
  free(text);
}

static json_t *waits_json(const mskgov_broker_metrics *metrics) {
  json_t *waits = json_array();

  for (uint32_t i = 0; waits && i < MSKGOV_WAIT_BUCKETS; i++) {
    json_t *bound =
        bounds_ms[i] == MSKGOV_NEVER ? json_null() : gov_json_count(bounds_ms[i]);

    if (json_array_append_new(waits, json_pack("{s:o, s:o}", "up_to_ms", bound, "count",
                                               gov_json_count(metrics->waits[i])))) {
      json_decref(waits);
      waits = NULL;
    }
  }

  return waits;
}

static json_t *budget_json(const mskgov_broker_metrics *metrics) {
  return json_pack(
      "{s:{s:I, s:o, s:I}, s:{s:I, s:o}, s:I}", "rate", "used",
      (json_int_t)metrics->window_used, "limit", gov_json_limit(metrics->window_limit),
      "percent", (json_int_t)metrics->rate_percent, "connections", "used",
      (json_int_t)metrics->connections_used, "limit",
      gov_json_limit(metrics->connections_limit), "waiting", (json_int_t)metrics->line);
}

static json_t *failed_json(const mskgov_broker_metrics *metrics) {
  return json_pack("{s:o, s:o, s:o, s:o}", "quota", gov_json_count(metrics->failed_quota),
                   "authentication", gov_json_count(metrics->failed_authentication),
                   "authorization", gov_json_count(metrics->failed_authorization),
                   "transport", gov_json_count(metrics->failed_transport));
}

static json_t *broker_json(const gov_metrics_entry *entry) {
  const mskgov_broker_metrics *metrics = &entry->metrics;

  return json_pack(
      "{s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
      "broker", gov_json_string(entry->address), "waiting", (json_int_t)metrics->waiting,
      "backing_off", (json_int_t)metrics->backing_off, "connecting",
      (json_int_t)metrics->connecting, "open", (json_int_t)metrics->open, "requested",
      gov_json_count(metrics->requested), "granted", gov_json_count(metrics->granted),
      "throttled", gov_json_count(metrics->throttled), "connected",
      gov_json_count(metrics->connected), "failed", failed_json(metrics), "canceled",
      gov_json_count(metrics->canceled), "waits", waits_json(metrics), "wait_sum_ms",
      gov_json_count(metrics->wait_sum_ms), "budget", budget_json(metrics), "last_failure",
      gov_json_string(metrics->last_failure));
}

int gov_metrics_json(const gov_metrics_entry *entries, size_t count, const char *store,
                     char **text, mskgov_error_info *error) {
  json_t *brokers = json_array();

  for (size_t i = 0; brokers && i < count; i++)
    if (json_array_append_new(brokers, broker_json(&entries[i]))) {
      json_decref(brokers);
      brokers = NULL;
    }

  return gov_json_print(
      json_pack("{s:i, s:s, s:o}", "schema", 1, "store", store, "brokers", brokers), text,
      error);
}

#define FIELD(name, type, outcome, member, kind, help)                                     \
  {                                                                                        \
    "mskgov_" name, type, help, outcome, offsetof(mskgov_broker_metrics, member),          \
        GOV_EXPOSITION_##kind                                                              \
  }
#define GAUGE(name, member, kind, help) FIELD(name, "gauge", NULL, member, kind, help)
#define COUNTER(name, member, help) FIELD(name "_total", "counter", NULL, member, U64, help)
#define FAILURES(outcome, member)                                                          \
  FIELD("failures_total", "counter", outcome, member, U64, "Attempts reported as failed.")

/* What is granted is the count of the histogram: no second name for it. */
static const gov_exposition_field fields[] = {
    GAUGE("waiting", waiting, U32, "Waiters of this process, those in back-off included."),
    GAUGE("backing_off", backing_off, U32, "Waiters of this process in back-off."),
    GAUGE("connecting", connecting, U32, "Attempts granted and not yet reported."),
    GAUGE("open_connections", open, U32, "Connections of this process that are open."),
    COUNTER("requested", requested, "Permits asked for."),
    COUNTER("throttled", throttled, "Permits asked for that had to wait in line."),
    COUNTER("connected", connected, "Attempts reported as connected."),
    FAILURES("quota", failed_quota),
    FAILURES("authentication", failed_authentication),
    FAILURES("authorization", failed_authorization),
    FAILURES("transport", failed_transport),
    COUNTER("canceled", canceled, "Waiters that left without a permit."),
    GAUGE("budget_rate_used", window_used, U32,
          "Attempts that the arrival window holds, over all who share the budget."),
    GAUGE("budget_rate_limit", window_limit, LIMIT, "Attempts that it may hold."),
    GAUGE("budget_rate_ratio", rate_percent, PERCENT,
          "Part of the quota that the adaptive rate allows."),
    GAUGE("budget_connections_used", connections_used, U32,
          "Connections open or on their way, over all who share the budget."),
    GAUGE("budget_connections_limit", connections_limit, LIMIT, "Connections that may be."),
    GAUGE("budget_waiting", line, U32, "Waiters in line, over all who share the budget."),
};

static void write_waits(gov_exposition *exposition, const gov_metrics_entry *entry) {
  static const char name[] = "mskgov_wait_seconds";
  const mskgov_broker_metrics *metrics = &entry->metrics;
  gov_exposition_label labels[] = {{"broker", entry->address}, {"le", NULL}, {NULL, NULL}};
  uint64_t sum = 0;

  for (uint32_t i = 0; i < MSKGOV_WAIT_BUCKETS; i++) {
    char bound[GOV_EXPOSITION_NUMBER_MAX] = "+Inf";

    if (bounds_ms[i] != MSKGOV_NEVER)
      gov_exposition_thousandths(bound, bounds_ms[i]);
    labels[1].value = bound;
    sum += metrics->waits[i];
    gov_exposition_sample(exposition, name, "_bucket", labels, sum);
  }
  labels[1].name = NULL;
  gov_exposition_sample_thousandths(exposition, name, "_sum", labels, metrics->wait_sum_ms);
  gov_exposition_sample(exposition, name, "_count", labels, sum);
}

int gov_metrics_prometheus(const gov_metrics_entry *entries, size_t count,
                           const char *store, char **text, mskgov_error_info *error) {
  const gov_exposition_label about[] = {
      {"version", mskgov_version()}, {"store", store}, {NULL, NULL}};
  gov_exposition exposition;

  gov_exposition_open(&exposition);
  gov_exposition_head(&exposition, "mskgov_info", "gauge", "The library; always 1.");
  gov_exposition_sample(&exposition, "mskgov_info", "", about, 1);
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    gov_exposition_field_head(&exposition, fields, i);
    for (size_t j = 0; j < count; j++)
      gov_exposition_field_sample(
          &exposition, &fields[i], &entries[j].metrics,
          (const gov_exposition_label[]){{"broker", entries[j].address}, {NULL, NULL}});
  }
  gov_exposition_head(&exposition, "mskgov_wait_seconds", "histogram",
                      "Waits from the request to the grant, of those granted.");
  for (size_t j = 0; j < count; j++)
    write_waits(&exposition, &entries[j]);

  return gov_exposition_close(&exposition, text, error);
}
