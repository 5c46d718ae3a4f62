/*
 * base64url against the vectors of RFC 4648, section 10, their padding taken off, and
 * against what a strict reader must refuse.
 */
#include "codec/base64.h"
#include "base/random.h"
#include "harness.h"

#include <mskgov/error.h>

#include <string.h>

static const struct {
  const char *bytes;
  size_t length;
  const char *text;
} vectors[] = {
    {"", 0, ""},
    {"f", 1, "Zg"},
    {"fo", 2, "Zm8"},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy"},
    /* RFC 4648, section 9, with "-" for "+". */
    {"\x14\xfb\x9c\x03\xd9\x7e", 6, "FPucA9l-"},
    {"\x14\xfb\x9c\x03\xd9", 5, "FPucA9k"},
    {"\x14\xfb\x9c\x03", 4, "FPucAw"},
    /* By hand: 111110 111111 111110 111111. */
    {"\xfb\xff\xbf", 3, "-_-_"},
    {"\0\0\0\0", 4, "AAAAAA"},
};

START_TEST(test_vectors) {
  for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
    gov_buffer text, bytes;

    gov_buffer_init(&text, 100);
    gov_buffer_init(&bytes, 100);
    gov_base64url_encode(vectors[i].bytes, vectors[i].length, &text);
    ck_assert(!text.failed);
    ck_assert_str_eq(text.data, vectors[i].text);

    gov_buffer_append_string(&bytes, "before ");
    ck_assert_int_eq(gov_base64url_decode(vectors[i].text, strlen(vectors[i].text), &bytes),
                     0);
    ck_assert_uint_eq(bytes.length, 7 + vectors[i].length);
    ck_assert_mem_eq(bytes.data, "before ", 7);
    ck_assert(memcmp(bytes.data + 7, vectors[i].bytes, vectors[i].length) == 0);
    gov_buffer_fini(&bytes);
    gov_buffer_fini(&text);
  }
}
END_TEST

START_TEST(test_refused) {
  static const struct {
    const char *text;
    size_t length;
  } cases[] = {
      {"A", 1},        /* six bits are no byte */
      {"Zm9vY", 5},    /* the same at the end */
      {"Zg==", 4},     /* padding */
      {"Zg=", 3},      /* half of it */
      {"Zh", 2},       /* bits that no byte takes up */
      {"Zm9", 3},      /* the same with two of them */
      {"FPucA9l+", 8}, /* plain base64 */
      {"/Zm9", 4},     /* the same */
      {" Zg", 3},      /* white space */
      {"Zm9v\n", 5},   {"Zm9\0", 4}, {"Zm\xc3\xa9", 4},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gov_buffer out;

    gov_buffer_init(&out, 100);
    gov_buffer_append_string(&out, "kept");
    ck_assert_msg(gov_base64url_decode(cases[i].text, cases[i].length, &out) ==
                      MSKGOV_ERR_INVALID,
                  "case %zu was taken", i);
    ck_assert_str_eq(out.data, "kept");
    ck_assert(!out.failed);
    gov_buffer_fini(&out);
  }
}
END_TEST

START_TEST(test_no_room) {
  gov_buffer out;

  gov_buffer_init(&out, 3);
  ck_assert_int_eq(gov_base64url_decode("Zm9v", 4, &out), 0);
  ck_assert_int_eq(gov_base64url_decode("Zg", 2, &out), MSKGOV_ERR_NO_MEMORY);
  ck_assert(out.failed);
  ck_assert_str_eq(out.data, "foo");
  gov_buffer_fini(&out);

  gov_buffer_init(&out, 3);
  gov_base64url_encode("foo", 3, &out);
  ck_assert(out.failed);
  gov_buffer_fini(&out);
}
END_TEST

START_TEST(test_there_and_back) {
  gov_buffer text, back;
  gov_random random;
  char bytes[70];

  gov_random_init(&random, test_seed());
  gov_buffer_init(&text, 1000);
  gov_buffer_init(&back, 1000);
  for (int round = 0; round < 2000; round++) {
    size_t length = gov_random_uniform(&random, sizeof(bytes));

    for (size_t i = 0; i < length; i++)
      bytes[i] = (char)gov_random_uniform(&random, 255);
    gov_base64url_encode(bytes, length, &text);
    ck_assert_int_eq(gov_base64url_decode(text.data, text.length, &back), 0);
    ck_assert_uint_eq(back.length, length);
    ck_assert(memcmp(back.data, bytes, length) == 0);
    gov_buffer_reset(&text);
    gov_buffer_reset(&back);
  }
  gov_buffer_fini(&back);
  gov_buffer_fini(&text);
}
END_TEST

TEST_MAIN("base64", TEST(test_vectors), TEST(test_refused), TEST(test_no_room),
          TEST(test_there_and_back))
