/*
 * SigV4 against what AWS publishes, stage by stage:
 * - the signing key and the request of the General Reference ("Examples of how to derive
 * a signing key", ListUsers of IAM, 2015-08-30);
 * - the cases get-vanilla and get-vanilla-query-order-key-case of the signing test suite,
 *   presigned (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4, files query-*.txt);
 * - cases of that suite with an Authorization header (files header-*.txt).
 */
#include "sign/sigv4.h"
#include "harness.h"

#include <string.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static void check_key(const char *date8, const char *region, const char *service,
                      const char *expected) {
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  char text[2 * GOV_SIGV4_KEY_SIZE + 1];

  ck_assert_int_eq(gov_sigv4_key(SECRET, date8, region, service, key, NULL), 0);
  for (size_t i = 0; i < sizeof(key); i++)
    snprintf(text + 2 * i, 3, "%02x", key[i]);
  ck_assert_str_eq(text, expected);
}

START_TEST(test_key) {
  check_key("20150830", "us-east-1", "iam",
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}
END_TEST

static void check_signature(const char *canonical_request, const char *region,
                            const char *service, const char *string_to_sign,
                            const char *expected) {
  char signature[GOV_SIGV4_SIGNATURE_SIZE];
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  gov_buffer out;

  gov_buffer_init(&out, 1000);
  ck_assert_int_eq(gov_sigv4_string_to_sign(&out, "20150830T123600Z", region, service,
                                            canonical_request, strlen(canonical_request),
                                            NULL),
                   0);
  ck_assert_str_eq(out.data, string_to_sign);

  ck_assert_int_eq(gov_sigv4_key(SECRET, "20150830", region, service, key, NULL), 0);
  ck_assert_int_eq(gov_sigv4_signature(key, out.data, out.length, signature, NULL), 0);
  ck_assert_str_eq(signature, expected);

  key[0] ^= 1;
  ck_assert_int_eq(gov_sigv4_signature(key, out.data, out.length, signature, NULL), 0);
  ck_assert_str_ne(signature, expected);
  gov_buffer_fini(&out);
}

START_TEST(test_general_reference) {
  check_signature("GET\n/\nAction=ListUsers&Version=2010-05-08\n"
                  "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
                  "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                  "content-type;host;x-amz-date\n"
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                  "us-east-1", "iam",
                  "AWS4-HMAC-SHA256\n20150830T123600Z\n"
                  "20150830/us-east-1/iam/aws4_request\n"
                  "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
                  "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}
END_TEST

#define SUITE_QUERY                                                                        \
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1"   \
  "%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600"               \
  "&X-Amz-SignedHeaders=host"
#define SUITE_REST                                                                         \
  "\nhost:example.amazonaws.com\n\nhost\n"                                                 \
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SUITE_TO_SIGN                                                                      \
  "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"

START_TEST(test_signing_test_suite) {
  static const struct {
    const char *query, *request, *string_to_sign, *signature;
  } cases[] = {
      {SUITE_QUERY, "GET\n/\n" SUITE_QUERY SUITE_REST,
       SUITE_TO_SIGN "bb7705b4aa3cb8e8f5e1e0b3d4c0b64030797a313c8ceee43e33117cc43eadc5",
       "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"},
      {"Param1=value1&Param2=value2&" SUITE_QUERY,
       "GET\n/\nParam1=value1&Param2=value2&" SUITE_QUERY SUITE_REST,
       SUITE_TO_SIGN "b82878ecb2ab7ad194b9fe79b2946c2a36ee1627a219408089b2d774c1a0cedb",
       "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5"},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_buffer out;

    gov_buffer_init(&out, 1000);
    ck_assert_int_eq(gov_sigv4_presigned_canonical_request(&out, "/", cases[i].query,
                                                           "example.amazonaws.com"),
                     0);
    ck_assert_str_eq(out.data, cases[i].request);
    check_signature(out.data, "us-east-1", "service", cases[i].string_to_sign,
                    cases[i].signature);
    gov_buffer_fini(&out);
  }
}
END_TEST

#define SUITE_HOST                                                                         \
  { "host", "example.amazonaws.com" }
#define SUITE_DATE                                                                         \
  { "x-amz-date", "20150830T123600Z" }
#define SUITE_BODY_HASH "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
#define SUITE_SESSION_TOKEN                                                                \
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRX" \
  "mxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburE" \
  "Dy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL" \
  "64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct {
  const char *name, *method, *query;
  gov_sigv4_header headers[5];
  size_t header_count;
  const char *body, *request, *hash, *signature;
} header_cases[] = {
    {"get-vanilla",
     "GET",
     "",
     {SUITE_HOST, SUITE_DATE},
     2,
     NULL,
     "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
     "host;x-amz-date\n"
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"post-vanilla-query",
     "POST",
     "Param1=value1",
     {SUITE_HOST, SUITE_DATE},
     2,
     "",
     "POST\n/\nParam1=value1\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
     "host;x-amz-date\n"
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "9d659678c1756bb3113e2ce898845a0a79dbbc57b740555917687f1b3340fbbd",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-sts-header-before",
     "POST",
     "",
     {SUITE_HOST, SUITE_DATE, {"x-amz-security-token", SUITE_SESSION_TOKEN}},
     3,
     "",
     "POST\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n"
     "x-amz-security-token:" SUITE_SESSION_TOKEN "\n\n"
     "host;x-amz-date;x-amz-security-token\n"
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "c237e1b440d4c63c32ca95b5b99481081cb7b13c7e40434868e71567c1a882f6",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-x-www-form-urlencoded",
     "POST",
     "",
     {{"content-length", "13"},
      {"content-type", "application/x-www-form-urlencoded"},
      SUITE_HOST,
      {"x-amz-content-sha256", SUITE_BODY_HASH},
      SUITE_DATE},
     5,
     "Param1=value1",
     "POST\n/\n\ncontent-length:13\ncontent-type:application/x-www-form-urlencoded\n"
     "host:example.amazonaws.com\nx-amz-content-sha256:" SUITE_BODY_HASH "\n"
     "x-amz-date:20150830T123600Z\n\n"
     "content-length;content-type;host;x-amz-content-sha256;x-amz-date\n" SUITE_BODY_HASH,
     "b1edd1d03544c25390e32085d55b57acc9a3961bb59415ff86c45c3d89d16cfb",
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "",
     {{"content-length", "13"},
      {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
      SUITE_HOST,
      {"x-amz-content-sha256", SUITE_BODY_HASH},
      SUITE_DATE},
     5,
     "Param1=value1",
     "POST\n/\n\ncontent-length:13\n"
     "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
     "host:example.amazonaws.com\nx-amz-content-sha256:" SUITE_BODY_HASH "\n"
     "x-amz-date:20150830T123600Z\n\n"
     "content-length;content-type;host;x-amz-content-sha256;x-amz-date\n" SUITE_BODY_HASH,
     "a89f1a5b53e37702ee6363ce1da3ce8f54386f3c8f352ae652153c2982a0bc4d",
     "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
};

START_TEST(test_suite_with_headers) {
  const char *body = header_cases[_i].body;
  char to_sign[256];
  gov_buffer out;

  gov_buffer_init(&out, 2000);
  ck_assert_int_eq(gov_sigv4_canonical_request(
                       &out, header_cases[_i].method, "/", header_cases[_i].query,
                       header_cases[_i].headers, header_cases[_i].header_count, body,
                       body ? strlen(body) : 0, NULL),
                   0);
  ck_assert_msg(strcmp(out.data, header_cases[_i].request) == 0, "%s: %s",
                header_cases[_i].name, out.data);
  snprintf(to_sign, sizeof(to_sign), SUITE_TO_SIGN "%s", header_cases[_i].hash);
  check_signature(out.data, "us-east-1", "service", to_sign, header_cases[_i].signature);
  gov_buffer_fini(&out);
}
END_TEST

/* SHA-256 of "a\0b": printf 'a\0b' | sha256sum. The length counts, not a NUL. */
START_TEST(test_body_with_a_nul) {
  gov_buffer out;

  gov_buffer_init(&out, 200);
  ck_assert_int_eq(
      gov_sigv4_canonical_request(&out, "PUT", "/a%20b", "x=y", NULL, 0, "a\0b", 3, NULL),
      0);
  ck_assert_str_eq(out.data,
                   "PUT\n/a%20b\nx=y\n\n\n"
                   "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138");
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_scope) {
  gov_buffer out;

  gov_buffer_init(&out, 100);
  gov_sigv4_scope(&out, "20150830T123600Z", "us-east-1", "iam");
  ck_assert_str_eq(out.data, "20150830/us-east-1/iam/aws4_request");
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_a_secret_that_is_too_long) {
  char secret[GOV_SIGV4_SECRET_MAX + 2];
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  mskgov_error_info error = {0};

  memset(secret, 'x', sizeof(secret));
  secret[GOV_SIGV4_SECRET_MAX] = '\0';
  ck_assert_int_eq(gov_sigv4_key(secret, "20150830", "us-east-1", "iam", key, &error), 0);

  secret[GOV_SIGV4_SECRET_MAX] = 'x';
  secret[GOV_SIGV4_SECRET_MAX + 1] = '\0';
  ck_assert_int_eq(gov_sigv4_key(secret, "20150830", "us-east-1", "iam", key, &error),
                   MSKGOV_ERR_INVALID);
  ck_assert_ptr_null(strstr(error.text, "xx"));
  ck_assert_ptr_nonnull(strstr(error.text, "128"));
}
END_TEST

START_TEST(test_no_room) {
  mskgov_error_info error = {0};
  gov_buffer out;

  gov_buffer_init(&out, 50);
  ck_assert_int_eq(gov_sigv4_presigned_canonical_request(&out, "/", "a=b", "host"),
                   MSKGOV_ERR_NO_MEMORY);
  ck_assert(out.failed);
  gov_buffer_reset(&out);
  ck_assert_int_eq(
      gov_sigv4_canonical_request(&out, "GET", "/", "a=b", NULL, 0, NULL, 0, &error),
      MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_NO_MEMORY);
  error.code = 0;
  gov_buffer_reset(&out);
  ck_assert_int_eq(gov_sigv4_string_to_sign(&out, "20150830T123600Z", "us-east-1", "iam",
                                            "GET", 3, &error),
                   MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("sigv4", TEST(test_key), TEST(test_general_reference),
          TEST(test_signing_test_suite), TEST_TABLE(test_suite_with_headers, header_cases),
          TEST(test_body_with_a_nul), TEST(test_scope),
          TEST(test_a_secret_that_is_too_long), TEST(test_no_room))
