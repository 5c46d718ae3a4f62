/*
 * The check of tokens, against tokens of AWS's own signer (aws-msk-iam-sasl-signer-python
 * 1.0.2 with botocore 1.44.5, its clock at 2026-01-02T03:04:05Z = 1767323045, the
 * credentials below), and those with one thing changed each.
 */
#include "base/buffer.h"
#include "broker/bearer.h"
#include "broker/presigned.h"
#include "broker/token_check.h"
#include "codec/base64.h"
#include "harness.h"

#include <string.h>

#define SIGNED_AT_S UINT64_C(1767323045)
#define S(n) ((uint64_t)(n)*UINT64_C(1000000000))

#define SCOPE "%2F20260102%2Feu-west-1%2Fkafka-cluster%2Faws4_request"
#define HOST "https://kafka.eu-west-1.amazonaws.com"
#define ACTION "Action=kafka-cluster%3AConnect"
#define HEAD_END                                                                           \
  "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE" SCOPE                   \
  "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900"
#define SIGNED_HEADERS "&X-Amz-SignedHeaders=host"
#define HEAD HOST "/?" ACTION HEAD_END SIGNED_HEADERS
#define SIGNATURE                                                                          \
  "&X-Amz-Signature=7cc178453342e479def8e0e69cbff443ca929b5b0426af0f4b64554172c7195d"
#define AGENT "&User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2"
#define SESSION "IQoJb3JpZ2luX2VjEXAMPLE+session/token=="
#define SESSION_ENCODED                                                                    \
  "&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%2Bsession%2Ftoken%3D%3D"
#define SESSION_SIGNATURE                                                                  \
  "&X-Amz-Signature=9b20f63d852aa69bf528169a592e6eb04cf58f37c7b98e9f7a507072c90bca5c"

/* Signed all right, by botocore's SigV4QueryAuth, but not for this. */
#define SIGNED(region, service, action, expires, signature)                                \
  "https://kafka." region ".amazonaws.com/?Action=kafka-cluster%3A" action                 \
  "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2F" region    \
  "%2F" service "%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=" expires       \
  "&X-Amz-SignedHeaders=host&X-Amz-Signature=" signature
#define FOR_60_S                                                                           \
  SIGNED("eu-west-1", "kafka-cluster", "Connect", "60",                                    \
         "7aea38a52edeaa558564a4a83e4e68f7f5c7f8acc87bb0ab91969beaaa2fffb9")

