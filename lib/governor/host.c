/*
 * Snapshots of a host store, for readers: copies of what the file says, bounded.
 */
#include <mskgov/host.h>

#include "base/clock.h"
#include "base/error.h"
#include "governor/host_members.h"
#include "policy/adaptive.h"

#include <stdlib.h>
#include <string.h>

typedef struct broker_entry {
  mskgov_host_broker broker;
  mskgov_host_usage *usage;
} broker_entry;

struct mskgov_host_snapshot {
  char path[GOV_HOST_PATH_MAX];
  uint64_t at_ns;
  uint32_t member_count, broker_count;
  mskgov_host_member *members;
  broker_entry *brokers;
};

static void copy_words(char *text, size_t size, const _Atomic uint64_t *words) {
  for (size_t i = 0; i < size / 8; i++) {
    uint64_t word = atomic_load(&words[i]);
    memcpy(text + i * 8, &word, sizeof(word));
  }
  text[size - 1] = '\0';
}

static void read_member(const gov_host_file *file, uint32_t id, mskgov_host_member *to) {
  const gov_host_place *place = &file->header->members[id];

  to->id = id;
  to->pid = (int32_t)atomic_load(&place->pid);
  to->uid = atomic_load(&place->uid);
  to->joined_at_ns = atomic_load(&place->joined_at_ns);
  copy_words(to->name, sizeof(to->name), place->name);
  to->window_connections = atomic_load(&place->window_connections);
  to->window_ms = (uint32_t)(atomic_load(&place->window_ns) / GOV_NS_PER_MS);
  to->connections_limit = atomic_load(&place->max_connections);
}

/* Those whose lock somebody has; what is left of a killed one is not shown. */
static int read_members(mskgov_host_snapshot *snapshot, gov_host_file *file,
                        mskgov_error_info *error) {
  snapshot->members = calloc(MSKGOV_HOST_MEMBERS_MAX, sizeof(*snapshot->members));
  if (!snapshot->members)
    return gov_error_no_memory(error);

  for (uint32_t id = 0; id < MSKGOV_HOST_MEMBERS_MAX; id++)
    if (gov_host_member_is_there(file, id) && gov_host_file_is_locked(file, id))
      read_member(file, id, &snapshot->members[snapshot->member_count++]);

  return 0;
}

static void read_row(const gov_host_row *row, uint32_t member, mskgov_host_usage *to) {
  *to = (mskgov_host_usage){.member = member,
                            .waiting = gov_host_row_line(row),
                            .connecting = atomic_load(&row->connecting),
                            .open = atomic_load(&row->open),
                            .granted = atomic_load(&row->granted),
                            .connected = atomic_load(&row->connected),
                            .rejected = atomic_load(&row->rejected),
                            .failed = atomic_load(&row->failed)};
}

static void add(mskgov_host_usage *sum, const mskgov_host_usage *row) {
  sum->waiting += row->waiting;
  sum->connecting += row->connecting;
  sum->open += row->open;
  sum->granted += row->granted;
  sum->connected += row->connected;
  sum->rejected += row->rejected;
  sum->failed += row->failed;
}

static int read_broker(const mskgov_host_snapshot *snapshot,
                       const gov_host_agreement *agreement, const gov_host_segment *segment,
                       broker_entry *entry) {
  mskgov_host_broker *broker = &entry->broker;
  uint64_t adaptive = atomic_load(&segment->adaptive);
  uint32_t part = GOV_ADAPTIVE_WHOLE;

  entry->usage =
      calloc(snapshot->member_count ? snapshot->member_count : 1, sizeof(*entry->usage));
  if (!entry->usage)
    return MSKGOV_ERR_NO_MEMORY;

  copy_words(broker->address, sizeof(broker->address), segment->address);
  if (adaptive)
    part = gov_adaptive_part(adaptive, agreement->window_ns, snapshot->at_ns);
  broker->window_limit = agreement->window_connections;
  broker->window_used =
      gov_host_window_used(segment, agreement->window_connections, snapshot->at_ns);
  broker->window_ms = (uint32_t)(agreement->window_ns / GOV_NS_PER_MS);
  broker->rate_percent = gov_adaptive_percent(part);
  broker->connections_limit = agreement->max_connections;
  broker->usage_count = snapshot->member_count;
  for (uint32_t i = 0; i < snapshot->member_count; i++) {
    uint32_t id = snapshot->members[i].id;

    read_row(&segment->rows[id], id, &entry->usage[i]);
    add(&broker->sum, &entry->usage[i]);
  }

  return 0;
}

