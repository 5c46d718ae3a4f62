/*
 * Percent-encoding. The expected text of all printable ASCII is that of Python 3.11:
 * urllib.parse.quote(bytes(range(32, 127)), safe="-._~").
 */
#include "codec/uri.h"
#include "harness.h"

#include <mskgov/error.h>

#include <string.h>

static const struct {
  const char *plain;
  size_t length;
  const char *encoded;
} pairs[] = {
    {"", 0, ""},
    {"kafka-cluster:Connect", 21, "kafka-cluster%3AConnect"},
    {"AKID/20260102/eu-west-1", 23, "AKID%2F20260102%2Feu-west-1"},
    {"a+b/c==", 7, "a%2Bb%2Fc%3D%3D"},
    {"\xc3\xa9", 2, "%C3%A9"},
    {"\x01\x7f\xff", 3, "%01%7F%FF"},
    {" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
     "abcdefghijklmnopqrstuvwxyz{|}~",
     95,
     "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40"
     "ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"},
};

START_TEST(test_pairs) {
  for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
    gov_buffer encoded, plain;

    gov_buffer_init(&encoded, 1000);
    gov_buffer_init(&plain, 1000);
    gov_uri_encode(pairs[i].plain, pairs[i].length, &encoded);
    gov_buffer_append(&encoded, "", 0);
    ck_assert(!encoded.failed);
    ck_assert_str_eq(encoded.data, pairs[i].encoded);

    ck_assert_int_eq(gov_uri_decode(pairs[i].encoded, strlen(pairs[i].encoded), &plain), 0);
    ck_assert_uint_eq(plain.length, pairs[i].length);
    ck_assert(plain.length == 0 || memcmp(plain.data, pairs[i].plain, plain.length) == 0);
    gov_buffer_fini(&plain);
    gov_buffer_fini(&encoded);
  }
}
END_TEST

START_TEST(test_nul_is_encoded) {
  gov_buffer out;

  gov_buffer_init(&out, 10);
  gov_uri_encode("a\0b", 3, &out);
  ck_assert_str_eq(out.data, "a%00b");
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_decode_is_lenient_where_it_may_be) {
  gov_buffer out;

  gov_buffer_init(&out, 100);
  ck_assert_int_eq(gov_uri_decode("%2f%2F+%7ea", 11, &out), 0);
  ck_assert_str_eq(out.data, "//+~a");
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_refused) {
  static const struct {
    const char *text;
    size_t length;
  } cases[] = {
      {"%", 1},    {"a%4", 3}, {"%zz", 3}, {"%4g", 3},   {"%g4", 3},  {"%%41", 4},
      {"% 41", 4}, {"%+1", 3}, {"%00", 3}, {"a%00b", 5}, {"a\0b", 3}, {"%41%", 4},
      {"%-1", 3},  {"%x4", 3}, {"%41", 2}, /* the length counts, not what lies behind it
                                            */
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_buffer out;

    gov_buffer_init(&out, 100);
    ck_assert_msg(gov_uri_decode(cases[i].text, cases[i].length, &out) ==
                      MSKGOV_ERR_INVALID,
                  "case %zu was taken", i);
    gov_buffer_fini(&out);
  }
}
END_TEST

START_TEST(test_no_room) {
  gov_buffer out;

  gov_buffer_init(&out, 2);
  ck_assert_int_eq(gov_uri_decode("%41%41", 6, &out), 0);
  ck_assert_int_eq(gov_uri_decode("a", 1, &out), MSKGOV_ERR_NO_MEMORY);
  gov_buffer_fini(&out);

  gov_buffer_init(&out, 2);
  gov_uri_encode("/", 1, &out);
  ck_assert(out.failed);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("uri", TEST(test_pairs), TEST(test_nul_is_encoded),
          TEST(test_decode_is_lenient_where_it_may_be), TEST(test_refused),
          TEST(test_no_room))
