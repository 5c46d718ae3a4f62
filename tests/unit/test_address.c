/*
 * Broker addresses: what passes, what does not, and what the error says.
 */
#include "base/address.h"
#include "harness.h"

#include <string.h>

START_TEST(test_good) {
  static const struct {
    const char *address;
    size_t host_length;
  } cases[] = {
      {"localhost:9092", 9},
      {"b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098", 48},
      {"10.0.0.1:1", 8},
      {"a:65535", 1},
      {"under_score.example:9092", 19},
      {"[::1]:9092", 5},
      {"[2001:db8::1]:9092", 13},
      {"[fe80::1%eth0]:9092", 14},
      {"a:00001", 1},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_error_info error = {0};
    size_t length = 0;

    ck_assert_msg(gov_address_check("broker", cases[i].address, &length, &error) == 0, "%s",
                  error.text);
    ck_assert_uint_eq(length, cases[i].host_length);
    ck_assert_int_eq(gov_address_check("broker", cases[i].address, NULL, NULL), 0);
  }
}
END_TEST

START_TEST(test_bad) {
  static const struct {
    const char *address, *expected;
  } cases[] = {
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {":9092", "the host is empty"},
      {"localhost:", "the port is not a number from 1 to 65535"},
      {"localhost:0", "the port is not a number from 1 to 65535"},
      {"localhost:65536", "the port is not a number from 1 to 65535"},
      {"localhost:000001", "the port is not a number from 1 to 65535"},
      {"localhost:99999999999999999999", "the port is not a number from 1 to 65535"},
      {"localhost:-1", "the port is not a number from 1 to 65535"},
      {"localhost:+1", "the port is not a number from 1 to 65535"},
      {"localhost: 9092", "the port is not a number from 1 to 65535"},
      {"localhost:9092 ", "the port is not a number from 1 to 65535"},
      {"localhost:9092,other:9092", "the host has a byte that is not allowed"},
      {"local host:9092", "the host has a byte that is not allowed"},
      {"http://localhost:9092", "the host has a byte that is not allowed"},
      {"l\xc3\xb6we:9092", "the host has a byte that is not allowed"},
      {"::1:9092", "stands in brackets"},
      {"2001:db8::1", "stands in brackets"},
      {"[::1:9092", "the bracket of the IPv6 address is not closed"},
      {"[]:9092", "the bracket of the IPv6 address is not closed"},
      {"[:]:9092", "the bracket of the IPv6 address is not closed"},
      {"[::1/64]:9092", "the IPv6 address has a byte that is not allowed"},
      {"[[::1]]:9092", "the IPv6 address has a byte that is not allowed"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    mskgov_error_info error = {0};
    size_t length = 77;

    ck_assert_msg(gov_address_check("options.broker", cases[i].address, &length, &error) ==
                      MSKGOV_ERR_INVALID,
                  "\"%s\" was taken", cases[i].address);
    ck_assert_uint_eq(length, 77);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    ck_assert_msg(strstr(error.text, cases[i].expected), "\"%s\" lacks \"%s\"", error.text,
                  cases[i].expected);
    ck_assert_ptr_nonnull(strstr(error.text, "options.broker is \""));
    ck_assert_ptr_nonnull(strstr(error.text, cases[i].address));
    ck_assert_ptr_nonnull(strstr(error.text, "expected \"host:port\""));
  }
}
END_TEST

START_TEST(test_longest_host) {
  mskgov_error_info error = {0};
  char address[300];
  size_t length;

  memset(address, 'a', sizeof(address));
  strcpy(address + 255, ":9092");
  ck_assert_int_eq(gov_address_check("broker", address, &length, &error), 0);
  ck_assert_uint_eq(length, 255);

  address[255] = 'a';
  strcpy(address + 256, ":9092");
  ck_assert_int_eq(gov_address_check("broker", address, &length, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "longer than 255 bytes"));
}
END_TEST

START_TEST(test_null) {
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_address_check("broker", NULL, NULL, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "broker is NULL"));
  ck_assert_int_eq(gov_address_check("broker", NULL, NULL, NULL), MSKGOV_ERR_INVALID);
}
END_TEST

TEST_MAIN("address", TEST(test_good), TEST(test_bad), TEST(test_longest_host),
          TEST(test_null))
