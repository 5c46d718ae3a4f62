/*
 * The role providers by the public interface: their options, and what they send to a
 * stand-in of STS on loopback.
 */
#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "sts_stub.h"

#include <mskgov/sts.h>

#include <stddef.h>

#define ARN "arn:aws:iam::123456789012:role/demo"
#define BY_KEYS STS_OK(STS_CREDENTIALS("AssumeRole", "ASIA1", "s", "t", EXPIRATION))

static void start(void) {
  aws_environment_clear();
  setenv("AWS_ACCESS_KEY_ID", ID, 1);
  setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
  setenv("AWS_REGION", "eu-west-1", 1);
}

static int get(mskgov_credentials_provider *provider, mskgov_error_info *error) {
  mskgov_credentials *got;
  int rc = mskgov_credentials_provider_get(provider, &got, error);

  mskgov_credentials_free(got);

  return rc;
}

static char x1225[1226], x65[66], long_arn[2050];

/* Sets one option from a text or a number, and what the error has to name. */
static const struct {
  size_t offset;
  const char *text;
  uint32_t number;
  const char *expected; /* NULL: it is taken */
} options_cases[] = {
#define FIELD(field) offsetof(mskgov_role_options, field)
    {FIELD(aws_role_arn), "", 0, "options.aws_role_arn"},
    {FIELD(aws_role_arn), "demo", 0, "options.aws_role_arn is \"demo\""},
    {FIELD(aws_role_arn), "arn:aws:iam::123456789012:user/demo", 0, "options.aws_role_arn"},
    {FIELD(aws_role_arn), "arn:aws:iam::123456789012:role/", 0, "options.aws_role_arn"},
    {FIELD(aws_role_arn), "arn:aws:iam::123456789012:role/a b", 0, "options.aws_role_arn"},
    {FIELD(aws_role_arn), long_arn, 0, "options.aws_role_arn"},
    {FIELD(aws_role_arn), "arn:aws-us-gov:iam::123456789012:role/path/demo", 0, NULL},
    {FIELD(aws_role_external_id), "", 0, "options.aws_role_external_id"},
    {FIELD(aws_role_external_id), "x", 0, "options.aws_role_external_id"},
    {FIELD(aws_role_external_id), x1225, 0, "options.aws_role_external_id"},
    {FIELD(aws_role_external_id), x1225 + 1, 0, NULL},
    {FIELD(aws_role_external_id), "a#b", 0, "options.aws_role_external_id"},
    {FIELD(aws_role_external_id), "aZ09_+=,.@:/-", 0, NULL},
    {FIELD(aws_role_session_name), "x", 0, "options.aws_role_session_name"},
    {FIELD(aws_role_session_name), "a/b", 0, "options.aws_role_session_name"},
    {FIELD(aws_role_session_name), x65, 0, "options.aws_role_session_name"},
    {FIELD(aws_role_session_name), x65 + 1, 0, NULL},
    {FIELD(aws_sts_region), "eu-west", 0, "options.aws_sts_region is \"eu-west\""},
    {FIELD(aws_sts_region), "", 0, "options.aws_sts_region"},
    {FIELD(aws_sts_region), "cn-north-1", 0, NULL},
    {FIELD(region), "mars-1", 0, "options.region is \"mars-1\""},
    {FIELD(aws_max_retries), NULL, 10, NULL},
    {FIELD(aws_max_retries), NULL, 11, "options.aws_max_retries"},
    {FIELD(aws_max_back_off_time_ms), NULL, 500, NULL},
    {FIELD(aws_max_back_off_time_ms), NULL, 499, "options.aws_max_back_off_time_ms"},
    {FIELD(aws_max_back_off_time_ms), NULL, 60000, NULL},
    {FIELD(aws_max_back_off_time_ms), NULL, 60001, "options.aws_max_back_off_time_ms"},
    {FIELD(duration_s), NULL, 899, "options.duration_s is 899"},
    {FIELD(duration_s), NULL, 900, NULL},
    {FIELD(duration_s), NULL, 43200, NULL},
    {FIELD(duration_s), NULL, 43201, "options.duration_s is 43201"},
    {FIELD(struct_size), NULL, 8, "mskgov_role_options_init"},
};

