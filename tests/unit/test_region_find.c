/*
 * Where the region is found: every place, in their order, and the text if none tells.
 */
#include "credentials/region.h"

#include "harness.h"
#include "profile_home.h"
#include "sts_stub.h"

#include <string.h>

#define BROKER "b-1.demo.abc123.c2.kafka.ap-south-1.amazonaws.com:9098"

/* What each place says; NULL: nothing. */
static const struct {
  const char *option, *variable, *other_variable, *config, *credentials, *broker, *instance;
  const char *region, *source;
} cases[] = {
    {"eu-west-1", "eu-west-2", "eu-west-3", "[default]\nregion=us-east-1\n", NULL, BROKER,
     "us-west-2", "eu-west-1", "option"},
    {NULL, "eu-west-2", "eu-west-3", "[default]\nregion=us-east-1\n", NULL, BROKER,
     "us-west-2", "eu-west-2", "AWS_REGION"},
    {NULL, NULL, "eu-west-3", "[default]\nregion=us-east-1\n", NULL, BROKER, "us-west-2",
     "eu-west-3", "AWS_DEFAULT_REGION"},
    {NULL, "", "eu-west-3", NULL, NULL, NULL, NULL, "eu-west-3", "AWS_DEFAULT_REGION"},
    {NULL, NULL, NULL, "[default]\nregion=us-east-1\n", NULL, BROKER, "us-west-2",
     "us-east-1", "profile"},
    {NULL, "", "", "[default]\nregion=us-east-1\n", "[default]\nregion=us-east-2\n", BROKER,
     "us-west-2", "us-east-2", "profile"},
    {NULL, NULL, NULL, "[profile other]\nregion=us-east-1\n", NULL, BROKER, "us-west-2",
     "ap-south-1", "broker"},
    {NULL, NULL, NULL, "[default]\nregion=\n", NULL, BROKER, NULL, "ap-south-1", "broker"},
    {NULL, NULL, NULL, NULL, NULL, NULL, "us-west-2", "us-west-2", "instance metadata"},
    {NULL, NULL, NULL, NULL, NULL, "localhost:9098", "us-west-2", "us-west-2",
     "instance metadata"},
};

static const gov_service_limits brisk = {.connect_timeout_ms = 5000,
                                         .timeout_ms = 5000,
                                         .attempts = 1,
                                         .backoff_ms = 1,
                                         .backoff_max_ms = 1};

static void set_places(size_t i) {
  aws_environment_clear();
  make_home(cases[i].config, cases[i].credentials);
  if (cases[i].variable)
    setenv("AWS_REGION", cases[i].variable, 1);
  if (cases[i].other_variable)
    setenv("AWS_DEFAULT_REGION", cases[i].other_variable, 1);
}

static void ask_instance(uint16_t port) {
  char url[128];

  setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_stub_url(url, port, ""), 1);
  unsetenv("AWS_EC2_METADATA_DISABLED");
}

START_TEST(test_places) {
  static const http_stub_answer token = {HTTP_STUB_OK("text/plain", "token=="), 0};
  char answer[256], region[MSKGOV_REGION_SIZE];
  http_stub_answer told[2] = {token, {answer, 0}};
  mskgov_region_options options;
  mskgov_error_info error;
  const char *source = NULL;
  int rc;

  set_places((size_t)_i);
  snprintf(answer, sizeof(answer), HTTP_STUB_OK("text/plain", "%s"),
           cases[_i].instance ? cases[_i].instance : "");
  http_stub_start(&sts, told, 2);
  ask_instance(sts.port);
  mskgov_region_options_init(&options);
  ck_assert(options.ask_instance);
  options.region = cases[_i].option;
  options.broker = cases[_i].broker;
  rc = gov_region_find(&options, &brisk, region, &source, &error);
  http_stub_stop(&sts);
  remove_home();
  ck_assert_msg(rc == 0, "%s", error.text);
  ck_assert_str_eq(region, cases[_i].region);
  ck_assert_str_eq(source, cases[_i].source);
  /* the instance is asked last, and only if nobody else tells */
  ck_assert_int_eq(sts.request_count > 0,
                   strcmp(cases[_i].source, "instance metadata") == 0);
  if (sts.request_count > 0)
    ck_assert_ptr_nonnull(
        strstr(sts.requests[1], "GET /latest/meta-data/placement/region HTTP"));
}
END_TEST