static const struct {
  const char *name;
  const char *url;
  const char *session_token; /* of the known credentials */
  uint64_t now_ns;
  uint64_t expires_at_ns; /* of the credentials */
  gov_token_verdict verdict;
  uint64_t lifetime_ms;
} cases[] = {
    {"as signed", HEAD SIGNATURE AGENT, NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_VALID,
     900000},
    {"with a session token", HEAD SESSION_ENCODED SESSION_SIGNATURE AGENT, SESSION,
     S(SIGNED_AT_S + 100), MSKGOV_NEVER, GOV_TOKEN_VALID, 800000},
    {"the user agent is not signed", HEAD SIGNATURE "&User-Agent=x%", NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_VALID, 900000},
    {"what follows it is read", HEAD SIGNATURE "&User-Agent=x&more", NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"sorted, as the signers for JavaScript and Go have it",
     HOST "/?" ACTION AGENT HEAD_END SIGNATURE SIGNED_HEADERS, NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_VALID, 900000},
    {"without a slash, as the signer for Java has it",
     HOST "?" ACTION HEAD_END SIGNED_HEADERS SIGNATURE AGENT, NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_VALID, 900000},
    {"nor need it be there", HEAD SIGNATURE, NULL, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_VALID, 900000},

    {"our clock 300 s behind", HEAD SIGNATURE, NULL, S(SIGNED_AT_S - 300), MSKGOV_NEVER,
     GOV_TOKEN_VALID, 1200000},
    {"our clock a little more behind", HEAD SIGNATURE, NULL, S(SIGNED_AT_S - 300) - 1,
     MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"one second to live", HEAD SIGNATURE, NULL, S(SIGNED_AT_S + 899), MSKGOV_NEVER,
     GOV_TOKEN_VALID, 1000},
    {"expired", HEAD SIGNATURE, NULL, S(SIGNED_AT_S + 900), MSKGOV_NEVER, GOV_TOKEN_DENIED,
     0},

    {"credentials for 60 s", HEAD SIGNATURE, NULL, S(SIGNED_AT_S), S(SIGNED_AT_S + 60),
     GOV_TOKEN_VALID, 60000},
    {"credentials for 1 s", HEAD SIGNATURE, NULL, S(SIGNED_AT_S), S(SIGNED_AT_S + 1),
     GOV_TOKEN_VALID, 1000},
    {"credentials for less", HEAD SIGNATURE, NULL, S(SIGNED_AT_S), S(SIGNED_AT_S + 1) - 1,
     GOV_TOKEN_TOO_SHORT, 0},
    {"credentials expired", HEAD SIGNATURE, NULL, S(SIGNED_AT_S), S(SIGNED_AT_S),
     GOV_TOKEN_DENIED, 0},

    {"good for 60 s, after 59", FOR_60_S, NULL, S(SIGNED_AT_S + 59), MSKGOV_NEVER,
     GOV_TOKEN_VALID, 1000},
    {"good for 60 s, after 60", FOR_60_S, NULL, S(SIGNED_AT_S + 60), MSKGOV_NEVER,
     GOV_TOKEN_DENIED, 0},
    {"signed for another action",
     SIGNED("eu-west-1", "kafka-cluster", "Alter", "900",
            "71e67bc00efd9eca5b06950cbc0e3f0cb250f04d3cb327366d3807610c9b5b91"),
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"signed for another service",
     SIGNED("eu-west-1", "kafka", "Connect", "900",
            "943595d807c016700f4931d158b0df8e4d82a471761ccccf69e9f06496911716"),
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"signed for another region",
     SIGNED("eu-west-2", "kafka-cluster", "Connect", "900",
            "a66688aaeeeaa7dd3580a239a32b8ab5c0b60b504e4d252b775296a693047cd3"),
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"another signature",
     HEAD "&X-Amz-Signature="
          "7cc178453342e479def8e0e69cbff443ca929b5b0426af0f4b64554172c7195e",
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"a parameter that was not signed", HEAD "&X=1" SIGNATURE, NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"the same after the signature", HEAD SIGNATURE "&X=1", NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"session token missing", HEAD SIGNATURE, SESSION, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_DENIED, 0},
    {"session token not expected", HEAD SESSION_ENCODED SESSION_SIGNATURE, NULL,
     S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"another session token", HEAD SESSION_ENCODED SESSION_SIGNATURE, "other",
     S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"another region's host",
     "https://kafka.eu-west-2.amazonaws.com/?Action=kafka-cluster%3AConnect"
     "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE" SCOPE
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host" SIGNATURE,
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"the same, signed for it",
     "https://kafka.eu-west-2.amazonaws.com/?Action=kafka-cluster%3AConnect"
     "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE" SCOPE
     "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
     "&X-Amz-Signature=159ad6ff53b5dc5c49b386a847363e9a36afc3c23cb13b5dddfbf7d79ffcf4da",
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},

    {"an empty region",
     "https://kafka..amazonaws.com/?Action=kafka-cluster%3AConnect" SIGNATURE, NULL,
     S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"no signature", HEAD, NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"a short signature", HEAD "&X-Amz-Signature=7cc1", NULL, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_MALFORMED, 0},
    {"a parameter twice", HEAD "&X-Amz-Expires=900" SIGNATURE, NULL, S(SIGNED_AT_S),
     MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"half an escape", HEAD "&X=%4" SIGNATURE, NULL, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_MALFORMED, 0},
    {"a NUL", HEAD "&X=%00" SIGNATURE, NULL, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_MALFORMED, 0},
    {"an empty parameter", HEAD "&" SIGNATURE, NULL, S(SIGNED_AT_S), MSKGOV_NEVER,
     GOV_TOKEN_MALFORMED, 0},
    {"too many parameters", HEAD "&A=1&B=1&C=1&D=1&E=1&F=1&G=1&H=1&I=1&J=1&K=1" SIGNATURE,
     NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"plain http", "http://kafka.eu-west-1.amazonaws.com/?Action=x" SIGNATURE, NULL,
     S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"a host that only begins alike",
     "https://kafka.eu-west-1.amazonaws.com.example/?Action=x" SIGNATURE, NULL,
     S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
    {"nothing", "", NULL, S(SIGNED_AT_S), MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},
};

/* One parameter of the good URL replaced: by what, and what is made of it. */
static const struct {
  const char *from, *to;
  gov_token_verdict verdict;
} changes[] = {
    {"kafka-cluster%3AConnect", "kafka-cluster%3AAlter", GOV_TOKEN_DENIED},
    {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", GOV_TOKEN_DENIED},
    {"AKIDEXAMPLE", "AKIDEXAMPL", GOV_TOKEN_DENIED},
    {"AKIDEXAMPLE", "AKIDEXAMPLES", GOV_TOKEN_DENIED},
    {"%2F20260102%2F", "%2F20260103%2F", GOV_TOKEN_DENIED},
    {"%2Feu-west-1%2F", "%2Feu-west-2%2F", GOV_TOKEN_DENIED},
    {"%2Fkafka-cluster%2F", "%2Fkafka%2F", GOV_TOKEN_DENIED},
    {"aws4_request", "aws5_request", GOV_TOKEN_DENIED},
    {"Headers=host", "Headers=host%3Bx", GOV_TOKEN_DENIED},
    {"Date=20260102T030405Z", "Date=20260102T030406Z", GOV_TOKEN_DENIED},
    {"Expires=900", "Expires=899", GOV_TOKEN_DENIED},
    {"Expires=900", "Expires=901", GOV_TOKEN_MALFORMED},
    {"Expires=900", "Expires=0", GOV_TOKEN_MALFORMED},
    {"Expires=900", "Expires=", GOV_TOKEN_MALFORMED},
    {"Expires=900", "Expires=9e2", GOV_TOKEN_MALFORMED},
    {"Expires=900", "Expires=18446744073709551617", GOV_TOKEN_MALFORMED},
    {"Date=20260102T030405Z", "Date=20260102", GOV_TOKEN_MALFORMED},
    {"Date=20260102T030405Z", "Date=20261302T030405Z", GOV_TOKEN_MALFORMED},
    {"%2Faws4_request", "", GOV_TOKEN_MALFORMED},
    {"X-Amz-Date", "X-Amz-Dote", GOV_TOKEN_MALFORMED},
    {"X-Amz-Date", "X-Amz%2DDate", GOV_TOKEN_MALFORMED},
};

static gov_token_verdict verdict_on(const char *url, const char *session_token,
                                    uint64_t now_ns, uint64_t expires_at_ns,
                                    uint64_t *lifetime_ms) {
  mskgov_credentials *credentials;
  gov_token_verdict verdict;
  gov_token_check check;
  gov_buffer payload;

  ck_assert_int_eq(mskgov_credentials_new(&credentials, "AKIDEXAMPLE",
                                          "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                          session_token, expires_at_ns, NULL),
                   0);
  ck_assert_int_eq(gov_token_check_init(&check, "eu-west-1", "localhost", &credentials, 1),
                   0);
  gov_buffer_init(&payload, 1 << 17);
  gov_buffer_append_string(&payload, "n,,\001auth=Bearer ");
  gov_base64url_encode(url, strlen(url), &payload);
  gov_buffer_append_string(&payload, "\001\001");
  ck_assert_int_eq(gov_token_check_message(&check, GOV_MECHANISM_OAUTHBEARER, payload.data,
                                           payload.length, now_ns, &verdict, lifetime_ms),
                   0);
  gov_buffer_fini(&payload);
  gov_token_check_fini(&check);
  mskgov_credentials_free(credentials);

  return verdict;
}

START_TEST(test_verdicts) {
  uint64_t lifetime_ms;

  ck_assert_msg(verdict_on(cases[_i].url, cases[_i].session_token, cases[_i].now_ns,
                           cases[_i].expires_at_ns, &lifetime_ms) == cases[_i].verdict,
                "%s", cases[_i].name);
  if (cases[_i].verdict == GOV_TOKEN_VALID)
    ck_assert_uint_eq(lifetime_ms, cases[_i].lifetime_ms);
}
END_TEST

START_TEST(test_changes) {
  static const char good[] = HEAD SIGNATURE AGENT;
  const char *at = strstr(good, changes[_i].from);
  uint64_t lifetime_ms;
  char url[1024];

  ck_assert_ptr_nonnull(at);
  snprintf(url, sizeof(url), "%.*s%s%s", (int)(at - good), good, changes[_i].to,
           at + strlen(changes[_i].from));
  ck_assert_msg(verdict_on(url, NULL, S(SIGNED_AT_S), MSKGOV_NEVER, &lifetime_ms) ==
                    changes[_i].verdict,
                "%s", changes[_i].to);
}
END_TEST

/* A parameter as long as it can be, all of it longer when it is encoded: denied, no
   failure. */
START_TEST(test_long_parameter) {
  static char url[GOV_PRESIGNED_URL_MAX + 1];
  uint64_t lifetime_ms;
  int length = sprintf(url, "%s%s&X=", HEAD, SIGNATURE);

  memset(url + length, '/', sizeof(url) - 1 - (size_t)length);
  ck_assert_int_eq(verdict_on(url, NULL, S(SIGNED_AT_S), MSKGOV_NEVER, &lifetime_ms),
                   GOV_TOKEN_DENIED);
}
END_TEST

/* RFC 7628, section 3.1; librdkafka sends the first, Java the second. */
static const struct {
  const char *message;
  const char *token; /* NULL: refused */
} messages[] = {
    {"n,,\001auth=Bearer abc\001\001", "abc"},
    {"n,,\001auth=Bearer abc\001\001", "abc"},
    {"n,a=user@example.com,\001host=x\001port=143\001auth=Bearer a.b=\001\001", "a.b="},
    {"n,,\001auth=bEARER abc\001x=\001\001", "abc"},
    {"", NULL},
    {"n,", NULL},
    {"n,,", NULL},
    {"n,,\001", NULL},
    {"n,,\001\001", NULL},
    {"y,,\001auth=Bearer abc\001\001", NULL},
    {"n,b=x,\001auth=Bearer abc\001\001", NULL},
    {"n,,auth=Bearer abc\001\001", NULL},
    {"n,,\001auth=Bearer abc\001", NULL},
    {"n,,\001auth=Bearer abc", NULL},
    {"n,,\001auth=Bearer abc\001\001\001", NULL},
    {"n,,\001auth=Bearer abc\001\001x", NULL},
    {"n,,\001auth=Bearer \001\001", NULL},
    {"n,,\001auth=Basic abcd\001\001", NULL},
    {"n,,\001auth=Bearer a\001auth=Bearer b\001\001", NULL},
    {"n,,\001host\001auth=Bearer a\001\001", NULL},
    {"n,,\001=x\001auth=Bearer a\001\001", NULL},
    {"n,,\001k2=x\001auth=Bearer a\001\001", NULL},
};

START_TEST(test_bearer) {
  for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
    size_t length = strlen(messages[i].message), token_length;
    char *copy = malloc(length ? length : 1); /* its exact size, for the sanitizers */
    const char *token;
    int rc;

    memcpy(copy, messages[i].message, length);
    rc = gov_bearer_parse(copy, length, &token, &token_length);
    ck_assert_msg(rc == (messages[i].token ? 0 : MSKGOV_ERR_PROTOCOL), "%zu", i);
    if (!rc) {
      ck_assert_uint_eq(token_length, strlen(messages[i].token));
      ck_assert_mem_eq(token, messages[i].token, token_length);
    }
    free(copy);
  }
}
END_TEST

/* What is no base64url, and what is too long to be a token at all. */
START_TEST(test_no_token) {
  size_t length = 1 << 20;
  char *payload = malloc(length);
  uint64_t lifetime_ms;
  gov_token_verdict verdict;
  gov_token_check check;

  memset(payload, 'A', length);
  memcpy(payload, "n,,\001auth=Bearer ", 16);
  memcpy(payload + length - 2, "\001\001", 2);
  ck_assert_int_eq(gov_token_check_init(&check, "eu-west-1", "localhost", NULL, 0), 0);
  ck_assert_int_eq(gov_token_check_message(&check, GOV_MECHANISM_OAUTHBEARER, payload,
                                           length, S(SIGNED_AT_S), &verdict, &lifetime_ms),
                   0);
  ck_assert_int_eq(verdict, GOV_TOKEN_MALFORMED);
  memcpy(payload + 16, "a+/=\001\001", 6);
  ck_assert_int_eq(gov_token_check_message(&check, GOV_MECHANISM_OAUTHBEARER, payload, 22,
                                           S(SIGNED_AT_S), &verdict, &lifetime_ms),
                   0);
  ck_assert_int_eq(verdict, GOV_TOKEN_MALFORMED);
  gov_token_check_fini(&check);
  free(payload);
}
END_TEST

TEST_MAIN("token_check", TEST_TABLE(test_verdicts, cases),
          TEST_TABLE(test_changes, changes), TEST(test_long_parameter), TEST(test_bearer),
          TEST(test_no_token))