START_TEST(test_options) {
  mskgov_credentials_provider *provider[2];
  mskgov_role_options options;
  mskgov_error_info error[2];
  char *field = (char *)&options + options_cases[_i].offset;
  int rc[2];

  start();
  memset(x1225, 'x', sizeof(x1225) - 1);
  memset(x65, 'x', sizeof(x65) - 1);
  memset(long_arn, 'x', sizeof(long_arn) - 1);
  memcpy(long_arn, ARN, strlen(ARN));
  mskgov_role_options_init(&options);
  ck_assert_uint_eq(options.aws_max_retries, 3);
  ck_assert_uint_eq(options.aws_max_back_off_time_ms, 5000);
  ck_assert_uint_eq(options.duration_s, 3600);
  options.aws_role_arn = ARN;
  if (options_cases[_i].text)
    memcpy(field, &options_cases[_i].text, sizeof(void *));
  else
    memcpy(field, &options_cases[_i].number, sizeof(uint32_t));
  rc[0] = mskgov_credentials_provider_new_role(&provider[0], &options, &error[0]);
  rc[1] =
      mskgov_credentials_provider_new_web_identity(&provider[1], "/x", &options, &error[1]);
  for (int i = 0; i < 2; i++) {
    if (options_cases[_i].expected) {
      ck_assert_int_eq(rc[i], MSKGOV_ERR_INVALID);
      ck_assert_ptr_null(provider[i]);
      ck_assert_msg(strstr(error[i].text, options_cases[_i].expected), "%s", error[i].text);
    } else {
      ck_assert_msg(rc[i] == 0, "%s", error[i].text);
    }
    mskgov_credentials_provider_free(provider[i]);
  }
}
END_TEST

START_TEST(test_options_that_lack_or_collide) {
  mskgov_credentials_provider *provider, *source;
  mskgov_role_options options;
  mskgov_error_info error;

  start();
  mskgov_role_options_init(&options);
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "options.aws_role_arn is NULL"));
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, NULL, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "options is NULL"));

  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&source, NULL), 0);
  options.aws_role_arn = ARN;
  options.aws_profile_name = "demo";
  options.source = source;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "options.aws_profile_name"));
  ck_assert_ptr_nonnull(strstr(error.text, "options.source"));
  mskgov_credentials_provider_free(source);
}
END_TEST

static void check_role_requests(size_t count) {
  char authorization[1024];

  for (size_t i = 0; i < count; i++) {
    check_field(i, "Action", "AssumeRole");
    check_field(i, "RoleArn", ARN);
    check_field(i, "ExternalId", "external/id");
    check_field(i, "DurationSeconds", "1800");
    ck_assert(request_header(sts.requests[i], "Authorization", authorization,
                             sizeof(authorization)));
    ck_assert_ptr_nonnull(strstr(authorization, "/ap-south-1/sts/aws4_request"));
  }
}

/* The strings are copies and the source a hold; the session's name stays the same. */
START_TEST(test_role) {
  static const http_stub_answer told = {BY_KEYS, 0};
  char arn[] = ARN, external_id[] = "external/id", name[] = "me@host";
  mskgov_credentials_provider *provider, *source;
  mskgov_role_options options;
  mskgov_error_info error;
  char first[128], again[128];

  start();
  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&source, NULL), 0);
  mskgov_role_options_init(&options);
  options.aws_role_arn = arn;
  options.aws_role_external_id = external_id;
  options.aws_role_session_name = _i ? name : NULL;
  options.duration_s = 1800;
  options.aws_sts_region = "ap-south-1";
  options.region = "us-east-1";
  options.source = _i ? source : NULL;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error), 0);
  mskgov_credentials_provider_free(source);
  memset(arn, 'x', 8);
  memset(external_id, 'x', 8);
  memset(name, 'x', 4);
  sts_start(&told, 1);
  for (int i = 0; i < 3; i++)
    ck_assert_msg(get(provider, &error) == 0, "%s", error.text);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 3);
  check_role_requests(3);
  if (_i)
    check_field(0, "RoleSessionName", "me@host");
  ck_assert(request_field(sts.requests[0], "RoleSessionName", first, sizeof(first)));
  ck_assert(request_field(sts.requests[2], "RoleSessionName", again, sizeof(again)));
  ck_assert_str_eq(first, again);
  mskgov_credentials_provider_free(provider);
}
END_TEST

