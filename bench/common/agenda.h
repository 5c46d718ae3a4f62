/*
 * When each of many has something to do: alarms, the earliest first. A binary heap in which
 * every alarm knows its place, so that changing and clearing one are O(log n) as well.
 *
 * Threads: the caller's.
 */
#ifndef BENCH_AGENDA_H
#define BENCH_AGENDA_H

#include <stddef.h>
#include <stdint.h>

/* A member of what it is the alarm of; all zero to begin with. */
typedef struct bench_alarm {
  uint64_t at_ns;
  uint32_t place; /* index + 1 in the agenda; 0: not set */
} bench_alarm;

typedef struct bench_agenda {
  bench_alarm **alarms;
  uint32_t count;
} bench_agenda;

/* Room for `capacity` alarms. Returns 0, or -1: no memory. */
int bench_agenda_init(bench_agenda *agenda, uint32_t capacity);
void bench_agenda_fini(bench_agenda *agenda);

/* Sets an alarm, or moves it if it is set. */
void bench_agenda_set(bench_agenda *agenda, bench_alarm *alarm, uint64_t at_ns);

/* Clears an alarm; one that is not set stays as it is. */
void bench_agenda_clear(bench_agenda *agenda, bench_alarm *alarm);

/* The earliest alarm, NULL: none is set. It stays set. */
static inline bench_alarm *bench_agenda_first(const bench_agenda *agenda) {
  return agenda->count ? agenda->alarms[0] : NULL;
}

#endif
