/*
 * AWS STS, asked for one thing: the region's endpoint, the signature, the retries, and what
 * its answers say.
 *
 * Threads: any; blocking.
 */
#ifndef GOV_CREDENTIALS_STS_H
#define GOV_CREDENTIALS_STS_H

#include "codec/xml.h"
#include "credentials/service.h"

#include <mskgov/credentials.h>

/* A parameter of an action. */
typedef struct gov_sts_parameter {
  const char *name;
  const char *value; /* NULL: it is left out */
} gov_sts_parameter;

/*
 * Calls an action of the region's STS (or of the one that the environment names), signed
 * with the credentials, or unsigned if they are NULL.
 *
 * Returns 0 and fills *answer (owned: gov_http_answer_fini), whose status is 200; or
 * MSKGOV_ERR_REFUSED with STS's code, MSKGOV_ERR_TRANSPORT, MSKGOV_ERR_PROTOCOL,
 * MSKGOV_ERR_INVALID (region or variables), MSKGOV_ERR_CRYPTO, MSKGOV_ERR_NO_MEMORY,
 * MSKGOV_ERR_SYSTEM. The text never has a credential in it.
 */
int gov_sts_call(const char *region, const gov_service_limits *limits,
                 const gov_sts_parameter *parameters, size_t count,
                 const mskgov_credentials *signer, gov_http_answer *answer,
                 mskgov_error_info *error);

/*
 * Reads the credentials of an answer to AssumeRole or AssumeRoleWithWebIdentity ("action").
 * Returns 0 and sets *credentials (owned: mskgov_credentials_free), or MSKGOV_ERR_PROTOCOL,
 * MSKGOV_ERR_NO_MEMORY.
 */
int gov_sts_read_credentials(const char *action, const gov_http_answer *answer,
                             mskgov_credentials **credentials, mskgov_error_info *error);

/* Reads fields of an answer; all have to be there. Returns 0, MSKGOV_ERR_PROTOCOL or
   MSKGOV_ERR_NO_MEMORY. */
int gov_sts_read(const gov_http_answer *answer, gov_xml_field *fields, size_t count,
                 mskgov_error_info *error);

#endif
