/*
 * The governor: decides when a connection to a broker may be opened.
 *
 * One governor serves a process, with any number of clients, brokers and threads. Per
 * broker ("host:port") it keeps a token bucket, a queue of waiters, first come first
 * served, and a count of open connections. Each client has a back-off of its own per
 * broker, fed by the outcomes that are reported. One pacing thread, owned by the
 * governor, hands out the permits however many wait. See permit.h for their life.
 *
 * What it promises. With every connection attempt of the quota's scope behind one governor
 * and every outcome reported, no broker sees more than `quota.connections_per_s` attempts
 * in any window of one second, wherever between the grant and the report it counts them:
 * a slot comes back one second after its outcome was reported, and not before.
 *
 * Threads: every function may be called from any thread. Signals: the pacing thread
 * blocks all signals; nothing here is async-signal-safe. Fork: the governor stays with the
 * process that made it. In a child its functions return MSKGOV_ERR_FORKED, save for
 * mskgov_governor_free, which gives the memory back and touches no thread.
 */
#ifndef MSKGOV_GOVERNOR_H
#define MSKGOV_GOVERNOR_H

#include <mskgov/common.h>
#include <mskgov/error.h>
#include <mskgov/quota.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mskgov_governor mskgov_governor;

/*
 * How the wait after a failure is drawn. With `v = min(cap, base * 2^n)` after the n-th
 * failure in a row (n from 0); see the AWS Architecture Blog, "Exponential Backoff And
 * Jitter".
 */
typedef enum mskgov_jitter {
  MSKGOV_JITTER_FULL = 0,    /* uniform in [0, v] */
  MSKGOV_JITTER_EQUAL,       /* v/2 + uniform in [0, v/2] */
  MSKGOV_JITTER_DECORRELATED /* uniform in [base, min(cap, 3 * the wait before)] */
} mskgov_jitter;

/* Options of a governor. Always filled by mskgov_governor_options_init first. */
typedef struct mskgov_governor_options {
  size_t struct_size; /* set by _init; tells options that were not filled by it */

  mskgov_quota quota; /* default: mskgov_quota_standard() */

  /*
   * How far grants may spread on their way to the broker (TCP, TLS, SASL) before it counts
   * them: 0 to 10000, default 20. The bucket's rate is quota / (1 s + spread), so that a
   * fleet of usual latency stays smooth. Slower handshakes than this cost speed, never a
   * rejection.
   */
  uint64_t grant_spread_ms;

  /* Wait of a client after failures of the same broker. Default: full, 100 ms to 10 s. */
  mskgov_jitter backoff_jitter;
  uint64_t backoff_base_ms; /* 1 to backoff_cap_ms */
  uint64_t backoff_cap_ms;  /* up to 3600000 (an hour) */

  /* Waiters that a broker's queue holds at most, at least 1. Default 100000. */
  uint32_t max_waiters;
} mskgov_governor_options;

/* Writes the defaults. No failure. */
MSKGOV_API void mskgov_governor_options_init(mskgov_governor_options *options);

/*
 * Makes a governor and starts its pacing thread. The options are copied.
 *
 * Returns 0 and sets *governor (owned: mskgov_governor_free), or
 * MSKGOV_ERR_INVALID: a field is out of range; `error` names field, value and range.
 * MSKGOV_ERR_NO_MEMORY, MSKGOV_ERR_SYSTEM: no memory, no thread.
 */
MSKGOV_API int mskgov_governor_new(mskgov_governor **governor,
                                   const mskgov_governor_options *options,
                                   mskgov_error_info *error);

/*
 * Changes the quota of every broker, at once and for those who wait already. A lower rate
 * holds from the next second on: what was granted is not taken back. Connections beyond a
 * lower limit stay open. Returns 0, MSKGOV_ERR_INVALID (field, value and range in `error`;
 * nothing changed), MSKGOV_ERR_FORKED.
 */
MSKGOV_API int mskgov_governor_set_quota(mskgov_governor *governor,
                                         const mskgov_quota *quota,
                                         mskgov_error_info *error);

/*
 * Whether permits can be had of it: 0, MSKGOV_ERR_STOPPED, MSKGOV_ERR_FORKED, or
 * MSKGOV_ERR_INVALID for NULL.
 */
MSKGOV_API int mskgov_governor_check(mskgov_governor *governor, mskgov_error_info *error);

/*
 * Ends all waiting: every waiter gets MSKGOV_ERR_STOPPED, and so does every later request.
 * Permits that are granted or open stay valid and are still to be released. Returns when
 * no callback runs any more, unless called from one. Calling it twice does nothing.
 */
MSKGOV_API void mskgov_governor_stop(mskgov_governor *governor);

/*
 * Stops the governor and gives up the caller's hold on it; the memory goes when the last
 * permit and the last client (rdkafka.h) have let go as well. NULL does nothing. Not to be
 * called from a permit's callback.
 */
MSKGOV_API void mskgov_governor_free(mskgov_governor *governor);

/*
 * Takes another hold on the governor, to be given up with mskgov_governor_unref. Unlike
 * mskgov_governor_free, that does not stop it while others hold it. Returns `governor`.
 */
MSKGOV_API mskgov_governor *mskgov_governor_ref(mskgov_governor *governor);
MSKGOV_API void mskgov_governor_unref(mskgov_governor *governor);

/* Brokers that one governor knows at most; their gates stay until it is freed. */
#define MSKGOV_BROKERS_MAX 10000

/* The size of a failure's detail that is kept, its end included. Longer ones are cut. */
#define MSKGOV_FAILURE_TEXT_MAX 256

/* What a broker's gate has seen since the governor was made; a consistent copy. */
typedef struct mskgov_broker_metrics {
  size_t struct_size; /* set by the caller: sizeof(mskgov_broker_metrics) */
  uint64_t requested; /* permits asked for; without tries (timeout 0) that failed */
  uint64_t granted;   /* permits handed out */
  uint64_t connected; /* outcomes reported, by kind */
  uint64_t failed_quota;
  uint64_t failed_authentication;
  uint64_t failed_authorization;
  uint64_t failed_transport;
  uint64_t canceled;   /* waiters that left: cancelled, deadline, stop */
  uint32_t waiting;    /* now: waiters, those in back-off included */
  uint32_t connecting; /* now: granted and not yet reported */
  uint32_t open;       /* now: reported connected and not yet released */
  char last_failure[MSKGOV_FAILURE_TEXT_MAX]; /* detail of the last failure; or empty */
} mskgov_broker_metrics;

/*
 * Copies the metrics of one broker. Returns 0; a broker that was never asked for has zeros.
 * MSKGOV_ERR_INVALID: the address is malformed. MSKGOV_ERR_FORKED.
 */
MSKGOV_API int mskgov_governor_broker_metrics(mskgov_governor *governor, const char *broker,
                                              mskgov_broker_metrics *metrics,
                                              mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
