/*
 * Partitions and the hosts of STS in them, against botocore.
 */
#include "sign/service_host.h"
#include "sign/partition.h"
#include "harness.h"
#include "sts_hosts.h"

#include <string.h>

START_TEST(test_hosts) {
  const char *region = sts_hosts[_i].region;
  mskgov_error_info error = {0};
  gov_buffer out;

  for (int i = 0; i < 4; i++) {
    gov_buffer_init(&out, GOV_SERVICE_HOST_MAX);
    ck_assert_msg(gov_service_host(&out, "sts", region, i % 2, i / 2, &error) == 0, "%s",
                  error.text);
    ck_assert_str_eq(out.data, sts_hosts[_i].hosts[i]);
    gov_buffer_fini(&out);
  }
  ck_assert_str_eq(gov_partition_of_region(region)->name, sts_hosts[_i].partition);
}
END_TEST

/* Regions that may come; the longest host of all. */
START_TEST(test_regions_to_come) {
  static const struct {
    const char *region, *partition, *host;
  } cases[] = {
      {"us-southwest-99", "aws", "sts-fips.us-southwest-99.api.aws"},
      {"us-gov-central-1", "aws-us-gov", "sts-fips.us-gov-central-1.api.aws"},
      {"cn-southwest-1", "aws-cn", "sts-fips.cn-southwest-1.api.amazonwebservices.com.cn"},
      {"us-isof-northeast-99", "aws-iso-f",
       "sts-fips.us-isof-northeast-99.api.aws.hci.ic.gov"},
      {"eusc-de-southwest-2", "aws-eusc",
       "sts-fips.eusc-de-southwest-2.api.amazonwebservices.eu"},
  };
  gov_buffer out;

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_buffer_init(&out, GOV_SERVICE_HOST_MAX);
    ck_assert_int_eq(gov_service_host(&out, "sts", cases[i].region, true, true, NULL), 0);
    ck_assert_str_eq(out.data, cases[i].host);
    ck_assert_str_eq(gov_partition_of_region(cases[i].region)->name, cases[i].partition);
    gov_buffer_fini(&out);
  }
}
END_TEST

START_TEST(test_no_regions) {
  static const char *const regions[] = {"",           "aws-global",    "us-iso",
                                        "us-iso-1",   "us-isoeast-1",  "us-east-1.evil",
                                        "cn-north-0", "eusc-fr-east-1"};

  for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
    mskgov_error_info error = {0};
    gov_buffer out;

    ck_assert_ptr_null(gov_partition_of_region(regions[i]));
    gov_buffer_init(&out, GOV_SERVICE_HOST_MAX);
    ck_assert_int_eq(gov_service_host(&out, "sts", regions[i], false, false, &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "region is \""));
    ck_assert_ptr_nonnull(strstr(error.text, regions[i]));
    ck_assert_uint_eq(out.length, 0);
    gov_buffer_fini(&out);
  }
}
END_TEST

START_TEST(test_no_region_and_no_room) {
  mskgov_error_info error = {0};
  gov_buffer out;

  gov_buffer_init(&out, strlen("sts.eu-west-1.api.aws"));
  ck_assert_int_eq(gov_service_host(&out, "sts", NULL, false, false, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "region is not set"));
  ck_assert_int_eq(gov_service_host(&out, "sts", "eu-west-1", false, true, NULL), 0);
  gov_buffer_reset(&out);
  error.code = 0;
  ck_assert_int_eq(gov_service_host(&out, "sts", "eu-west-10", false, true, &error),
                   MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("service_host", TEST_TABLE(test_hosts, sts_hosts), TEST(test_regions_to_come),
          TEST(test_no_regions), TEST(test_no_region_and_no_room))
