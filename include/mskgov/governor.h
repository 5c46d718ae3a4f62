/*
 * The governor: decides when a connection to a broker may be opened.
 *
 * One governor serves a process, with any number of clients, brokers and threads. Per
 * broker ("host:port") it keeps a token bucket, a queue of waiters, and a count of open
 * connections. Each client has a back-off of its own per broker, fed by the outcomes that
 * are reported. One pacing thread, owned by the governor, hands out the permits however
 * many wait. See permit.h for their life.
 *
 * What it promises. With every connection attempt of the quota's scope behind governors
 * that share a store and every outcome reported, no broker sees more attempts than the
 * quota in any stretch of its window, wherever between the grant and the report it counts
 * them: a slot comes back one window after its outcome was reported, and not before.
 *
 * Stores. MSKGOV_STORE_LOCAL: the budget is this governor's own. MSKGOV_STORE_HOST: all
 * governors of the host that name the same directory share one budget per broker, in a
 * file that each of them maps. docs/host-store.md tells how, and what happens when a
 * process is killed (its slots come back within a second, what it had open within five).
 *
 * Threads: every function may be called from any thread. Signals: the pacing thread
 * blocks all signals; nothing here is async-signal-safe. Fork: the governor stays with the
 * process that made it. In a child its functions return MSKGOV_ERR_FORKED, save for
 * mskgov_governor_free, which gives the memory back and touches no thread and no store.
 */
#ifndef MSKGOV_GOVERNOR_H
#define MSKGOV_GOVERNOR_H

#include <mskgov/common.h>
#include <mskgov/error.h>
#include <mskgov/event.h>
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

/* What to do with a request at a broker whose limit of open connections is reached. */
typedef enum mskgov_at_limit {
  MSKGOV_AT_LIMIT_WAIT = 0, /* it waits until one is closed */
  MSKGOV_AT_LIMIT_FAIL      /* whoever heads the line fails with MSKGOV_ERR_LIMIT */
} mskgov_at_limit;

/*
 * What a QUOTA outcome does to the rate. It can only come from connections that no
 * governor of the store knows of, so the quota that is left is smaller than the published
 * one. A cut takes the rate to 0.7 of itself, at most once per window; then it grows back
 * by 1/32 of what it was before the cut, each window, and never falls below 1/1024.
 */
typedef enum mskgov_adaptive {
  MSKGOV_ADAPTIVE_OFF = 0, /* nothing */
  MSKGOV_ADAPTIVE_ON,      /* begins with the whole quota */
  /* For processes that share a quota and no store: begins with 1/16 of it and grows by 15
     percent a window until the first cut, so that a fleet that starts together does not
     begin with as many quotas as it has processes. */
  MSKGOV_ADAPTIVE_ALONE
} mskgov_adaptive;

/* Who shares the budget of a broker. */
typedef enum mskgov_store {
  MSKGOV_STORE_LOCAL = 0, /* the clients of this governor */
  MSKGOV_STORE_HOST       /* those of every governor on the host with the same directory */
} mskgov_store;

/* Largest quotas that the host store holds: connections per window, open connections. */
#define MSKGOV_HOST_WINDOW_MAX 4096u
#define MSKGOV_HOST_CONNECTIONS_MAX 16384u
/* Governors that share a host store at most, and brokers that it knows. */
#define MSKGOV_HOST_MEMBERS_MAX 512u
#define MSKGOV_HOST_BROKERS_MAX 1024u

/* Options of a governor. Always filled by mskgov_governor_options_init first. */
typedef struct mskgov_governor_options {
  size_t struct_size; /* set by _init; tells options that were not filled by it */

  mskgov_quota quota; /* default: mskgov_quota_standard() */
  /* Names the cluster of a quota of MSKGOV_SCOPE_CLUSTER, up to 255 bytes: whoever shares
     the store and the name shares the budget. Copied. Default "cluster". */
  const char *cluster;

  /* Percent of the rate that stays free for clients that nobody governs: 0 to 90. */
  uint32_t headroom_percent; /* default 0 */

  /*
   * How far grants may spread on their way to the broker (a late pacing thread, TCP, TLS,
   * SASL) before it counts them: 0 to 10000, default 20. The bucket's rate is
   * quota / (window + spread), so that a fleet of usual latency stays smooth. Slower
   * handshakes than this cost speed, never a rejection.
   */
  uint64_t grant_spread_ms;

  /* Wait of a client after failures of the same broker. Default: full, 100 ms to 10 s. */
  mskgov_jitter backoff_jitter;
  uint64_t backoff_base_ms; /* 1 to backoff_cap_ms */
  uint64_t backoff_cap_ms;  /* up to 3600000 (an hour) */
  /*
   * Whether the cap grows with the QUOTA outcomes seen, up to an hour. Clients that nobody
   * coordinates get through only if their mean wait is at least clients / quota, so the cap
   * has to be twice that; the number of clients shows in the rejections. Default 1.
   */
  int backoff_cap_grows;

  mskgov_at_limit at_limit; /* default MSKGOV_AT_LIMIT_WAIT */
  mskgov_adaptive adaptive; /* default MSKGOV_ADAPTIVE_ON */

  /* Waiters that a broker's queue holds at most, at least 1. Default 100000. */
  uint32_t max_waiters;

  mskgov_store store; /* default MSKGOV_STORE_LOCAL */
  /*
   * The directory of the host store; made with mode 0700 if it is not there. Copied. NULL:
   * $XDG_RUNTIME_DIR/mskgov; without that variable /run/user/<uid>/mskgov if /run/user/<uid>
   * is there, and otherwise /dev/shm/mskgov-<uid>. Processes of several users name a
   * directory and a group.
   */
  const char *host_directory;
  /* The group whose members share the host store: directory mode 2770, file 0660. Copied.
     NULL: only processes of the same user. */
  const char *host_group;

  /* Events; NULL (default): none. `event_user` is passed on. See event.h. */
  mskgov_event_cb *event_cb;
  void *event_user;
  /* From which share of the quota on the events RATE_ and CONNECTIONS_NEAR_QUOTA come, in
     percent, 1 to 100. Default 80, as Amazon's guidance on MSK recommends for alarms. */
  uint32_t near_quota_percent;
} mskgov_governor_options;

/* Writes the defaults. No failure. */
MSKGOV_API void mskgov_governor_options_init(mskgov_governor_options *options);

/*
 * Makes a governor and starts its pacing thread. The options are copied.
 *
 * Returns 0 and sets *governor (owned: mskgov_governor_free), or
 * MSKGOV_ERR_INVALID: a field is out of range; `error` names field, value and range.
 * MSKGOV_ERR_HOST_STORE: the host store cannot be used as it is: `error` names the path and
 * what is wrong (owner, mode, version, damage, no room for one more process).
 * MSKGOV_ERR_NO_MEMORY, MSKGOV_ERR_SYSTEM: no memory, no thread, a system call failed.
 */
MSKGOV_API int mskgov_governor_new(mskgov_governor **governor,
                                   const mskgov_governor_options *options,
                                   mskgov_error_info *error);

/*
 * Changes the quota of every broker, at once and for those who wait already. A lower rate
 * holds from the next window on: what was granted is not taken back. Connections beyond a
 * lower limit stay open. In a host store the smallest quota among its members holds for
 * all; the others notice a change within 20 ms while they have somebody waiting. The scope
 * cannot change. Returns 0, MSKGOV_ERR_INVALID (field, value and range in `error`;
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

#ifdef __cplusplus
}
#endif

#endif
