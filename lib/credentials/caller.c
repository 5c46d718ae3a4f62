/*
 * Whose the credentials are.
 */
#include "base/error.h"
#include "credentials/credentials.h"
#include "credentials/region.h"
#include "credentials/sts.h"

#include <mskgov/sts.h>

#include <string.h>

#define RESULT "GetCallerIdentityResponse/GetCallerIdentityResult/"

static int read_caller(const gov_http_answer *answer, mskgov_caller *caller,
                       mskgov_error_info *error) {
  gov_buffer account, arn, user_id;
  gov_xml_field fields[] = {
      {RESULT "Account", &account, false},
      {RESULT "Arn", &arn, false},
      {RESULT "UserId", &user_id, false},
  };
  mskgov_error_info detail = {0};
  int rc;

  gov_buffer_init(&account, sizeof(caller->account) - 1);
  gov_buffer_init(&arn, sizeof(caller->arn) - 1);
  gov_buffer_init(&user_id, sizeof(caller->user_id) - 1);
  rc = gov_sts_read(answer, fields, sizeof(fields) / sizeof(fields[0]), error);
  if (!rc && (gov_credentials_check_part("Account", account.data, account.limit, &detail) ||
              gov_credentials_check_part("Arn", arn.data, arn.limit, &detail) ||
              gov_credentials_check_part("UserId", user_id.data, user_id.limit, &detail)))
    rc = gov_error_set(error, MSKGOV_ERR_PROTOCOL, "STS answered with a bad caller: %.400s",
                       detail.text);
  if (!rc) {
    strcpy(caller->account, account.data);
    strcpy(caller->arn, arn.data);
    strcpy(caller->user_id, user_id.data);
  }
  gov_buffer_fini(&account);
  gov_buffer_fini(&arn);
  gov_buffer_fini(&user_id);

  return rc;
}

int mskgov_caller_fetch(mskgov_caller *caller, mskgov_credentials *credentials,
                        const char *region, mskgov_error_info *error) {
  static const gov_sts_parameter parameters[] = {{"Action", "GetCallerIdentity"}};
  char of_sts[MSKGOV_REGION_SIZE];
  gov_http_answer answer;
  int rc;

  gov_error_reset(error);
  memset(caller, 0, sizeof(*caller));
  rc = gov_region_for_sts("region", region, NULL, NULL, of_sts, error);
  if (!rc)
    rc = gov_sts_call(of_sts, &gov_service_far_limits, parameters, 1, credentials, &answer,
                      error);
  if (rc)
    return rc;

  rc = read_caller(&answer, caller, error);
  gov_http_answer_fini(&answer);

  return rc;
}
