#include "credentials/sso.h"

#include "base/check.h"
#include "base/error.h"
#include "base/strings.h"
#include "codec/json_wipe.h"
#include "codec/time.h"
#include "codec/uri.h"
#include "credentials/credentials.h"
#include "credentials/endpoint.h"
#include "credentials/file.h"
#include "credentials/json.h"
#include "credentials/path.h"
#include "credentials/skew.h"
#include "sign/region.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "IAM Identity Center"
#define LOGIN "; log in anew: aws sso login"
#define FILE_MAX 65536 /* those seen have 3 KiB */
#define PATH_MAX_SIZE 128

static gov_service the_service = {.name = SERVICE};

void mskgov_sso_options_init(mskgov_sso_options *options) {
  *options = (mskgov_sso_options){.struct_size = sizeof(*options)};
}

int gov_sso_check(const char *field, const mskgov_sso_options *options,
                  mskgov_error_info *error) {
  const struct {
    const char *name, *value;
  } needed[] = {{"start_url", options->start_url},
                {"region", options->region},
                {"account_id", options->account_id},
                {"role_name", options->role_name}};
  char name[64];

  for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
    if (!needed[i].value || !*needed[i].value)
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "%s%s is not set; IAM Identity Center needs the start URL, the "
                           "region, the account and the name of the role",
                           field, needed[i].name);

  snprintf(name, sizeof(name), "%sregion", field);
  if (gov_region_check(name, options->region, error))
    return MSKGOV_ERR_INVALID;
  if (strlen(options->account_id) != 12 || strspn(options->account_id, "0123456789") != 12)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%saccount_id is \"%.32s\"; expected 12 digits", field,
                         options->account_id);

  return 0;
}

/* The file's name is the SHA-1 of the session's name, or of the start URL: "aws sso login"
   chose so, and it protects nothing. */
static int find_file(const mskgov_sso_options *options, char **path,
                     mskgov_error_info *error) {
  const char *key = options->session ? options->session : options->start_url;
  unsigned char digest[EVP_MAX_MD_SIZE];
  char name[PATH_MAX_SIZE] = "~/.aws/sso/cache/";
  size_t used = strlen(name);
  unsigned length;

  if (!EVP_Digest(key, strlen(key), digest, &length, EVP_sha1(), NULL))
    return gov_error_set(error, MSKGOV_ERR_CRYPTO, "SHA-1 failed");
  for (unsigned i = 0; i < length; i++)
    used += (size_t)snprintf(name + used, sizeof(name) - used, "%02x", digest[i]);
  snprintf(name + used, sizeof(name) - used, ".json");

  return gov_path_expand(name, path, error);
}

int gov_sso_read_token(const char *text, size_t length, gov_buffer *token,
                       uint64_t *expires_at_ns, mskgov_error_info *error) {
  json_t *object = json_loadb(text ? text : "", length, JSON_REJECT_DUPLICATES, NULL);
  const char *value = json_string_value(json_object_get(object, "accessToken"));
  const char *expiry = json_string_value(json_object_get(object, "expiresAt"));
  mskgov_error_info detail = {0};
  int rc = 0;

  if (!value || !expiry || gov_time_parse_iso8601(expiry, expires_at_ns))
    rc = gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                       "it is no JSON with accessToken and expiresAt (a time in ISO 8601)");
  if (!rc && gov_credentials_check_part("accessToken", value, GOV_SSO_TOKEN_MAX, &detail))
    rc = gov_error_set(error, MSKGOV_ERR_PROTOCOL, "%.200s", detail.text);
  if (!rc) {
    gov_buffer_append_string(token, value);
    rc = token->failed ? gov_error_no_memory(error) : 0;
  }
  gov_json_wipe(object);

  return rc;
}

static int load_token(const mskgov_sso_options *options, gov_buffer *token,
                      mskgov_error_info *error) {
  mskgov_error_info detail = {0};
  uint64_t expires_at_ns;
  gov_buffer file;
  char *path;
  int rc = find_file(options, &path, error);

  if (rc)
    return rc;

  gov_buffer_init(&file, FILE_MAX);
  rc = gov_file_read_if_there(path, "the token of " SERVICE, &file, error);
  if (!rc && file.length == 0)
    rc = gov_error_set(error, MSKGOV_ERR_REFUSED,
                       "there is no token of " SERVICE " at %.200s" LOGIN, path);
  if (!rc) {
    rc = gov_sso_read_token(file.data, file.length, token, &expires_at_ns, &detail);
    if (rc)
      gov_error_set(error, rc, "the token of " SERVICE " at %.200s: %.200s", path,
                    detail.text);
  }
  if (!rc && expires_at_ns <= gov_skew_unix_ns(&gov_skew_host, &gov_clock_system))
    rc = gov_error_set(error, MSKGOV_ERR_REFUSED,
                       "the token of " SERVICE " at %.200s has expired" LOGIN, path);
  gov_buffer_fini(&file);
  free(path);

  return rc;
}

