#include "governor/gate.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_SLOT UINT64_MAX

gov_gate *gov_gate_new(const char *address, const gov_gate_options *options) {
  size_t size = strlen(address) + 1;
  gov_gate *gate = calloc(1, sizeof(*gate) + size);

  if (!gate)
    return NULL;

  gate->options = options;
  gov_bucket_init(&gate->bucket);
  gov_window_init(&gate->window, options->quota.connections_per_s);
  gov_streaks_init(&gate->streaks);
  gate->slot_ns = NO_SLOT;
  gov_list_init(&gate->line);
  gov_heap_init(&gate->backing_off);
  gov_heap_init(&gate->deadlines);
  memcpy(gate->address, address, size);

  return gate;
}

void gov_gate_free(gov_gate *gate) {
  if (!gate)
    return;

  gov_streaks_fini(&gate->streaks);
  gov_heap_fini(&gate->backing_off);
  gov_heap_fini(&gate->deadlines);
  free(gate);
}

static void line_up(gov_gate *gate, gov_waiter *waiter, uint64_t now_ns) {
  /* Nobody was there to use the held slot. Using it late would put it too close to the
     next one, so it lapses. */
  if (gov_list_empty(&gate->line) && gate->slot_ns < now_ns)
    gate->slot_ns = NO_SLOT;

  gov_list_push_back(&gate->line, &waiter->node);
}

int gov_gate_join(gov_gate *gate, gov_waiter *waiter, const char *client,
                  uint64_t deadline_ns, uint64_t now_ns) {
  uint64_t ready_ns = gov_streaks_not_before_ns(&gate->streaks, client);

  *waiter = (gov_waiter){0};
  if (gate->metrics.waiting >= gate->options->max_waiters)
    return MSKGOV_ERR_QUEUE_FULL;
  if (!gov_heap_reserve(&gate->backing_off, gate->backing_off.count + 1) ||
      !gov_heap_reserve(&gate->deadlines, gate->deadlines.count + 1))
    return MSKGOV_ERR_NO_MEMORY;

  if (deadline_ns != UINT64_MAX)
    gov_heap_insert(&gate->deadlines, &waiter->expiry, deadline_ns);
  if (ready_ns > now_ns)
    gov_heap_insert(&gate->backing_off, &waiter->ready, ready_ns);
  else
    line_up(gate, waiter, now_ns);

  gate->metrics.requested++;
  gate->metrics.waiting++;

  return 0;
}

static void remove_waiter(gov_gate *gate, gov_waiter *waiter) {
  gov_list_remove(&waiter->node);
  gov_heap_remove(&gate->backing_off, &waiter->ready);
  gov_heap_remove(&gate->deadlines, &waiter->expiry);
  gate->metrics.waiting--;
}

void gov_gate_leave(gov_gate *gate, gov_waiter *waiter) {
  remove_waiter(gate, waiter);
  gate->metrics.canceled++;
}

static void end_wait(gov_gate *gate, gov_waiter *waiter, int rc, gov_list *ended) {
  if (rc == 0)
    remove_waiter(gate, waiter);
  else
    gov_gate_leave(gate, waiter);

  waiter->ended = true;
  waiter->rc = rc;
  gov_list_push_back(ended, &waiter->node);
}

void gov_gate_close(gov_gate *gate, int rc, gov_list *ended) {
  gov_heap_node *ready;
  gov_list_node *node;

  while ((node = gov_list_first(&gate->line)))
    end_wait(gate, gov_container_of(node, gov_waiter, node), rc, ended);
  while ((ready = gov_heap_first(&gate->backing_off)))
    end_wait(gate, gov_container_of(ready, gov_waiter, ready), rc, ended);
}

static uint32_t limit_left(const gov_gate *gate) {
  uint32_t used = gate->metrics.open + gate->metrics.connecting;
  uint32_t limit = gate->options->quota.max_connections;

  return used < limit ? limit - used : 0;
}

/* When the head of the line may pass; UINT64_MAX: only another event can tell. */
static uint64_t next_grant_ns(gov_gate *gate, uint64_t now_ns) {
  uint64_t window_ns;

  if (gov_list_empty(&gate->line) || limit_left(gate) == 0)
    return UINT64_MAX;

  window_ns = gov_window_next_ns(&gate->window, now_ns);
  if (window_ns > now_ns)
    return window_ns;

  /* A slot that the window or the limit held up for longer than an interval has lapsed:
     used now, it would stand too close to the next. */
  if (gate->slot_ns != NO_SLOT &&
      now_ns > gov_time_add(gate->slot_ns, gate->options->rate.interval_ns))
    gate->slot_ns = NO_SLOT;
  if (gate->slot_ns == NO_SLOT)
    gov_bucket_reserve(&gate->bucket, &gate->options->rate, now_ns, UINT64_MAX,
                       &gate->slot_ns);

  return gate->slot_ns;
}

