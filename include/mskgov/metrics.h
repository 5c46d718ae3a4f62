/*
 * What a governor has seen and sees now, per broker: as a struct, as JSON, and in
 * Prometheus' text format (docs/metrics.md lists the names).
 *
 * Threads: any.
 */
#ifndef MSKGOV_METRICS_H
#define MSKGOV_METRICS_H

#include <mskgov/common.h>
#include <mskgov/error.h>
#include <mskgov/governor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a failure's detail that is kept, its end included. Longer ones are cut. */
#define MSKGOV_FAILURE_TEXT_MAX 256

/* Buckets of the histogram of waits: see mskgov_wait_bucket_ms. */
#define MSKGOV_WAIT_BUCKETS 12

/* What a broker's gate has seen since the governor was made; a consistent copy. */
typedef struct mskgov_broker_metrics {
  size_t struct_size;   /* set by the caller: sizeof(mskgov_broker_metrics) */
  uint32_t waiting;     /* now: waiters, those in back-off included */
  uint32_t backing_off; /* now: of them, in back-off */
  uint32_t connecting;  /* now: granted and not yet reported */
  uint32_t open;        /* now: reported connected and not yet released */
  uint64_t requested;   /* permits asked for; without tries that failed */
  uint64_t granted;     /* permits handed out */
  /* Waits of the granted ones from the request to the grant: counts by bucket, sum. */
  uint64_t waits[MSKGOV_WAIT_BUCKETS];
  uint64_t wait_sum_ms;
  uint64_t throttled; /* of those asked for: had to wait in line */
  uint64_t connected; /* outcomes reported, by kind */
  uint64_t failed_quota;
  uint64_t failed_authentication;
  uint64_t failed_authorization;
  uint64_t failed_transport;
  uint64_t canceled; /* waiters that left: cancelled, deadline, limit, stop */
  /*
   * The broker's budget now, over all processes that share it (with the local store: this
   * one): attempts that the arrival window holds, of how many; connections open or on
   * their way, of how many (UINT32_MAX: not limited); those who wait in line.
   */
  uint32_t window_used, window_limit;
  uint32_t connections_used, connections_limit;
  uint32_t line;
  uint32_t rate_percent; /* of the quota that the adaptive rate allows now: 1 to 100 */
  char last_failure[MSKGOV_FAILURE_TEXT_MAX]; /* detail of the last failure; or empty */
} mskgov_broker_metrics;

/* The longest wait that counts in bucket `bucket`; MSKGOV_NEVER for the last one. */
MSKGOV_API uint64_t mskgov_wait_bucket_ms(uint32_t bucket);

/*
 * Copies the metrics of one broker. Returns 0; a broker that was never asked for has zeros.
 * MSKGOV_ERR_INVALID: the address is malformed. MSKGOV_ERR_FORKED.
 */
MSKGOV_API int mskgov_governor_broker_metrics(mskgov_governor *governor, const char *broker,
                                              mskgov_broker_metrics *metrics,
                                              mskgov_error_info *error);

/*
 * The metrics of all brokers as text: a JSON object, or Prometheus' exposition format
 * 0.0.4. Return 0 and set *text (owned: mskgov_text_free), or MSKGOV_ERR_FORKED,
 * MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_governor_metrics_json(mskgov_governor *governor, char **text,
                                            mskgov_error_info *error);
MSKGOV_API int mskgov_governor_metrics_prometheus(mskgov_governor *governor, char **text,
                                                  mskgov_error_info *error);

/* Frees a text that the library made. NULL does nothing. */
MSKGOV_API void mskgov_text_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
