/*
 * Copying the strings of a struct. Linked with --wrap=strdup, so that memory can run out.
 */
#include "base/strings.h"

#include "harness.h"

#include <string.h>

static int left = -1; /* copies before there is no memory; -1: it does not run out */

char *__real_strdup(const char *string);
char *__wrap_strdup(const char *string);

char *__wrap_strdup(const char *string) {
  if (left == 0)
    return NULL;
  left -= left > 0;

  return __real_strdup(string);
}

START_TEST(test_copies) {
  char text[] = "one";
  const char *a = text, *none = NULL, *b = "two";
  const char **strings[] = {&a, &none, &b};

  ck_assert(gov_strings_copy(strings, 3));
  text[0] = 'x';
  ck_assert_str_eq(a, "one");
  ck_assert_ptr_null(none);
  ck_assert_str_eq(b, "two");
  gov_strings_free(strings, 3);
  ck_assert(!a && !none && !b);
  gov_strings_free(strings, 3);
}
END_TEST

START_TEST(test_no_memory) {
  const char *a = "one", *b = "two", *c = "three";
  const char **strings[] = {&a, &b, &c};

  left = _i;
  ck_assert(!gov_strings_copy(strings, 3));
  ck_assert(!a && !b && !c); /* none of them is a borrowed one, to be freed by mistake */
}
END_TEST

TEST_MAIN("strings", TEST(test_copies), TEST_LOOP(test_no_memory, 3))
