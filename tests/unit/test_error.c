/*
 * Errors: codes, categories, texts.
 */
#include "base/error.h"
#include "harness.h"

#include <errno.h>
#include <string.h>

/* Written out, not made of MSKGOV_ERROR_LIST: callers rely on these values. */
static const struct {
  int code;
  const char *name;
  mskgov_category category;
} codes[] = {
    {0, "MSKGOV_OK", MSKGOV_CATEGORY_NONE},
    {-1, "MSKGOV_ERR_INVALID", MSKGOV_CATEGORY_USAGE},
    {-2, "MSKGOV_ERR_NO_MEMORY", MSKGOV_CATEGORY_MEMORY},
    {-3, "MSKGOV_ERR_STOPPED", MSKGOV_CATEGORY_USAGE},
    {-4, "MSKGOV_ERR_FORKED", MSKGOV_CATEGORY_USAGE},
    {-5, "MSKGOV_ERR_DEADLINE", MSKGOV_CATEGORY_TRANSIENT},
    {-6, "MSKGOV_ERR_CANCELED", MSKGOV_CATEGORY_USAGE},
    {-7, "MSKGOV_ERR_QUEUE_FULL", MSKGOV_CATEGORY_TRANSIENT},
    {-8, "MSKGOV_ERR_STATE", MSKGOV_CATEGORY_USAGE},
    {-9, "MSKGOV_ERR_UNSUPPORTED", MSKGOV_CATEGORY_USAGE},
    {-10, "MSKGOV_ERR_SYSTEM", MSKGOV_CATEGORY_INTERNAL},
    {-11, "MSKGOV_ERR_CRYPTO", MSKGOV_CATEGORY_INTERNAL},
    {-12, "MSKGOV_ERR_PROTOCOL", MSKGOV_CATEGORY_PROTOCOL},
    {-13, "MSKGOV_ERR_NO_CREDENTIALS", MSKGOV_CATEGORY_AUTHENTICATION},
    {-14, "MSKGOV_ERR_CREDENTIALS_EXPIRED", MSKGOV_CATEGORY_AUTHENTICATION},
    {-15, "MSKGOV_ERR_LIMIT", MSKGOV_CATEGORY_QUOTA},
    {-16, "MSKGOV_ERR_HOST_STORE", MSKGOV_CATEGORY_USAGE},
    {-17, "MSKGOV_ERR_QUOTA", MSKGOV_CATEGORY_QUOTA},
    {-18, "MSKGOV_ERR_AUTHENTICATION", MSKGOV_CATEGORY_AUTHENTICATION},
    {-19, "MSKGOV_ERR_TRANSPORT", MSKGOV_CATEGORY_TRANSIENT},
    {-20, "MSKGOV_ERR_REFUSED", MSKGOV_CATEGORY_AUTHENTICATION},
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

START_TEST(test_codes) {
  size_t listed = 1; /* MSKGOV_OK is not in the list */

#define COUNT(name, value, category, sentence) listed++;
  MSKGOV_ERROR_LIST(COUNT)
#undef COUNT
  ck_assert_uint_eq(listed, CODES);

  for (size_t i = 0; i < CODES; i++) {
    ck_assert_str_eq(mskgov_error_name(codes[i].code), codes[i].name);
    ck_assert_int_eq(mskgov_error_category(codes[i].code), codes[i].category);
    ck_assert_uint_gt(strlen(mskgov_strerror(codes[i].code)), 5);
    for (size_t k = 0; k < i; k++)
      ck_assert_str_ne(mskgov_strerror(codes[i].code), mskgov_strerror(codes[k].code));
  }
}
END_TEST

START_TEST(test_codes_that_do_not_exist) {
  static const int unknown[] = {1, -21, -1000, 2147483647, -2147483647 - 1};

  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
    ck_assert_str_eq(mskgov_error_name(unknown[i]), "MSKGOV_ERR_UNKNOWN");
    ck_assert_int_eq(mskgov_error_category(unknown[i]), MSKGOV_CATEGORY_INTERNAL);
    ck_assert_str_eq(mskgov_strerror(unknown[i]), "unknown error code");
  }
}
END_TEST

START_TEST(test_first_error_wins) {
  mskgov_error_info error = {.code = -7, .text = "left over"};

  gov_error_reset(&error);
  ck_assert_int_eq(error.code, 0);
  ck_assert_str_eq(error.text, "");

  ck_assert_int_eq(gov_error_set(&error, MSKGOV_ERR_STATE, "%s is %d", "rate", 7),
                   MSKGOV_ERR_STATE);
  ck_assert_int_eq(gov_error_set(&error, MSKGOV_ERR_STATE, "later"), MSKGOV_ERR_STATE);
  ck_assert_int_eq(gov_error_set_errno(&error, ENOENT, "later"), MSKGOV_ERR_SYSTEM);
  ck_assert_int_eq(gov_error_no_memory(&error), MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_STATE);
  ck_assert_str_eq(error.text, "rate is 7");
}
END_TEST

START_TEST(test_without_an_info) {
  gov_error_reset(NULL);
  ck_assert_int_eq(gov_error_set(NULL, MSKGOV_ERR_STATE, "x"), MSKGOV_ERR_STATE);
  ck_assert_int_eq(gov_error_set_errno(NULL, ENOENT, "x"), MSKGOV_ERR_SYSTEM);
  ck_assert_int_eq(gov_error_no_memory(NULL), MSKGOV_ERR_NO_MEMORY);
}
END_TEST

START_TEST(test_errno) {
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_error_set_errno(&error, ENOENT, "cannot open \"%s\"", "a.txt"),
                   MSKGOV_ERR_SYSTEM);
  ck_assert_int_eq(error.code, MSKGOV_ERR_SYSTEM);
  ck_assert_str_eq(error.text, "cannot open \"a.txt\": No such file or directory");
}
END_TEST

START_TEST(test_long_texts_are_cut) {
  char longer[2 * MSKGOV_ERROR_TEXT_MAX];
  mskgov_error_info error = {0};

  memset(longer, 'a', sizeof(longer) - 1);
  longer[sizeof(longer) - 1] = '\0';
  gov_error_set(&error, MSKGOV_ERR_STATE, "%s", longer);
  ck_assert_uint_eq(strlen(error.text), MSKGOV_ERROR_TEXT_MAX - 1);

  gov_error_reset(&error);
  gov_error_set_errno(&error, ENOENT, "%s", longer);
  ck_assert_uint_eq(strlen(error.text), MSKGOV_ERROR_TEXT_MAX - 1);
}
END_TEST

TEST_MAIN("error", TEST(test_codes), TEST(test_codes_that_do_not_exist),
          TEST(test_first_error_wins), TEST(test_without_an_info), TEST(test_errno),
          TEST(test_long_texts_are_cut))
