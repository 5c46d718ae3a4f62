#include "governor/gate.h"

#include "base/clock.h"
#include "base/cold.h"

#include <string.h>

void gov_gate_init(gov_gate *gate, const char *address, const gov_gate_options *options,
                   gov_budget *budget) {
  memset(gate, 0, sizeof(*gate));
  gate->options = options;
  gate->address = address;
  gate->budget = budget;
  gov_streaks_init(&gate->streaks);
  for (int i = 0; i < MSKGOV_PRIORITIES; i++)
    gov_list_init(&gate->lines[i]);
  gov_heap_init(&gate->backing_off);
  gov_heap_init(&gate->deadlines);
}

void gov_gate_fini(gov_gate *gate) {
  gov_streaks_fini(&gate->streaks);
  gov_heap_fini(&gate->backing_off);
  gov_heap_fini(&gate->deadlines);
}

uint32_t gov_gate_line(const gov_gate *gate) {
  uint32_t line = 0;

  for (int i = 0; i < MSKGOV_PRIORITIES; i++)
    line += gate->in_line[i];

  return line;
}

/* The budget has to know who waits, for the share among processes. */
static void tell_line(gov_gate *gate, uint64_t now_ns) {
  uint32_t line = gov_gate_line(gate);

  if (line == gate->told_line)
    return;

  gate->told_line = line;
  gate->budget->ops->line_changed(gate->budget, line, now_ns);
}

static void line_up(gov_gate *gate, gov_waiter *waiter) {
  gov_list_push_back(&gate->lines[waiter->priority], &waiter->node);
  gate->in_line[waiter->priority]++;
}

int gov_gate_join(gov_gate *gate, gov_waiter *waiter, uint64_t deadline_ns,
                  uint64_t now_ns) {
  uint64_t ready_ns = gov_streaks_not_before_ns(&gate->streaks, waiter->client);
  bool has_deadline = deadline_ns != UINT64_MAX, backs_off = ready_ns > now_ns;

  if (gate->metrics.waiting >= gate->options->max_waiters)
    return MSKGOV_ERR_QUEUE_FULL;
  if ((backs_off && !gov_heap_reserve(&gate->backing_off, gate->backing_off.count + 1)) ||
      (has_deadline && !gov_heap_reserve(&gate->deadlines, gate->deadlines.count + 1)))
    return MSKGOV_ERR_NO_MEMORY;

  waiter->wanted_ns = now_ns;
  if (has_deadline)
    gov_heap_insert(&gate->deadlines, &waiter->expiry, deadline_ns);
  if (backs_off)
    gov_heap_insert(&gate->backing_off, &waiter->ready, ready_ns);
  else
    line_up(gate, waiter);

  gate->metrics.requested++;
  gate->metrics.waiting++;

  return 0;
}

static void remove_waiter(gov_gate *gate, gov_waiter *waiter) {
  if (gov_list_contains(&waiter->node))
    gate->in_line[waiter->priority]--;
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

  for (int i = 0; i < MSKGOV_PRIORITIES; i++)
    while ((node = gov_list_first(&gate->lines[i])))
      end_wait(gate, gov_container_of(node, gov_waiter, node), rc, ended);
  while ((ready = gov_heap_first(&gate->backing_off)))
    end_wait(gate, gov_container_of(ready, gov_waiter, ready), rc, ended);
  tell_line(gate, 0);
}

/* Whose turn it is; NULL: nobody is in line. With `take` the turn is taken. */
static gov_waiter *head(gov_gate *gate, bool take) {
  bool waiting[MSKGOV_PRIORITIES];
  mskgov_priority turn;

  if (gov_gate_line(gate) == 0)
    return NULL;

  for (int i = 0; i < MSKGOV_PRIORITIES; i++)
    waiting[i] = gate->in_line[i] > 0;
  turn =
      take ? gov_turns_take(&gate->turns, waiting) : gov_turns_peek(&gate->turns, waiting);

  return gov_container_of(gov_list_first(&gate->lines[turn]), gov_waiter, node);
}

static void pass_head(gov_gate *gate, const gov_place *place, uint64_t now_ns,
                      gov_list *ended) {
  gov_waiter *waiter = head(gate, true);

  waiter->place = *place;
  waiter->waited_ms =
      now_ns > waiter->wanted_ns ? (now_ns - waiter->wanted_ns) / GOV_NS_PER_MS : 0;
  end_wait(gate, waiter, 0, ended);
  gov_gate_count_grant(gate, waiter->client, waiter->waited_ms, now_ns);
}

