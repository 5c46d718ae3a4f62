#include <mskgov/quota.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "policy/bucket.h"

#define MAX_CONNECTIONS 3000
#define WINDOW_MS 1000
#define HEADROOM_MAX_PERCENT 90
#define SPREAD_MAX_MS 10000
#define BURST 1

mskgov_quota mskgov_quota_custom(uint32_t connections_per_s, uint32_t max_connections) {
  return (mskgov_quota){.connections_per_s = connections_per_s,
                        .max_connections = max_connections,
                        .window_ms = WINDOW_MS,
                        .scope = MSKGOV_SCOPE_BROKER};
}

mskgov_quota mskgov_quota_standard(void) {
  return mskgov_quota_custom(100, MAX_CONNECTIONS);
}

mskgov_quota mskgov_quota_express(void) {
  return mskgov_quota_standard();
}

mskgov_quota mskgov_quota_legacy_2022(void) {
  return mskgov_quota_custom(20, MAX_CONNECTIONS);
}

mskgov_quota mskgov_quota_t3_small(void) {
  return mskgov_quota_custom(4, MAX_CONNECTIONS);
}

mskgov_quota mskgov_quota_serverless(void) {
  mskgov_quota quota = mskgov_quota_standard();

  quota.scope = MSKGOV_SCOPE_CLUSTER;

  return quota;
}

int mskgov_quota_pacing(mskgov_pacing *pacing, const mskgov_quota *quota,
                        uint32_t headroom_percent, uint64_t grant_spread_ms,
                        mskgov_error_info *error) {
  gov_bucket_rate rate;
  uint64_t connections;

  gov_error_reset(error);
  if (!quota)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "quota is NULL");
  if (gov_check_range("quota.connections_per_s", quota->connections_per_s, 1,
                      MSKGOV_QUOTA_RATE_MAX, error) ||
      gov_check_range("quota.max_connections", quota->max_connections, 1, UINT32_MAX,
                      error) ||
      gov_check_range("quota.window_ms", quota->window_ms, MSKGOV_QUOTA_WINDOW_MIN_MS,
                      MSKGOV_QUOTA_WINDOW_MAX_MS, error) ||
      gov_check_range("quota.scope", quota->scope, MSKGOV_SCOPE_BROKER,
                      MSKGOV_SCOPE_CLUSTER, error) ||
      gov_check_range("headroom_percent", headroom_percent, 0, HEADROOM_MAX_PERCENT,
                      error) ||
      gov_check_range("grant_spread_ms", grant_spread_ms, 0, SPREAD_MAX_MS, error))
    return MSKGOV_ERR_INVALID;

  connections = (uint64_t)quota->connections_per_s * quota->window_ms *
                (100 - headroom_percent) / (1000 * UINT64_C(100));
  if (connections == 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "quota.window_ms is %u, in which %u connections per second and a "
                         "headroom of %u percent leave none",
                         quota->window_ms, quota->connections_per_s, headroom_percent);

  pacing->window_connections = (uint32_t)connections;
  pacing->burst = BURST;
  pacing->window_ns = quota->window_ms * GOV_NS_PER_MS;
  pacing->spread_ns = grant_spread_ms * GOV_NS_PER_MS;
  gov_bucket_rate_init(&rate, pacing->window_connections, BURST, pacing->window_ns,
                       pacing->spread_ns);
  pacing->interval_ns = rate.interval_ns;

  return 0;
}
