/*
 * The brokers of a governor: found by address, made at the first request.
 */
#include "governor/governor.h"

#include "base/address.h"
#include "base/check.h"
#include "base/error.h"
#include "base/process.h"

#include <stdlib.h>
#include <string.h>

static int make_locked(mskgov_governor *governor, const char *address, mskgov_broker **out,
                       mskgov_error_info *error) {
  size_t size = strlen(address) + 1;
  gov_budget *budget;
  mskgov_broker *broker;
  int rc;

  if (governor->locked.stopping)
    return gov_error_set(error, MSKGOV_ERR_STOPPED, "the governor has been stopped");
  if (governor->brokers.count >= MSKGOV_BROKERS_MAX)
    return gov_error_set(error, MSKGOV_ERR_QUEUE_FULL,
                         "broker is \"%s\"; a governor knows %d brokers at most", address,
                         MSKGOV_BROKERS_MAX);

  rc = governor->store->ops->open(governor->store, address, &budget, error);
  if (rc)
    return rc;

  size = (sizeof(*broker) + size + _Alignof(mskgov_broker) - 1) &
         ~(_Alignof(mskgov_broker) - 1);
  broker = aligned_alloc(_Alignof(mskgov_broker), size);
  if (!broker || !gov_heap_reserve(&governor->locked.agenda, governor->brokers.count + 1)) {
    free(broker);
    return gov_error_no_memory(error);
  }
  memset(broker, 0, size);
  strcpy(broker->address, address);
  broker->governor = governor;
  gov_gate_init(&broker->locked.gate, broker->address, &governor->gate_options, budget);
  gov_random_init_system(&broker->locked.random);
  if (!gov_index_add(&governor->brokers, &broker->by_address, broker->address)) {
    free(broker);
    return gov_error_no_memory(error);
  }
  broker->next = atomic_load(&governor->all);
  atomic_store(&governor->all, broker);
  *out = broker;

  return 0;
}

static mskgov_broker *find(const mskgov_governor *governor, const char *address) {
  gov_index_node *node = gov_index_find(&governor->brokers, address);

  return node ? gov_container_of(node, mskgov_broker, by_address) : NULL;
}

int gov_governor_find(mskgov_governor *governor, const char *address, mskgov_broker **out,
                      mskgov_error_info *error) {
  const char *key = governor->cluster ? governor->cluster : address;
  int rc;

  /* what is in the index was checked when it came in */
  if (address && !governor->cluster && (*out = find(governor, address)))
    return 0;
  rc = gov_address_check("broker", address, NULL, error);
  if (rc)
    return rc;

  pthread_mutex_lock(&governor->mutex);
  *out = find(governor, key);
  rc = *out ? 0 : make_locked(governor, key, out, error);
  pthread_mutex_unlock(&governor->mutex);

  return rc;
}

int mskgov_governor_broker(mskgov_governor *governor, const char *broker,
                           mskgov_broker **handle, mskgov_error_info *error) {
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);

  return rc ? rc : gov_governor_find(governor, broker, handle, error);
}

int mskgov_governor_broker_metrics(mskgov_governor *governor, const char *broker,
                                   mskgov_broker_metrics *metrics,
                                   mskgov_error_info *error) {
  mskgov_broker *found;
  int rc;

  gov_error_reset(error);
  rc = gov_governor_check_process(governor, error);
  if (rc)
    return rc;
  rc = gov_address_check("broker", broker, NULL, error);
  if (rc)
    return rc;
  if (gov_check_struct("metrics", metrics, sizeof(*metrics),
                       "set it to sizeof(mskgov_broker_metrics)", error))
    return MSKGOV_ERR_INVALID;

  found = find(governor, governor->cluster ? governor->cluster : broker);
  if (!found) {
    *metrics = (mskgov_broker_metrics){.struct_size = sizeof(*metrics)};
    return 0;
  }

  gov_lock_acquire(&found->lock);
  gov_gate_read(&found->locked.gate, gov_clock_monotonic_ns(governor->clock), metrics);
  gov_lock_release(&found->lock);

  return 0;
}
