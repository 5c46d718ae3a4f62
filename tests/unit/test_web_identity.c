/*
 * The provider of a web identity: the file of its token, which is replaced from time to
 * time, and the variables that name it.
 */
#define HTTP_STUB_REQUEST_SIZE 32768

#include "base/clock.h"
#include "example_credentials.h"
#include "harness.h"
#include "sts_stub.h"

#include <mskgov/sts.h>

#include <stdatomic.h>

#define ARN "arn:aws:iam::123456789012:role/demo"
#define OTHER_ARN "arn:aws:iam::123456789012:role/other"
#define TOKEN "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl-_"
#define GOOD                                                                               \
  STS_OK(STS_CREDENTIALS("AssumeRoleWithWebIdentity", "ASIA1", "s", "t", EXPIRATION))

static const http_stub_answer good = {GOOD, 0};
static char directory[64], token_path[128];

static void write_token(const char *text, size_t length) {
  char path[160];
  FILE *file;

  snprintf(path, sizeof(path), "%s.new", token_path);
  file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, length, file), length);
  ck_assert_int_eq(fclose(file), 0);
  ck_assert_int_eq(rename(path, token_path), 0);
}

static void start(void) {
  aws_environment_clear();
  setenv("AWS_REGION", "eu-west-1", 1);
  setenv("AWS_ROLE_ARN", ARN, 1);
  strcpy(directory, "/tmp/mskgov-web-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(directory));
  snprintf(token_path, sizeof(token_path), "%s/token", directory);
  setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_path, 1);
}

static void stop(void) {
  unlink(token_path);
  ck_assert_int_eq(rmdir(directory), 0);
}

static mskgov_credentials_provider *make(const char *file,
                                         const mskgov_role_options *options) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  ck_assert_msg(
      mskgov_credentials_provider_new_web_identity(&provider, file, options, &error) == 0,
      "%s", error.text);

  return provider;
}

static int get(mskgov_credentials_provider *provider, mskgov_error_info *error) {
  mskgov_credentials *got;
  int rc = mskgov_credentials_provider_get(provider, &got, error);

  mskgov_credentials_free(got);

  return rc;
}

#define TEXT(text) text, sizeof(text) - 1

static const struct {
  const char *text;
  size_t length;
  const char *expected; /* what is sent; NULL: it is refused */
} files[] = {
    {TEXT(TOKEN), TOKEN},
    {TEXT(TOKEN "\n"), TOKEN},
    {TEXT(TOKEN "\r\n"), TOKEN},
    {TEXT(TOKEN " \n\n"), TOKEN},
    {TEXT(TOKEN " " TOKEN), NULL},
    {TEXT(" " TOKEN), NULL},
    {TEXT(TOKEN "\n" TOKEN "\n"), NULL},
    {TEXT(TOKEN "\0" TOKEN), NULL},
    {TEXT(TOKEN "\x7f"), NULL},
    {TEXT(TOKEN "\xc3\xa9"), NULL},
    {TEXT(""), NULL},
    {TEXT("\n"), NULL},
};

START_TEST(test_files) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  int rc;

  start();
  write_token(files[_i].text, files[_i].length);
  provider = make(_i % 2 ? token_path : NULL, NULL);
  if (_i % 2) /* the one that is given counts */
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", directory, 1);
  sts_start(&good, 1);
  rc = get(provider, &error);
  http_stub_stop(&sts);
  mskgov_credentials_provider_free(provider);
  stop();
  ck_assert_msg(rc == (files[_i].expected ? 0 : MSKGOV_ERR_INVALID), "%d: %s", rc,
                error.text);
  ck_assert_uint_eq(sts.request_count, files[_i].expected != NULL);
  if (files[_i].expected) {
    check_field(0, "WebIdentityToken", files[_i].expected);
    check_field(0, "RoleArn", ARN);
  } else {
    ck_assert_ptr_nonnull(strstr(error.text, "web identity token"));
    ck_assert_ptr_null(strstr(error.text, "eyJ"));
    ck_assert_ptr_null(strstr(error.text, "NULL"));
  }
}
END_TEST

START_TEST(test_too_long) {
  static char text[20001];
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  start();
  memset(text, 'e', sizeof(text));
  write_token(text, sizeof(text));
  provider = make(NULL, NULL);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "20000"));
  mskgov_credentials_provider_free(provider);
  stop();
}
END_TEST

START_TEST(test_no_file) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  start();
  provider = make(NULL, NULL);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_SYSTEM);
  ck_assert_ptr_nonnull(strstr(error.text, token_path));
  setenv("AWS_WEB_IDENTITY_TOKEN_FILE", directory, 1);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_SYSTEM);
  unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_NO_CREDENTIALS);
  ck_assert_ptr_nonnull(strstr(error.text, "AWS_WEB_IDENTITY_TOKEN_FILE"));
  setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "", 1);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_NO_CREDENTIALS);
  mskgov_credentials_provider_free(provider);
  stop();
}
END_TEST