static void pass_head(gov_gate *gate, gov_list *ended) {
  gov_list_node *node = gov_list_first(&gate->line);

  gov_window_grant(&gate->window);
  gate->metrics.granted++;
  gate->metrics.connecting++;
  end_wait(gate, gov_container_of(node, gov_waiter, node), 0, ended);
}

/* Ends the waits whose deadline is before `before_ns`. */
static void expire(gov_gate *gate, uint64_t before_ns, gov_list *ended) {
  gov_heap_node *node;

  while ((node = gov_heap_first(&gate->deadlines)) && node->at_ns < before_ns)
    end_wait(gate, gov_container_of(node, gov_waiter, expiry), MSKGOV_ERR_DEADLINE, ended);
}

uint64_t gov_gate_advance(gov_gate *gate, uint64_t now_ns, gov_list *ended) {
  uint64_t next_ns;
  gov_heap_node *node;

  expire(gate, now_ns, ended);

  while ((node = gov_heap_first(&gate->backing_off)) && node->at_ns <= now_ns) {
    gov_heap_remove(&gate->backing_off, node);
    line_up(gate, gov_container_of(node, gov_waiter, ready), now_ns);
  }

  while ((next_ns = next_grant_ns(gate, now_ns)) <= now_ns) {
    gate->slot_ns = NO_SLOT;
    pass_head(gate, ended);
  }

  /* A deadline of this very moment comes after the grants, so that a waiter that cannot
     wait at all is still granted what is free. */
  expire(gate, gov_time_add(now_ns, 1), ended);

  if (next_ns > gov_heap_first_ns(&gate->deadlines))
    next_ns = gov_heap_first_ns(&gate->deadlines);
  if (next_ns > gov_heap_first_ns(&gate->backing_off))
    next_ns = gov_heap_first_ns(&gate->backing_off);

  return next_ns;
}

void gov_gate_options_changed(gov_gate *gate) {
  gate->slot_ns = NO_SLOT;
  gov_bucket_init(&gate->bucket);
  gov_window_set_limit(&gate->window, gate->options->quota.connections_per_s);
}

uint64_t gov_gate_estimate_ns(gov_gate *gate, const char *client, uint64_t now_ns) {
  uint64_t interval_ns = gate->options->rate.interval_ns;
  uint64_t in_line = gate->metrics.waiting - gate->backing_off.count;
  uint64_t window_ns = gov_window_next_ns(&gate->window, now_ns);
  uint64_t ready_ns = gov_streaks_not_before_ns(&gate->streaks, client);
  uint64_t at_ns;

  if (gate->slot_ns == NO_SLOT || (in_line == 0 && gate->slot_ns < now_ns))
    at_ns = gov_bucket_next_ns(&gate->bucket, &gate->options->rate, now_ns);
  else
    at_ns = gate->slot_ns;

  if (window_ns != UINT64_MAX && at_ns < window_ns)
    at_ns = window_ns;
  if (in_line > UINT64_MAX / interval_ns)
    return UINT64_MAX;
  at_ns = gov_time_add(at_ns, in_line * interval_ns);

  return at_ns > ready_ns ? at_ns : ready_ns;
}

void gov_gate_forget_try(gov_gate *gate) {
  gate->metrics.requested--;
  gate->metrics.canceled--;
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

void gov_gate_report(gov_gate *gate, const char *client, mskgov_outcome outcome,
                     const char *detail, uint64_t now_ns, gov_random *random) {
  gov_window_report(&gate->window, now_ns);
  gate->metrics.connecting--;

  if (outcome == MSKGOV_OUTCOME_CONNECTED) {
    gate->metrics.connected++;
    gate->metrics.open++;
    gov_streaks_succeed(&gate->streaks, client);
    return;
  }

  ++*failure_counter(&gate->metrics, outcome);
  if (detail && *detail)
    snprintf(gate->metrics.last_failure, sizeof(gate->metrics.last_failure), "%s", detail);
  gov_streaks_fail(&gate->streaks, client, &gate->options->backoff, now_ns, random);
}

void gov_gate_revoke(gov_gate *gate, gov_list *ended) {
  gov_window_revoke(&gate->window);
  gate->metrics.connecting--;
  gate->metrics.granted--;
  gate->metrics.canceled++;

  if (!gov_list_empty(&gate->line))
    pass_head(gate, ended);
}

void gov_gate_hang_up(gov_gate *gate) {
  gate->metrics.open--;
}
