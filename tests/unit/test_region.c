/*
 * Regions by their grammar, and in the names of brokers.
 */
#include "sign/region.h"
#include "harness.h"

#include <mskgov/region.h>

#include <string.h>

START_TEST(test_regions_that_are) {
  /* Every region of botocore 1.44.5 (partitions.json), the "-global" ones left out. */
  static const char *const regions[] = {
      "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
      "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
      "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
      "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2",
      "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
      "il-central-1", "me-central-1", "me-south-1", "me-west-1", "mx-central-1",
      "sa-east-1", "sa-west-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
      "cn-north-1", "cn-northwest-1", "eusc-de-east-1", "us-iso-east-1", "us-iso-west-1",
      "us-isob-east-1", "us-isob-west-1", "eu-isoe-west-1", "us-isof-east-1",
      "us-isof-south-1", "us-gov-east-1", "us-gov-west-1",
      /* and some that may come */
      "us-southwest-1", "ap-central-12", "eu-north-99", "us-gov-central-1"};

  for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
    mskgov_error_info error = {0};

    ck_assert_msg(gov_region_check("region", regions[i], &error) == 0, "%s", error.text);
    ck_assert_uint_le(strlen(regions[i]), GOV_REGION_MAX);
  }
}
END_TEST

START_TEST(test_regions_that_are_not) {
  static const char *const regions[] = {
      "eu-wst-1",         "eu-west",        "eu-west-",   "eu-west-0",      "eu-west-01",
      "eu-west-100",      "eu-west-1a",     "eu-west-1 ", " eu-west-1",     "EU-WEST-1",
      "eu_west_1",        "euwest1",        "eu--1",      "-west-1",        "xx-west-1",
      "aws-global",       "us-gov-1",       "us-gov",     "gov-west-1",     "eu-west-1-",
      "eusc-east-1",      "us-isox-east-1", "eu-west-x",  "eu-westnorth-1", "eu-west-1\n",
      "eu-west-\xc2\xb2", "localhost"};

  for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
    mskgov_error_info error = {0};

    ck_assert_msg(gov_region_check("options.region", regions[i], &error) ==
                      MSKGOV_ERR_INVALID,
                  "\"%s\" was taken", regions[i]);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "options.region"));
    ck_assert_ptr_nonnull(strstr(error.text, regions[i]));
    ck_assert_ptr_nonnull(strstr(error.text, "such as \"eu-west-1\""));
  }
}
END_TEST

START_TEST(test_no_region) {
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_region_check("options.region", NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "options.region is not set"));
  gov_region_check("options.region", "", NULL);
}
END_TEST

