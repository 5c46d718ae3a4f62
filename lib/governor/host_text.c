/*
 * The snapshot of a host store as text, from what host.h tells everybody.
 *
 * Counters stand with the members alone: a sum over those that are there would fall
 * whenever one goes, and a counter that falls is one that began anew.
 */
#include <mskgov/host.h>

#include "base/error.h"
#include "governor/exposition.h"
#include "governor/json.h"

#include <inttypes.h>
#include <stdbool.h>

static bool is_nothing(const mskgov_host_usage *usage) {
  return !usage->waiting && !usage->connecting && !usage->open && !usage->granted &&
         !usage->connected && !usage->rejected && !usage->failed;
}

/* Rows come in the order of the members: the one at `place` is tried first. */
static const mskgov_host_member *find_member(const mskgov_host_snapshot *snapshot,
                                             uint32_t place, uint32_t id) {
  const mskgov_host_member *member = mskgov_host_snapshot_member(snapshot, place);

  if (member && member->id == id)
    return member;

  for (uint32_t i = 0; (member = mskgov_host_snapshot_member(snapshot, i)); i++)
    if (member->id == id)
      return member;

  return NULL;
}

/* The next row from *row on that has something, and whose it is; NULL past the end. */
static const mskgov_host_usage *next_row(const mskgov_host_snapshot *snapshot,
                                         uint32_t place, uint32_t *row,
                                         const mskgov_host_member **member) {
  const mskgov_host_usage *usage;

  while ((usage = mskgov_host_snapshot_usage(snapshot, place, (*row)++)))
    if (!is_nothing(usage) && (*member = find_member(snapshot, *row - 1, usage->member)))
      return usage;

  return NULL;
}

/* Broker `place`. Without members nobody has set a quota. */
static bool get_broker(const mskgov_host_snapshot *snapshot, uint32_t place,
                       mskgov_host_broker *copy) {
  const mskgov_host_broker *broker = mskgov_host_snapshot_broker(snapshot, place);

  if (!broker)
    return false;

  *copy = *broker;
  if (mskgov_host_snapshot_members(snapshot) == 0)
    copy->window_limit = UINT32_MAX;

  return true;
}

/* Appends to an array; without memory for either there is none any more. */
static json_t *append(json_t *array, json_t *value) {
  if (!json_array_append_new(array, value))
    return array;

  json_decref(array);

  return NULL;
}

static json_t *members_json(const mskgov_host_snapshot *snapshot) {
  const mskgov_host_member *member;
  json_t *members = json_array();

  for (uint32_t i = 0; members && (member = mskgov_host_snapshot_member(snapshot, i)); i++)
    members = append(
        members, json_pack("{s:I, s:I, s:I, s:o, s:o, s:{s:I, s:I, s:o}}", "id",
                           (json_int_t)member->id, "pid", (json_int_t)member->pid, "uid",
                           (json_int_t)member->uid, "name", gov_json_string(member->name),
                           "joined_at_ns", gov_json_count(member->joined_at_ns), "quota",
                           "window_connections", (json_int_t)member->window_connections,
                           "window_ms", (json_int_t)member->window_ms, "connections",
                           gov_json_limit(member->connections_limit)));

  return members;
}

static json_t *processes_json(const mskgov_host_snapshot *snapshot, uint32_t place) {
  const mskgov_host_usage *usage;
  const mskgov_host_member *member;
  json_t *processes = json_array();
  uint32_t row = 0;

  while (processes && (usage = next_row(snapshot, place, &row, &member)))
    processes = append(
        processes,
        json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "member",
                  (json_int_t)usage->member, "pid", (json_int_t)member->pid, "name",
                  gov_json_string(member->name), "waiting", (json_int_t)usage->waiting,
                  "connecting", (json_int_t)usage->connecting, "open",
                  (json_int_t)usage->open, "granted", gov_json_count(usage->granted),
                  "connected", gov_json_count(usage->connected), "rejected",
                  gov_json_count(usage->rejected), "failed",
                  gov_json_count(usage->failed)));

  return processes;
}

static json_t *broker_json(const mskgov_host_snapshot *snapshot, uint32_t place,
                           const mskgov_host_broker *broker) {
  const mskgov_host_usage *sum = &broker->sum;

  return json_pack(
      "{s:o, s:{s:I, s:o, s:I, s:I}, s:{s:I, s:I, s:o}, s:I, s:o, s:o, s:o, s:o, s:o}",
      "broker", gov_json_string(broker->address), "rate", "used",
      (json_int_t)broker->window_used, "limit", gov_json_limit(broker->window_limit),
      "window_ms", (json_int_t)broker->window_ms, "percent",
      (json_int_t)broker->rate_percent, "connections", "open", (json_int_t)sum->open,
      "connecting", (json_int_t)sum->connecting, "limit",
      gov_json_limit(broker->connections_limit), "waiting", (json_int_t)sum->waiting,
      "granted", gov_json_count(sum->granted), "connected", gov_json_count(sum->connected),
      "rejected", gov_json_count(sum->rejected), "failed", gov_json_count(sum->failed),
      "processes", processes_json(snapshot, place));
}

