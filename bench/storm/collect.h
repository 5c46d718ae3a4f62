/*
 * What the workers tell at the end, put together.
 */
#ifndef STORM_COLLECT_H
#define STORM_COLLECT_H

#include "storm/crew.h"
#include "storm/result.h"

/* Which part of the workers' life is measured; monotonic times. */
typedef struct storm_phase {
  uint64_t begin_ns; /* the clients want their connections, or lose them */
  uint64_t back_ns;  /* when the broker that they lost was back; 0: none was lost */
  uint64_t end_ns;
} storm_phase;

/*
 * Fills in what became of the pairs (connected, times, waits, Jain's index) and what the
 * workers used; storm_crew_finish has been called. If a broker was lost, times are those
 * of the pairs that lost it. Returns 0 or MSKGOV_ERR_NO_MEMORY.
 */
int storm_collect(storm_result *result, const storm_crew *crew, uint32_t processes,
                  const storm_phase *phase, mskgov_error_info *error);

#endif
