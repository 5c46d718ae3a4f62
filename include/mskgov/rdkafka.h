/*
 * The librdkafka adapter (libmskgov-rdkafka): a client's connections wait their turn, and
 * it carries fresh IAM tokens. docs/librdkafka.md tells how, and why nothing blocks.
 *
 *   mskgov_rdkafka_options options;
 *   mskgov_rdkafka_options_init(&options);
 *   options.region = "eu-west-1";
 *   if (mskgov_rdkafka_apply(conf, governor, &options, &error)) ...
 *   rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
 *
 * librdkafka 2.0.2 and up. The application's callbacks (connect_cb, closesocket_cb,
 * log_cb), set before or after, keep being called, and `opaque` stays the application's.
 * A connect_cb is called at the grant, on a thread of mskgov's that serves all clients of
 * the process, unless a permit was free at once; so it must not block for long. The conf
 * may be duplicated; every client made from it or from a duplicate is governed.
 *
 * What it changes in the conf: sasl.mechanisms becomes OAUTHBEARER;
 * socket.connection.setup.timeout.ms starts to count at the grant instead of before the
 * wait. What an application's poll or its absence changes: nothing.
 *
 * Apply last: what is set afterwards is not checked before the client is made, and then
 * only told in its log.
 *
 * rd_kafka_destroy lets go at once, also while connections wait; only code of the
 * application's own that is under way is waited for: a provider's `get`, a connect_cb.
 *
 * librdkafka before 2.13 destroys the interceptors of a conf, which the adapter relies on,
 * when rd_kafka_new fails, and leaves the conf in ruins. With those
 * versions neither destroy nor use a conf again with which rd_kafka_new failed.
 *
 * Threads: as librdkafka's own conf functions, one thread per conf. Fork: as librdkafka,
 * clients do not survive it.
 */
#ifndef MSKGOV_RDKAFKA_H
#define MSKGOV_RDKAFKA_H

#include <mskgov/common.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>
#include <mskgov/governor.h>
#include <mskgov/permit.h>

struct rd_kafka_conf_s;

#ifdef __cplusplus
extern "C" {
#endif

/* Options of the adapter. Always filled by mskgov_rdkafka_options_init first. */
typedef struct mskgov_rdkafka_options {
  size_t struct_size;
  /* The cluster's AWS region; copied. NULL: from the names in bootstrap.servers. */
  const char *region;
  /* Where credentials come from; the adapter takes a hold. One that fetches them belongs
     behind a cache. NULL: mskgov_credentials_provider_new_default, one for all clients of a
     region. */
  mskgov_credentials_provider *credentials;
  /* Who goes first at a broker (permit.h). Default MSKGOV_PRIORITY_NORMAL. */
  mskgov_priority priority;
  /* Only the tokens: connections are not governed. Default 0. For measuring. */
  int ungoverned;
} mskgov_rdkafka_options;

MSKGOV_API void mskgov_rdkafka_options_init(mskgov_rdkafka_options *options);

/*
 * Prepares `conf` so that its clients are governed by `governor` (which the conf and its
 * clients hold; it may be freed at any time, its waiters then fail as stopped) and carry
 * IAM tokens. Fetches credentials and signs one token, to say now what would fail later.
 * `governor` may be NULL if options->ungoverned is set.
 *
 * Returns 0, or, with nothing applied,
 * MSKGOV_ERR_INVALID: security.protocol is not sasl_ssl, an address in bootstrap.servers
 * is malformed, the region is unknown (or not given, and not in the brokers' names), the
 * conf has a token callback of its own, or was applied before;
 * MSKGOV_ERR_NO_CREDENTIALS, MSKGOV_ERR_CREDENTIALS_EXPIRED and what else a provider
 * answers; MSKGOV_ERR_UNSUPPORTED: librdkafka is older than 2.0.2 or lacks TLS;
 * MSKGOV_ERR_FORKED, MSKGOV_ERR_STOPPED, MSKGOV_ERR_NO_MEMORY, MSKGOV_ERR_SYSTEM.
 */
MSKGOV_API int mskgov_rdkafka_apply(struct rd_kafka_conf_s *conf, mskgov_governor *governor,
                                    const mskgov_rdkafka_options *options,
                                    mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
