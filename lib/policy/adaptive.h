/*
 * The adaptive rate: which part of the quota is used while somebody else uses the rest.
 *
 * A rejection for the quota can only come from connections that the budget does not know
 * of. It cuts the part to 0.7 of itself, at most once per window, so that the rejections of
 * one burst count once. Recovery is additive, by 1/32 per window of what the part was
 * before the cut: in proportion, so that a fleet of any size creeps back at the same pace
 * and none of its members is left behind. The part never falls below 1/1024.
 *
 * Alone, without a store that the fleet shares, every process begins with 1/16 and grows by
 * 15 percent a window until its first cut. Eight such processes connect 400 clients within
 * 1.6 times the bound with a tenth of the attempts rejected; 64 still converge.
 * (Multiplicative decrease: Chiu, Jain, 1989. The figures: tests/unit/test_adaptive.c.)
 *
 * The whole state is one word, so that it can be shared and moved by compare-and-swap:
 * bit 63: growing since the start; bits 62 to 47: the part, of 65535; bits 46 to 0: since
 * when, in ms. Any word is a state: what is out of range is taken as the nearest that is
 * not.
 *
 * Threads: pure. Time is an argument. No failure.
 */
#ifndef GOV_POLICY_ADAPTIVE_H
#define GOV_POLICY_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>

/* The whole quota. */
#define GOV_ADAPTIVE_WHOLE 65535u
#define GOV_ADAPTIVE_FLOOR (GOV_ADAPTIVE_WHOLE / 1024)

/* The state at the start: the whole quota, or the start of one that is alone. */
uint64_t gov_adaptive_start(bool alone, uint64_t now_ns);

/* The part that may be used now, GOV_ADAPTIVE_FLOOR to GOV_ADAPTIVE_WHOLE. */
uint32_t gov_adaptive_part(uint64_t state, uint64_t window_ns, uint64_t now_ns);

/* A rejection: the state after it, which may be the same. */
uint64_t gov_adaptive_cut(uint64_t state, uint64_t window_ns, uint64_t now_ns);

/* A part in percent, 1 to 100. */
uint32_t gov_adaptive_percent(uint32_t part);

/* Since when the state holds, in ms of the clock that it was given. */
uint64_t gov_adaptive_since_ms(uint64_t state);

/* An interval between grants, stretched to the part of the rate; saturates. */
uint64_t gov_adaptive_stretch_ns(uint64_t interval_ns, uint32_t part);

#endif
