/*
 * The permit: one connection attempt to one broker, and afterwards the open connection.
 *
 *   WAITING --grant--> GRANTED --report(connected)--> OPEN --release--> gone
 *      |                  |--report(failed)--> gone after release; the back-off grows
 *      |--cancel, deadline, stop--> gone; the slot goes to the next waiter
 *
 * A waiter passes three gates, in this order: its client's own back-off, the broker's
 * limit of open connections, the broker's rate. Among waiters of a broker that are past
 * their back-off the order is first come, first served within a priority.
 *
 * Every permit, however it ended, is released once by mskgov_permit_release.
 *
 * Threads: any. A permit belongs to one user at a time; only mskgov_permit_release may
 * race with the permit's own callback.
 */
#ifndef MSKGOV_PERMIT_H
#define MSKGOV_PERMIT_H

#include <mskgov/common.h>
#include <mskgov/error.h>
#include <mskgov/governor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mskgov_permit mskgov_permit;

/* The longest broker address: 255 of host name (RFC 1035), brackets, ':', 5 of port. */
#define MSKGOV_BROKER_ADDRESS_MAX 263
/* The longest client name. */
#define MSKGOV_CLIENT_NAME_MAX 255

/*
 * Who goes first at a broker. While all three wait, critical ones get 16 of 21 slots,
 * normal ones 4 and background ones 1, so that none starves; where a priority has nobody
 * waiting, the others share its slots in the same proportion.
 */
typedef enum mskgov_priority {
  MSKGOV_PRIORITY_NORMAL = 0,
  MSKGOV_PRIORITY_CRITICAL,
  MSKGOV_PRIORITY_BACKGROUND
} mskgov_priority;
#define MSKGOV_PRIORITIES 3

/* On whose behalf a permit is asked for. Borrowed during the call. */
typedef struct mskgov_client {
  const char *name; /* whose back-off applies; NULL: all without a name share one */
  mskgov_priority priority;
} mskgov_client;

/* How an attempt ended. The failures feed the client's back-off with this broker. */
typedef enum mskgov_outcome {
  MSKGOV_OUTCOME_CONNECTED = 0,  /* authenticated and usable; ends a streak of failures */
  MSKGOV_OUTCOME_QUOTA,          /* "Too many connects"; may cut the rate (governor.h) */
  MSKGOV_OUTCOME_AUTHENTICATION, /* SASL authentication failed */
  MSKGOV_OUTCOME_AUTHORIZATION,  /* authenticated, and not allowed */
  MSKGOV_OUTCOME_TRANSPORT       /* TCP, TLS or a time-out, before an answer */
} mskgov_outcome;

/*
 * Waits until a connection to `broker` may be opened.
 *
 * `broker`: "host:port", as the client connects to it; copied. Names are told apart by
 * their spelling, so use one spelling. An IPv6 address stands in brackets.
 * `client`: NULL is a client of normal priority without a name. Copied.
 * `timeout_ms`: the longest wait; 0 does not wait; MSKGOV_NEVER waits without limit.
 *
 * Returns 0 and sets *permit (owned: mskgov_permit_release), or
 * MSKGOV_ERR_INVALID: broker or client is malformed.
 * MSKGOV_ERR_DEADLINE: no permit within the time; try again later.
 * MSKGOV_ERR_LIMIT: the broker has as many connections as its limit allows, and the
 * governor's options say not to wait for one to close.
 * MSKGOV_ERR_QUEUE_FULL: as many wait as the governor's options allow, or it knows
 * MSKGOV_BROKERS_MAX brokers already; try again later.
 * MSKGOV_ERR_STOPPED, MSKGOV_ERR_FORKED, MSKGOV_ERR_NO_MEMORY; MSKGOV_ERR_SYSTEM,
 * MSKGOV_ERR_HOST_STORE: the host store cannot take the broker in.
 */
MSKGOV_API int mskgov_permit_acquire(mskgov_governor *governor, const char *broker,
                                     const mskgov_client *client, uint64_t timeout_ms,
                                     mskgov_permit **permit, mskgov_error_info *error);

