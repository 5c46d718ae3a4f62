/*
 * The check of payloads, SASL AWS_MSK_IAM. The signatures are botocore 1.44.8's:
 *
 *     SigV4QueryAuth(Credentials(id, secret, token), service, region, expires=expires)
 *         .add_auth(AWSRequest("GET", "https://<host>/?Action=<action>"))
 *
 * with its clock at OFFICIAL_NOW_S, and around them the fields that aws-msk-iam-auth sends.
 */
#include "broker/payload.h"

#include "broker/token_check.h"
#include "harness.h"
#include "official_token.h"

#include <jansson.h>
#include <string.h>

#define S(n) ((uint64_t)(n)*UINT64_C(1000000000))
#define NOW_NS S(OFFICIAL_NOW_S)

#define HOST "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com"
#define OTHER_HOST "b-2.demo.abc123.c2.kafka.eu-west-1.amazonaws.com"
#define SIGNATURE "68ed2469bf23b95e04be54be1ec810063e0ac86cb8c655b5029c009efdd68a1b"
#define SESSION "IQoJb3JpZ2luX2VjEXAMPLE+session/token=="
#define SESSION_SIGNATURE "75e33e6bafaaf40fd88d69f1192486f81955fb4e1e102c2d067f4897c02749d2"
#define EMPTY_SESSION_SIGNATURE                                                            \
  "4b554257561cdef746778772b15c45475a6f885168b53b1123b54c3c00a9f23e"

#define AGENT "\"user-agent\":\"aws-msk-iam-auth/2.3.5/17\""
#define HEAD                                                                               \
  "{\"version\":\"2020_10_22\",\"host\":\"" HOST "\"," AGENT                               \
  ",\"action\":\"kafka-cluster:Connect\",\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\""         \
  ",\"x-amz-credential\":\"AKIDEXAMPLE/20260102/eu-west-1/kafka-cluster/aws4_request\""    \
  ",\"x-amz-date\":\"20260102T030405Z\",\"x-amz-signedheaders\":\"host\""
#define TAIL(signature) ",\"x-amz-expires\":\"900\",\"x-amz-signature\":\"" signature "\"}"
#define GOOD HEAD TAIL(SIGNATURE)
#define TOKEN(text) ",\"x-amz-security-token\":" text

static gov_token_verdict verdict_on(const char *payload, size_t length,
                                    const char *session_token, uint64_t now_ns,
                                    uint64_t expires_at_ns, uint64_t *lifetime_ms) {
  char *copy = malloc(length ? length : 1); /* its exact size, for the sanitizers */
  mskgov_credentials *credentials;
  gov_token_verdict verdict;
  gov_token_check check;

  memcpy(copy, payload, length);
  ck_assert_int_eq(mskgov_credentials_new(&credentials, "AKIDEXAMPLE", OFFICIAL_SECRET,
                                          session_token, expires_at_ns, NULL),
                   0);
  ck_assert_int_eq(gov_token_check_init(&check, "eu-west-1", HOST, &credentials, 1), 0);
  ck_assert_int_eq(gov_token_check_message(&check, GOV_MECHANISM_AWS_MSK_IAM, copy, length,
                                           now_ns, &verdict, lifetime_ms),
                   0);
  gov_token_check_fini(&check);
  mskgov_credentials_free(credentials);
  free(copy);

  return verdict;
}

static gov_token_verdict verdict_now(const char *payload, size_t length) {
  uint64_t lifetime_ms;

  return verdict_on(payload, length, NULL, NOW_NS, MSKGOV_NEVER, &lifetime_ms);
}

/* `text` with its first `from` replaced, which has to be there; to be freed. */
static char *replace(const char *text, const char *from, const char *to) {
  const char *at = strstr(text, from);
  char *out = malloc(strlen(text) + strlen(to) + 1);

  ck_assert_msg(at != NULL, "%s", from);
  sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));

  return out;
}

