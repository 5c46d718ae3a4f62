/*
 * The token for MSK against AWS's own signer (official_token.h), stage by stage.
 */
#include "codec/base64.h"
#include "harness.h"
#include "official_token.h"
#include "sign/msk_token.h"

#include <mskgov/authenticator.h>

#include <string.h>

#define S UINT64_C(1000000000)
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct official {
  const char *region, *access_key_id, *session_token;
  const char *canonical_request, *string_to_sign, *signature;
  const char *url;
} official;

static const official cases[] = {
    {"eu-west-1", "AKIDEXAMPLE", NULL,
     "GET\n/\n"
     "Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-west-1%2Fkafka-cluster%2Faws4_request"
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\n"
     "host:kafka.eu-west-1.amazonaws.com\n\nhost\n" EMPTY_HASH,
     "AWS4-HMAC-SHA256\n20260102T030405Z\n"
     "20260102/eu-west-1/kafka-cluster/aws4_request\n"
     "8663aeb3e7bb2b20a98ed46220bff07213299b18bec13bdbcf3410097e2a0789",
     OFFICIAL_SIGNATURE,
     "https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect"
     "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-west-1%2Fkafka-cluster%2Faws4_request"
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
     "&X-Amz-Signature=7cc178453342e479def8e0e69cbff443ca929b5b0426af0f4b64554172c7195d"
     "&User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2"},
    /* The signer's URL has X-Amz-SignedHeaders before X-Amz-Security-Token; ours keeps
       the order of the canonical request, which is what is signed. */
    {"us-gov-west-1", "ASIDEXAMPLE", "IQoJb3JpZ2luX2Vj+/abc/DEF==",
     "GET\n/\n"
     "Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=ASIDEXAMPLE%2F20260102%2Fus-gov-west-1%2Fkafka-cluster"
     "%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900"
     "&X-Amz-Security-Token=IQoJb3JpZ2luX2Vj%2B%2Fabc%2FDEF%3D%3D"
     "&X-Amz-SignedHeaders=host\n"
     "host:kafka.us-gov-west-1.amazonaws.com\n\nhost\n" EMPTY_HASH,
     "AWS4-HMAC-SHA256\n20260102T030405Z\n"
     "20260102/us-gov-west-1/kafka-cluster/aws4_request\n"
     "ab1784551c5ae53860094fa0f80698f78b1232bc1fbb62998e3f789acddb1cbc",
     "ef9b7813240ca6d14c950c061aaaaf7a0a46af707b477a3fbb25350d014348be",
     "https://kafka.us-gov-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect"
     "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=ASIDEXAMPLE%2F20260102%2Fus-gov-west-1%2Fkafka-cluster"
     "%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900"
     "&X-Amz-Security-Token=IQoJb3JpZ2luX2Vj%2B%2Fabc%2FDEF%3D%3D"
     "&X-Amz-SignedHeaders=host"
     "&X-Amz-Signature=ef9b7813240ca6d14c950c061aaaaf7a0a46af707b477a3fbb25350d014348be"
     "&User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2"},
    /* In China the host does not end in .cn. */
    {"cn-north-1", "AKIDEXAMPLE", NULL,
     "GET\n/\n"
     "Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fcn-north-1%2Fkafka-cluster%2Faws4_"
     "request"
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\n"
     "host:kafka.cn-north-1.amazonaws.com\n\nhost\n" EMPTY_HASH,
     "AWS4-HMAC-SHA256\n20260102T030405Z\n"
     "20260102/cn-north-1/kafka-cluster/aws4_request\n"
     "aeab3e14b1a0c33deab7c578e9bddae2d6c0e588781b45873193b543a8779ab6",
     "a3f44b31b1c72c8d9c8f95dcd0969d82b0a8ab82a322a5aece5bd60b03d4e7d3",
     "https://kafka.cn-north-1.amazonaws.com/?Action=kafka-cluster%3AConnect"
     "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
     "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fcn-north-1%2Fkafka-cluster%2Faws4_"
     "request"
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
     "&X-Amz-Signature=a3f44b31b1c72c8d9c8f95dcd0969d82b0a8ab82a322a5aece5bd60b03d4e7d3"
     "&User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2"},
};

static gov_msk_parts parts_of(const official *o) {
  return (gov_msk_parts){
      .region = o->region,
      .access_key_id = o->access_key_id,
      .session_token = o->session_token,
      .user_agent = OFFICIAL_USER_AGENT,
      .timestamp = OFFICIAL_TIMESTAMP,
  };
}

static void derive(const char *region, unsigned char key[GOV_SIGV4_KEY_SIZE]) {
  ck_assert_int_eq(
      gov_sigv4_key(OFFICIAL_SECRET, "20260102", region, "kafka-cluster", key, NULL), 0);
}