START_TEST(test_brokers) {
  static const struct {
    const char *broker, *region;
  } cases[] = {
      {"b-1.mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com:9098", "us-west-1"},
      {"b-1.mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com", "us-west-1"},
      {"b-2-public.mycluster.123z8u.c2.kafka.us-east-1.amazonaws.com:9198", "us-east-1"},
      {"boot-w98hkpta.c1.kafka-serverless.eu-north-1.amazonaws.com:9098", "eu-north-1"},
      {"b-1.iam.mycluster.123z8u.c19.kafka.eu-west-1.amazonaws.com:14001", "eu-west-1"},
      {"vpce-0a1b2c3d.kafka.us-east-1.vpce.amazonaws.com:9098", "us-east-1"},
      {"b-1.demo.kafka-serverless.eu-west-1.vpce.amazonaws.com", "eu-west-1"},
      {"vpce-0a1b-xyz.vpce-svc-0c1d.eu-west-3.vpce.amazonaws.com:9098", "eu-west-3"},
      {"b-1.demo.abc123.c3.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"},
      {"b-1.demo.abc123.c3.kafka.cn-northwest-1.vpce.amazonaws.com.cn:9098",
       "cn-northwest-1"},
      {"b-1.demo.abc123.c2.kafka.us-gov-west-1.amazonaws.com:9098", "us-gov-west-1"},
      {"b-1.demo.abc123.c2.kafka.ap-southeast-7.amazonaws.com:9098", "ap-southeast-7"},
      {"b-1.scram.demo.abc.c2.kafka.us-east-2.amazonaws.com:14002", "us-east-2"},
      /* every other partition, by the suffixes of botocore's partitions.json */
      {"b-1.demo.abc123.c2.kafka.us-iso-east-1.c2s.ic.gov:9098", "us-iso-east-1"},
      {"b-1.demo.abc123.c2.kafka.us-isob-east-1.sc2s.sgov.gov:9098", "us-isob-east-1"},
      {"b-1.demo.abc123.c2.kafka.eu-isoe-west-1.cloud.adc-e.uk:9098", "eu-isoe-west-1"},
      {"b-1.demo.abc123.c2.kafka.us-isof-south-1.csp.hci.ic.gov:9098", "us-isof-south-1"},
      {"b-1.demo.abc123.c2.kafka.eusc-de-east-1.amazonaws.eu:9098", "eusc-de-east-1"},
      {"boot-xyz.c1.kafka-serverless.eusc-de-east-1.amazonaws.eu:9098", "eusc-de-east-1"},
      {"vpce-0a-b.vpce-svc-0c.us-iso-west-1.vpce.c2s.ic.gov", "us-iso-west-1"},
      /* names that hold another region's */
      {"b-1.demo-us-west-1-app.abc123.c2.kafka.us-west-2.amazonaws.com:9098", "us-west-2"},
      {"b-1.us-west-1.abc123.c2.kafka.us-west-2.amazonaws.com:9098", "us-west-2"},
      {"b-1.kafka.us-west-1.amazonaws.com.abc.c2.kafka.us-west-2.amazonaws.com:9098",
       "us-west-2"},
      {"b-1.demo-us-east-1.abc.c2.kafka.us-gov-east-1.amazonaws.com", "us-gov-east-1"},
      {"b-1.us-east-1.abc.c2.kafka.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
      {"b-1.kafka.cn-north-1.amazonaws.com.cn.c2.kafka.eu-west-1.amazonaws.com",
       "eu-west-1"},
      /* DNS names have no case. */
      {"b-1.demo.abc123.c2.kafka.CN-NORTH-1.AmazonAWS.com.CN", "cn-north-1"},
      {"B-1.Demo.abc123.c2.Kafka.EU-West-1.AmazonAWS.com:9098", "eu-west-1"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_error_info error;
    char region[32];

    ck_assert_msg(
        mskgov_region_from_broker(cases[i].broker, region, sizeof(region), &error) == 0,
        "%s", error.text);
    ck_assert_str_eq(region, cases[i].region);
    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(error.text, "");
  }
}
END_TEST

START_TEST(test_no_brokers_of_msk) {
  static const char *const brokers[] = {
      "localhost:9092",
      "127.0.0.1:9092",
      "[::1]:9092",
      "kafka.example.com:9098",
      "broker.kafka.eu-west-1.example.com:9098",
      "b-1.demo.abc123.c2.kafka.eu-wst-1.amazonaws.com:9098",
      "b-1.demo.abc123.c2.kafka.amazonaws.com:9098",
      "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com.evil.example:9098",
      "b-1.demo.abc123.c2.kafka.eu-west-1.evilamazonaws.com:9098",
      "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.org:9098",
      "b-1.demo.abc123.c2.kafka.eu-west-1amazonaws.com:9098",
      "s3.eu-west-1.amazonaws.com:443",
      /* a region of another partition than the suffix is of */
      "b-1.demo.abc123.c3.kafka.cn-north-1.amazonaws.com:9098",
      "b-1.demo.abc123.c3.kafka.eu-west-1.amazonaws.com.cn:9098",
      "b-1.demo.abc123.c3.kafka.us-gov-west-1.amazonaws.com.cn:9098",
      "b-1.demo.abc123.c3.kafka.eusc-de-east-1.amazonaws.com:9098",
      "b-1.demo.abc123.c3.kafka.eu-west-1.amazonaws.eu:9098",
      "b-1.demo.abc123.c3.kafka.us-isob-east-1.c2s.ic.gov:9098",
      "b-1.demo.abc123.c3.kafka.us-iso-east-1.sc2s.sgov.gov:9098",
      "b-1.demo.abc123.c3.kafka.us-east-1.csp.hci.ic.gov:9098",
      "b-1.demo.abc123.c3.kafka.eu-west-1.cloud.adc-e.uk:9098",
      /* no suffix of MSK's, or none with a dot before it */
      "b-1.demo.abc123.c3.kafka.eu-west-1.api.aws:9098",
      "b-1.demo.abc123.c3.kafka.eusc-de-east-1xamazonaws.eu:9098",
      "b-1.demo.abc123.c3.kafka.us-iso-east-1.ic.gov:9098",
      "amazonaws.eu",
      ".c2s.ic.gov",
      "kafka.us-iso-east-1.c2s.ic.gov.",
      "b-1.demo.xkafka.eu-west-1.amazonaws.com:9098",
      "vpce-1.vpce-svc-1.eu-west-1.amazonaws.com:9098",
      "eu-west-1.amazonaws.com:9098",
      "kafka.eu-west-1.vpce.vpce.amazonaws.com:9098",
      ".amazonaws.com:9098",
      "amazonaws.com:9098",
      "vpce.amazonaws.com:9098",
      ".vpce.amazonaws.com",
      "..amazonaws.com",
      "kafka..amazonaws.com",
      "x.kafka.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.amazonaws.com",
      "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:",
      "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:70000",
      "",
      ":9098",
  };

  for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++) {
    mskgov_error_info error;
    char region[32] = "kept";

    ck_assert_msg(mskgov_region_from_broker(brokers[i], region, sizeof(region), &error) ==
                      MSKGOV_ERR_INVALID,
                  "\"%s\" was taken", brokers[i]);
    ck_assert_str_eq(region, "kept");
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "broker is"));
    ck_assert_ptr_nonnull(strstr(error.text, brokers[i]));
    ck_assert_ptr_nonnull(strstr(error.text, "expected"));
  }
}
END_TEST

