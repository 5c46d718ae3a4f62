/*
 * A fleet of light clients: many clients in this process whose connections are mskgov's own
 * (connection.h), so that one thread carries tens of thousands of them.
 *
 * A client connects to every broker and keeps what it has; a connection that is lost is
 * made again. A pair is one client and one broker. It is connected once SASL has succeeded
 * and until either side closes. Pairs that wait cost memory and no work.
 *
 * Governed, a pair asks the governor for a permit before every attempt and reports how it
 * ended; the governor does the backing off. Ungoverned, a pair connects at once and backs
 * off as librdkafka does. All pairs of a fleet share one IAM token, which is renewed when
 * three quarters of its life are over.
 *
 * One machine stands in for thousands here, so a fleet has no more handshakes under way than
 * it gets through before the brokers lose patience; the others whose turn has come follow as
 * those end. Where a governor paces them there are far fewer.
 *
 * Threads: one thread makes, starts and frees a fleet; the counts may be read by any. The
 * fleet's own thread, which does all connecting, runs from bench_light_start to
 * bench_light_free and blocks all signals.
 */
#ifndef BENCH_LIGHT_H
#define BENCH_LIGHT_H

#include "common/fleet.h"

#include <mskgov/mskgov.h>

/* Handshakes of a fleet that are under way at once: about half a second of one core. */
#define BENCH_LIGHT_HANDSHAKES_MAX 500

typedef struct bench_light bench_light;

typedef struct bench_light_options {
  uint32_t clients;                         /* at least 1 */
  const char *bootstrap_servers;            /* every broker of the cluster; copied */
  const char *ca_pem;                       /* borrowed during bench_light_new */
  const char *region;                       /* likewise */
  mskgov_credentials_provider *credentials; /* the fleet takes a hold; get must not block */
  mskgov_governor *governor; /* the fleet takes a hold; NULL: nothing is governed */
  uint64_t backoff_base_ms;  /* ungoverned: as reconnect.backoff.ms, at least 1 */
  uint64_t backoff_max_ms;   /* ungoverned: as reconnect.backoff.max.ms, at least base */
  uint64_t spread_ns; /* each client sleeps a random time up to this before it connects */
  uint64_t seed;      /* of those times and of the back-offs' jitter */
} bench_light_options;

/*
 * Prepares a fleet and signs its first token; connects nothing yet. Returns 0 and sets
 * *light (owned: bench_light_free), or MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY,
 * MSKGOV_ERR_SYSTEM and what mskgov_connector_new and mskgov_authenticator_token return.
 */
int bench_light_new(bench_light **light, const bench_light_options *options,
                    mskgov_error_info *error);

/*
 * From now on every pair wants its connection. Starts the fleet's thread and returns.
 * Once. Returns 0 or MSKGOV_ERR_SYSTEM.
 */
int bench_light_start(bench_light *light, mskgov_error_info *error);

/* Ends the thread, closes every connection, frees. NULL does nothing. */
void bench_light_free(bench_light *light);

/*
 * Whether the fleet still works: 0, or what ended its thread, such as MSKGOV_ERR_SYSTEM (no
 * descriptors) or MSKGOV_ERR_STOPPED (the governor). To be asked now and then. A failed
 * connection is no such error.
 */
int bench_light_check(bench_light *light, mskgov_error_info *error);

/* Waits until all pairs are connected, until `deadline_ns`, or until the fleet has ended.
   Returns whether they are. */
int bench_light_wait_connected(bench_light *light, uint64_t deadline_ns);

uint32_t bench_light_brokers(const bench_light *light);
uint32_t bench_light_pairs(const bench_light *light);

/* Pairs that are connected now. */
uint32_t bench_light_connected(const bench_light *light);

/* How often a pair that was connected lost its connection. */
uint64_t bench_light_dropped(const bench_light *light);

/*
 * A copy of pair `pair`, which is client * brokers + broker. After a drop, `wanted_ns` is
 * the moment of the drop.
 */
bench_pair bench_light_pair(const bench_light *light, uint32_t pair);

#endif