START_TEST(test_stages) {
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_msk_parts parts = parts_of(&cases[i]);
    char signature[GOV_SIGV4_SIGNATURE_SIZE];
    unsigned char key[GOV_SIGV4_KEY_SIZE];
    gov_buffer query, host, request, to_sign;

    gov_buffer_init(&query, 2000);
    gov_buffer_init(&host, 2000);
    gov_buffer_init(&request, 2000);
    gov_buffer_init(&to_sign, 2000);
    gov_msk_request_query(&query, &parts);
    gov_msk_token_host(&host, parts.region);
    gov_sigv4_presigned_canonical_request(&request, "/", query.data, host.data);
    ck_assert_str_eq(request.data, cases[i].canonical_request);

    ck_assert_int_eq(gov_sigv4_string_to_sign(&to_sign, "20260102T030405Z", parts.region,
                                              GOV_MSK_SERVICE, request.data, request.length,
                                              NULL),
                     0);
    ck_assert_str_eq(to_sign.data, cases[i].string_to_sign);

    derive(parts.region, key);
    ck_assert_int_eq(
        gov_sigv4_signature(key, to_sign.data, to_sign.length, signature, NULL), 0);
    ck_assert_str_eq(signature, cases[i].signature);
    gov_buffer_fini(&to_sign);
    gov_buffer_fini(&request);
    gov_buffer_fini(&host);
    gov_buffer_fini(&query);
  }
}
END_TEST

START_TEST(test_url) {
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_msk_parts parts = parts_of(&cases[i]);
    unsigned char key[GOV_SIGV4_KEY_SIZE];
    gov_buffer token, url;

    gov_buffer_init(&token, GOV_MSK_TOKEN_MAX);
    gov_buffer_init(&url, GOV_MSK_TOKEN_MAX);
    derive(parts.region, key);
    ck_assert_int_eq(gov_msk_token_sign(&token, &parts, key, NULL), 0);
    ck_assert_int_eq(gov_base64url_decode(token.data, token.length, &url), 0);
    ck_assert_str_eq(url.data, cases[i].url);
    gov_buffer_fini(&url);
    gov_buffer_fini(&token);
  }
}
END_TEST

START_TEST(test_token_to_the_letter) {
  gov_msk_parts parts = parts_of(&cases[0]);
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  gov_buffer token;

  gov_buffer_init(&token, GOV_MSK_TOKEN_MAX);
  derive(parts.region, key);
  ck_assert_int_eq(gov_msk_token_sign(&token, &parts, key, NULL), 0);
  ck_assert_str_eq(token.data, OFFICIAL_TOKEN);
  gov_buffer_fini(&token);
}
END_TEST

START_TEST(test_user_agent_is_not_signed) {
  gov_msk_parts parts = parts_of(&cases[0]);
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  gov_buffer token, url;

  parts.user_agent = "mine 1/\xc3\xa9&x=y";
  gov_buffer_init(&token, GOV_MSK_TOKEN_MAX);
  gov_buffer_init(&url, GOV_MSK_TOKEN_MAX);
  derive(parts.region, key);
  ck_assert_int_eq(gov_msk_token_sign(&token, &parts, key, NULL), 0);
  ck_assert_int_eq(gov_base64url_decode(token.data, token.length, &url), 0);
  ck_assert_ptr_nonnull(strstr(url.data, "&X-Amz-Signature=" OFFICIAL_SIGNATURE
                                         "&User-Agent=mine%201%2F%C3%A9%26x%3Dy"));
  gov_buffer_fini(&url);
  gov_buffer_fini(&token);
}
END_TEST

START_TEST(test_longest_token_fits) {
  static char id[128 + 1], session_token[16384 + 1], user_agent[256 + 1];
  gov_msk_parts parts = parts_of(&cases[0]);
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  mskgov_error_info error = {0};
  gov_buffer token, narrow;

  memset(id, '/', sizeof(id) - 1);
  memset(session_token, '+', sizeof(session_token) - 1);
  memset(user_agent, ' ', sizeof(user_agent) - 1);
  parts.access_key_id = id;
  parts.session_token = session_token;
  parts.user_agent = user_agent;
  derive(parts.region, key);

  gov_buffer_init(&token, GOV_MSK_TOKEN_MAX);
  ck_assert_int_eq(gov_msk_token_sign(&token, &parts, key, &error), 0);

  gov_buffer_init(&narrow, token.length - 1);
  ck_assert_int_eq(gov_msk_token_sign(&narrow, &parts, key, &error), MSKGOV_ERR_NO_MEMORY);
  ck_assert_ptr_null(strstr(error.text, "++"));
  gov_buffer_fini(&narrow);
  gov_buffer_fini(&token);
}
END_TEST

START_TEST(test_lifetime) {
  static const struct {
    uint64_t now_ns, expire_at_ns, expected_s;
  } lives[] = {
      {1000 * S, MSKGOV_NEVER, 900},
      {1000 * S, 10000 * S, 900},
      {1000 * S, 1900 * S, 900},
      {1000 * S, 1900 * S - 1, 899}, /* floor */
      {1000 * S + 1, 1900 * S, 899},
      {1000 * S, 1100 * S + S / 2, 100},
      {1000 * S, 1001 * S, 1},
      {1000 * S, 1001 * S - 1, 0},
      {1000 * S, 1000 * S, 0},
      {1000 * S, 999 * S, 0},
      {1000 * S, 0, 0},
  };

  for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
    ck_assert_uint_eq(gov_msk_token_lifetime_s(lives[i].now_ns, lives[i].expire_at_ns),
                      lives[i].expected_s);
}
END_TEST

TEST_MAIN("msk_token", TEST(test_stages), TEST(test_url), TEST(test_token_to_the_letter),
          TEST(test_user_agent_is_not_signed), TEST(test_longest_token_fits),
          TEST(test_lifetime))
