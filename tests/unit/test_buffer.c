/*
 * Buffers: the limit, the failed mark, and that memory is wiped. Linked with
 * --wrap=gov_secret_free, so that the test sees what is given back.
 */
#include "base/buffer.h"
#include "base/random.h"
#include "base/secret.h"
#include "harness.h"

#include <string.h>

static struct {
  int times;
  size_t length;
} freed;

void __real_gov_secret_free(void *memory, size_t length);
void __wrap_gov_secret_free(void *memory, size_t length);

void __wrap_gov_secret_free(void *memory, size_t length) {
  if (memory) {
    freed.times++;
    freed.length = length;
  }
  __real_gov_secret_free(memory, length);
}

START_TEST(test_append) {
  gov_buffer buffer;

  gov_buffer_init(&buffer, 100);
  ck_assert_ptr_null(buffer.data);
  gov_buffer_append_string(&buffer, "");
  ck_assert_str_eq(buffer.data, "");
  gov_buffer_append_string(&buffer, "one");
  gov_buffer_append(&buffer, "\0two", 4);
  ck_assert_uint_eq(buffer.length, 7);
  ck_assert_mem_eq(buffer.data, "one\0two", 8);
  memcpy(gov_buffer_extend(&buffer, 3), "abc", 3);
  ck_assert_mem_eq(buffer.data, "one\0twoabc", 11);
  ck_assert(!buffer.failed);
  gov_buffer_fini(&buffer);
  ck_assert_ptr_null(buffer.data);
  ck_assert_uint_eq(buffer.length, 0);
  ck_assert_uint_eq(buffer.limit, 100);
  gov_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_limit) {
  gov_buffer buffer;

  gov_buffer_init(&buffer, 5);
  gov_buffer_append(&buffer, "12345", 5);
  ck_assert(!buffer.failed);
  gov_buffer_append(&buffer, "", 0);
  ck_assert(!buffer.failed);
  gov_buffer_append(&buffer, "6", 1);
  ck_assert(buffer.failed);
  ck_assert_str_eq(buffer.data, "12345");

  /* It stays failed, whatever would fit. */
  gov_buffer_consume(&buffer, 5);
  gov_buffer_append(&buffer, "1", 1);
  ck_assert_uint_eq(buffer.length, 0);

  gov_buffer_reset(&buffer);
  gov_buffer_append(&buffer, "1", 1);
  ck_assert_str_eq(buffer.data, "1");
  gov_buffer_fini(&buffer);

  gov_buffer_init(&buffer, 5);
  gov_buffer_append(&buffer, "1", 1); /* or the sum would not wrap around */
  ck_assert_ptr_null(gov_buffer_extend(&buffer, SIZE_MAX));
  ck_assert(buffer.failed);
  gov_buffer_fini(&buffer);

  gov_buffer_init(&buffer, 0);
  gov_buffer_append(&buffer, "1", 1);
  ck_assert(buffer.failed);
  gov_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_consume) {
  gov_buffer buffer;

  gov_buffer_init(&buffer, 100);
  gov_buffer_consume(&buffer, 0);
  gov_buffer_append_string(&buffer, "abcdef");
  gov_buffer_consume(&buffer, 0);
  ck_assert_str_eq(buffer.data, "abcdef");
  gov_buffer_consume(&buffer, 4);
  ck_assert_str_eq(buffer.data, "ef");
  ck_assert_mem_eq(buffer.data, "ef\0\0\0\0", 6); /* what moved away is wiped */
  gov_buffer_consume(&buffer, 2);
  ck_assert_uint_eq(buffer.length, 0);
  gov_buffer_append_string(&buffer, "new");
  ck_assert_str_eq(buffer.data, "new");
  gov_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_reset_wipes) {
  gov_buffer buffer;
  char *data;

  gov_buffer_init(&buffer, 100);
  gov_buffer_reset(&buffer);
  gov_buffer_append_string(&buffer, "secret");
  data = buffer.data;
  gov_buffer_reset(&buffer);
  ck_assert_ptr_eq(buffer.data, data);
  ck_assert_mem_eq(data, "\0\0\0\0\0\0", 7);
  gov_buffer_fini(&buffer);
}
END_TEST

START_TEST(test_growing_wipes_the_old_memory) {
  gov_buffer buffer;

  gov_buffer_init(&buffer, 1000);
  gov_buffer_append_string(&buffer, "secret");
  freed.times = 0;
  while (freed.times == 0 && !buffer.failed)
    gov_buffer_append_string(&buffer, "more");
  ck_assert(!buffer.failed);
  ck_assert_uint_ge(freed.length, 6);
  ck_assert_mem_eq(buffer.data, "secretmore", 10);

  gov_buffer_fini(&buffer);
  ck_assert_int_eq(freed.times, 2);
}
END_TEST

START_TEST(test_against_a_model) {
  gov_random random;
  gov_buffer buffer;
  char model[501];
  size_t length = 0;

  gov_random_init(&random, test_seed());
  gov_buffer_init(&buffer, sizeof(model) - 1);
  for (int step = 0; step < 20000; step++) {
    size_t n = gov_random_uniform(&random, 40);

    if (gov_random_uniform(&random, 3) == 0) {
      n = n < length ? n : length;
      gov_buffer_consume(&buffer, n);
      memmove(model, model + n, length - n);
      length -= n;
    } else if (length + n < sizeof(model)) {
      char c = (char)gov_random_uniform(&random, 255);
      char bytes[40];

      memset(bytes, c, sizeof(bytes));
      gov_buffer_append(&buffer, bytes, n);
      memcpy(model + length, bytes, n);
      length += n;
    }

    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.length, length);
    ck_assert(length == 0 || memcmp(buffer.data, model, length) == 0);
    ck_assert(!buffer.data || buffer.data[length] == '\0');
  }
  gov_buffer_fini(&buffer);
}
END_TEST

TEST_MAIN("buffer", TEST(test_append), TEST(test_limit), TEST(test_consume),
          TEST(test_reset_wipes), TEST(test_growing_wipes_the_old_memory),
          TEST(test_against_a_model))
