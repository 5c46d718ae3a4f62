/*
 * A cluster in a box (libmskgov-broker): brokers on loopback ports of this process that
 * ask for TLS and IAM and enforce MSK's quota, for tests and benchmarks of clients.
 *
 *   mskgov_cluster_options options;
 *   mskgov_cluster_options_init(&options);
 *   options.brokers = 3;
 *   options.connections_per_s = 20;
 *   options.credentials = &credentials;
 *   options.credentials_count = 1;
 *   mskgov_cluster_new(&cluster, &options, &error);
 *
 * and a client gets mskgov_cluster_bootstrap_servers(cluster) as bootstrap.servers and
 * mskgov_cluster_ca_pem(cluster) as ssl.ca.pem.
 *
 * A broker speaks ApiVersions, SaslHandshake, SaslAuthenticate (OAUTHBEARER with a token
 * for MSK, AWS_MSK_IAM with a payload; their signatures are verified) and Metadata.
 * Behind it stands nothing: no topics, no records. A connection's first SaslAuthenticate
 * is its attempt, and counts against the quota before its token is looked at. Over the
 * quota the answer is MSK's: error 58 with "[<uuid>]: Too many connects", then close. A
 * re-authentication (KIP-368) is no attempt and is not counted. A session stays open
 * until either side closes it; who is not authenticated 10 s after the accept is closed.
 * A broker can be stopped and started again, as in a rolling restart.
 *
 * Threads: every function may be called from any thread; mskgov_cluster_new starts the
 * threads that serve (one event loop each), mskgov_cluster_free ends them. All signals are
 * blocked in them. Fork: the cluster stays with the process that made it.
 */
#ifndef MSKGOV_BROKER_H
#define MSKGOV_BROKER_H

#include <mskgov/common.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mskgov_cluster mskgov_cluster;

#define MSKGOV_CLUSTER_BROKERS_MAX 64

/* How a broker tells what is within its quota of Q connections per second. */
typedef enum mskgov_window {
  MSKGOV_WINDOW_FIXED = 0, /* Q in each whole second of the broker's monotonic clock */
  MSKGOV_WINDOW_SLIDING,   /* Q in every stretch of one second: [t, t + 1 s) for every t */
  /* A token bucket that is filled at Q per second, up to `burst`: up to Q + burst in a
     second. Rejected attempts that count make a debt, of `burst` at the most. */
  MSKGOV_WINDOW_BUCKET,
  /* Apache Kafka's own connection rate (KIP-612), with its defaults: 11 samples of 1 s,
     divided by ten seconds at least. A broker that was idle takes 10 Q at once. */
  MSKGOV_WINDOW_KAFKA
} mskgov_window;

typedef struct mskgov_cluster_options {
  size_t struct_size;
  uint32_t brokers;           /* 1 to MSKGOV_CLUSTER_BROKERS_MAX; default 1 */
  uint32_t connections_per_s; /* per broker, 1 to 1000000; default 100 */
  uint32_t max_connections;   /* open per broker, at least 1; default 3000 */
  mskgov_window window;       /* default MSKGOV_WINDOW_SLIDING */
  /* MSKGOV_WINDOW_BUCKET: connections at once, 1 to 1000000, or 0 (default): as many as
     the quota, also when that is changed. 0 with every other window. */
  uint32_t burst;
  int count_rejected; /* rejected attempts fill the window too; default 1 */
  uint32_t threads;   /* event loops, 1 to 64; one per broker at most; default 1 */
  /*
   * Each of those threads has descriptors of its own, so that the process's limit of open
   * files holds for each of them and not for all: for clusters of more connections than a
   * process may have files. Needs Linux 5.9. Tools that follow descriptors by their number
   * (ThreadSanitizer, valgrind) are misled by it. Default 0.
   */
  int files_per_thread;
  /* First port; broker i listens on first_port + i. 0 (default): free ports. */
  uint16_t first_port;
  /* Host that clients are told (Metadata), the certificate names, and payloads of
     AWS_MSK_IAM may be signed for, besides localhost and 127.0.0.1. Default "127.0.0.1",
     always bound on loopback. Copied. */
  const char *advertised_host;
  /* Region that tokens must be signed for. Default "us-east-1". Copied. */
  const char *region;
  /* Credentials that are accepted; at least one. The cluster takes holds. */
  mskgov_credentials *const *credentials;
  size_t credentials_count;
} mskgov_cluster_options;

MSKGOV_API void mskgov_cluster_options_init(mskgov_cluster_options *options);

