#include "top_view.h"

#include <mskgov/governor.h>

#include <stdlib.h>
#include <string.h>

struct top_view {
  top_table table;
  top_broker *brokers;
  top_process *processes; /* of all brokers, one after the other */
};

/* The two snapshots, and where a member of the later one stands in the earlier one. */
typedef struct top_history {
  const mskgov_host_snapshot *now, *before;
  uint64_t elapsed_ns;
  uint32_t place_now[MSKGOV_HOST_MEMBERS_MAX];    /* by id, plus 1; 0: not there */
  uint32_t place_before[MSKGOV_HOST_MEMBERS_MAX]; /* likewise; the same member, not one
                                                     that had its place */
} top_history;

static void read_history(top_history *history, const mskgov_host_snapshot *now,
                         const mskgov_host_snapshot *before) {
  const mskgov_host_member *member, *found;

  memset(history, 0, sizeof(*history));
  history->now = now;
  history->before = before;
  for (uint32_t i = 0; (member = mskgov_host_snapshot_member(now, i)); i++)
    if (member->id < MSKGOV_HOST_MEMBERS_MAX)
      history->place_now[member->id] = i + 1;
  if (!before)
    return;

  history->elapsed_ns =
      mskgov_host_snapshot_at_ns(now) - mskgov_host_snapshot_at_ns(before);
  for (uint32_t i = 0; (member = mskgov_host_snapshot_member(before, i)); i++) {
    if (member->id >= MSKGOV_HOST_MEMBERS_MAX || !history->place_now[member->id])
      continue;
    found = mskgov_host_snapshot_member(now, history->place_now[member->id] - 1);
    if (found->pid == member->pid && found->joined_at_ns == member->joined_at_ns)
      history->place_before[member->id] = i + 1;
  }
}

/* What the member had been granted at the time of the earlier snapshot; a member or a
   broker that was not there had nothing. */
static uint64_t granted_before(const top_history *history, const mskgov_host_usage *usage,
                               uint32_t broker_before) {
  const mskgov_host_usage *then;
  uint32_t place = history->place_before[usage->member];

  if (!place)
    return 0;
  then = mskgov_host_snapshot_usage(history->before, broker_before, place - 1);

  return then && then->member == usage->member && then->granted <= usage->granted
             ? then->granted
             : 0;
}

static uint64_t tenths_per_s(const top_history *history, uint64_t granted) {
  if (!history->before || !history->elapsed_ns)
    return TOP_UNKNOWN;

  return (uint64_t)((double)granted * 1e10 / (double)history->elapsed_ns + 0.5);
}

static top_figures read_figures(const top_history *history, const mskgov_host_usage *usage,
                                uint64_t granted_since) {
  return (top_figures){.waiting = usage->waiting,
                       .connecting = usage->connecting,
                       .open = usage->open,
                       .granted = usage->granted,
                       .granted_tenths_s = tenths_per_s(history, granted_since),
                       .rejected = usage->rejected};
}

static bool is_nothing(const mskgov_host_usage *usage) {
  return !usage->waiting && !usage->connecting && !usage->open && !usage->granted &&
         !usage->rejected;
}

/* Broker `place` and its processes, which are written to *next and past it. */
static void read_broker(const top_history *history, uint32_t place, uint32_t place_before,
                        top_broker *to, top_process **next) {
  const mskgov_host_broker *broker = mskgov_host_snapshot_broker(history->now, place);
  const mskgov_host_usage *usage;
  uint64_t granted = 0;

  *to = (top_broker){.address = broker->address,
                     .rate_used = broker->window_used,
                     .rate_limit = broker->window_limit,
                     .rate_percent = broker->rate_percent,
                     .connections_limit = broker->connections_limit,
                     .processes = *next};
  if (mskgov_host_snapshot_members(history->now) == 0)
    to->rate_limit = UINT32_MAX;
  for (uint32_t i = 0; (usage = mskgov_host_snapshot_usage(history->now, place, i)); i++) {
    const mskgov_host_member *member;
    uint64_t since;

    if (usage->member >= MSKGOV_HOST_MEMBERS_MAX || is_nothing(usage) ||
        !history->place_now[usage->member])
      continue;
    since = usage->granted - granted_before(history, usage, place_before);
    granted += since;
    member =
        mskgov_host_snapshot_member(history->now, history->place_now[usage->member] - 1);
    *(*next)++ = (top_process){.name = member->name,
                               .pid = member->pid,
                               .figures = read_figures(history, usage, since)};
    to->process_count++;
  }
  to->figures = read_figures(history, &broker->sum, granted);
}

/* Both are in the order of the addresses: where `address` stands from *place on, or past
   the end. */
static uint32_t find_before(const top_history *history, const char *address,
                            uint32_t *place) {
  const mskgov_host_broker *broker;
  int order = -1;

  if (!history->before)
    return UINT32_MAX;
  while ((broker = mskgov_host_snapshot_broker(history->before, *place)) &&
         (order = strcmp(broker->address, address)) < 0)
    ++*place;

  return broker && order == 0 ? *place : UINT32_MAX;
}

static size_t count_usages(const mskgov_host_snapshot *snapshot) {
  const mskgov_host_broker *broker;
  size_t count = 0;

  for (uint32_t i = 0; (broker = mskgov_host_snapshot_broker(snapshot, i)); i++)
    count += broker->usage_count;

  return count;
}

top_view *top_view_new(const mskgov_host_snapshot *now,
                       const mskgov_host_snapshot *before) {
  uint32_t count = mskgov_host_snapshot_brokers(now), place_before = 0;
  top_view *view = calloc(1, sizeof(*view));
  const mskgov_host_broker *broker;
  top_process *next;
  top_history history;

  if (!view)
    return NULL;
  view->brokers = calloc(count ? count : 1, sizeof(*view->brokers));
  view->processes = next = calloc(count_usages(now) + 1, sizeof(*view->processes));
  if (!view->brokers || !view->processes) {
    top_view_free(view);
    return NULL;
  }

  read_history(&history, now, before);
  view->table = (top_table){.path = mskgov_host_snapshot_path(now),
                            .members = mskgov_host_snapshot_members(now),
                            .brokers = view->brokers,
                            .broker_count = count};
  for (uint32_t i = 0; (broker = mskgov_host_snapshot_broker(now, i)); i++) {
    view->table.window_ms = broker->window_ms;
    read_broker(&history, i, find_before(&history, broker->address, &place_before),
                &view->brokers[i], &next);
  }

  return view;
}

void top_view_free(top_view *view) {
  if (!view)
    return;

  free(view->brokers);
  free(view->processes);
  free(view);
}

const top_table *top_view_table(const top_view *view) {
  return &view->table;
}
