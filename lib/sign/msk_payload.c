#include "sign/msk_payload.h"

#include "base/error.h"
#include "base/secret.h"

/* What is no visible ASCII cannot be in any part but the user agent, where it counts for
   nothing: a question mark takes its place. */
static void append_value(gov_buffer *out, const char *text) {
  for (; *text; text++) {
    char c = *text >= ' ' && *text <= '~' ? *text : '?';

    if (c == '"' || c == '\\')
      gov_buffer_append(out, "\\", 1);
    gov_buffer_append(out, &c, 1);
  }
}

static void append_field(gov_buffer *out, const char *name, const char *value) {
  gov_buffer_append_string(out, ",\"");
  gov_buffer_append_string(out, name);
  gov_buffer_append_string(out, "\":\"");
  append_value(out, value);
  gov_buffer_append_string(out, "\"");
}

static void append_payload(gov_buffer *out, const gov_msk_parts *parts, const char *host,
                           const char *signature) {
  gov_buffer credential;

  gov_buffer_init(&credential, GOV_MSK_CREDENTIAL_MAX);
  gov_msk_request_credential(&credential, parts);
  if (credential.failed)
    out->failed = true;

  gov_buffer_append_string(out, "{\"version\":\"" GOV_MSK_PAYLOAD_VERSION "\"");
  append_field(out, "host", host);
  append_field(out, "user-agent", parts->user_agent);
  append_field(out, "action", GOV_MSK_ACTION);
  append_field(out, "x-amz-algorithm", GOV_SIGV4_ALGORITHM);
  append_field(out, "x-amz-credential", credential.failed ? "" : credential.data);
  append_field(out, "x-amz-date", parts->timestamp);
  if (parts->session_token)
    append_field(out, "x-amz-security-token", parts->session_token);
  append_field(out, "x-amz-signedheaders", "host");
  append_field(out, "x-amz-expires", GOV_MSK_EXPIRES);
  append_field(out, "x-amz-signature", signature);
  gov_buffer_append_string(out, "}");

  gov_buffer_fini(&credential);
}

int gov_msk_payload_sign(gov_buffer *out, const gov_msk_parts *parts, const char *host,
                         const unsigned char key[GOV_SIGV4_KEY_SIZE],
                         mskgov_error_info *error) {
  char signature[GOV_SIGV4_SIGNATURE_SIZE] = "";
  gov_buffer query;
  int rc;

  gov_buffer_init(&query, GOV_MSK_REQUEST_MAX);
  gov_msk_request_query(&query, parts);
  rc = query.failed ? gov_error_no_memory(error)
                    : gov_msk_request_sign(parts, host, query.data, key, signature, error);
  if (!rc)
    append_payload(out, parts, host, signature);
  if (!rc && out->failed)
    rc = gov_error_no_memory(error);
  gov_secret_wipe(signature, sizeof(signature));
  gov_buffer_fini(&query);

  return rc;
}
