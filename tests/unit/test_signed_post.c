/*
 * The Authorization of a POST, against SigV4Auth of botocore 1.44.8 with the same parts.
 */
#include "sign/signed_post.h"
#include "example_credentials.h"
#include "harness.h"

#define NOW_S 1440938160 /* date -u -d 2015-08-30T12:36:00Z +%s */
#define LONG_TOKEN_LENGTH 16384
#define ASSUME_ROLE                                                                        \
  "Action=AssumeRole&Version=2011-06-15"                                                   \
  "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo&RoleSessionName=mskgov"

#define PLAIN "content-type;host;x-amz-date"
#define WITH_TOKEN "content-type;host;x-amz-date;x-amz-security-token"
#define SCOPE(region) "20150830/" region "/sts/aws4_request"
#define EXPECTED(scope, headers, signature)                                                \
  "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" scope ", SignedHeaders=" headers              \
  ", Signature=" signature

static const struct {
  const char *host, *region, *session_token, *body, *expected;
} cases[] = {
    {"sts.eu-west-1.amazonaws.com", "eu-west-1", NULL, ASSUME_ROLE,
     EXPECTED(SCOPE("eu-west-1"), PLAIN,
              "3f08c4e56441a7a03336575833bc3be420a4ffbfcb8d77d827b849b3819d1819")},
    {"sts.eu-west-1.amazonaws.com", "eu-west-1", SESSION, ASSUME_ROLE,
     EXPECTED(SCOPE("eu-west-1"), WITH_TOKEN,
              "e9aaf21eb405b15340d6553539ed557315c16ea27b5b92980c6654ed65893ef6")},
    {"sts.cn-north-1.amazonaws.com.cn", "cn-north-1", NULL,
     "Action=GetCallerIdentity&Version=2011-06-15",
     EXPECTED(SCOPE("cn-north-1"), PLAIN,
              "6a074c89a1defb6ce8f359517bde3ac98a043731c6d793708d78c82f84dca469")},
    {"127.0.0.1:8080", "us-east-1", NULL, NULL,
     EXPECTED(SCOPE("us-east-1"), PLAIN,
              "2d2dfb3ea9b2e885ae8152623397a900aaa9ad6506a4082c67e41fd0c9c4f31d")},
    {"localhost:4566", "us-east-1", SESSION, "",
     EXPECTED(SCOPE("us-east-1"), WITH_TOKEN,
              "f4470546561e37c3d68e32c23ad7e1511fda1ac5fbc6700ed3c13651c5769bcb")},
};

static gov_signed_post make(size_t i) {
  return (gov_signed_post){.host = cases[i].host,
                           .region = cases[i].region,
                           .service = "sts",
                           .access_key_id = ID,
                           .secret_access_key = SECRET,
                           .session_token = cases[i].session_token,
                           .body = cases[i].body,
                           .body_length = cases[i].body ? strlen(cases[i].body) : 0,
                           .now_s = NOW_S};
}

START_TEST(test_authorization) {
  gov_signed_post post = make((size_t)_i);
  mskgov_error_info error = {0};
  gov_buffer out;

  gov_buffer_init(&out, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  ck_assert_int_eq(gov_signed_post_authorize(&out, &post, &error), 0);
  ck_assert_str_eq(out.data, cases[_i].expected);
  ck_assert_int_eq(error.code, 0);
  gov_buffer_fini(&out);
}
END_TEST

/* Every part of the request is in the signature. */
START_TEST(test_what_is_signed) {
  gov_signed_post posts[8];
  gov_buffer first, other;

  for (size_t i = 0; i < 8; i++)
    posts[i] = make(1);
  posts[1].host = "sts.eu-west-2.amazonaws.com";
  posts[2].region = "eu-west-2";
  posts[3].service = "sso";
  posts[4].secret_access_key = "another";
  posts[5].session_token = "another";
  posts[6].body_length--;
  posts[7].now_s++;

  gov_buffer_init(&first, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  gov_buffer_init(&other, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  ck_assert_int_eq(gov_signed_post_authorize(&first, &posts[0], NULL), 0);
  for (size_t i = 1; i < 8; i++) {
    gov_buffer_reset(&other);
    ck_assert_int_eq(gov_signed_post_authorize(&other, &posts[i], NULL), 0);
    ck_assert_str_ne(strstr(first.data, "Signature="), strstr(other.data, "Signature="));
  }

  /* botocore's, for that service */
  gov_buffer_reset(&other);
  ck_assert_int_eq(gov_signed_post_authorize(&other, &posts[3], NULL), 0);
  ck_assert_str_eq(
      other.data,
      EXPECTED("20150830/eu-west-1/sso/aws4_request", WITH_TOKEN,
               "5c95084eb489ee09c6b89e8cbc58288a1ba4cdf16b7761f99a29c32e65370281"));
  gov_buffer_fini(&first);
  gov_buffer_fini(&other);
}
END_TEST

/* The longest parts that credentials may have; the signature is botocore's. */
START_TEST(test_longest_parts) {
  static char id[129], secret[129], token[LONG_TOKEN_LENGTH + 1];
  gov_signed_post post = make(0);
  gov_buffer out;

  memset(id, 'A', sizeof(id) - 1);
  memset(secret, 's', sizeof(secret) - 1);
  memset(token, 't', sizeof(token) - 1);
  post.access_key_id = id;
  post.secret_access_key = secret;
  post.session_token = token;

  gov_buffer_init(&out, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  ck_assert_int_eq(gov_signed_post_authorize(&out, &post, NULL), 0);
  ck_assert_str_eq(strstr(out.data, "Signature="),
                   "Signature="
                   "90755e59ea6b4869f295d993a803e42b63f5110b324f3ab5a960906e3167a0e1");
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_errors) {
  static char secret[130], token[40000];
  gov_signed_post post = make(1);
  mskgov_error_info error = {0};
  gov_buffer out;

  memset(secret, 's', sizeof(secret) - 1);
  memset(token, 't', sizeof(token) - 1);
  gov_buffer_init(&out, GOV_SIGNED_POST_AUTHORIZATION_MAX);
  post.secret_access_key = secret;
  ck_assert_int_eq(gov_signed_post_authorize(&out, &post, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "secret_access_key has 129 bytes"));
  ck_assert_ptr_null(strstr(error.text, "sss"));
  ck_assert_uint_eq(out.length, 0);

  post = make(1);
  post.session_token = token;
  error.code = 0;
  ck_assert_int_eq(gov_signed_post_authorize(&out, &post, &error), MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&out);

  post = make(1);
  error.code = 0;
  gov_buffer_init(&out, strlen(cases[1].expected) - 1);
  ck_assert_int_eq(gov_signed_post_authorize(&out, &post, &error), MSKGOV_ERR_NO_MEMORY);
  ck_assert_int_eq(error.code, MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("signed_post", TEST_TABLE(test_authorization, cases), TEST(test_what_is_signed),
          TEST(test_longest_parts), TEST(test_errors))
