/*
 * The connection quotas of Amazon MSK for IAM listeners, per broker.
 *
 * Source: Amazon MSK Developer Guide, "Amazon MSK quota" (limits.html). What the guide
 * leaves open (the window that it counts in, its burst, whether rejected attempts count)
 * the governor does not need to know: it keeps to the quota in every window of one second.
 */
#ifndef MSKGOV_QUOTA_H
#define MSKGOV_QUOTA_H

#include <mskgov/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest rate a quota may state: beyond it no Kafka broker accepts connections. */
#define MSKGOV_QUOTA_RATE_MAX 1000000u

typedef struct mskgov_quota {
  /* New connections that a broker accepts per second, 1 to MSKGOV_QUOTA_RATE_MAX. */
  uint32_t connections_per_s;
  /* Connections that a broker holds open, at least 1. UINT32_MAX: not limited. */
  uint32_t max_connections;
} mskgov_quota;

/* Standard brokers (M5, M7g): 100 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_standard(void);

/* Express brokers: the same figures. */
MSKGOV_API mskgov_quota mskgov_quota_express(void);

/* kafka.t3.small: 4 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_t3_small(void);

/* As published until 2022: 20 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_legacy_2022(void);

#ifdef __cplusplus
}
#endif

#endif