static const struct {
  const char *name, *payload, *session_token; /* of the known credentials */
  uint64_t now_ns;
  uint64_t expires_at_ns; /* of the credentials */
  gov_token_verdict verdict;
  uint64_t lifetime_ms;
} cases[] = {
    {"as signed", GOOD, NULL, NOW_NS, MSKGOV_NEVER, GOV_TOKEN_VALID, 900000},
    {"with a session token", HEAD TOKEN("\"" SESSION "\"") TAIL(SESSION_SIGNATURE), SESSION,
     NOW_NS + S(100), MSKGOV_NEVER, GOV_TOKEN_VALID, 800000},
    {"session token missing", GOOD, SESSION, NOW_NS, MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"session token not expected", HEAD TOKEN("\"" SESSION "\"") TAIL(SESSION_SIGNATURE),
     NULL, NOW_NS, MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"another session token", HEAD TOKEN("\"" SESSION "\"") TAIL(SESSION_SIGNATURE),
     SESSION "=", NOW_NS, MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"an empty session token", HEAD TOKEN("\"\"") TAIL(EMPTY_SESSION_SIGNATURE), NULL,
     NOW_NS, MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"a session token of null", HEAD TOKEN("null") TAIL(SIGNATURE), NULL, NOW_NS,
     MSKGOV_NEVER, GOV_TOKEN_MALFORMED, 0},

    {"our clock 300 s behind", GOOD, NULL, NOW_NS - S(300), MSKGOV_NEVER, GOV_TOKEN_VALID,
     1200000},
    {"our clock a little more behind", GOOD, NULL, NOW_NS - S(300) - 1, MSKGOV_NEVER,
     GOV_TOKEN_DENIED, 0},
    {"one second to live", GOOD, NULL, NOW_NS + S(899), MSKGOV_NEVER, GOV_TOKEN_VALID,
     1000},
    {"expired", GOOD, NULL, NOW_NS + S(900), MSKGOV_NEVER, GOV_TOKEN_DENIED, 0},
    {"credentials for 60 s", GOOD, NULL, NOW_NS, NOW_NS + S(60), GOV_TOKEN_VALID, 60000},
    {"credentials for less than 1 s", GOOD, NULL, NOW_NS, NOW_NS + S(1) - 1,
     GOV_TOKEN_TOO_SHORT, 0},
    {"credentials expired", GOOD, NULL, NOW_NS, NOW_NS, GOV_TOKEN_DENIED, 0},
};

START_TEST(test_verdicts) {
  uint64_t lifetime_ms;

  ck_assert_msg(verdict_on(cases[_i].payload, strlen(cases[_i].payload),
                           cases[_i].session_token, cases[_i].now_ns,
                           cases[_i].expires_at_ns, &lifetime_ms) == cases[_i].verdict,
                "%s", cases[_i].name);
  if (cases[_i].verdict == GOV_TOKEN_VALID)
    ck_assert_uint_eq(lifetime_ms, cases[_i].lifetime_ms);
}
END_TEST

/* A part of the good payload replaced: by what, and what is made of it. `signature`, if
   there is one, is right for it. */