/* The option's role, else the variable's; one of them has to be there, and right. */
START_TEST(test_role) {
  static const struct {
    const char *option, *variable, *expected, *text;
  } roles[] = {{OTHER_ARN, ARN, OTHER_ARN, NULL},
               {NULL, ARN, ARN, NULL},
               {OTHER_ARN, NULL, OTHER_ARN, NULL},
               {NULL, NULL, NULL, "AWS_ROLE_ARN"},
               {NULL, "demo", NULL, "AWS_ROLE_ARN is \"demo\""}};
  mskgov_credentials_provider *provider;
  mskgov_role_options options;
  mskgov_error_info error;
  int rc;

  start();
  write_token(TEXT(TOKEN));
  mskgov_role_options_init(&options);
  options.aws_role_arn = roles[_i].option;
  options.aws_role_external_id = "unused";
  options.duration_s = 900;
  if (roles[_i].variable)
    setenv("AWS_ROLE_ARN", roles[_i].variable, 1);
  else
    unsetenv("AWS_ROLE_ARN");
  provider = make(NULL, &options);
  sts_start(&good, 1);
  rc = get(provider, &error);
  http_stub_stop(&sts);
  mskgov_credentials_provider_free(provider);
  stop();
  if (roles[_i].expected) {
    ck_assert_msg(rc == 0, "%s", error.text);
    check_field(0, "RoleArn", roles[_i].expected);
    check_field(0, "DurationSeconds", "900");
    check_field(0, "ExternalId", NULL);
  } else {
    ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, roles[_i].text));
  }
}
END_TEST

START_TEST(test_session_name) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  start();
  write_token(TEXT(TOKEN));
  setenv("AWS_ROLE_SESSION_NAME", "pod-7", 1);
  provider = make(NULL, NULL);
  sts_start(&good, 1);
  ck_assert_int_eq(get(provider, &error), 0);
  ck_assert_int_eq(get(provider, &error), 0);
  setenv("AWS_ROLE_SESSION_NAME", "pod/7", 1);
  ck_assert_int_eq(get(provider, &error), MSKGOV_ERR_INVALID);
  http_stub_stop(&sts);
  ck_assert_ptr_nonnull(strstr(error.text, "AWS_ROLE_SESSION_NAME is \"pod/7\""));
  ck_assert_uint_eq(sts.request_count, 2);
  check_field(0, "RoleSessionName", "pod-7");
  check_field(1, "RoleSessionName", "pod-7");
  mskgov_credentials_provider_free(provider);
  stop();
}
END_TEST

START_TEST(test_file_is_read_at_every_get) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;

  start();
  write_token(TEXT("first.token"));
  provider = make(token_path, NULL);
  sts_start(&good, 1);
  ck_assert_int_eq(get(provider, &error), 0);
  write_token(TEXT("second.token"));
  ck_assert_int_eq(get(provider, &error), 0);
  http_stub_stop(&sts);
  check_field(0, "WebIdentityToken", "first.token");
  check_field(1, "WebIdentityToken", "second.token");
  mskgov_credentials_provider_free(provider);
  stop();
}
END_TEST

#define LONG_SIZE 20000

static char tokens[2][LONG_SIZE + 1];
static atomic_bool replacing;

static void *replace_over_and_over(void *unused) {
  (void)unused;
  for (size_t i = 0; atomic_load(&replacing); i++)
    write_token(tokens[i % 2], i % 2 ? LONG_SIZE : 5000);

  return NULL;
}

START_TEST(test_file_is_replaced_meanwhile) {
  static char value[LONG_SIZE + 1];
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  pthread_t thread;

  start();
  memset(tokens[0], 'a', 5000);
  memset(tokens[1], 'b', LONG_SIZE);
  write_token(tokens[0], 5000);
  provider = make(NULL, NULL);
  atomic_store(&replacing, true);
  sts_start(&good, 1);
  ck_assert_int_eq(pthread_create(&thread, NULL, replace_over_and_over, NULL), 0);
  for (size_t i = 0; i < HTTP_STUB_REQUESTS; i++)
    ck_assert_msg(get(provider, &error) == 0, "%s", error.text);
  atomic_store(&replacing, false);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  http_stub_stop(&sts);
  for (size_t i = 0; i < HTTP_STUB_REQUESTS; i++) {
    ck_assert(request_field(sts.requests[i], "WebIdentityToken", value, sizeof(value)));
    ck_assert(strcmp(value, tokens[0]) == 0 || strcmp(value, tokens[1]) == 0);
  }
  mskgov_credentials_provider_free(provider);
  stop();
}
END_TEST

TEST_MAIN("web_identity", TEST_TABLE(test_files, files), TEST(test_too_long),
          TEST(test_no_file), TEST_LOOP(test_role, 5), TEST(test_session_name),
          TEST(test_file_is_read_at_every_get), TEST(test_file_is_replaced_meanwhile))