int mskgov_host_snapshot_json(const mskgov_host_snapshot *snapshot, char **text,
                              mskgov_error_info *error) {
  json_t *brokers = json_array();
  mskgov_host_broker broker;

  gov_error_reset(error);
  *text = NULL;
  for (uint32_t i = 0; brokers && get_broker(snapshot, i, &broker); i++)
    brokers = append(brokers, broker_json(snapshot, i, &broker));

  return gov_json_print(json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema", 1, "path",
                                  gov_json_string(mskgov_host_snapshot_path(snapshot)),
                                  "at_ns",
                                  gov_json_count(mskgov_host_snapshot_at_ns(snapshot)),
                                  "members", members_json(snapshot), "brokers", brokers),
                        text, error);
}

#define BROKER(name, member, kind, help)                                                   \
  {                                                                                        \
    "mskgov_host_" name, "gauge", help, NULL, offsetof(mskgov_host_broker, member),        \
        GOV_EXPOSITION_##kind                                                              \
  }
#define PROCESS(name, type, outcome, member, kind, help)                                   \
  {                                                                                        \
    "mskgov_host_process_" name, type, help, outcome, offsetof(mskgov_host_usage, member), \
        GOV_EXPOSITION_##kind                                                              \
  }

static const gov_exposition_field broker_fields[] = {
    BROKER("rate_used", window_used, U32, "Attempts that the arrival window holds."),
    BROKER("rate_limit", window_limit, LIMIT,
           "Attempts that it may hold: the smallest quota among the processes."),
    BROKER("rate_window_seconds", window_ms, MS, "The stretch of time that it is for."),
    BROKER("rate_ratio", rate_percent, PERCENT,
           "Part of the quota that the adaptive rate allows."),
    BROKER("open_connections", sum.open, U32, "Connections open."),
    BROKER("connecting", sum.connecting, U32, "Attempts granted and not yet reported."),
    BROKER("connections_limit", connections_limit, LIMIT,
           "Connections that may be open or on their way."),
    BROKER("waiting", sum.waiting, U32, "Waiters in line, past their back-off."),
};

static const gov_exposition_field process_fields[] = {
    PROCESS("waiting", "gauge", NULL, waiting, U32, "Waiters of a process in line."),
    PROCESS("connecting", "gauge", NULL, connecting, U32,
            "Attempts of a process granted and not yet reported."),
    PROCESS("open_connections", "gauge", NULL, open, U32, "Open connections of a process."),
    PROCESS("granted_total", "counter", NULL, granted, U64, "Permits that a process had."),
    PROCESS("connected_total", "counter", NULL, connected, U64,
            "Attempts of a process reported as connected."),
    PROCESS("failures_total", "counter", "quota", rejected, U64,
            "Attempts of a process reported as failed."),
    PROCESS("failures_total", "counter", "other", failed, U64,
            "Attempts of a process reported as failed."),
};

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static void write_processes(gov_exposition *exposition,
                            const mskgov_host_snapshot *snapshot, uint32_t place,
                            const gov_exposition_field *field) {
  const mskgov_host_broker *broker = mskgov_host_snapshot_broker(snapshot, place);
  const mskgov_host_usage *usage;
  const mskgov_host_member *member;
  uint32_t row = 0;

  while ((usage = next_row(snapshot, place, &row, &member))) {
    char id[16], pid[16];
    const gov_exposition_label labels[] = {{"broker", broker->address},
                                           {"member", id}, /* a process may have several */
                                           {"pid", pid},
                                           {"process", member->name},
                                           {NULL, NULL}};

    snprintf(id, sizeof(id), "%" PRIu32, usage->member);
    snprintf(pid, sizeof(pid), "%" PRId32, member->pid);
    gov_exposition_field_sample(exposition, field, usage, labels);
  }
}

int mskgov_host_snapshot_prometheus(const mskgov_host_snapshot *snapshot, char **text,
                                    mskgov_error_info *error) {
  static const gov_exposition_label none[] = {{NULL, NULL}};
  gov_exposition exposition;
  mskgov_host_broker broker;

  gov_error_reset(error);
  *text = NULL;
  gov_exposition_open(&exposition);
  gov_exposition_head(&exposition, "mskgov_host_members", "gauge",
                      "Governors that share the store.");
  gov_exposition_sample(&exposition, "mskgov_host_members", "", none,
                        mskgov_host_snapshot_members(snapshot));
  for (size_t i = 0; i < COUNT(broker_fields); i++) {
    gov_exposition_field_head(&exposition, broker_fields, i);
    for (uint32_t j = 0; get_broker(snapshot, j, &broker); j++)
      gov_exposition_field_sample(
          &exposition, &broker_fields[i], &broker,
          (const gov_exposition_label[]){{"broker", broker.address}, {NULL, NULL}});
  }
  for (size_t i = 0; i < COUNT(process_fields); i++) {
    gov_exposition_field_head(&exposition, process_fields, i);
    for (uint32_t j = 0; j < mskgov_host_snapshot_brokers(snapshot); j++)
      write_processes(&exposition, snapshot, j, &process_fields[i]);
  }

  return gov_exposition_close(&exposition, text, error);
}
