#include "broker/samples.h"

#define MS_PER_S 1000u

void gov_samples_init(gov_samples *samples) {
  /* so that the first sample is the first of the ring */
  *samples = (gov_samples){.current = GOV_SAMPLES_MAX - 1};
}

static gov_sample begin(uint64_t now_ms) {
  return (gov_sample){.began_ms = now_ms, .last_ms = now_ms};
}

/* The sample that an attempt falls into; the oldest makes room for a new one. */
static void touch(gov_samples *samples, uint64_t now_ms) {
  if (!samples->filled ||
      now_ms - samples->ring[samples->current].began_ms >= GOV_SAMPLES_WINDOW_MS) {
    samples->current = (samples->current + 1) % GOV_SAMPLES_MAX;
    if (samples->current >= samples->filled)
      samples->filled = samples->current + 1;
    samples->ring[samples->current] = begin(now_ms);
  }

  samples->ring[samples->current].last_ms = now_ms;
}

static void empty_old(gov_samples *samples, uint64_t now_ms) {
  for (uint32_t i = 0; i < samples->filled; i++)
    if (now_ms - samples->ring[i].last_ms >= GOV_SAMPLES_SPAN_MS)
      samples->ring[i] = begin(now_ms);
}

static uint64_t elapsed_ms(const gov_samples *samples, uint64_t now_ms) {
  const uint64_t least = GOV_SAMPLES_NUM - 1;
  uint64_t elapsed = 0, windows;

  for (uint32_t i = 0; i < samples->filled; i++)
    if (now_ms - samples->ring[i].began_ms > elapsed)
      elapsed = now_ms - samples->ring[i].began_ms;
  windows = elapsed / GOV_SAMPLES_WINDOW_MS;

  return windows < least ? elapsed + (least - windows) * GOV_SAMPLES_WINDOW_MS : elapsed;
}

bool gov_samples_attempt(gov_samples *samples, uint64_t now_ms, uint32_t limit) {
  uint64_t counted = 1;

  touch(samples, now_ms);
  empty_old(samples, now_ms);
  for (uint32_t i = 0; i < samples->filled; i++)
    counted += samples->ring[i].counted;

  return counted * MS_PER_S <= limit * elapsed_ms(samples, now_ms);
}

void gov_samples_count(gov_samples *samples) {
  samples->ring[samples->current].counted++;
}
