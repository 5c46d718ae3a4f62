/*
 * A command line: the words lie in the copy, and quoted anew they are split into the same;
 * a line without quotes is split at white space alone; the limit is kept to the byte. What
 * is refused leaves nothing.
 */
#include "credentials/command.h"

#include "base/buffer.h"
#include "fuzz.h"

static bool is_wiped(const gov_command *command) {
  const unsigned char *bytes = (const unsigned char *)command;

  for (size_t i = 0; i < sizeof(*command); i++)
    if (bytes[i])
      return false;

  return true;
}

static void check_words(const gov_command *command, size_t length) {
  size_t total = 0;

  FUZZ_CHECK(command->count >= 1 && command->count <= GOV_COMMAND_WORDS_MAX);
  FUZZ_CHECK(command->words[0][0] && !command->words[command->count]);
  for (size_t i = 0; i < command->count; i++) {
    size_t one = strlen(command->words[i]);

    FUZZ_CHECK(
        fuzz_is_within(command->words[i], one + 1, command->text, sizeof(command->text)));
    FUZZ_CHECK(i == 0 || command->words[i] > command->words[i - 1]);
    total += one + 1;
  }
  FUZZ_CHECK(total <= length + 1);
}

static void check_same(const gov_command *one, const gov_command *other) {
  FUZZ_CHECK(one->count == other->count);
  for (size_t i = 0; i < one->count; i++)
    FUZZ_CHECK(strcmp(one->words[i], other->words[i]) == 0);
}

/* Every word in quotes, single ones in double ones: 'a'"'"'b'. */
static void check_quoted(const gov_command *command) {
  gov_command again;
  gov_buffer line;

  gov_buffer_init(&line, 8 * GOV_COMMAND_LENGTH_MAX);
  for (size_t i = 0; i < command->count; i++) {
    gov_buffer_append_string(&line, i ? "\r\n\t '" : "'");
    for (const char *from = command->words[i]; *from;) {
      size_t plain = strcspn(from, "'");

      gov_buffer_append(&line, from, plain);
      from += plain;
      gov_buffer_append_string(&line, *from ? "'\"'\"'" : "");
      from += *from ? 1 : 0;
    }
    gov_buffer_append_string(&line, "'");
  }
  FUZZ_CHECK(!line.failed);
  if (gov_command_split(&again, line.data, NULL))
    FUZZ_CHECK(line.length > GOV_COMMAND_LENGTH_MAX);
  else
    check_same(command, &again);
  gov_buffer_fini(&line);
}

/* Behind white space up to the limit it is the same; behind a byte more it is refused. */
static void check_padded(const gov_command *command, int rc, const char *line) {
  size_t length = strlen(line);
  char padded[GOV_COMMAND_LENGTH_MAX + 2];
  gov_command again;

  if (length > GOV_COMMAND_LENGTH_MAX) {
    FUZZ_CHECK(rc);
    return;
  }
  memset(padded, ' ', sizeof(padded));
  memcpy(padded + sizeof(padded) - length - 1, line, length + 1);
  FUZZ_CHECK(gov_command_split(&again, padded, NULL) == MSKGOV_ERR_INVALID);
  FUZZ_CHECK(gov_command_split(&again, padded + 1, NULL) == rc);
  if (!rc)
    check_same(command, &again);
}

/* Without quotes and backslashes; `line` is torn apart. */
static void check_plain(const gov_command *command, int rc, char *line) {
  char *rest = NULL, *word = strtok_r(line, " \t\r\n", &rest);
  size_t count = 0;

  for (; word; word = strtok_r(NULL, " \t\r\n", &rest), count++)
    FUZZ_CHECK(rc || strcmp(command->words[count], word) == 0);
  FUZZ_CHECK(rc ? count == 0 || count > GOV_COMMAND_WORDS_MAX : count == command->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *line = fuzz_string(data, size);
  mskgov_error_info error = {0};
  gov_command command;
  int rc = gov_command_split(&command, line, &error);

  FUZZ_CHECK(rc == error.code && (rc == 0 || rc == MSKGOV_ERR_INVALID));
  FUZZ_CHECK((rc == 0) == (error.text[0] == '\0'));
  if (rc) {
    FUZZ_CHECK(is_wiped(&command));
  } else {
    check_words(&command, strlen(line));
    check_quoted(&command);
  }
  check_padded(&command, rc, line);
  if (!strpbrk(line, "'\"\\") && strlen(line) <= GOV_COMMAND_LENGTH_MAX)
    check_plain(&command, rc, line);
  free(line);

  return 0;
}
