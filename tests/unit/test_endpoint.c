/*
 * Where services are asked, by the environment. The hosts are those that botocore 1.44.8
 * resolves from endpoint-rule-set-1.json of sts and of sso.
 */
#include "credentials/endpoint.h"

#include "aws_environment.h"
#include "harness.h"

#define SECRET "wJalrXUtnFEMI"

static const struct {
  const char *service, *region;
  const char *fips, *dual_stack;
  const char *host; /* the URL is "https://host/" */
} hosts[] = {
    {"STS", "eu-west-1", NULL, NULL, "sts.eu-west-1.amazonaws.com"},
    {"STS", "eu-west-1", "true", NULL, "sts-fips.eu-west-1.amazonaws.com"},
    {"STS", "eu-west-1", NULL, "true", "sts.eu-west-1.api.aws"},
    {"STS", "eu-west-1", "TRUE", "True", "sts-fips.eu-west-1.api.aws"},
    {"STS", "eu-west-1", "false", "", "sts.eu-west-1.amazonaws.com"},
    {"STS", "us-east-1", "1", "yes", "sts.us-east-1.amazonaws.com"},
    {"STS", "us-gov-west-1", "true", NULL, "sts.us-gov-west-1.amazonaws.com"},
    {"STS", "cn-north-1", NULL, NULL, "sts.cn-north-1.amazonaws.com.cn"},
    {"SSO", "eu-west-1", NULL, NULL, "portal.sso.eu-west-1.amazonaws.com"},
    {"SSO", "eu-west-1", NULL, "true", "portal.sso.eu-west-1.api.aws"},
    {"SSO", "eu-west-1", "true", NULL, "portal.sso-fips.eu-west-1.amazonaws.com"},
    {"SSO", "eu-west-1", "true", "true", "portal.sso-fips.eu-west-1.api.aws"},
    {"SSO", "us-gov-west-1", "true", NULL, "portal.sso.us-gov-west-1.amazonaws.com"},
    {"SSO", "us-gov-west-1", "true", "true", "portal.sso-fips.us-gov-west-1.api.aws"},
    {"SSO", "cn-north-1", NULL, NULL, "portal.sso.cn-north-1.amazonaws.com.cn"},
    {"SSO", "cn-north-1", NULL, "true",
     "portal.sso.cn-north-1.api.amazonwebservices.com.cn"},
};

START_TEST(test_hosts) {
  gov_endpoint endpoint;
  mskgov_error_info error = {0};
  char url[256];

  aws_environment_clear();
  if (hosts[_i].fips)
    setenv("AWS_USE_FIPS_ENDPOINT", hosts[_i].fips, 1);
  if (hosts[_i].dual_stack)
    setenv("AWS_USE_DUALSTACK_ENDPOINT", hosts[_i].dual_stack, 1);
  ck_assert_msg(gov_endpoint_find(&endpoint, hosts[_i].service, hosts[_i].region, &error) ==
                    0,
                "%s", error.text);
  snprintf(url, sizeof(url), "https://%s/", hosts[_i].host);
  ck_assert_str_eq(endpoint.host, hosts[_i].host);
  ck_assert_str_eq(endpoint.url, url);
}
END_TEST

static const struct {
  const char *of_service, *of_any, *ignore;
  const char *url, *host;
} given[] = {
    {"https://a.example", "https://b.example", NULL, "https://a.example/", "a.example"},
    {NULL, "https://b.example", NULL, "https://b.example/", "b.example"},
    {"", "https://b.example", NULL, "https://b.example/", "b.example"},
    {"https://a.example", "https://b.example", "true",
     "https://sts.eu-west-1.amazonaws.com/", "sts.eu-west-1.amazonaws.com"},
    {"https://a.example", NULL, "false", "https://a.example/", "a.example"},
    {"https://a.example/", NULL, NULL, "https://a.example/", "a.example"},
    {"http://127.0.0.1:4566", NULL, NULL, "http://127.0.0.1:4566/", "127.0.0.1:4566"},
    {"http://localhost:65535/", NULL, NULL, "http://localhost:65535/", "localhost:65535"},
    {"http://[::1]:8080", NULL, NULL, "http://[::1]:8080/", "[::1]:8080"},
    {"https://[2001:db8::1]", NULL, NULL, "https://[2001:db8::1]/", "[2001:db8::1]"},
    /* the ports that go without saying are not in a Host header */
    {"https://a.example:443", NULL, NULL, "https://a.example:443/", "a.example"},
    {"http://a.example:80", NULL, NULL, "http://a.example:80/", "a.example"},
    {"https://a.example:80", NULL, NULL, "https://a.example:80/", "a.example:80"},
    {"http://a.example:443/", NULL, NULL, "http://a.example:443/", "a.example:443"},
    {"http://a.example:8080", NULL, NULL, "http://a.example:8080/", "a.example:8080"},
    {"https://a.example:8443", NULL, NULL, "https://a.example:8443/", "a.example:8443"},
};

