/*
 * Governed Kafka clients with all of librdkafka's debug contexts, against the cluster in a
 * box: no line that they, the governor or the brokers print holds a canary, or the token,
 * which holds the session token. (librdkafka tells the sizes of what it sends, and no more.)
 */
#include "../unit/harness.h"
#include "leak_run.h"
#include "leak_search.h"

/* What shows that it went the way it should. */
static const struct {
  const char *way, *out, *err;
} ways[] = {
    {"right", "accepted 1, rejected 0, denied 0", "SASL"},
    {"wrong", "accepted 0, rejected 0, denied 1", "Access denied"},
    {"quota", "rejected 1, denied 0", "Too many connects"},
    {"expired", "not applied: the credentials expired", ""},
};

START_TEST(test_way) {
  static const char *const words[] = {LEAKS_CLIENT, NULL};
  leak_output output;

  setenv("MSKGOV_TEST_WAY", ways[_i].way, 1);
  output = leak_run(words);

  printf("%s: %zu + %zu bytes\n", ways[_i].way, output.out.length, output.err.length);
  fflush(stdout);
  ck_assert_msg(output.status == 0, "%s%s", output.out.data, output.err.data);
  ck_assert_ptr_nonnull(
      memmem(output.out.data, output.out.length, ways[_i].out, strlen(ways[_i].out)));
  ck_assert_ptr_nonnull(strstr(output.err.data, ways[_i].err));
  leak_assert_none("standard output", output.out.data, output.out.length, false);
  leak_assert_none("standard error", output.err.data, output.err.length, false);
  leak_output_free(&output);
}
END_TEST

/* A client that prints its token is found out. */
START_TEST(test_leak_is_found) {
  static const char *const words[] = {LEAKS_CLIENT, NULL};
  const canary *found;
  leak_output output;
  size_t at;

  setenv("MSKGOV_TEST_WAY", "leaking", 1);
  output = leak_run(words);
  ck_assert_int_eq(output.status, 0);
  found = leak_search(output.err.data, output.err.length, false, &at);
  ck_assert_ptr_nonnull(found);
  ck_assert_str_eq(found->text, CANARY_CLIENT_SESSION);
  leak_output_free(&output);
}
END_TEST

TEST_MAIN("leaks_client", TEST(test_leak_is_found), TEST_TABLE(test_way, ways))
