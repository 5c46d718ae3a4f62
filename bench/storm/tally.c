#include "storm/tally.h"

#include "common/clock.h"
#include "common/failure.h"

#include <stdlib.h>

static mskgov_cluster_counters counters_of(const storm_tally *tally, uint32_t broker) {
  mskgov_cluster_counters seen = {.struct_size = sizeof(seen)};

  mskgov_cluster_counters_get(tally->cluster, broker, &seen, NULL);

  return seen;
}

void storm_tally_mark(storm_tally *tally, mskgov_cluster *cluster, uint32_t brokers) {
  *tally = (storm_tally){.cluster = cluster, .brokers = brokers};
  tally->marked_ns = bench_now_ns();
  for (uint32_t i = 0; i < brokers; i++)
    tally->marks[i] = counters_of(tally, i);
}

void storm_tally_count(storm_tally *tally) {
  uint64_t most = 0;

  tally->attempts = tally->rejected = tally->dropped = tally->open = 0;
  for (uint32_t i = 0; i < tally->brokers; i++) {
    const mskgov_cluster_counters *mark = &tally->marks[i];
    mskgov_cluster_counters seen = counters_of(tally, i);

    tally->attempts += seen.attempts - mark->attempts;
    tally->rejected += seen.rejected - mark->rejected;
    tally->dropped += seen.dropped - mark->dropped;
    tally->open += seen.open;
    if (seen.attempts - mark->attempts > most) {
      most = seen.attempts - mark->attempts;
      tally->busiest = i;
    }
  }
}

/* The attempts of a broker since the mark; freed with free. NULL: none, or no memory. */
static mskgov_cluster_attempt *attempts_of(const storm_tally *tally, uint32_t broker,
                                           size_t *count, mskgov_error_info *error) {
  uint64_t first = tally->marks[broker].attempts;
  size_t room = (size_t)(counters_of(tally, broker).attempts - first);
  mskgov_cluster_attempt *attempts = room ? calloc(room, sizeof(*attempts)) : NULL;
  int64_t got;

  *count = 0;
  if (!attempts) {
    if (room)
      bench_fail_memory(error);
    return NULL;
  }

  got = mskgov_cluster_attempts(tally->cluster, broker, first, attempts, room);
  *count = got > 0 ? (size_t)got : 0;

  return attempts;
}

static uint32_t peak_of(const storm_tally *tally, uint32_t broker,
                        mskgov_error_info *error) {
  size_t count, oldest = 0, peak = 0;
  mskgov_cluster_attempt *attempts;

  if (!tally->marks[broker].attempts) /* all that it has seen: it keeps the peak itself */
    return counters_of(tally, broker).peak_window;

  attempts = attempts_of(tally, broker, &count, error);
  for (size_t at = 0; at < count; at++) {
    while (attempts[at].at_ns - attempts[oldest].at_ns >= BENCH_NS_PER_S)
      oldest++;
    if (at - oldest + 1 > peak)
      peak = at - oldest + 1;
  }
  free(attempts);

  return (uint32_t)peak;
}

int storm_tally_peak(const storm_tally *tally, uint32_t *peak, mskgov_error_info *error) {
  *peak = 0;
  for (uint32_t i = 0; i < tally->brokers; i++) {
    uint32_t one = peak_of(tally, i, error);

    if (one > *peak)
      *peak = one;
  }

  return error->code;
}

int storm_tally_rates(const storm_tally *tally, storm_rate *rates, size_t count,
                      mskgov_error_info *error) {
  size_t seen;
  mskgov_cluster_attempt *attempts = attempts_of(tally, tally->busiest, &seen, error);

  for (size_t i = 0; i < seen; i++) {
    uint64_t second = (attempts[i].at_ns - tally->marked_ns) / BENCH_NS_PER_S;

    if (attempts[i].at_ns < tally->marked_ns || second >= count)
      continue;
    rates[second].accepted += attempts[i].verdict == MSKGOV_VERDICT_ACCEPTED;
    rates[second].rejected += attempts[i].verdict == MSKGOV_VERDICT_REJECTED;
  }
  free(attempts);

  return error->code;
}