/*
 * Starts a cluster; when it returns every broker listens. Returns 0 and sets *cluster
 * (owned: mskgov_cluster_free), or MSKGOV_ERR_INVALID (field, value, range in `error`),
 * MSKGOV_ERR_SYSTEM (a port is taken, no descriptors), MSKGOV_ERR_CRYPTO,
 * MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_cluster_new(mskgov_cluster **cluster,
                                  const mskgov_cluster_options *options,
                                  mskgov_error_info *error);

/* Closes every connection, ends the threads, frees. NULL does nothing. */
MSKGOV_API void mskgov_cluster_free(mskgov_cluster *cluster);

/* "127.0.0.1:port,…", one per broker. Borrowed until the cluster is freed. */
MSKGOV_API const char *mskgov_cluster_bootstrap_servers(const mskgov_cluster *cluster);

/* The certificate authority of the brokers, PEM. Borrowed until the cluster is freed. */
MSKGOV_API const char *mskgov_cluster_ca_pem(const mskgov_cluster *cluster);

/*
 * Stops broker `broker` (from 0): drops all its connections at once, without a farewell,
 * and refuses new ones. Its port stays its own, Metadata goes on naming it, its counters
 * and the window of its quota go on. Stopping it twice does nothing. When it returns it is
 * done. Returns 0, or
 * MSKGOV_ERR_INVALID: there is no such broker. MSKGOV_ERR_FORKED.
 * MSKGOV_ERR_STATE: mskgov_cluster_free came first. (A call that begins when that function
 * has returned is a use of freed memory, as everywhere.)
 */
MSKGOV_API int mskgov_cluster_stop_broker(mskgov_cluster *cluster, uint32_t broker,
                                          mskgov_error_info *error);

/*
 * Starts it again, on the same port. Starting it twice does nothing. Returns the same, or
 * MSKGOV_ERR_SYSTEM: it cannot listen, and stays stopped.
 */
MSKGOV_API int mskgov_cluster_start_broker(mskgov_cluster *cluster, uint32_t broker,
                                           mskgov_error_info *error);

/*
 * Changes the quota of every broker for the attempts to come, 1 to 1000000. What was
 * counted stays counted: under a lower quota the next attempt is let in when the window
 * has room. Returns 0, MSKGOV_ERR_INVALID (nothing changed), or MSKGOV_ERR_NO_MEMORY:
 * some brokers have the old one still.
 */
MSKGOV_API int mskgov_cluster_set_quota(mskgov_cluster *cluster, uint32_t connections_per_s,
                                        mskgov_error_info *error);

/* What one broker has seen; times are monotonic nanoseconds. */
typedef struct mskgov_cluster_counters {
  size_t struct_size;    /* set by the caller */
  uint64_t tcp_accepted; /* TCP connections */
  uint64_t attempts;     /* first SaslAuthenticate of a connection, whatever came of it */
  uint64_t accepted;     /* authenticated and within the quota */
  uint64_t rejected;     /* "Too many connects" */
  uint64_t denied;       /* bad token: "Access denied", "Invalid authentication payload" */
  uint64_t failed;       /* ended before SaslAuthenticate: TLS, protocol, time-out, stop */
  uint64_t dropped;      /* authenticated ones that mskgov_cluster_stop_broker closed */
  uint32_t open;         /* authenticated connections now */
  uint32_t peak_open;
  uint32_t peak_window; /* most attempts in any one second, exact, whatever the window */
  uint64_t first_attempt_ns; /* 0: none yet */
  uint64_t last_attempt_ns;
} mskgov_cluster_counters;

/* Copies the counters of broker `broker` (from 0). Returns 0 or MSKGOV_ERR_INVALID. */
MSKGOV_API int mskgov_cluster_counters_get(mskgov_cluster *cluster, uint32_t broker,
                                           mskgov_cluster_counters *counters,
                                           mskgov_error_info *error);

typedef enum mskgov_verdict {
  MSKGOV_VERDICT_ACCEPTED = 0,
  MSKGOV_VERDICT_REJECTED, /* over the quota */
  MSKGOV_VERDICT_DENIED    /* bad token */
} mskgov_verdict;

typedef struct mskgov_cluster_attempt {
  uint64_t at_ns; /* monotonic */
  uint32_t broker;
  mskgov_verdict verdict;
} mskgov_cluster_attempt;

/*
 * Copies the log of attempts of one broker, oldest first: up to `capacity` entries from
 * entry `first` on. Returns how many were copied (0: no more), or MSKGOV_ERR_INVALID. The
 * log keeps the first MSKGOV_CLUSTER_LOG_MAX attempts of a broker; counters go on.
 */
#define MSKGOV_CLUSTER_LOG_MAX (4u << 20)
MSKGOV_API int64_t mskgov_cluster_attempts(mskgov_cluster *cluster, uint32_t broker,
                                           uint64_t first, mskgov_cluster_attempt *attempts,
                                           size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
