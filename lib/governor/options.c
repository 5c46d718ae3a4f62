#include "governor/options.h"

#include "base/check.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define SPREAD_DEFAULT_MS 20
#define BACKOFF_BASE_DEFAULT_MS 100
#define BACKOFF_CAP_DEFAULT_MS 10000
#define BACKOFF_CAP_MAX_MS 3600000
#define WAITERS_DEFAULT 100000
#define NEAR_QUOTA_DEFAULT_PERCENT 80
#define CLUSTER_NAME_MAX 255

void mskgov_governor_options_init(mskgov_governor_options *options) {
  *options = (mskgov_governor_options){
      .struct_size = sizeof(*options),
      .quota = mskgov_quota_standard(),
      .cluster = "cluster",
      .grant_spread_ms = SPREAD_DEFAULT_MS,
      .backoff_jitter = MSKGOV_JITTER_FULL,
      .backoff_base_ms = BACKOFF_BASE_DEFAULT_MS,
      .backoff_cap_ms = BACKOFF_CAP_DEFAULT_MS,
      .backoff_cap_grows = 1,
      .at_limit = MSKGOV_AT_LIMIT_WAIT,
      .adaptive = MSKGOV_ADAPTIVE_ON,
      .max_waiters = WAITERS_DEFAULT,
      .store = MSKGOV_STORE_LOCAL,
      .near_quota_percent = NEAR_QUOTA_DEFAULT_PERCENT,
  };
}

/* A quota's fields are named as the caller has them: "options.quota.…" or "quota.…". */
static int pace(const char *prefix, const mskgov_quota *quota, mskgov_store store,
                uint32_t headroom_percent, uint64_t grant_spread_ms, mskgov_pacing *pacing,
                mskgov_error_info *error) {
  mskgov_error_info reason = {0};
  int rc = mskgov_quota_pacing(pacing, quota, headroom_percent, grant_spread_ms, &reason);

  if (rc)
    return gov_error_set(error, rc, "%s%s", prefix, reason.text);
  if (store != MSKGOV_STORE_HOST)
    return 0;

  if (pacing->window_connections > MSKGOV_HOST_WINDOW_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%squota.connections_per_s is %u; the host store has room for %u "
                         "in a window",
                         prefix, quota->connections_per_s, MSKGOV_HOST_WINDOW_MAX);
  if (quota->max_connections > MSKGOV_HOST_CONNECTIONS_MAX &&
      quota->max_connections != UINT32_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%squota.max_connections is %u; the host store takes up to %u, or "
                         "%u: not limited",
                         prefix, quota->max_connections, MSKGOV_HOST_CONNECTIONS_MAX,
                         UINT32_MAX);

  return 0;
}

static int check_texts(const mskgov_governor_options *options, mskgov_error_info *error) {
  if (options->quota.scope == MSKGOV_SCOPE_CLUSTER &&
      (!options->cluster || !*options->cluster ||
       strlen(options->cluster) > CLUSTER_NAME_MAX))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.cluster is \"%.64s\"; allowed are 1 to %d bytes",
                         options->cluster ? options->cluster : "(null)", CLUSTER_NAME_MAX);
  if (options->store != MSKGOV_STORE_HOST &&
      (options->host_directory || options->host_group))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.%s is set, and options.store is not MSKGOV_STORE_HOST",
                         options->host_directory ? "host_directory" : "host_group");

  return 0;
}

int gov_options_check(const mskgov_governor_options *options, gov_store_options *store,
                      mskgov_error_info *error) {
  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_governor_options_init", error))
    return MSKGOV_ERR_INVALID;

  if (gov_check_range("options.store", options->store, MSKGOV_STORE_LOCAL,
                      MSKGOV_STORE_HOST, error) ||
      pace("options.", &options->quota, options->store, options->headroom_percent,
           options->grant_spread_ms, &store->pacing, error) ||
      gov_check_range("options.backoff_jitter", options->backoff_jitter, MSKGOV_JITTER_FULL,
                      MSKGOV_JITTER_DECORRELATED, error) ||
      gov_check_range("options.backoff_cap_ms", options->backoff_cap_ms, 1,
                      BACKOFF_CAP_MAX_MS, error) ||
      gov_check_range("options.backoff_base_ms", options->backoff_base_ms, 1,
                      options->backoff_cap_ms, error) ||
      gov_check_range("options.at_limit", options->at_limit, MSKGOV_AT_LIMIT_WAIT,
                      MSKGOV_AT_LIMIT_FAIL, error) ||
      gov_check_range("options.adaptive", options->adaptive, MSKGOV_ADAPTIVE_OFF,
                      MSKGOV_ADAPTIVE_ALONE, error) ||
      gov_check_range("options.max_waiters", options->max_waiters, 1, UINT32_MAX, error) ||
      gov_check_range("options.near_quota_percent", options->near_quota_percent, 1, 100,
                      error) ||
      check_texts(options, error))
    return MSKGOV_ERR_INVALID;

  store->max_connections = options->quota.max_connections;
  store->adaptive = options->adaptive;

  return 0;
}

void gov_options_for_gates(const mskgov_governor_options *options,
                           gov_gate_options *gates) {
  *gates = (gov_gate_options){
      .backoff = {.jitter = options->backoff_jitter,
                  .base_ns = options->backoff_base_ms * GOV_NS_PER_MS,
                  .cap_ns = options->backoff_cap_ms * GOV_NS_PER_MS,
                  .cap_grows = options->backoff_cap_grows != 0},
      .max_waiters = options->max_waiters,
      .near_quota_percent = options->near_quota_percent,
      .at_limit = options->at_limit,
  };
}

int gov_options_check_quota(const mskgov_governor *governor, const mskgov_quota *quota,
                            mskgov_pacing *pacing, mskgov_error_info *error) {
  if (!quota)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "quota is NULL");
  if (quota->scope != governor->scope)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "quota.scope is %d; the governor was made with %d, which stays",
                         (int)quota->scope, (int)governor->scope);

  return pace("", quota, governor->store_kind, governor->headroom_percent,
              governor->grant_spread_ms, pacing, error);
}
