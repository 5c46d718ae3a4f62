/*
 * The connection quotas of Amazon MSK for IAM listeners, and what pace keeps to one.
 *
 * Source: Amazon MSK Developer Guide, "Amazon MSK quota" (limits.html). What the guide
 * leaves open (the window that it counts in, its burst, whether rejected attempts count)
 * the governor does not need to know: it keeps to the quota in every stretch of time as
 * long as the window.
 */
#ifndef MSKGOV_QUOTA_H
#define MSKGOV_QUOTA_H

#include <mskgov/common.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest rate a quota may state: beyond it no Kafka broker accepts connections. */
#define MSKGOV_QUOTA_RATE_MAX 1000000u
/* The windows that a quota may be counted in. */
#define MSKGOV_QUOTA_WINDOW_MIN_MS 100u
#define MSKGOV_QUOTA_WINDOW_MAX_MS 60000u

/* What the quota counts. */
typedef enum mskgov_quota_scope {
  MSKGOV_SCOPE_BROKER = 0, /* the connections to each broker ("host:port") */
  MSKGOV_SCOPE_CLUSTER     /* those to all brokers together: one governor per cluster */
} mskgov_quota_scope;

typedef struct mskgov_quota {
  /* New connections accepted per second, 1 to MSKGOV_QUOTA_RATE_MAX. */
  uint32_t connections_per_s;
  /* Connections held open, at least 1. UINT32_MAX: not limited. */
  uint32_t max_connections;
  /*
   * The stretch of time that the quota holds for: no more than connections_per_s *
   * window_ms / 1000 attempts, rounded down, in any stretch of window_ms.
   * MSKGOV_QUOTA_WINDOW_MIN_MS to MSKGOV_QUOTA_WINDOW_MAX_MS; 1000 in all that follow.
   */
  uint32_t window_ms;
  mskgov_quota_scope scope;
} mskgov_quota;

/* Standard brokers (M5, M7g): 100 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_standard(void);

/* Express brokers: the same figures. */
MSKGOV_API mskgov_quota mskgov_quota_express(void);

/* kafka.t3.small: 4 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_t3_small(void);

/* MSK Serverless: 100 connection attempts per second and 3000 open, per cluster. */
MSKGOV_API mskgov_quota mskgov_quota_serverless(void);

/* As published until 2022: 20 new connections per second and broker, 3000 open. */
MSKGOV_API mskgov_quota mskgov_quota_legacy_2022(void);

/* Any other, per broker and second. `max_connections` UINT32_MAX: not limited. */
MSKGOV_API mskgov_quota mskgov_quota_custom(uint32_t connections_per_s,
                                            uint32_t max_connections);

/* The parameters of the token bucket and the arrival window that keep to a quota. */
typedef struct mskgov_pacing {
  uint32_t window_connections; /* Q: attempts in any stretch of window_ns, at most */
  uint32_t burst;              /* b: grants at once after a pause; always 1 */
  uint64_t window_ns;          /* W */
  uint64_t interval_ns;        /* 1 / r: between grants */
  uint64_t spread_ns;          /* J: how late an attempt may reach the broker */
} mskgov_pacing;

/*
 * From a quota to a pace: the one place where it is computed.
 *
 *   Q = floor(connections_per_s * window_ms / 1000 * (100 - headroom_percent) / 100)
 *   interval = floor((W + J) / (Q - b + 1)) + 1 ns,  with b = 1
 *
 * so that grants `interval` apart, whose attempts reach the broker up to J late, put at
 * most b - 1 + ceil((W + J) / interval) <= Q of them into any stretch of W. There is no
 * burst, since what a burst takes comes off the rate.
 *
 * `headroom_percent`: 0 to 90, kept free for clients that nobody governs.
 * `grant_spread_ms`: J, 0 to 10000.
 * Returns 0, or MSKGOV_ERR_INVALID: a value is out of range, or Q would be 0; `error`
 * names the field.
 */
MSKGOV_API int mskgov_quota_pacing(mskgov_pacing *pacing, const mskgov_quota *quota,
                                   uint32_t headroom_percent, uint64_t grant_spread_ms,
                                   mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
