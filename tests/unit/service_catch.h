/*
 * Keeps requests on this host: a test that is linked with --wrap=gov_service_fetch catches
 * those that are not to be made. With METADATA_IS_DIRECT defined, none may use a proxy.
 */
#ifndef TEST_SERVICE_CATCH_H
#define TEST_SERVICE_CATCH_H

#include "base/error.h"
#include "credentials/service.h"

#include <check.h>
#include <stdio.h>

static const gov_service_limits brisk = {.connect_timeout_ms = 5000,
                                         .timeout_ms = 5000,
                                         .attempts = 3,
                                         .backoff_ms = 1,
                                         .backoff_max_ms = 8};

/* While it is on: the last request that was not made. */
static struct {
  bool on;
  char url[256];
  gov_http_request request;
} caught;

int __real_gov_service_fetch(gov_service *service, const gov_http_request *request,
                             const gov_service_limits *limits, gov_http_answer *answer,
                             mskgov_error_info *error);
int __wrap_gov_service_fetch(gov_service *service, const gov_http_request *request,
                             const gov_service_limits *limits, gov_http_answer *answer,
                             mskgov_error_info *error);

int __wrap_gov_service_fetch(gov_service *service, const gov_http_request *request,
                             const gov_service_limits *limits, gov_http_answer *answer,
                             mskgov_error_info *error) {
#ifdef METADATA_IS_DIRECT
  ck_assert(request->direct);
#endif
  if (!caught.on)
    return __real_gov_service_fetch(service, request, limits, answer, error);

  caught.request = *request;
  snprintf(caught.url, sizeof(caught.url), "%s", request->url);

  return gov_error_set(error, MSKGOV_ERR_TRANSPORT, "caught");
}

#endif
