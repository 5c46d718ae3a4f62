#include "credentials/role.h"

#include "base/error.h"
#include "credentials/credentials.h"
#include "credentials/file.h"
#include "credentials/session_name.h"

#include <stdio.h>
#include <string.h>

/* "AssumeRole", AWS STS API Reference. */
#define ARN_MIN 20
#define ARN_MAX 2048
#define EXTERNAL_ID_MIN 2
#define EXTERNAL_ID_MAX 1224

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char external_id_allowed[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    "0123456789_+=,.@:/-";

static int check_arn(const char *field, const char *arn, mskgov_error_info *error) {
  size_t length = strlen(arn);
  const char *role = strstr(arn, ":role/");
  bool is_one = length >= ARN_MIN && length <= ARN_MAX && strncmp(arn, "arn:", 4) == 0 &&
                role && role[strlen(":role/")];

  for (size_t i = 0; is_one && i < length; i++)
    is_one = arn[i] > ' ' && arn[i] <= '~';
  if (!is_one)
    return gov_error_set(
        error, MSKGOV_ERR_INVALID,
        "%s is \"%.100s\" (%zu bytes), which is no ARN of a role; expected "
        "one such as \"arn:aws:iam::123456789012:role/name\", %d to %d "
        "bytes of visible ASCII",
        field, arn, length, ARN_MIN, ARN_MAX);

  return 0;
}

static int check_external_id(const char *field, const char *id, mskgov_error_info *error) {
  size_t length = strlen(id);

  if (length < EXTERNAL_ID_MIN || length > EXTERNAL_ID_MAX ||
      strspn(id, external_id_allowed) < length)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s has %zu bytes; allowed are %d to %d of A-Z, a-z, 0-9 and "
                         "_+=,.@:/-",
                         field, length, EXTERNAL_ID_MIN, EXTERNAL_ID_MAX);

  return 0;
}

int gov_role_check(const gov_role *role, const char *const names[4],
                   mskgov_error_info *error) {
  if ((role->arn && check_arn(names[0], role->arn, error)) ||
      (role->external_id && check_external_id(names[1], role->external_id, error)) ||
      (role->session_name && gov_session_name_check(names[2], role->session_name, error)))
    return MSKGOV_ERR_INVALID;
  if (role->duration_s && (role->duration_s < MSKGOV_ROLE_DURATION_MIN_S ||
                           role->duration_s > MSKGOV_ROLE_DURATION_MAX_S))
    return gov_error_set(
        error, MSKGOV_ERR_INVALID, "%s is %u; allowed are %d to %d seconds", names[3],
        role->duration_s, MSKGOV_ROLE_DURATION_MIN_S, MSKGOV_ROLE_DURATION_MAX_S);

  return 0;
}

/* `token`: the web identity's; NULL: by the signer. */
static int assume(const gov_role *role, const char *region,
                  const gov_service_limits *limits, const mskgov_credentials *signer,
                  const char *token, mskgov_credentials **credentials,
                  mskgov_error_info *error) {
  const char *action = token ? "AssumeRoleWithWebIdentity" : "AssumeRole";
  char name[GOV_SESSION_NAME_MAX + 1], duration[16];
  const gov_sts_parameter parameters[] = {
      {"Action", action},
      {"RoleArn", role->arn},
      {"RoleSessionName", role->session_name ? role->session_name : name},
      {"ExternalId", token ? NULL : role->external_id},
      {"DurationSeconds", role->duration_s ? duration : NULL},
      {"WebIdentityToken", token},
  };
  gov_http_answer answer;
  int rc = role->session_name ? 0 : gov_session_name_default(name, error);

  if (rc)
    return rc;

  snprintf(duration, sizeof(duration), "%u", role->duration_s);
  rc = gov_sts_call(region, limits, parameters, COUNT(parameters), signer, &answer, error);
  if (rc)
    return rc;

  rc = gov_sts_read_credentials(action, &answer, credentials, error);
  gov_http_answer_fini(&answer);
  if (!rc)
    gov_credentials_set_source(*credentials, "%s %s", token ? "web identity" : "role",
                               role->arn);

  return rc;
}

int gov_role_assume(const gov_role *role, const char *region,
                    const gov_service_limits *limits, const mskgov_credentials *signer,
                    mskgov_credentials **credentials, mskgov_error_info *error) {
  return assume(role, region, limits, signer, NULL, credentials, error);
}

int gov_role_assume_with_file(const gov_role *role, const char *region,
                              const gov_service_limits *limits, const char *token_file,
                              mskgov_credentials **credentials, mskgov_error_info *error) {
  gov_buffer token;
  int rc;

  gov_buffer_init(&token, GOV_WEB_IDENTITY_TOKEN_MAX + 2); /* and a line end */
  rc = gov_file_read(token_file, "the web identity token", &token, error);
  while (token.length > 0 && strchr(" \t\r\n", token.data[token.length - 1]))
    token.data[--token.length] = '\0';
  if (!rc && token.length > 0 && strlen(token.data) < token.length)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "the web identity token has a byte that is not allowed (0x00)");
  if (!rc)
    rc =
        gov_credentials_check_part("the web identity token", token.length ? token.data : "",
                                   GOV_WEB_IDENTITY_TOKEN_MAX, error);
  if (!rc)
    rc = assume(role, region, limits, NULL, token.data, credentials, error);
  gov_buffer_fini(&token);

  return rc;
}
