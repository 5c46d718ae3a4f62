/*
 * The rate of connections as Apache Kafka's own brokers measure it for their connection
 * quotas (KIP-612): ConnectionQuotas' sensor, which is org.apache.kafka.common.metrics'
 * Rate over a WindowedSum (3.8 and later), with the defaults of quota.window.num and
 * quota.window.size.seconds. What is peculiar about it:
 * - A sample begins with the first attempt after the last one's window, not on the clock,
 *   so there are up to GOV_SAMPLES_MAX of them, one more than quota.window.num.
 * - A sample whose last attempt is GOV_SAMPLES_SPAN_MS old is emptied and begins now.
 * - The time that the sum is divided by is that since the oldest sample began, and taken
 *   for at least ten windows. So a broker that has been idle takes ten seconds' worth of
 *   connections at once, and that again when they are eleven seconds old.
 * An attempt is put down first and then judged, so it finds room if the rate with it is at
 * most the limit.
 *
 * Kafka computes in floating point, which where the rate is exactly the limit may come out
 * above it; here it does not.
 *
 * Threads: the caller's lock. Time is an argument, in milliseconds as in Kafka, and does
 * not run backwards. No I/O, no allocation.
 */
#ifndef GOV_BROKER_SAMPLES_H
#define GOV_BROKER_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#define GOV_SAMPLES_NUM 11u         /* quota.window.num */
#define GOV_SAMPLES_WINDOW_MS 1000u /* quota.window.size.seconds */
#define GOV_SAMPLES_SPAN_MS (GOV_SAMPLES_NUM * GOV_SAMPLES_WINDOW_MS)
#define GOV_SAMPLES_MAX (GOV_SAMPLES_NUM + 1)

typedef struct gov_sample {
  uint64_t began_ms;
  uint64_t last_ms; /* attempt, counted or not */
  uint64_t counted;
} gov_sample;

typedef struct gov_samples {
  gov_sample ring[GOV_SAMPLES_MAX];
  uint32_t filled;
  uint32_t current;
} gov_samples;

void gov_samples_init(gov_samples *samples);

/* An attempt: whether the rate with it is at most `limit` per second. */
bool gov_samples_attempt(gov_samples *samples, uint64_t now_ms, uint32_t limit);

/* The last attempt counts. Without it, it was put down and taken back, as Kafka does. */
void gov_samples_count(gov_samples *samples);

#endif