/* The profile of the option, else of AWS_PROFILE; the files of the options. */
START_TEST(test_profile) {
  static const char config[] =
      "[default]\nregion=us-east-1\n[profile a]\nregion=us-west-1\n"
      "[profile b]\nregion=us-west-2\n";
  char region[MSKGOV_REGION_SIZE], other[128];
  mskgov_region_options options;
  mskgov_error_info error;

  aws_environment_clear();
  make_home(config, NULL);
  mskgov_region_options_init(&options);
  options.ask_instance = false;
  setenv("AWS_PROFILE", "a", 1);
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error), 0);
  ck_assert_str_eq(region, "us-west-1");
  options.profile = "b";
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error), 0);
  ck_assert_str_eq(region, "us-west-2");
  snprintf(other, sizeof(other), "%s/other", home);
  write_file(other, "[profile b]\nregion=sa-east-1\n", 29);
  options.config_file = other;
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error), 0);
  ck_assert_str_eq(region, "sa-east-1");
  options.config_file = "/dev/null";
  options.credentials_file = other;
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error),
                   MSKGOV_ERR_NO_CREDENTIALS); /* there it is named "profile b" */
  ck_assert_ptr_nonnull(strstr(error.text, "profile \"b\" has none"));
  unlink(other);
  remove_home();
}
END_TEST

/* A place with something else than a region is told, and none after it is asked. */
static const struct {
  const char *option, *variable, *other_variable, *config, *text;
} bad[] = {
    {"mars", "eu-west-1", NULL, NULL, "region is \"mars\""},
    {"", "eu-west-1", NULL, NULL, "region is \"\""},
    {NULL, "eu_west_1", "eu-west-1", NULL, "AWS_REGION is \"eu_west_1\""},
    {NULL, NULL, "eu-west-1a", NULL, "AWS_DEFAULT_REGION is \"eu-west-1a\""},
    {NULL, NULL, NULL, "[default]\nregion=eu\n", "profile's region is \"eu\""},
    {NULL, NULL, NULL, "[default\nregion=eu-west-1\n", "config"},
};

START_TEST(test_bad) {
  char region[MSKGOV_REGION_SIZE];
  mskgov_region_options options;
  mskgov_error_info error;
  int rc;

  aws_environment_clear();
  make_home(bad[_i].config, NULL);
  if (bad[_i].variable)
    setenv("AWS_REGION", bad[_i].variable, 1);
  if (bad[_i].other_variable)
    setenv("AWS_DEFAULT_REGION", bad[_i].other_variable, 1);
  mskgov_region_options_init(&options);
  options.region = bad[_i].option;
  options.broker = BROKER;
  rc = mskgov_region_find(&options, region, NULL, &error);
  remove_home();
  ck_assert_int_eq(rc, MSKGOV_ERR_INVALID);
  ck_assert_msg(strstr(error.text, bad[_i].text), "%s", error.text);
}
END_TEST

/* Nobody tells: the text says so of each. */
START_TEST(test_nowhere) {
  static const char *const told[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "profile \"demo\"",
                                     "localhost", "AWS_EC2_METADATA_DISABLED"};
  char region[MSKGOV_REGION_SIZE];
  mskgov_region_options options;
  mskgov_error_info error;

  aws_environment_clear();
  mskgov_region_options_init(&options);
  options.broker = "localhost:9098";
  options.profile = "demo";
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error),
                   MSKGOV_ERR_NO_CREDENTIALS);
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
    ck_assert_msg(strstr(error.text, told[i]), "%s lacks %s", error.text, told[i]);

  options.ask_instance = false;
  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error),
                   MSKGOV_ERR_NO_CREDENTIALS);
  ck_assert_ptr_null(strstr(error.text, "METADATA"));
}
END_TEST

/* An instance that is not there, or tells nonsense. */
START_TEST(test_bad_instance) {
  static const http_stub_answer told[] = {{HTTP_STUB_OK("text/plain", "token=="), 0},
                                          {HTTP_STUB_OK("text/plain", "mars"), 0}};
  char region[MSKGOV_REGION_SIZE];
  mskgov_region_options options;
  mskgov_error_info error;

  aws_environment_clear();
  mskgov_region_options_init(&options);
  if (_i) {
    http_stub_start(&sts, told, 2);
    ask_instance(sts.port);
  } else {
    ask_instance(http_stub_closed_port());
  }
  ck_assert_int_eq(gov_region_find(&options, &brisk, region, NULL, &error),
                   MSKGOV_ERR_NO_CREDENTIALS);
  ck_assert_msg(strstr(error.text, "metadata"), "%s", error.text);
  if (_i)
    http_stub_stop(&sts);
}
END_TEST

START_TEST(test_options) {
  char region[MSKGOV_REGION_SIZE];
  mskgov_region_options options = {.struct_size = 1};
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_region_find(&options, region, NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "mskgov_region_options_init"));
  ck_assert_int_eq(mskgov_region_find(NULL, region, NULL, &error), MSKGOV_ERR_INVALID);
}
END_TEST

TEST_MAIN("region_find", TEST_TABLE(test_places, cases), TEST(test_profile),
          TEST_TABLE(test_bad, bad), TEST(test_nowhere), TEST_LOOP(test_bad_instance, 2),
          TEST(test_options))