static const struct {
  const char *from, *to, *signature;
  gov_token_verdict verdict;
} changes[] = {
    {"a1b\"}", "a1c\"}", NULL, GOV_TOKEN_DENIED},
    {"a1b\"}", "a1b\"} \n", NULL, GOV_TOKEN_VALID},
    {AGENT, "\"user-agent\":\"\"", NULL, GOV_TOKEN_VALID},
    {AGENT, "\"user-agent\":\"\\u00e9 \\\" \xc3\xa9\"", NULL, GOV_TOKEN_VALID},
    {"\"host\"", "\n \"\\u0068ost\" ", NULL, GOV_TOKEN_VALID},
    {"AKIDEXAMPLE/", "AKIDEXAMPLE\\/", NULL, GOV_TOKEN_VALID},

    /* signed all right, for this host or another */
    {HOST, "localhost", "c4ba45bcfb4222a40f5dfa176b1ba4db06a0a7d8ac3d12460b8e57ad3ee23757",
     GOV_TOKEN_VALID},
    {HOST, "127.0.0.1", "edba6f1dd7ae77946c9b21f5cc34a38f649c86638b3a81885e735a1126ff56f9",
     GOV_TOKEN_VALID},
    {HOST, OTHER_HOST, "2634a85a90b61a730b2f2c0521e36b363b439bc3a24d520235f5f3c79b44502a",
     GOV_TOKEN_DENIED},
    {HOST, HOST ":9098", "56fa751439bc27689d869a3cf3da9fd6a3bbe60a2dc345e0bceddc6b487d8a7a",
     GOV_TOKEN_DENIED},
    {HOST, "kafka.eu-west-1.amazonaws.com", OFFICIAL_SIGNATURE, GOV_TOKEN_DENIED},
    /* and with the signature of the good one */
    {HOST, "localhost", NULL, GOV_TOKEN_DENIED},
    {HOST, OTHER_HOST, NULL, GOV_TOKEN_DENIED},
    {HOST, "", NULL, GOV_TOKEN_DENIED},

    /* signed all right, for something else */
    {"/eu-west-1/", "/eu-west-2/",
     "3bc65e7b8876433a7e032b3dbe375a961279a91ea98895d33909ddc4e94c826c", GOV_TOKEN_DENIED},
    {"/kafka-cluster/", "/kafka/",
     "21b15e4441157fe0b8ae28ba6f56f6b19d54f53e93ea7ed556a32d2b4d8b7d0b", GOV_TOKEN_DENIED},
    {":Connect", ":Alter",
     "70570df41f71139bb106c6a7f9e0170e8a961818e5358dad25dd7f3d66d6b2ae", GOV_TOKEN_DENIED},
    {"\"900\"", "\"60\"",
     "60d6018fcdbb76c367cf325c3030f03eb6734d7276776a8361dd89980f1f59e6", GOV_TOKEN_VALID},
    /* the secret with an x after it */
    {"2020_10_22", "2020_10_22",
     "fafead8ae32f0ca31d9b46f82aa21eed9d325c56fc9a75dda13737222027d818", GOV_TOKEN_DENIED},

    {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", NULL, GOV_TOKEN_DENIED},
    {"AKIDEXAMPLE", "AKIDEXAMPL", NULL, GOV_TOKEN_DENIED},
    {"/20260102/", "/20260103/", NULL, GOV_TOKEN_DENIED},
    {"aws4_request", "aws5_request", NULL, GOV_TOKEN_DENIED},
    {"030405Z", "030406Z", NULL, GOV_TOKEN_DENIED},
    {"headers\":\"host\"", "headers\":\"host;x\"", NULL, GOV_TOKEN_DENIED},
    {"\"900\"", "\"899\"", NULL, GOV_TOKEN_DENIED},

    {"\"900\"", "\"901\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"900\"", "\"0\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"900\"", "\"\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"900\"", "\"+900\"", NULL, GOV_TOKEN_MALFORMED},
    {"030405Z", "030405", NULL, GOV_TOKEN_MALFORMED},
    {"/aws4_request", "", NULL, GOV_TOKEN_MALFORMED},
    {"a1b\"}", "a1\"}", NULL, GOV_TOKEN_MALFORMED},
    {"a1b\"}", "A1B\"}", NULL, GOV_TOKEN_MALFORMED},
    {"2020_10_22", "2020_10_23", NULL, GOV_TOKEN_MALFORMED},
    {"2020_10_22", "", NULL, GOV_TOKEN_MALFORMED},

    /* missing */
    {"\"version\":\"2020_10_22\",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"host\":\"" HOST "\",", "", NULL, GOV_TOKEN_MALFORMED},
    {AGENT ",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"action\":\"kafka-cluster:Connect\",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"x-amz-date\":\"20260102T030405Z\",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"x-amz-signedheaders\":\"host\",", "", NULL, GOV_TOKEN_MALFORMED},
    {"\"x-amz-expires\":\"900\",", "", NULL, GOV_TOKEN_MALFORMED},
    {",\"x-amz-signature\":\"" SIGNATURE "\"", "", NULL, GOV_TOKEN_MALFORMED},
    {"x-amz-credential", "x-amz-credentials", NULL, GOV_TOKEN_MALFORMED},

    /* no texts */
    {"\"2020_10_22\"", "20201022", NULL, GOV_TOKEN_MALFORMED},
    {"\"" HOST "\"", "[\"" HOST "\"]", NULL, GOV_TOKEN_MALFORMED},
    {AGENT, "\"user-agent\":1", NULL, GOV_TOKEN_MALFORMED},
    {"\"900\"", "900", NULL, GOV_TOKEN_MALFORMED},
    {"\"900\"", "{\"a\":\"900\"}", NULL, GOV_TOKEN_MALFORMED},
    {"\"kafka-cluster:Connect\"", "true", NULL, GOV_TOKEN_MALFORMED},

    /* too much */
    {"\"version\"", "\"host\":\"" HOST "\",\"version\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"version\"", "\"x-amz-expires\":\"900\",\"version\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"version\"", "\"x-amz-other\":\"1\",\"version\"", NULL, GOV_TOKEN_MALFORMED},
    {"\"version\"", "\"Host\":\"" HOST "\",\"version\"", NULL, GOV_TOKEN_MALFORMED},
    {"a1b\"}", "a1b\"}{}", NULL, GOV_TOKEN_MALFORMED},

    /* no JSON, or none that is taken */
    {"{\"v", "[\"v", NULL, GOV_TOKEN_MALFORMED},
    {"{\"v", "\xef\xbb\xbf{\"v", NULL, GOV_TOKEN_MALFORMED},
    {AGENT, "\"user-agent\":\"\\u0000\"", NULL, GOV_TOKEN_MALFORMED},
    {AGENT, "\"user-agent\":\"\xe9\"", NULL, GOV_TOKEN_MALFORMED},
    {AGENT, "\"user-agent\":\"\n\"", NULL, GOV_TOKEN_MALFORMED},
    {GOOD, "[]", NULL, GOV_TOKEN_MALFORMED},
    {GOOD, "null", NULL, GOV_TOKEN_MALFORMED},
    {GOOD, "\"" HOST "\"", NULL, GOV_TOKEN_MALFORMED},
    {GOOD, "{}", NULL, GOV_TOKEN_MALFORMED},
    {GOOD, "n,,\001auth=Bearer " OFFICIAL_TOKEN "\001\001", NULL, GOV_TOKEN_MALFORMED},
};

START_TEST(test_changes) {
  const char *signature = changes[_i].signature;
  char *changed = replace(GOOD, changes[_i].from, changes[_i].to);
  char *signed_again =
      replace(changed, signature ? SIGNATURE : "", signature ? signature : "");

  ck_assert_msg(verdict_now(signed_again, strlen(signed_again)) == changes[_i].verdict,
                "%s", signed_again);
  free(signed_again);
  free(changed);
}
END_TEST

/* Cut off anywhere it is malformed; with any byte changed it is not valid, but in the user
   agent, which is not signed. */
START_TEST(test_every_byte) {
  static const char good[] = GOOD;
  const char *agent = strstr(good, AGENT) + strlen("\"user-agent\":\"");
  const char *agent_end = strchr(agent, '"');

  for (size_t i = 0; i < sizeof(good) - 1; i++) {
    char changed[sizeof(good)];
    bool in_agent = good + i >= agent && good + i < agent_end;
    gov_token_verdict verdict;

    ck_assert_msg(verdict_now(good, i) == GOV_TOKEN_MALFORMED, "%zu", i);
    memcpy(changed, good, sizeof(good));
    changed[i] ^= 1;
    verdict = verdict_now(changed, sizeof(good) - 1);
    ck_assert_msg((verdict == GOV_TOKEN_VALID) == in_agent, "%zu: %d", i, (int)verdict);
  }
}
END_TEST

/* Without any one of its fields it is no payload, whatever else there is. */
START_TEST(test_missing) {
  static const char *const fields[] = {"version",         "host",
                                       "user-agent",      "action",
                                       "x-amz-algorithm", "x-amz-credential",
                                       "x-amz-date",      "x-amz-signedheaders",
                                       "x-amz-expires",   "x-amz-signature"};

  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    json_t *object = json_loads(GOOD, 0, NULL);
    gov_presigned presigned;
    char *text;

    ck_assert_int_eq(json_object_del(object, fields[i]), 0);
    text = json_dumps(object, 0);
    ck_assert_msg(gov_payload_parse(&presigned, text, strlen(text)) == MSKGOV_ERR_PROTOCOL,
                  "%s", fields[i]);
    gov_presigned_fini(&presigned);
    free(text);
    json_decref(object);
  }
}
END_TEST

