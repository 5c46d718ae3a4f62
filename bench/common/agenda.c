#include "common/agenda.h"

#include <stdlib.h>

int bench_agenda_init(bench_agenda *agenda, uint32_t capacity) {
  *agenda = (bench_agenda){.alarms = calloc(capacity, sizeof(bench_alarm *))};

  return agenda->alarms ? 0 : -1;
}

void bench_agenda_fini(bench_agenda *agenda) {
  free(agenda->alarms);
  *agenda = (bench_agenda){0};
}

static void put(bench_agenda *agenda, bench_alarm *alarm, uint32_t index) {
  agenda->alarms[index] = alarm;
  alarm->place = index + 1;
}

/* Moves an alarm from `index` to where it belongs. */
static void settle(bench_agenda *agenda, bench_alarm *alarm, uint32_t index) {
  uint32_t child;

  while (index > 0 && agenda->alarms[(index - 1) / 2]->at_ns > alarm->at_ns) {
    put(agenda, agenda->alarms[(index - 1) / 2], index);
    index = (index - 1) / 2;
  }
  while ((child = 2 * index + 1) < agenda->count) {
    if (child + 1 < agenda->count &&
        agenda->alarms[child + 1]->at_ns < agenda->alarms[child]->at_ns)
      child++;
    if (agenda->alarms[child]->at_ns >= alarm->at_ns)
      break;
    put(agenda, agenda->alarms[child], index);
    index = child;
  }
  put(agenda, alarm, index);
}

void bench_agenda_set(bench_agenda *agenda, bench_alarm *alarm, uint64_t at_ns) {
  alarm->at_ns = at_ns;
  settle(agenda, alarm, alarm->place ? alarm->place - 1 : agenda->count++);
}

void bench_agenda_clear(bench_agenda *agenda, bench_alarm *alarm) {
  uint32_t index = alarm->place - 1;
  bench_alarm *last;

  if (!alarm->place)
    return;

  alarm->place = 0;
  last = agenda->alarms[--agenda->count];
  if (last != alarm)
    settle(agenda, last, index);
}
