/*
 * Requests to the services that hand out credentials on this host: an exchange that is
 * tried again where that may help.
 *
 * Threads: the caller's; blocking.
 */
#ifndef GOV_CREDENTIALS_METADATA_H
#define GOV_CREDENTIALS_METADATA_H

#include "http/http.h"

#include <mskgov/credentials.h>

/* What a test shortens. */
typedef struct gov_metadata_limits {
  uint32_t connect_timeout_ms;
  uint32_t timeout_ms; /* of one attempt */
  uint32_t attempts;   /* at least 1 */
  uint32_t backoff_ms; /* the longest wait before the second; it doubles. At least 1 */
} gov_metadata_limits;

/*
 * What is handed out has up to three parts of at most 16 KiB; in JSON, some of it escaped
 * and with some fields beside, this is enough.
 */
#define GOV_METADATA_ANSWER_MAX 65536

/*
 * Makes the exchange, time-outs and the bound of the answer by `limits` and
 * GOV_METADATA_ANSWER_MAX. After MSKGOV_ERR_TRANSPORT, and the statuses 429 and 5xx, tries
 * it again in a time that is drawn (full jitter). `service` names the other side in the
 * error.
 *
 * Returns 0 and fills *answer (owned: gov_http_answer_fini), whose status is none of
 * these; or what gov_http_perform returned, or MSKGOV_ERR_TRANSPORT for the statuses.
 */
int gov_metadata_fetch(const char *service, const gov_http_request *request,
                       const gov_metadata_limits *limits, gov_http_answer *answer,
                       mskgov_error_info *error);

/*
 * Reads the credentials of an answer: JSON with AccessKeyId, SecretAccessKey, Token and
 * Expiration, and with a Code of "Success" if it has one. What was read of them is wiped.
 *
 * Returns 0 and sets *credentials (owned: mskgov_credentials_free), or
 * MSKGOV_ERR_PROTOCOL, MSKGOV_ERR_NO_CREDENTIALS (another Code), MSKGOV_ERR_NO_MEMORY.
 */
int gov_metadata_read(const char *service, const gov_http_answer *answer,
                      mskgov_credentials **credentials, mskgov_error_info *error);

#endif