/* 64 KiB are read, and no more. */
START_TEST(test_limit) {
  const size_t length = 65536;
  char *payload = malloc(length + 2);
  int head = sprintf(payload, "%.*s", (int)strlen(GOOD) - 1, GOOD);

  memset(payload + head, ' ', length + 1 - (size_t)head);
  payload[length - 1] = '}';
  ck_assert_int_eq(verdict_now(payload, length), GOV_TOKEN_VALID);
  payload[length - 1] = ' ';
  payload[length] = '}';
  ck_assert_int_eq(verdict_now(payload, length + 1), GOV_TOKEN_MALFORMED);
  free(payload);
}
END_TEST

/* Values as long as they can be, that grow when they are encoded: denied, no failure. */
START_TEST(test_long_values) {
  static const struct {
    const char *from, *unit;
  } rows[] = {
      {"\"900\"", "0"},   {HOST, "/"}, {"AKIDEXAMPLE", "/"}, {"AKIDEXAMPLE", "\xc3\xa9"},
      {":Connect", "//"},
  };
  static char value[60001];

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    gov_token_verdict verdict;
    char *payload;

    value[0] = '\0';
    for (size_t at = 0; at + strlen(rows[i].unit) < sizeof(value);
         at += strlen(rows[i].unit))
      strcpy(value + at, rows[i].unit);
    if (i == 0) { /* which is still a number, the same */
      value[0] = '"';
      strcpy(value + 59000, "900\"");
    }
    payload = replace(GOOD, rows[i].from, value);
    verdict = verdict_now(payload, strlen(payload));
    ck_assert_msg(verdict == (i == 2 ? GOV_TOKEN_MALFORMED : GOV_TOKEN_DENIED), "%zu: %d",
                  i, (int)verdict);
    free(payload);
  }
}
END_TEST

