/*
 * Whose turn it is: smooth weighted round robin over the priorities. Of the slots that come
 * while all of them have somebody waiting, critical gets 16 of 21, normal 4, background 1,
 * spread evenly; while some have nobody, the others share in the same proportion. So each
 * has a guaranteed share and none starves.
 *
 * (The scheme is that of nginx' upstream balancing: every candidate gains its weight, the
 * one with the most goes and pays the sum.)
 *
 * Threads: the caller's lock. Pure, no failure.
 */
#ifndef GOV_POLICY_TURNS_H
#define GOV_POLICY_TURNS_H

#include <mskgov/permit.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct gov_turns {
  int32_t credit[MSKGOV_PRIORITIES];
} gov_turns;

/* A priority's weight among the others. */
uint32_t gov_turns_weight(mskgov_priority priority);

/* Whose turn it would be now among those that wait, at least one; nothing changes. */
mskgov_priority gov_turns_peek(const gov_turns *turns,
                               const bool waiting[MSKGOV_PRIORITIES]);

/* Takes that turn. */
mskgov_priority gov_turns_take(gov_turns *turns, const bool waiting[MSKGOV_PRIORITIES]);

#endif