/* Where STS's region comes from: of these the first that is set. */
static const struct {
  const char *option, *variable, *other_variable, *fallback, *expected;
} regions[] = {
    {"ap-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-south-1"},
    {NULL, "eu-west-1", "eu-west-2", "eu-west-3", "eu-west-1"},
    {NULL, NULL, "eu-west-2", "eu-west-3", "eu-west-2"},
    {NULL, "", "eu-west-2", "eu-west-3", "eu-west-2"},
    {NULL, NULL, NULL, "eu-west-3", "eu-west-3"},
    {NULL, NULL, NULL, NULL, NULL},
};

START_TEST(test_region) {
  static const http_stub_answer told = {BY_KEYS, 0};
  mskgov_credentials_provider *provider;
  mskgov_role_options options;
  mskgov_error_info error;
  char authorization[1024];
  int rc;

  start();
  unsetenv("AWS_REGION");
  if (regions[_i].variable)
    setenv("AWS_REGION", regions[_i].variable, 1);
  if (regions[_i].other_variable)
    setenv("AWS_DEFAULT_REGION", regions[_i].other_variable, 1);
  mskgov_role_options_init(&options);
  options.aws_role_arn = ARN;
  options.aws_sts_region = regions[_i].option;
  options.region = regions[_i].fallback;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error), 0);
  sts_start(&told, 1);
  rc = get(provider, &error);
  http_stub_stop(&sts);
  mskgov_credentials_provider_free(provider);
  if (!regions[_i].expected) {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "options.aws_sts_region"));
    return;
  }
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert(request_header(sts.requests[0], "Authorization", authorization,
                           sizeof(authorization)));
  ck_assert_msg(strstr(authorization, regions[_i].expected), "%s", authorization);
}
END_TEST

/* The source's error is the error, and STS is not asked. */
START_TEST(test_source_that_has_none) {
  static const http_stub_answer told = {BY_KEYS, 0};
  mskgov_credentials_provider *provider, *source;
  mskgov_role_options options;
  mskgov_error_info error;

  start();
  unsetenv("AWS_ACCESS_KEY_ID");
  unsetenv("AWS_SECRET_ACCESS_KEY");
  ck_assert_int_eq(mskgov_credentials_provider_new_environment(&source, NULL), 0);
  mskgov_role_options_init(&options);
  options.aws_role_arn = ARN;
  options.source = source;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error), 0);
  sts_start(&told, 1);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_NO_CREDENTIALS);
  ck_assert_ptr_nonnull(strstr(error.text, "AWS_ACCESS_KEY_ID"));
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, 0);
  mskgov_credentials_provider_free(provider);
  mskgov_credentials_provider_free(source);
}
END_TEST

/* aws_max_retries of 0 is one attempt. */
START_TEST(test_retries) {
  static const http_stub_answer told = {HTTP_STUB_STATUS("503 -", "a/b", ""), 0};
  mskgov_credentials_provider *provider;
  mskgov_role_options options;
  mskgov_error_info error;

  start();
  mskgov_role_options_init(&options);
  options.aws_role_arn = ARN;
  options.aws_max_retries = (uint32_t)_i;
  options.aws_max_back_off_time_ms = 500;
  ck_assert_int_eq(mskgov_credentials_provider_new_role(&provider, &options, &error), 0);
  sts_start(&told, 1);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_TRANSPORT);
  http_stub_stop(&sts);
  ck_assert_uint_eq(sts.request_count, (size_t)_i + 1);
  mskgov_credentials_provider_free(provider);
}
END_TEST

TEST_MAIN("role", TEST_TABLE(test_options, options_cases),
          TEST(test_options_that_lack_or_collide), TEST_LOOP(test_role, 2),
          TEST_TABLE(test_region, regions), TEST(test_source_that_has_none),
          TEST_LOOP(test_retries, 2))