static int fetch(const mskgov_sso_options *options, const gov_buffer *token,
                 gov_http_answer *answer, mskgov_error_info *error) {
  const gov_http_header bearer = {"x-amz-sso_bearer_token", token->data};
  gov_http_request request = {.method = "GET", .headers = &bearer, .header_count = 1};
  gov_endpoint endpoint;
  gov_buffer url;
  int rc = gov_endpoint_find(&endpoint, "SSO", options->region, error);

  if (rc)
    return rc;

  gov_buffer_init(&url, 4096);
  gov_buffer_append_string(&url, endpoint.url);
  gov_buffer_append_string(&url, "federation/credentials?role_name=");
  gov_uri_encode(options->role_name, strlen(options->role_name), &url);
  gov_buffer_append_string(&url, "&account_id=");
  gov_buffer_append_string(&url, options->account_id);
  request.url = url.data;
  rc = url.failed ? gov_error_set(error, MSKGOV_ERR_INVALID, "role_name is too long")
                  : gov_service_fetch(&the_service, &request, &gov_service_far_limits,
                                      answer, error);
  gov_buffer_fini(&url);
  if (rc || answer->status == 200)
    return rc;

  rc = gov_error_set(error, MSKGOV_ERR_REFUSED,
                     SERVICE " refused role \"%.64s\" of account %s (status %d)%s",
                     options->role_name, options->account_id, answer->status,
                     answer->status == 401 ? LOGIN : "");
  gov_http_answer_fini(answer);

  return rc;
}

int gov_sso_get(const mskgov_sso_options *options, mskgov_credentials **credentials,
                mskgov_error_info *error) {
  gov_http_answer answer;
  gov_buffer token;
  int rc;

  gov_buffer_init(&token, GOV_SSO_TOKEN_MAX);
  rc = load_token(options, &token, error);
  if (!rc)
    rc = fetch(options, &token, &answer, error);
  gov_buffer_fini(&token);
  if (rc)
    return rc;

  rc = gov_credentials_json_take(&gov_credentials_shape_sso, SERVICE, &answer, credentials,
                                 error);
  if (!rc)
    gov_credentials_set_source(*credentials, "SSO role %s of account %s",
                               options->role_name, options->account_id);

  return rc;
}

static int get(void *self, mskgov_credentials **credentials, mskgov_error_info *error) {
  return gov_sso_get(self, credentials, error);
}

#define STRINGS 5

static void list_strings(mskgov_sso_options *options, const char **strings[STRINGS]) {
  strings[0] = &options->session;
  strings[1] = &options->start_url;
  strings[2] = &options->region;
  strings[3] = &options->account_id;
  strings[4] = &options->role_name;
}

static void release(void *self) {
  const char **strings[STRINGS];

  list_strings(self, strings);
  gov_strings_free(strings, STRINGS);
  free(self);
}

static const mskgov_credentials_provider_ops operations = {get, release};

int mskgov_credentials_provider_new_sso(mskgov_credentials_provider **provider,
                                        const mskgov_sso_options *options,
                                        mskgov_error_info *error) {
  const char **strings[STRINGS];
  mskgov_sso_options *self;
  int rc;

  gov_error_reset(error);
  *provider = NULL;
  rc = gov_check_struct("options", options, sizeof(*options),
                        "fill the options with mskgov_sso_options_init", error);
  if (!rc)
    rc = gov_sso_check("options.", options, error);
  if (rc)
    return rc;

  self = malloc(sizeof(*self));
  if (!self)
    return gov_error_no_memory(error);

  *self = *options;
  list_strings(self, strings);
  rc = gov_strings_copy(strings, STRINGS)
           ? mskgov_credentials_provider_new(provider, &operations, self, error)
           : gov_error_no_memory(error);
  if (rc)
    release(self);

  return rc;
}