/* Grants what can be granted. Returns when more can be; UINT64_MAX: another event tells. */
static uint64_t grant(gov_gate *gate, uint64_t now_ns, gov_list *ended) {
  uint64_t at_ns;
  gov_place place;

  tell_line(gate, now_ns);
  while (gov_gate_line(gate) > 0) {
    gov_take taken =
        gate->budget->ops->take(gate->budget, gov_gate_line(gate), now_ns, &place, &at_ns);

    if (taken == GOV_TAKE_DONE)
      pass_head(gate, &place, now_ns, ended);
    else if (taken == GOV_TAKE_LIMIT && gate->options->at_limit == MSKGOV_AT_LIMIT_FAIL)
      end_wait(gate, head(gate, true), MSKGOV_ERR_LIMIT, ended);
    else
      return at_ns;
  }

  return UINT64_MAX;
}

/* Ends the waits whose deadline is before `before_ns`. */
static void expire(gov_gate *gate, uint64_t before_ns, gov_list *ended) {
  gov_heap_node *node;

  while ((node = gov_heap_first(&gate->deadlines)) && node->at_ns < before_ns)
    end_wait(gate, gov_container_of(node, gov_waiter, expiry), MSKGOV_ERR_DEADLINE, ended);
}

uint64_t gov_gate_advance(gov_gate *gate, uint64_t now_ns, gov_list *ended) {
  gov_heap_node *node;
  uint64_t next_ns;

  expire(gate, now_ns, ended);

  while ((node = gov_heap_first(&gate->backing_off)) && node->at_ns <= now_ns) {
    gov_heap_remove(&gate->backing_off, node);
    line_up(gate, gov_container_of(node, gov_waiter, ready));
  }

  next_ns = grant(gate, now_ns, ended);

  /* A deadline of this very moment comes after the grants, so that a waiter that cannot
     wait at all is still granted what is free. */
  expire(gate, gov_time_add(now_ns, 1), ended);
  tell_line(gate, now_ns);
  if (gov_gate_line(gate) == 0)
    next_ns = UINT64_MAX;

  if (next_ns > gov_heap_first_ns(&gate->deadlines))
    next_ns = gov_heap_first_ns(&gate->deadlines);
  if (next_ns > gov_heap_first_ns(&gate->backing_off))
    next_ns = gov_heap_first_ns(&gate->backing_off);

  return next_ns;
}

/* Whether the client's back-off or those who wait come before a request of now. */
GOV_COLD static bool has_to_wait(gov_gate *gate, const char *client, uint64_t now_ns,
                                 uint64_t *at_ns) {
  uint64_t ready_ns = gov_streaks_not_before_ns(&gate->streaks, client);

  if (ready_ns > now_ns)
    *at_ns = ready_ns;
  else if (gov_gate_line(gate) > 0)
    *at_ns = gov_gate_estimate_ns(gate, client, MSKGOV_PRIORITY_NORMAL, now_ns);
  else
    return false;

  return true;
}

bool gov_gate_try(gov_gate *gate, const char *client, uint64_t now_ns, gov_place *place,
                  uint64_t *at_ns) {
  if ((gov_streaks_clients(&gate->streaks) || gate->metrics.waiting) &&
      has_to_wait(gate, client, now_ns, at_ns))
    return false;
  if (gate->budget->ops->take(gate->budget, 0, now_ns, place, at_ns) != GOV_TAKE_DONE)
    return false;

  gate->metrics.requested++;
  gov_gate_count_grant(gate, client, 0, now_ns);
  gov_gate_count_wait(gate, 0);

  return true;
}

void gov_gate_forget_try(gov_gate *gate) {
  gate->metrics.requested--;
  gate->metrics.canceled--;
}

void gov_gate_revoke(gov_gate *gate, gov_place *place, uint64_t now_ns, gov_list *ended) {
  gate->metrics.granted--;
  gate->metrics.canceled++;
  gate->metrics.connecting--;

  if (gov_gate_line(gate) > 0)
    pass_head(gate, place, now_ns, ended);
  else
    gate->budget->ops->give(gate->budget, place, GOV_GIVE_REVOKED, now_ns);
}
