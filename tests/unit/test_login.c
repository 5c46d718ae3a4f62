/*
 * The SASL exchange against a broker whose answers are written out by hand, as a stream
 * that is cut wherever it can be cut.
 */
#include "client/login.h"
#include "harness.h"

#include <string.h>

#define BYTES(...)                                                                         \
  (const unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__})

/* Client id "me", token "t0k": SaslHandshake 1 with correlation 1, and SaslAuthenticate 1
   with correlation 2 and RFC 7628's initial response of 21 bytes. */
static const unsigned char handshake_request[] = {
    0,   0, 0,  25,  0,   17,  0,   1,   0,   0,   0,   1,   0,   2,  'm',
    'e', 0, 11, 'O', 'A', 'U', 'T', 'H', 'B', 'E', 'A', 'R', 'E', 'R'};
static const unsigned char authenticate_request[] = {
    0,   0,   0,   37,  0,   36,  0,   1,   0,   0,   0,   2,   0,   2,
    'm', 'e', 0,   0,   0,   21,  'n', ',', ',', 1,   'a', 'u', 't', 'h',
    '=', 'B', 'e', 'a', 'r', 'e', 'r', ' ', 't', '0', 'k', 1,   1};

#define HANDSHAKE_ANSWER                                                                   \
  0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 11, 'O', 'A', 'U', 'T', 'H', 'B', 'E',     \
      'A', 'R', 'E', 'R'
/* 3592000 ms */
#define GOOD_ANSWER                                                                        \
  0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x36, 0xcf, 0x40

static void begin(gov_login *login) {
  ck_assert_int_eq(gov_login_init(login, "me", "t0k"), 0);
}

/* Sends all whose turn it is, and checks it. */
static void assert_sends(gov_login *login, const unsigned char *bytes, size_t length) {
  const char *data;

  ck_assert_uint_eq(gov_login_unsent(login, &data), length);
  ck_assert(memcmp(data, bytes, length) == 0);
  gov_login_sent(login, length);
  ck_assert_uint_eq(gov_login_unsent(login, &data), 0);
}

static int feed(gov_login *login, const unsigned char *bytes, size_t length,
                mskgov_error_info *error) {
  unsigned char *copy = malloc(length ? length : 1);
  int rc;

  memcpy(copy, bytes, length);
  *error = (mskgov_error_info){0};
  rc = gov_login_feed(login, copy, length, error);
  free(copy);
  ck_assert_int_eq(rc, error->code);

  return rc;
}

/* Up to where SaslAuthenticate was sent. */
static void begin_proving(gov_login *login) {
  static const unsigned char answer[] = {HANDSHAKE_ANSWER};
  mskgov_error_info error;

  begin(login);
  assert_sends(login, handshake_request, sizeof(handshake_request));
  ck_assert_int_eq(feed(login, answer, sizeof(answer), &error), 0);
  assert_sends(login, authenticate_request, sizeof(authenticate_request));
}

START_TEST(test_exchange) {
  static const unsigned char answer[] = {GOOD_ANSWER};
  mskgov_error_info error;
  gov_login login;

  begin_proving(&login);
  ck_assert_int_eq(login.state, GOV_LOGIN_PROVING);
  ck_assert_ptr_null(login.out.data); /* the token is gone */
  ck_assert_int_eq(feed(&login, answer, sizeof(answer), &error), 0);
  ck_assert_int_eq(login.state, GOV_LOGIN_DONE);
  ck_assert_uint_eq(login.session_lifetime_ms, 3592000);
  gov_login_fini(&login);
}
END_TEST

