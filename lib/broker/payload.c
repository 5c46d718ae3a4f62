#include "broker/payload.h"

#include "base/secret.h"
#include "codec/json_wipe.h"
#include "sign/msk_payload.h"

#include <mskgov/error.h>

#include <jansson.h>

#include <stdbool.h>
#include <string.h>

_Static_assert(GOV_PAYLOAD_MAX == GOV_MSK_PAYLOAD_MAX, "what our signer writes is read");

/* Fields, and the parameters of a URL that they are. */
static const struct {
  const char *field, *parameter;
  bool may_miss;
} parameters[] = {
    {"action", "Action", false},
    {"x-amz-algorithm", "X-Amz-Algorithm", false},
    {"x-amz-credential", "X-Amz-Credential", false},
    {"x-amz-date", "X-Amz-Date", false},
    {"x-amz-expires", "X-Amz-Expires", false},
    {"x-amz-security-token", "X-Amz-Security-Token", true},
    {"x-amz-signature", GOV_PRESIGNED_SIGNATURE, false},
    {"x-amz-signedheaders", "X-Amz-SignedHeaders", false},
};

/* The value of a field; NULL if it is missing or no text. */
static const char *find_text(const json_t *object, const char *field) {
  return json_string_value(json_object_get(object, field));
}

static int read_object(gov_presigned *presigned, const json_t *object) {
  const char *version = find_text(object, "version");
  const char *host = find_text(object, "host");
  size_t fields = 3; /* those above, and the user agent */

  if (!version || strcmp(version, GOV_MSK_PAYLOAD_VERSION) != 0 || !host ||
      !find_text(object, "user-agent"))
    return MSKGOV_ERR_PROTOCOL;

  for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
    const char *value = find_text(object, parameters[i].field);
    int rc;

    if (!value && parameters[i].may_miss)
      continue; /* one that is no text is one field too many, below */
    if (!value)
      return MSKGOV_ERR_PROTOCOL;

    rc = gov_presigned_add(presigned, parameters[i].parameter, value);
    if (rc)
      return rc;
    fields++;
  }

  return json_object_size(object) == fields
             ? gov_presigned_set_host(presigned, host, strlen(host))
             : MSKGOV_ERR_PROTOCOL;
}

int gov_payload_parse(gov_presigned *presigned, const char *payload, size_t length) {
  json_error_t detail = {0};
  json_t *document;
  int rc = MSKGOV_ERR_PROTOCOL;

  gov_presigned_init(presigned);
  if (length > GOV_PAYLOAD_MAX)
    return rc;

  document = json_loadb(payload, length, JSON_REJECT_DUPLICATES, &detail);
  if (json_is_object(document))
    rc = read_object(presigned, document);
  else if (!document && json_error_code(&detail) == json_error_out_of_memory)
    rc = MSKGOV_ERR_NO_MEMORY;

  gov_secret_wipe(&detail, sizeof(detail)); /* jansson repeats in it what it read */
  gov_json_wipe(document);

  return rc;
}
