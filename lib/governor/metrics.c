/*
 * The metrics of all brokers of a governor, copied broker by broker and made into text.
 */
#include "governor/governor.h"

#include "base/error.h"
#include "governor/metrics_text.h"

#include <stdlib.h>
#include <string.h>

typedef int write_text(const gov_metrics_entry *entries, size_t count, const char *store,
                       char **text, mskgov_error_info *error);

static int compare(const void *left, const void *right) {
  return strcmp(((const gov_metrics_entry *)left)->address,
                ((const gov_metrics_entry *)right)->address);
}

/* Copies what the brokers from `first` on have; the list behind it never changes. */
static int collect(const mskgov_governor *governor, mskgov_broker *first,
                   gov_metrics_entry **out, size_t *count, mskgov_error_info *error) {
  gov_metrics_entry *entries;
  size_t place = 0;

  *count = 0;
  for (const mskgov_broker *broker = first; broker; broker = broker->next)
    ++*count;
  entries = calloc(*count ? *count : 1, sizeof(*entries));
  if (!entries)
    return gov_error_no_memory(error);

  for (mskgov_broker *broker = first; broker; broker = broker->next, place++) {
    entries[place].address = broker->address;
    entries[place].metrics.struct_size = sizeof(entries[place].metrics);
    gov_lock_acquire(&broker->lock);
    gov_gate_read(&broker->locked.gate, gov_clock_monotonic_ns(governor->clock),
                  &entries[place].metrics);
    gov_lock_release(&broker->lock);
  }
  qsort(entries, *count, sizeof(*entries), compare);
  *out = entries;

  return 0;
}

static int make_text(mskgov_governor *governor, write_text *write, char **text,
                     mskgov_error_info *error) {
  gov_metrics_entry *entries;
  size_t count;
  int rc;

  gov_error_reset(error);
  *text = NULL;
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;
  rc = collect(governor, atomic_load(&governor->all), &entries, &count, error);
  if (rc)
    return rc;

  rc = write(entries, count, governor->store_kind == MSKGOV_STORE_HOST ? "host" : "local",
             text, error);
  free(entries);

  return rc;
}

int mskgov_governor_metrics_json(mskgov_governor *governor, char **text,
                                 mskgov_error_info *error) {
  return make_text(governor, gov_metrics_json, text, error);
}

int mskgov_governor_metrics_prometheus(mskgov_governor *governor, char **text,
                                       mskgov_error_info *error) {
  return make_text(governor, gov_metrics_prometheus, text, error);
}