static int compare(const void *left, const void *right) {
  return strcmp(((const broker_entry *)left)->broker.address,
                ((const broker_entry *)right)->broker.address);
}

static int read_brokers(mskgov_host_snapshot *snapshot, gov_host_file *file,
                        mskgov_error_info *error) {
  gov_host_agreement agreement;

  snapshot->brokers = calloc(MSKGOV_HOST_BROKERS_MAX, sizeof(*snapshot->brokers));
  if (!snapshot->brokers)
    return gov_error_no_memory(error);

  gov_host_members_agree(file, NULL, &agreement);
  for (uint32_t i = 0; i < MSKGOV_HOST_BROKERS_MAX; i++) {
    gov_host_segment *segment = gov_host_file_segment(file, i);

    if (segment && read_broker(snapshot, &agreement, segment,
                               &snapshot->brokers[snapshot->broker_count++]))
      return gov_error_no_memory(error);
  }
  qsort(snapshot->brokers, snapshot->broker_count, sizeof(*snapshot->brokers), compare);

  return 0;
}

int mskgov_host_snapshot_new(mskgov_host_snapshot **out, const char *directory,
                             mskgov_error_info *error) {
  mskgov_host_snapshot *snapshot = calloc(1, sizeof(*snapshot));
  gov_host_file *file = calloc(1, sizeof(*file));
  int rc;

  gov_error_reset(error);
  *out = NULL;
  rc = snapshot && file ? gov_host_file_view(file, directory, error)
                        : gov_error_no_memory(error);
  if (!rc) {
    memcpy(snapshot->path, file->path, sizeof(snapshot->path));
    snapshot->at_ns = gov_clock_monotonic_ns(&gov_clock_system);
    rc = read_members(snapshot, file, error);
    if (!rc)
      rc = read_brokers(snapshot, file, error);
    gov_host_file_close(file);
  }
  free(file);
  if (rc) {
    mskgov_host_snapshot_free(snapshot);
    return rc;
  }
  *out = snapshot;

  return 0;
}

void mskgov_host_snapshot_free(mskgov_host_snapshot *snapshot) {
  if (!snapshot)
    return;

  for (uint32_t i = 0; i < snapshot->broker_count; i++)
    free(snapshot->brokers[i].usage);
  free(snapshot->brokers);
  free(snapshot->members);
  free(snapshot);
}

const char *mskgov_host_snapshot_path(const mskgov_host_snapshot *snapshot) {
  return snapshot->path;
}

uint64_t mskgov_host_snapshot_at_ns(const mskgov_host_snapshot *snapshot) {
  return snapshot->at_ns;
}

uint32_t mskgov_host_snapshot_members(const mskgov_host_snapshot *snapshot) {
  return snapshot->member_count;
}

const mskgov_host_member *mskgov_host_snapshot_member(const mskgov_host_snapshot *snapshot,
                                                      uint32_t place) {
  return place < snapshot->member_count ? &snapshot->members[place] : NULL;
}

uint32_t mskgov_host_snapshot_brokers(const mskgov_host_snapshot *snapshot) {
  return snapshot->broker_count;
}

const mskgov_host_broker *mskgov_host_snapshot_broker(const mskgov_host_snapshot *snapshot,
                                                      uint32_t place) {
  return place < snapshot->broker_count ? &snapshot->brokers[place].broker : NULL;
}

const mskgov_host_usage *mskgov_host_snapshot_usage(const mskgov_host_snapshot *snapshot,
                                                    uint32_t place, uint32_t row) {
  if (place >= snapshot->broker_count || row >= snapshot->member_count)
    return NULL;

  return &snapshot->brokers[place].usage[row];
}
