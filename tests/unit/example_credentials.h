/*
 * Credentials out of AWS's documentation, and that no error text holds a part of them.
 */
#ifndef TEST_EXAMPLE_CREDENTIALS_H
#define TEST_EXAMPLE_CREDENTIALS_H

#include <mskgov/credentials.h>

#include <check.h>
#include <string.h>

#define ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SESSION "IQoJb3JpZ2luX2Vj+/abc/DEF=="

/* As an answer in JSON says when they expire, and in seconds: date -u -d … +%s */
#define EXPIRATION "2500-01-02T03:04:05Z"
#define EXPIRATION_S UINT64_C(16725323045)

/* The text has one part, and none of the others. */
static inline void check_text_without(const mskgov_error_info *error, const char *expected,
                                      const char *const *never, size_t count) {
  ck_assert_msg(strstr(error->text, expected), "\"%s\" lacks \"%s\"", error->text,
                expected);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg(!strstr(error->text, never[i]), "\"%s\"", error->text);
}

/* They are the example's, as handed out with EXPIRATION; gives up the hold. */
static inline void check_example(mskgov_credentials *got) {
  ck_assert_str_eq(mskgov_credentials_access_key_id(got), ID);
  ck_assert_str_eq(mskgov_credentials_secret_access_key(got), SECRET);
  ck_assert_str_eq(mskgov_credentials_session_token(got), SESSION);
  ck_assert_uint_eq(mskgov_credentials_expires_at_ns(got),
                    EXPIRATION_S * UINT64_C(1000000000));
  mskgov_credentials_free(got);
}

#endif
