/*
 * A service that hands out credentials, as this process sees it: an exchange that is tried
 * again where that may help, at a pace that does not make its trouble worse.
 *
 * A service in order is asked up to `attempts` times, with full jitter between. Once all of
 * them failed, every later fetch makes one attempt only, until one succeeds: whoever
 * fetches in turns (the cache) sets the pace of a long outage, not the retries. A pace
 * toward the service, if it has one, holds for the process as a whole, however many ask.
 *
 * The Date headers of answers tell the clock's skew (skew.h).
 *
 * Threads: any; blocking. A service is static; its state is atomic. After a fork the child
 * goes on with the state that it inherited.
 */
#ifndef GOV_CREDENTIALS_SERVICE_H
#define GOV_CREDENTIALS_SERVICE_H

#include "http/http.h"
#include "policy/bucket.h"

#include <stdatomic.h>

typedef struct gov_service_limits {
  uint32_t connect_timeout_ms;
  uint32_t timeout_ms;     /* of one attempt */
  uint32_t attempts;       /* at least 1 */
  uint32_t backoff_ms;     /* the longest wait before the second; it doubles. At least 1 */
  uint32_t backoff_max_ms; /* at least backoff_ms */
} gov_service_limits;

/* For services that are not of this host: five seconds an attempt, and the retries of
   aws-msk-iam-auth, three with full jitter from 500 ms to 5 s. */
extern const gov_service_limits gov_service_far_limits;

typedef struct gov_service {
  const char *name; /* for errors: "the instance metadata service" */
  /* Whether another attempt may get another answer. NULL: by gov_service_may_pass. */
  bool (*may_pass)(const gov_http_answer *answer);
  uint32_t requests_per_s; /* of the process, and as many at once; 0: no pace */
  gov_bucket bucket;
  atomic_bool in_trouble;
} gov_service;

/*
 * What is handed out has up to three parts of at most 16 KiB; escaped, and with some fields
 * beside, this is enough.
 */
#define GOV_SERVICE_ANSWER_MAX 65536

/* The statuses 429 and 5xx: too many requests, or a server's trouble. */
bool gov_service_may_pass(const gov_http_answer *answer);

/*
 * Makes the exchange, its time-outs by `limits` and the answer at most
 * GOV_SERVICE_ANSWER_MAX. After MSKGOV_ERR_TRANSPORT, and answers that may pass, tries
 * again in a time that is drawn.
 *
 * Returns 0 and fills *answer (owned: gov_http_answer_fini), which is none that may pass;
 * or what gov_http_perform returned; or MSKGOV_ERR_TRANSPORT for an answer that may pass
 * and did not, or if the pace has no room for half a minute.
 */
int gov_service_fetch(gov_service *service, const gov_http_request *request,
                      const gov_service_limits *limits, gov_http_answer *answer,
                      mskgov_error_info *error);

#endif