/* What it was asked to wipe: the session token and the signature. */
static const char *const marks[] = {SESSION, SESSION_SIGNATURE};
static int wiped[2];

void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  for (size_t i = 0; i < 2; i++)
    if (length == strlen(marks[i]) && memcmp(memory, marks[i], length) == 0)
      wiped[i]++;
  __real_gov_secret_wipe(memory, length);
}

/* Also where the payload is refused, at the end or at the start. */
static const char *const secret_payloads[] = {
    HEAD TOKEN("\"" SESSION "\"") TAIL(SESSION_SIGNATURE),
    HEAD TOKEN("\"" SESSION "\"") ",\"other\":1" TAIL(SESSION_SIGNATURE),
    "{\"x-amz-security-token\":\"" SESSION "\",\"x-amz-signature\":\"" SESSION_SIGNATURE
    "\"}"};

START_TEST(test_secrets_are_wiped) {
  gov_presigned presigned;

  wiped[0] = wiped[1] = 0;
  gov_payload_parse(&presigned, secret_payloads[_i], strlen(secret_payloads[_i]));
  gov_presigned_fini(&presigned);
  ck_assert_int_eq(wiped[0], 1);
  ck_assert_int_eq(wiped[1], 1);
}
END_TEST

/* A payload is no token. */
START_TEST(test_the_other_mechanism) {
  mskgov_credentials *credentials;
  gov_token_verdict verdict;
  gov_token_check check;
  uint64_t lifetime_ms;

  ck_assert_int_eq(mskgov_credentials_new(&credentials, "AKIDEXAMPLE", OFFICIAL_SECRET,
                                          NULL, MSKGOV_NEVER, NULL),
                   0);
  ck_assert_int_eq(gov_token_check_init(&check, "eu-west-1", HOST, &credentials, 1), 0);
  ck_assert_int_eq(gov_token_check_message(&check, GOV_MECHANISM_OAUTHBEARER, GOOD,
                                           strlen(GOOD), NOW_NS, &verdict, &lifetime_ms),
                   0);
  ck_assert_int_eq(verdict, GOV_TOKEN_MALFORMED);
  gov_token_check_fini(&check);
  mskgov_credentials_free(credentials);
}
END_TEST

TEST_MAIN("payload", TEST_TABLE(test_verdicts, cases), TEST_TABLE(test_changes, changes),
          TEST(test_every_byte), TEST(test_missing), TEST(test_limit),
          TEST(test_long_values), TEST_TABLE(test_secrets_are_wiped, secret_payloads),
          TEST(test_the_other_mechanism))
