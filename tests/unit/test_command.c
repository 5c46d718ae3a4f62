/*
 * Splitting a command line. The words are those of Python 3.11: shlex.split(line).
 */
#include "credentials/command.h"
#include "harness.h"

#include <string.h>

static const struct {
  const char *line;
  size_t count;
  const char *words[5];
} good[] = {
    {"/opt/bin/aws-creds", 1, {"/opt/bin/aws-creds"}},
    {"tool --user a", 3, {"tool", "--user", "a"}},
    {" \t tool\r\n  a \n", 2, {"tool", "a"}},
    {"tool 'a b' \"c d\"", 3, {"tool", "a b", "c d"}},
    {"'/a dir/tool' x", 2, {"/a dir/tool", "x"}},
    {"tool a'b c'd\"e f\"g", 2, {"tool", "ab cde fg"}},
    {"tool '' \"\" x", 4, {"tool", "", "", "x"}},
    {"tool ''\"\"", 2, {"tool", ""}},
    {"tool a\\ b \\\"c \\'d \\\\e", 5, {"tool", "a b", "\"c", "'d", "\\e"}},
    {"tool 'a\\b' 'c\\' '\"'", 4, {"tool", "a\\b", "c\\", "\""}},
    {"tool 'a\\\\b' '\\\"'", 3, {"tool", "a\\\\b", "\\\""}},
    {"tool \"a\\\"b\" \"c\\\\\" \"d\\e\" \"'\"", 5, {"tool", "a\"b", "c\\", "d\\e", "'"}},
    {"tool \"a\\$b\" \"\\`\"", 3, {"tool", "a\\$b", "\\`"}},
    {"tool $HOME *.c ~ `id`", 5, {"tool", "$HOME", "*.c", "~", "`id`"}},
    {"tool a|b >c;d #e", 4, {"tool", "a|b", ">c;d", "#e"}},
    {"tool a\\\nb", 2, {"tool", "a\nb"}},
    {"tool \"a\nb\"", 2, {"tool", "a\nb"}},
    {"\\  x", 2, {" ", "x"}},
    {"tool a\vb \xc3\xa9\\\xc3\xa9", 3, {"tool", "a\vb", "\xc3\xa9\xc3\xa9"}},
};

START_TEST(test_good) {
  gov_command command;
  mskgov_error_info error = {0};

  ck_assert_msg(gov_command_split(&command, good[_i].line, &error) == 0, "%s", error.text);
  ck_assert_uint_eq(command.count, good[_i].count);
  for (size_t i = 0; i < good[_i].count; i++)
    ck_assert_str_eq(command.words[i], good[_i].words[i]);
  ck_assert_ptr_null(command.words[command.count]);
}
END_TEST

static const struct {
  const char *line, *expected;
} bad[] = {
    {NULL, "command is NULL"},
    {"", "command is empty; expected are a program and its arguments"},
    {" \t\r\n", "command is empty"},
    {"'' x", "command starts with an empty word"},
    {"\"\"", "command starts with an empty word"},
    {"tool 'a b", "command has a single quote that is not closed at position 6 of 9"},
    {"'", "a single quote that is not closed at position 1 of 1"},
    {"tool 'a\\'b'", "a single quote that is not closed at position 11 of 11"},
    {"tool \"a 'b", "a double quote that is not closed at position 6 of 10"},
    {"tool \"a\\\"", "a double quote that is not closed at position 6 of 9"},
    {"tool \"a\\", "a double quote that is not closed at position 6 of 8"},
    {"tool a\\", "a backslash with nothing after it at position 7 of 7"},
};

START_TEST(test_bad) {
  gov_command command;
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_command_split(&command, bad[_i].line, &error), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
  ck_assert_msg(strstr(error.text, bad[_i].expected), "%s", error.text);
}
END_TEST

/* "a a … a", so many words; or one word of so many bytes. */
static const char *words(size_t count) {
  static char line[2 * 100];

  for (size_t i = 0; i < count; i++)
    memcpy(line + 2 * i, "a ", 3);

  return line;
}

static const char *word(size_t length) {
  static char line[5000];

  memset(line, 'a', length);
  line[length] = '\0';

  return line;
}

START_TEST(test_limits) {
  gov_command command;
  mskgov_error_info error = {0};

  ck_assert_int_eq(gov_command_split(&command, words(64), &error), 0);
  ck_assert_uint_eq(command.count, 64);
  ck_assert_str_eq(command.words[63], "a");
  ck_assert_ptr_null(command.words[64]);
  ck_assert_int_eq(gov_command_split(&command, words(65), &error), MSKGOV_ERR_INVALID);
  ck_assert_str_eq(error.text, "command has more than 64 words, at position 129 of 130");

  error = (mskgov_error_info){0};
  ck_assert_int_eq(gov_command_split(&command, word(4096), &error), 0);
  ck_assert_uint_eq(strlen(command.words[0]), 4096);
  ck_assert_int_eq(gov_command_split(&command, word(4097), &error), MSKGOV_ERR_INVALID);
  ck_assert_str_eq(error.text, "command is longer than 4096 bytes; allowed are 1 to 4096");
}
END_TEST

START_TEST(test_nothing_is_left) {
  static const gov_command nothing;
  gov_command command;

  ck_assert_int_eq(gov_command_split(&command, "tool secret", NULL), 0);
  gov_command_wipe(&command);
  ck_assert_int_eq(memcmp(command.text, nothing.text, sizeof(command.text)), 0);

  ck_assert_int_eq(gov_command_split(&command, "tool secret '", NULL), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(memcmp(command.text, nothing.text, sizeof(command.text)), 0);
}
END_TEST

TEST_MAIN("command", TEST_TABLE(test_good, good), TEST_TABLE(test_bad, bad),
          TEST(test_limits), TEST(test_nothing_is_left))
