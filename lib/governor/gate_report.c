/*
 * The gate's books: outcomes, metrics, estimates, and the events about them.
 */
#include "governor/gate.h"

#include "base/clock.h"
#include "base/cold.h"
#include "policy/adaptive.h"

#include <stdio.h>
#include <string.h>

/* How often a gate's budget is held against its quota. */
#define NEAR_EVERY_NS (100 * GOV_NS_PER_MS)
/* How far it has to fall below the threshold before the next event, in percent. */
#define NEAR_HYSTERESIS 10

static void tell(gov_gate *gate, mskgov_event event, uint64_t now_ns) {
  event.at_ns = now_ns;
  event.broker = gate->address;
  gov_events_push(gate->options->events, &event);
}

/* Whether `used` of `limit` is at or past the threshold; it sticks a little. */
static bool is_near(const gov_gate *gate, bool was_near, uint64_t used, uint64_t limit) {
  uint64_t percent = gate->options->near_quota_percent;

  if (was_near)
    percent = percent > NEAR_HYSTERESIS ? percent - NEAR_HYSTERESIS : 0;

  return used * 100 >= limit * percent && used > 0;
}

static void tell_near(gov_gate *gate, uint64_t now_ns) {
  bool rate, connections = false;
  gov_usage usage;

  gate->near_seen_ns = now_ns;
  gate->budget->ops->read(gate->budget, now_ns, &usage);
  rate = is_near(gate, gate->near_rate, usage.window_used, usage.window_limit);
  if (usage.connections_limit != UINT32_MAX)
    connections = is_near(gate, gate->near_connections, usage.connections_used,
                          usage.connections_limit);

  if (rate && !gate->near_rate)
    tell(gate,
         (mskgov_event){.kind = MSKGOV_EVENT_RATE_NEAR_QUOTA,
                        .value = usage.window_used,
                        .limit = usage.window_limit},
         now_ns);
  if (connections && !gate->near_connections)
    tell(gate,
         (mskgov_event){.kind = MSKGOV_EVENT_CONNECTIONS_NEAR_QUOTA,
                        .value = usage.connections_used,
                        .limit = usage.connections_limit},
         now_ns);
  if (gate->rate_is_cut && usage.rate_part == GOV_ADAPTIVE_WHOLE) {
    gate->rate_is_cut = false;
    tell(gate, (mskgov_event){.kind = MSKGOV_EVENT_RATE_RESTORED}, now_ns);
  }
  gate->near_rate = rate;
  gate->near_connections = connections;
}

static uint32_t wait_bucket(uint64_t wait_ms) {
  uint32_t bucket = 0;

  while (wait_ms > mskgov_wait_bucket_ms(bucket))
    bucket++;

  return bucket;
}

void gov_gate_count_wait(gov_gate *gate, uint64_t waited_ms) {
  if (waited_ms == 0) { /* the rest of the counters lies further away */
    gate->metrics.waits[0]++;
    return;
  }

  gate->metrics.waits[wait_bucket(waited_ms)]++;
  gate->metrics.wait_sum_ms += waited_ms;
}

GOV_COLD static void tell_grant(gov_gate *gate, const char *client, uint64_t waited_ms,
                                uint64_t now_ns) {
  tell(gate,
       (mskgov_event){.kind = MSKGOV_EVENT_GRANTED, .client = client, .wait_ms = waited_ms},
       now_ns);
  if (now_ns >= gov_time_add(gate->near_seen_ns, NEAR_EVERY_NS))
    tell_near(gate, now_ns);
}

void gov_gate_count_grant(gov_gate *gate, const char *client, uint64_t waited_ms,
                          uint64_t now_ns) {
  gate->metrics.granted++;
  gate->metrics.connecting++;
  if (gate->options->events)
    tell_grant(gate, client, waited_ms, now_ns);
}

void gov_gate_throttle(gov_gate *gate, const gov_waiter *waiter, uint64_t now_ns) {
  gate->metrics.throttled++;
  tell(gate, (mskgov_event){.kind = MSKGOV_EVENT_THROTTLED, .client = waiter->client},
       now_ns);
}

static uint64_t *failure_counter(mskgov_broker_metrics *metrics, mskgov_outcome outcome) {
  switch (outcome) {
  case MSKGOV_OUTCOME_QUOTA:
    return &metrics->failed_quota;
  case MSKGOV_OUTCOME_AUTHENTICATION:
    return &metrics->failed_authentication;
  case MSKGOV_OUTCOME_AUTHORIZATION:
    return &metrics->failed_authorization;
  default:
    return &metrics->failed_transport;
  }
}

/* The client's wait grows. Where the quota was the reason its cap may grow too. */
static uint64_t back_off(gov_gate *gate, const char *client, mskgov_outcome outcome,
                         uint64_t now_ns, gov_random *random) {
  gov_backoff_options options = gate->options->backoff;
  gov_usage usage;

  if (outcome == MSKGOV_OUTCOME_QUOTA && options.cap_grows) {
    gate->budget->ops->read(gate->budget, now_ns, &usage);
    options.cap_ns = gov_backoff_cap_ns(
        &options, gov_streaks_failures(&gate->streaks, client),
        gov_streaks_clients(&gate->streaks), usage.window_limit, usage.window_ns);
  }

  return gov_streaks_fail(&gate->streaks, client, &options, now_ns, random);
}

