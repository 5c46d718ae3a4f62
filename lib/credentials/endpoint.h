/*
 * Where a service of AWS is asked: at the endpoint that the environment names, or at the
 * region's own.
 *
 * Threads: any. Reads the environment.
 */
#ifndef GOV_CREDENTIALS_ENDPOINT_H
#define GOV_CREDENTIALS_ENDPOINT_H

#include <mskgov/error.h>

#define GOV_ENDPOINT_URL_MAX 1024

typedef struct gov_endpoint {
  char url[GOV_ENDPOINT_URL_MAX];  /* "https://sts.eu-west-1.amazonaws.com/" */
  char host[GOV_ENDPOINT_URL_MAX]; /* as the Host header has it */
} gov_endpoint;

/*
 * Finds the endpoint of a service ("STS", "SSO") in a region: AWS_ENDPOINT_URL_<service>,
 * else AWS_ENDPOINT_URL, unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is "true"; else the
 * region's, at its FIPS or dual-stack name where AWS_USE_FIPS_ENDPOINT or
 * AWS_USE_DUALSTACK_ENDPOINT is "true".
 *
 * Returns 0, or MSKGOV_ERR_INVALID: a variable has what it must not, or the region has no
 * such endpoint.
 */
int gov_endpoint_find(gov_endpoint *endpoint, const char *service, const char *region,
                      mskgov_error_info *error);

#endif
