#include "credentials/service.h"

#include "base/clock.h"
#include "base/error.h"
#include "credentials/environment.h"
#include "credentials/skew.h"
#include "policy/backoff.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#define PATIENCE_NS (30 * GOV_NS_PER_S)

const gov_service_limits gov_service_far_limits = {.connect_timeout_ms = 3000,
                                                   .timeout_ms = 5000,
                                                   .attempts = 4,
                                                   .backoff_ms = 500,
                                                   .backoff_max_ms = 5000};

static void sleep_ns(uint64_t ns) {
  struct timespec left = {(time_t)(ns / GOV_NS_PER_S), (long)(ns % GOV_NS_PER_S)};

  while (nanosleep(&left, &left) && errno == EINTR)
    ;
}

bool gov_service_may_pass(const gov_http_answer *answer) {
  return answer->status == 429 || answer->status >= 500;
}

/* Waits for a slot of the process's pace toward the service. */
static int await_turn(gov_service *service, mskgov_error_info *error) {
  uint32_t limit = service->requests_per_s;
  gov_bucket_rate rate;
  uint64_t now_ns, at_ns;

  if (limit == 0)
    return 0;

  now_ns = gov_clock_monotonic_ns(&gov_clock_system);
  gov_bucket_rate_init(&rate, 2 * limit - 1, limit, GOV_NS_PER_S, 0);
  if (gov_bucket_reserve(&service->bucket, &rate, now_ns, PATIENCE_NS, &at_ns) !=
      GOV_BUCKET_GRANTED)
    return gov_error_set(error, MSKGOV_ERR_TRANSPORT,
                         "this process has asked it too often: %u requests per second are "
                         "allowed",
                         limit);
  if (at_ns > now_ns)
    sleep_ns(at_ns - now_ns);

  return 0;
}

static int perform(gov_service *service, const gov_http_request *request,
                   gov_http_answer *answer, mskgov_error_info *error) {
  uint64_t sent_ns;
  int rc = await_turn(service, error);

  if (rc)
    return rc;

  sent_ns = gov_clock_monotonic_ns(&gov_clock_system);
  rc = gov_http_perform(request, answer, error);
  if (!rc && answer->date_ns)
    gov_skew_learn(&gov_skew_host, &gov_clock_system, answer->date_ns,
                   gov_clock_monotonic_ns(&gov_clock_system) - sent_ns);

  return rc;
}

/* One attempt. *again: another one may help. */
static int try_once(gov_service *service, const gov_http_request *request,
                    gov_http_answer *answer, bool *again, mskgov_error_info *error) {
  int rc = perform(service, request, answer, error);

  if (rc) {
    *again = rc == MSKGOV_ERR_TRANSPORT;
    return rc;
  }

  *again = (service->may_pass ? service->may_pass : gov_service_may_pass)(answer);
  if (*again) {
    rc = gov_error_set(error, MSKGOV_ERR_TRANSPORT, "it answered with the status %d",
                       answer->status);
    gov_http_answer_fini(answer);
  }

  return rc;
}

/* Tries until it is no use any more; *attempts is how often. */
static int try_all(gov_service *service, const gov_http_request *request,
                   const gov_service_limits *limits, gov_http_answer *answer,
                   uint32_t *attempts, mskgov_error_info *error) {
  const gov_backoff_options waits = {.jitter = MSKGOV_JITTER_FULL,
                                     .base_ns = gov_ms_to_ns(limits->backoff_ms),
                                     .cap_ns = gov_ms_to_ns(limits->backoff_max_ms)};
  uint32_t most = atomic_load(&service->in_trouble) ? 1 : limits->attempts;
  gov_backoff backoff;
  gov_random random;
  bool again;
  int rc;

  assert(limits->attempts > 0);
  gov_backoff_init(&backoff);
  gov_random_init_system(&random);

  for (*attempts = 1;; ++*attempts) {
    gov_error_reset(error);
    rc = try_once(service, request, answer, &again, error);
    if (!again || *attempts == most)
      break;
    sleep_ns(gov_backoff_next(&backoff, &waits, &random));
  }
  if (again || !rc)
    atomic_store(&service->in_trouble, again);

  return rc;
}

int gov_service_fetch(gov_service *service, const gov_http_request *request,
                      const gov_service_limits *limits, gov_http_answer *answer,
                      mskgov_error_info *error) {
  gov_http_request bounded = *request;
  mskgov_error_info detail;
  uint32_t attempts;
  int rc;

  bounded.connect_timeout_ms = limits->connect_timeout_ms;
  bounded.timeout_ms = limits->timeout_ms;
  bounded.answer_max = GOV_SERVICE_ANSWER_MAX;
  bounded.ca_file = gov_environment_variable("AWS_CA_BUNDLE");
  rc = try_all(service, &bounded, limits, answer, &attempts, &detail);
  if (!rc)
    return 0;

  if (attempts > 1)
    return gov_error_set(error, rc, "%s failed %u times in a row: %.*s", service->name,
                         attempts, MSKGOV_ERROR_TEXT_MAX - 128, detail.text);

  return gov_error_set(error, rc, "%s failed: %.*s", service->name,
                       MSKGOV_ERROR_TEXT_MAX - 128, detail.text);
}