/* Requests sent byte by byte, answers that come byte by byte. */
START_TEST(test_byte_by_byte) {
  static const unsigned char answers[] = {HANDSHAKE_ANSWER, GOOD_ANSWER};
  unsigned char sent[128];
  size_t count = 0, at = 0;
  mskgov_error_info error;
  const char *data;
  gov_login login;

  begin(&login);
  while (login.state != GOV_LOGIN_DONE) {
    while (gov_login_unsent(&login, &data)) {
      sent[count++] = (unsigned char)*data;
      gov_login_sent(&login, 1);
    }
    ck_assert_uint_lt(at, sizeof(answers));
    ck_assert_int_eq(feed(&login, answers + at++, 1, &error), 0);
  }
  ck_assert_uint_eq(at, sizeof(answers));
  ck_assert_uint_eq(count, sizeof(handshake_request) + sizeof(authenticate_request));
  ck_assert(memcmp(sent, handshake_request, sizeof(handshake_request)) == 0);
  ck_assert(memcmp(sent + sizeof(handshake_request), authenticate_request,
                   sizeof(authenticate_request)) == 0);
  gov_login_fini(&login);
}
END_TEST

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
  int rc;
  const char *text;
} refusals[] = {
    {"quota",
     BYTES(0, 0, 0, 42, 0, 0, 0, 2, 0, 58, 0, 22, '[', 'u', ']', ':', ' ', 'T', 'o', 'o',
           ' ', 'm', 'a', 'n', 'y', ' ', 'c', 'o', 'n', 'n', 'e', 'c', 't', 's', 0, 0, 0, 0,
           0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_QUOTA, "SASL authentication failed: [u]: Too many connects (error 58)"},
    {"denied",
     BYTES(0, 0, 0, 33, 0, 0, 0, 2, 0, 58, 0, 13, 'A', 'c', 'c', 'e', 's', 's', ' ', 'd',
           'e', 'n', 'i', 'e', 'd', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: Access denied (error 58)"},
    {"no text",
     BYTES(0, 0, 0, 20, 0, 0, 0, 2, 0, 58, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: no reason given (error 58)"},
    {"illegal state is a refusal too",
     BYTES(0, 0, 0, 21, 0, 0, 0, 2, 0, 34, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: x (error 34)"},
    {"any other error is not what the protocol allows",
     BYTES(0, 0, 0, 21, 0, 0, 0, 2, 0, 35, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_PROTOCOL, "SaslAuthenticate failed: x (error 35)"},
    {"\"Too many connects\" with another error is no rejection",
     BYTES(0, 0, 0, 37, 0, 0, 0, 2, 0, 35, 0, 17, 'T', 'o', 'o', ' ', 'm', 'a', 'n', 'y',
           ' ', 'c', 'o', 'n', 'n', 'e', 'c', 't', 's', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
     MSKGOV_ERR_PROTOCOL, "SaslAuthenticate failed: Too many connects (error 35)"},
    {"RFC 7628's error challenge, in SASL's own bytes",
     BYTES(0, 0, 0, 22, 0, 0, 0, 2, 0, 0, 255, 255, 0, 0, 0, 2, '{', '}', 0, 0, 0, 0, 0, 0,
           0, 0),
     MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: {}"},
    {"bytes that are no text",
     BYTES(0, 0, 0, 24, 0, 0, 0, 2, 0, 58, 0, 4, 'a', 10, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 0, 0),
     MSKGOV_ERR_AUTHENTICATION, "SASL authentication failed: a??? (error 58)"},
    {"another correlation",
     BYTES(0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
     MSKGOV_ERR_PROTOCOL, "the broker's answer to SaslAuthenticate is malformed"},
    {"too short", BYTES(0, 0, 0, 6, 0, 0, 0, 2, 0, 0), MSKGOV_ERR_PROTOCOL,
     "the broker's answer to SaslAuthenticate is malformed"},
    {"an answer of 16385 bytes", BYTES(0, 0, 0x40, 1), MSKGOV_ERR_PROTOCOL,
     "the broker's answer is none, or longer than 16384 bytes"},
    {"a negative length", BYTES(255, 255, 255, 255), MSKGOV_ERR_PROTOCOL,
     "the broker's answer is none, or longer than 16384 bytes"},
    {"HTTP", BYTES('H', 'T', 'T', 'P'), MSKGOV_ERR_PROTOCOL,
     "the broker's answer is none, or longer than 16384 bytes"},
    {"one byte more than the answer", BYTES(GOOD_ANSWER, 0), MSKGOV_ERR_PROTOCOL,
     "the broker answered something before it was asked"},
};

START_TEST(test_refusals) {
  mskgov_error_info error;
  gov_login login;

  begin_proving(&login);
  ck_assert_msg(feed(&login, refusals[_i].bytes, refusals[_i].length, &error) ==
                    refusals[_i].rc,
                "%s: %s", refusals[_i].name, error.text);
  ck_assert_str_eq(error.text, refusals[_i].text);
  gov_login_fini(&login);
}
END_TEST

START_TEST(test_mechanism_is_not_offered) {
  static const unsigned char answer[] = {0, 0, 0, 20, 0,   0,   0,   1,   0,   33, 0, 0,
                                         0, 2, 0, 5,  'P', 'L', 'A', 'I', 'N', 0,  1, 'X'};
  mskgov_error_info error;
  gov_login login;

  begin(&login);
  assert_sends(&login, handshake_request, sizeof(handshake_request));
  ck_assert_int_eq(feed(&login, answer, sizeof(answer), &error), MSKGOV_ERR_AUTHENTICATION);
  ck_assert_str_eq(error.text, "the broker does not take SASL OAUTHBEARER (error 33); it "
                               "offers PLAIN and more");
  gov_login_fini(&login);
}
END_TEST

START_TEST(test_handshake_of_another_correlation) {
  unsigned char answer[] = {HANDSHAKE_ANSWER};
  mskgov_error_info error;
  gov_login login;

  answer[7] = 2;
  begin(&login);
  assert_sends(&login, handshake_request, sizeof(handshake_request));
  ck_assert_int_eq(feed(&login, answer, sizeof(answer), &error), MSKGOV_ERR_PROTOCOL);
  gov_login_fini(&login);
}
END_TEST

/* A broker that answers before it was asked has not looked at what it was asked. */
START_TEST(test_answers_too_early) {
  static const unsigned char both[] = {HANDSHAKE_ANSWER, GOOD_ANSWER};
  mskgov_error_info error;
  gov_login login;

  begin(&login);
  ck_assert_int_eq(feed(&login, both, 27, &error), MSKGOV_ERR_PROTOCOL);
  gov_login_fini(&login);

  begin(&login);
  assert_sends(&login, handshake_request, sizeof(handshake_request));
  ck_assert_int_eq(feed(&login, both, sizeof(both), &error), MSKGOV_ERR_PROTOCOL);
  ck_assert_int_ne(login.state, GOV_LOGIN_DONE);
  gov_login_fini(&login);
}
END_TEST

/* An error 58 whose text is `text`. */
static void refuse_with(const char *text, char shown[MSKGOV_ERROR_TEXT_MAX]) {
  unsigned char answer[1024] = {0, 0, 0, 0, 0, 0, 0, 2, 0, 58};
  size_t length = strlen(text), frame = 4 + 2 + 2 + length + 4 + 8;
  mskgov_error_info error;
  gov_login login;

  answer[2] = (unsigned char)(frame >> 8);
  answer[3] = (unsigned char)frame;
  answer[10] = (unsigned char)(length >> 8);
  answer[11] = (unsigned char)length;
  memcpy(answer + 12, text, length);
  begin_proving(&login);
  ck_assert_int_eq(feed(&login, answer, 4 + frame, &error), MSKGOV_ERR_AUTHENTICATION);
  strcpy(shown, error.text);
  gov_login_fini(&login);
}

/* A broker may quote the token; the error text does not. A name of 64 bytes is shown. */
START_TEST(test_token_is_not_shown) {
  char name[65], token[66], text[256], expected[256], shown[MSKGOV_ERROR_TEXT_MAX];

  memset(name, 'n', 64);
  memset(token, 'T', 65);
  name[64] = token[65] = '\0';
  snprintf(text, sizeof(text), "bad token %s of %s", token, name);
  snprintf(expected, sizeof(expected),
           "SASL authentication failed: bad token [...] of %s (error 58)", name);
  refuse_with(text, shown);
  ck_assert_str_eq(shown, expected);
}
END_TEST

START_TEST(test_long_text_is_cut) {
  char text[513], shown[MSKGOV_ERROR_TEXT_MAX];

  for (size_t i = 0; i < sizeof(text) - 1; i++)
    text[i] = i % 2 ? 'a' : ' ';
  text[sizeof(text) - 1] = '\0';
  refuse_with(text, shown);
  ck_assert_uint_eq(strspn(strstr(shown, ": ") + 2, " a"), GOV_LOGIN_TEXT_MAX + 1);
}
END_TEST

TEST_MAIN("login", TEST(test_exchange), TEST(test_byte_by_byte),
          TEST_TABLE(test_refusals, refusals), TEST(test_mechanism_is_not_offered),
          TEST(test_handshake_of_another_correlation), TEST(test_answers_too_early),
          TEST(test_token_is_not_shown), TEST(test_long_text_is_cut))
