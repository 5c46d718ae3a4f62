/*
 * A governor's metrics as text. docs/metrics.md has the names and what they mean.
 *
 * Threads: any; nothing here has state.
 */
#ifndef GOV_GOVERNOR_METRICS_TEXT_H
#define GOV_GOVERNOR_METRICS_TEXT_H

#include <mskgov/metrics.h>

typedef struct gov_metrics_entry {
  const char *address; /* borrowed */
  mskgov_broker_metrics metrics;
} gov_metrics_entry;

/*
 * The text of `count` brokers, in their order. `store`: "local" or "host". Return 0 and set
 * *text (owned: free), or MSKGOV_ERR_NO_MEMORY.
 */
int gov_metrics_json(const gov_metrics_entry *entries, size_t count, const char *store,
                     char **text, mskgov_error_info *error);
int gov_metrics_prometheus(const gov_metrics_entry *entries, size_t count,
                           const char *store, char **text, mskgov_error_info *error);

#endif
