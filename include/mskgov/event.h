/*
 * Events: what a governor tells whoever operates it.
 *
 * One callback for all of them, set in mskgov_governor_options. It is called on the pacing
 * thread, in the order in which things happened, with no lock held; every waiter waits
 * meanwhile, so note the event and return. It may call every function of permit.h, but
 * mskgov_permit_acquire only with a timeout of 0, and mskgov_governor_free never.
 */
#ifndef MSKGOV_EVENT_H
#define MSKGOV_EVENT_H

#include <mskgov/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text): the list that all about events is made of. */
#define MSKGOV_EVENT_LIST(X)                                                               \
  X(GRANTED, 0, "granted")                 /* wait_ms: it waited so long */                \
  X(THROTTLED, 1, "throttled")             /* it has to wait in line */                    \
  X(FAILED, 2, "failed")                   /* outcome, detail */                           \
  X(RETRYING, 3, "retrying")               /* wait_ms: not before then */                  \
  X(RECOVERED, 4, "recovered")             /* first success after failures */              \
  X(STOPPED, 5, "stopped")                 /* the governor; the last event */              \
  X(RATE_NEAR_QUOTA, 6, "rate near quota") /* value of limit, in a window */               \
  X(CONNECTIONS_NEAR_QUOTA, 7, "connections near quota") /* value of limit, open */        \
  X(RATE_CUT, 8, "rate cut")                             /* value: percent of the quota */ \
  X(RATE_RESTORED, 9, "rate restored")                   /* the full quota again */        \
  X(LOST, 10, "lost")                                    /* value events found no room */

typedef enum mskgov_event_kind {
#define MSKGOV_EVENT_ENUM(name, value, text) MSKGOV_EVENT_##name = (value),
  MSKGOV_EVENT_LIST(MSKGOV_EVENT_ENUM)
#undef MSKGOV_EVENT_ENUM
} mskgov_event_kind;

/* Events that wait for their callback at most; later ones are counted in a LOST event. */
#define MSKGOV_EVENTS_PENDING_MAX 8192

/* One event; all of it borrowed until the callback returns. */
typedef struct mskgov_event {
  mskgov_event_kind kind;
  uint64_t at_ns;     /* monotonic */
  const char *broker; /* "host:port"; "" if it is about no broker */
  const char *client; /* its name; "" for none */
  int outcome;        /* mskgov_outcome, for FAILED and RETRYING */
  const char *detail; /* for FAILED, as it was reported; or "" */
  uint64_t wait_ms;   /* GRANTED, RETRYING */
  uint64_t value;     /* see the list above */
  uint64_t limit;     /* likewise */
} mskgov_event;

typedef void mskgov_event_cb(const mskgov_event *event, void *user);

/* "granted", "rate near quota", …; static string, never NULL. */
MSKGOV_API const char *mskgov_event_name(mskgov_event_kind kind);

#ifdef __cplusplus
}
#endif

#endif