START_TEST(test_given) {
  gov_endpoint endpoint;
  mskgov_error_info error = {0};

  aws_environment_clear();
  if (given[_i].of_service)
    setenv("AWS_ENDPOINT_URL_STS", given[_i].of_service, 1);
  if (given[_i].of_any)
    setenv("AWS_ENDPOINT_URL", given[_i].of_any, 1);
  if (given[_i].ignore)
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", given[_i].ignore, 1);
  ck_assert_msg(gov_endpoint_find(&endpoint, "STS", "eu-west-1", &error) == 0, "%s",
                error.text);
  ck_assert_str_eq(endpoint.url, given[_i].url);
  ck_assert_str_eq(endpoint.host, given[_i].host);
}
END_TEST

/* What one service is told is not for another. */
START_TEST(test_other_service) {
  gov_endpoint endpoint;

  aws_environment_clear();
  setenv("AWS_ENDPOINT_URL_STS", "https://a.example", 1);
  ck_assert_int_eq(gov_endpoint_find(&endpoint, "SSO", "eu-west-1", NULL), 0);
  ck_assert_str_eq(endpoint.host, "portal.sso.eu-west-1.amazonaws.com");
  setenv("AWS_ENDPOINT_URL_SSO", "https://c.example", 1);
  ck_assert_int_eq(gov_endpoint_find(&endpoint, "SSO", "eu-west-1", NULL), 0);
  ck_assert_str_eq(endpoint.host, "c.example");
}
END_TEST

static char too_long[GOV_ENDPOINT_URL_MAX + 1];

static const char *const bad[] = {
    SECRET,
    "ftp://" SECRET,
    "https:/" SECRET,
    "//" SECRET,
    "https://",
    "http:///" SECRET,
    "https://user:" SECRET "@a.example",
    "https://a.example/" SECRET,
    "https://a.example?key=" SECRET,
    "https://a.example/?key=" SECRET,
    "https://a.example#" SECRET,
    "https://a.example " SECRET,
    "https://a.example\t" SECRET,
    "https://a.example\r\nX: " SECRET,
    "https://a.example\n",
    " https://a.example",
    "https://a.example\\" SECRET,
    "https://" SECRET "\xc3\xa9.example",
    "https://:443",
    "https://a.example:",
    "https://a.example:" SECRET,
    "https://a.example:0",
    "https://a.example:65536",
    "https://a.example:4294967739",
    "https://a.example:-1",
    "https://a.example:0443",
    "https://a.example:80:80",
    "https://[::1",
    "https://[::1]x",
    "https://[]",
    "https://%61.example",
    too_long,
};

START_TEST(test_bad) {
  static const char *const variables[] = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"};
  gov_endpoint endpoint;

  aws_environment_clear();
  memset(too_long, 'a', sizeof(too_long) - 1);
  memcpy(too_long, "https://", 8);
  for (size_t i = 0; i < 2; i++) {
    mskgov_error_info error = {0};
    char expected[64];

    setenv(variables[i], bad[_i], 1);
    ck_assert_msg(gov_endpoint_find(&endpoint, "STS", "eu-west-1", &error) ==
                      MSKGOV_ERR_INVALID,
                  "%s", bad[_i]);
    snprintf(expected, sizeof(expected), "%s is no URL", variables[i]);
    ck_assert_msg(strstr(error.text, expected), "%s", error.text);
    ck_assert_ptr_null(strstr(error.text, SECRET));
    unsetenv(variables[i]);
  }
}
END_TEST

/* The region is checked where it makes the host. */
START_TEST(test_bad_region) {
  static const char *const services[] = {"STS", "SSO"};
  gov_endpoint endpoint;
  mskgov_error_info error = {0};

  aws_environment_clear();
  ck_assert_int_eq(gov_endpoint_find(&endpoint, services[_i], "evil.example/x", &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
}
END_TEST

TEST_MAIN("endpoint", TEST_TABLE(test_hosts, hosts), TEST_TABLE(test_given, given),
          TEST(test_other_service), TEST_TABLE(test_bad, bad),
          TEST_LOOP(test_bad_region, 2))