static void tell_cut(gov_gate *gate, uint32_t part_before, uint64_t now_ns) {
  gov_usage usage;

  gate->budget->ops->read(gate->budget, now_ns, &usage);
  if (usage.rate_part >= part_before)
    return;

  gate->rate_is_cut = true;
  tell(gate,
       (mskgov_event){.kind = MSKGOV_EVENT_RATE_CUT,
                      .value = (uint64_t)usage.rate_part * 100 / GOV_ADAPTIVE_WHOLE,
                      .limit = 100},
       now_ns);
}

static void fail(gov_gate *gate, const char *client, gov_place *place,
                 mskgov_outcome outcome, const char *detail, uint64_t now_ns,
                 gov_random *random) {
  bool for_quota = outcome == MSKGOV_OUTCOME_QUOTA;
  mskgov_event event = {.kind = MSKGOV_EVENT_FAILED,
                        .client = client,
                        .outcome = (int)outcome,
                        .detail = detail};
  gov_usage before;

  if (for_quota)
    gate->budget->ops->read(gate->budget, now_ns, &before);
  gate->budget->ops->give(gate->budget, place,
                          for_quota ? GOV_GIVE_REJECTED : GOV_GIVE_FAILED, now_ns);
  ++*failure_counter(&gate->metrics, outcome);
  if (detail && *detail)
    snprintf(gate->metrics.last_failure, sizeof(gate->metrics.last_failure), "%s", detail);
  tell(gate, event, now_ns);

  event.kind = MSKGOV_EVENT_RETRYING;
  event.detail = NULL;
  event.wait_ms = back_off(gate, client, outcome, now_ns, random) / GOV_NS_PER_MS;
  tell(gate, event, now_ns);
  if (for_quota)
    tell_cut(gate, before.rate_part, now_ns);
}

void gov_gate_report(gov_gate *gate, const char *client, gov_place *place,
                     mskgov_outcome outcome, const char *detail, uint64_t now_ns,
                     gov_random *random) {
  gate->metrics.connecting--;
  if (outcome != MSKGOV_OUTCOME_CONNECTED) {
    fail(gate, client, place, outcome, detail, now_ns, random);
    return;
  }

  gate->budget->ops->give(gate->budget, place, GOV_GIVE_CONNECTED, now_ns);
  gate->metrics.connected++;
  gate->metrics.open++;
  if (gov_streaks_clients(&gate->streaks) && gov_streaks_succeed(&gate->streaks, client))
    tell(gate, (mskgov_event){.kind = MSKGOV_EVENT_RECOVERED, .client = client}, now_ns);
}

void gov_gate_hang_up(gov_gate *gate, gov_place *place, uint64_t now_ns) {
  gate->metrics.open--;
  gate->budget->ops->give(gate->budget, place, GOV_GIVE_CLOSED, now_ns);
}

/* Those who go before one that joins a line now, by what its priority gets of the turns. */
static uint64_t goes_before(const gov_gate *gate, mskgov_priority priority) {
  uint64_t line = gov_gate_line(gate), weights = 0;

  for (int i = 0; i < MSKGOV_PRIORITIES; i++)
    if (gate->in_line[i] || i == (int)priority)
      weights += gov_turns_weight((mskgov_priority)i);
  weights = gate->in_line[priority] * weights / gov_turns_weight(priority);

  return weights < line ? weights : line;
}

uint64_t gov_gate_estimate_ns(gov_gate *gate, const char *client, mskgov_priority priority,
                              uint64_t now_ns) {
  uint64_t ready_ns = gov_streaks_not_before_ns(&gate->streaks, client), before, at_ns;
  gov_usage usage;

  gate->budget->ops->read(gate->budget, now_ns, &usage);
  before = goes_before(gate, priority);
  if (usage.line > gov_gate_line(gate)) /* of other processes, who go in turn */
    before = before * usage.line / (gov_gate_line(gate) ? gov_gate_line(gate) : 1);
  if (before > UINT64_MAX / usage.interval_ns)
    return UINT64_MAX;
  at_ns = gov_time_add(usage.next_ns, before * usage.interval_ns);

  return at_ns > ready_ns ? at_ns : ready_ns;
}

void gov_gate_read(gov_gate *gate, uint64_t now_ns, mskgov_broker_metrics *metrics) {
  size_t struct_size = metrics->struct_size;
  gov_usage usage;

  gate->budget->ops->read(gate->budget, now_ns, &usage);
  *metrics = gate->metrics;
  metrics->struct_size = struct_size;
  metrics->backing_off = (uint32_t)gate->backing_off.count;
  metrics->window_used = usage.window_used;
  metrics->window_limit = usage.window_limit;
  metrics->connections_used = usage.connections_used;
  metrics->connections_limit = usage.connections_limit;
  metrics->line = usage.line;
  metrics->rate_percent = gov_adaptive_percent(usage.rate_part);
}