/* The longest name there is, 253 bytes and a port, stands in the error whole. */
START_TEST(test_long_names) {
  char broker[] = "................................................................"
                  "................................................................"
                  "................................................................"
                  ".............................................................:65535";
  mskgov_error_info error;
  char region[32];

  for (size_t i = 0; broker[i] == '.'; i++)
    broker[i] = i % 4 == 3 ? '.' : 'x';
  ck_assert_uint_eq(strchr(broker, ':') - broker, 253);
  ck_assert_int_eq(mskgov_region_from_broker(broker, region, sizeof(region), &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, broker));
  ck_assert_ptr_nonnull(strstr(error.text, "set the region"));
}
END_TEST

START_TEST(test_sizes) {
  static const char broker[] = "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098";
  mskgov_error_info error;
  char region[10] = "kept";

  ck_assert_int_eq(mskgov_region_from_broker(broker, region, 9, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_str_eq(region, "kept");
  ck_assert_ptr_nonnull(strstr(error.text, "size is 9"));
  ck_assert_ptr_nonnull(strstr(error.text, "10 bytes"));
  ck_assert_int_eq(mskgov_region_from_broker(broker, NULL, 0, NULL), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(mskgov_region_from_broker(NULL, region, 10, &error), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(mskgov_region_from_broker(broker, region, 10, &error), 0);
  ck_assert_str_eq(region, "eu-west-1");
}
END_TEST

TEST_MAIN("region", TEST(test_regions_that_are), TEST(test_regions_that_are_not),
          TEST(test_no_region), TEST(test_brokers), TEST(test_no_brokers_of_msk),
          TEST(test_long_names), TEST(test_sizes))
