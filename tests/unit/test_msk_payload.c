/*
 * The payload of SASL AWS_MSK_IAM, read by a JSON parser. The signatures are botocore's:
 *
 *     SigV4QueryAuth(Credentials(id, secret, token), "kafka-cluster", region, expires=900)
 *         .add_auth(AWSRequest("GET", "https://<host>/?Action=kafka-cluster%3AConnect"))
 *
 * at OFFICIAL_NOW_S, and the fields those that aws-msk-iam-auth sends.
 */
#include "harness.h"
#include "official_token.h"
#include "sign/msk_payload.h"

#include <jansson.h>
#include <string.h>

typedef struct official {
  const char *region, *host, *id, *session_token, *credential, *signature;
} official;

static const official cases[] = {
    {"eu-west-1", "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com", "AKIDEXAMPLE", NULL,
     "AKIDEXAMPLE/20260102/eu-west-1/kafka-cluster/aws4_request",
     "68ed2469bf23b95e04be54be1ec810063e0ac86cb8c655b5029c009efdd68a1b"},
    {"cn-north-1", "b-2.demo.abc123.c2.kafka.cn-north-1.amazonaws.com.cn", "ASIDEXAMPLE",
     "IQoJb3JpZ2luX2Vj+/abc/DEF==",
     "ASIDEXAMPLE/20260102/cn-north-1/kafka-cluster/aws4_request",
     "97d65ad24d18056cbeedff29311f6ae433dc2ed0f6f00d07670110a50b8eadd0"},
};

static json_t *sign(const gov_msk_parts *parts, const char *host) {
  unsigned char key[GOV_SIGV4_KEY_SIZE];
  json_error_t problem;
  gov_buffer payload;
  json_t *json;

  ck_assert_int_eq(
      gov_sigv4_key(OFFICIAL_SECRET, "20260102", parts->region, GOV_MSK_SERVICE, key, NULL),
      0);
  gov_buffer_init(&payload, GOV_MSK_PAYLOAD_MAX);
  ck_assert_int_eq(gov_msk_payload_sign(&payload, parts, host, key, NULL), 0);
  json = json_loads(payload.data, JSON_REJECT_DUPLICATES, &problem);
  ck_assert_msg(json != NULL, "%s: %s", problem.text, payload.data);
  gov_buffer_fini(&payload);

  return json;
}

static void check_field(json_t *json, const char *name, const char *value) {
  const char *found = json_string_value(json_object_get(json, name));

  ck_assert_msg(found != NULL, "%s is missing", name);
  ck_assert_str_eq(found, value);
}

static void check_all(json_t *json, const official *row) {
  check_field(json, "version", "2020_10_22");
  check_field(json, "host", row->host);
  check_field(json, "user-agent", OFFICIAL_USER_AGENT);
  check_field(json, "action", "kafka-cluster:Connect");
  check_field(json, "x-amz-algorithm", "AWS4-HMAC-SHA256");
  check_field(json, "x-amz-credential", row->credential);
  check_field(json, "x-amz-date", "20260102T030405Z");
  check_field(json, "x-amz-signedheaders", "host");
  check_field(json, "x-amz-expires", "900");
  check_field(json, "x-amz-signature", row->signature);
  if (row->session_token)
    check_field(json, "x-amz-security-token", row->session_token);
  ck_assert_uint_eq(json_object_size(json), row->session_token ? 11 : 10);
}

START_TEST(it_is_what_the_official_ones_make) {
  const official *row = &cases[_i];
  const gov_msk_parts parts = {.region = row->region,
                               .access_key_id = row->id,
                               .session_token = row->session_token,
                               .user_agent = OFFICIAL_USER_AGENT,
                               .timestamp = OFFICIAL_TIMESTAMP};
  json_t *json = sign(&parts, row->host);

  check_all(json, row);
  json_decref(json);
}
END_TEST

START_TEST(what_json_reserves_is_escaped) {
  const gov_msk_parts parts = {.region = "eu-west-1",
                               .access_key_id = "A\"B\\C",
                               .session_token = "\\\"{},:",
                               .user_agent = "a \"b\"\n\x01\xc3\xa9",
                               .timestamp = OFFICIAL_TIMESTAMP};
  json_t *json = sign(&parts, "localhost");

  check_field(json, "x-amz-credential",
              "A\"B\\C/20260102/eu-west-1/kafka-cluster/aws4_request");
  check_field(json, "x-amz-security-token", "\\\"{},:");
  check_field(json, "user-agent", "a \"b\"????");
  json_decref(json);
}
END_TEST

/* The longest parts that mskgov_credentials_new takes, all to be escaped. */
START_TEST(the_longest_parts_fit) {
  static char id[129], session_token[16385], user_agent[257];
  const gov_msk_parts parts = {.region = "us-isof-northeast-99",
                               .access_key_id = id,
                               .session_token = session_token,
                               .user_agent = user_agent,
                               .timestamp = OFFICIAL_TIMESTAMP};
  json_t *json;

  memset(id, '"', sizeof(id) - 1);
  memset(session_token, '\\', sizeof(session_token) - 1);
  memset(user_agent, '"', sizeof(user_agent) - 1);
  json = sign(&parts, "localhost");
  check_field(json, "x-amz-security-token", session_token);
  json_decref(json);
}
END_TEST

START_TEST(a_buffer_without_room_is_told) {
  const gov_msk_parts parts = {.region = "eu-west-1",
                               .access_key_id = "AKIDEXAMPLE",
                               .user_agent = OFFICIAL_USER_AGENT,
                               .timestamp = OFFICIAL_TIMESTAMP};
  unsigned char key[GOV_SIGV4_KEY_SIZE] = {0};
  gov_buffer payload;

  gov_buffer_init(&payload, 100);
  ck_assert_int_eq(gov_msk_payload_sign(&payload, &parts, "localhost", key, NULL),
                   MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&payload);
}
END_TEST

TEST_MAIN("msk_payload", TEST_TABLE(it_is_what_the_official_ones_make, cases),
          TEST(what_json_reserves_is_escaped), TEST(the_longest_parts_fit),
          TEST(a_buffer_without_room_is_told))