/*
 * The end of a wait. `rc` is 0: granted, open the connection now; or MSKGOV_ERR_DEADLINE,
 * MSKGOV_ERR_LIMIT, MSKGOV_ERR_STOPPED. Called exactly once, unless the permit is released
 * first. Called on the pacing thread and with no lock held: every other waiter waits
 * meanwhile, so do the one thing (start a non-blocking connect, wake a thread) and return.
 * It may call every function of this header, for this permit too, but mskgov_permit_acquire
 * only with a timeout of 0.
 */
typedef void mskgov_permit_cb(mskgov_permit *permit, int rc, void *user);

/*
 * Like mskgov_permit_acquire, without blocking: joins the queue, sets *permit (owned) and
 * returns; `callback` tells the end. *permit is set before the callback can run. Errors as
 * above, DEADLINE and LIMIT excepted; on an error nothing was queued and the callback
 * never runs.
 */
MSKGOV_API int mskgov_permit_acquire_async(mskgov_governor *governor, const char *broker,
                                           const mskgov_client *client, uint64_t timeout_ms,
                                           mskgov_permit_cb *callback, void *user,
                                           mskgov_permit **permit,
                                           mskgov_error_info *error);

/* A broker that a governor knows: its gate. Lives as long as the governor. */
typedef struct mskgov_broker mskgov_broker;

/*
 * Finds the gate of a broker, or makes it, for mskgov_broker_try. Returns 0 and sets
 * *handle (borrowed until the governor is freed), or the errors of mskgov_permit_acquire
 * that are about `broker`.
 */
MSKGOV_API int mskgov_governor_broker(mskgov_governor *governor, const char *broker,
                                      mskgov_broker **handle, mskgov_error_info *error);

/*
 * Asks for a permit without waiting, as cheaply as can be; it never passes those who
 * wait. "Not yet" is no error: 0 is returned, *permit is NULL, and *wait_ms (if not NULL)
 * tells when to ask again at the earliest, rounded up; MSKGOV_NEVER: when a connection has
 * been closed. The caller must hold the governor.
 *
 * Returns 0 with *permit (owned: mskgov_permit_release) or NULL; MSKGOV_ERR_INVALID,
 * MSKGOV_ERR_STOPPED, MSKGOV_ERR_FORKED, MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_broker_try(mskgov_broker *broker, const mskgov_client *client,
                                 mskgov_permit **permit, uint64_t *wait_ms);

/*
 * Estimates how long a request made now would wait, in milliseconds, rounded up: the
 * client's back-off, then a slot for each who goes before it. It promises nothing: slow
 * handshakes, failures, other processes and the limit of open connections can make it
 * longer. Returns 0 or MSKGOV_ERR_INVALID, MSKGOV_ERR_STOPPED, MSKGOV_ERR_FORKED.
 */
MSKGOV_API int mskgov_permit_estimate(mskgov_governor *governor, const char *broker,
                                      const mskgov_client *client, uint64_t *wait_ms,
                                      mskgov_error_info *error);

/*
 * Reports how the attempt ended; once, after the grant. `detail` is for the reader of logs
 * and may be NULL. Report as soon as it is known: the broker's slot comes back one window
 * after the report. Returns 0, or MSKGOV_ERR_STATE: not granted, or already reported.
 */
MSKGOV_API int mskgov_permit_report(mskgov_permit *permit, mskgov_outcome outcome,
                                    const char *detail);

/*
 * Gives the permit up: leaves the queue if it still waits (the slot goes to the next),
 * counts as a failed transport if it was granted and not reported, and closes the open
 * connection's account otherwise. When it returns, the permit's callback is not running
 * and will not run, unless called from within that callback; so hold no lock that the
 * callback takes. NULL does nothing.
 */
MSKGOV_API void mskgov_permit_release(mskgov_permit *permit);

#ifdef __cplusplus
}
#endif

#endif
