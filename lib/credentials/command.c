#include "credentials/command.h"

#include "base/error.h"
#include "base/secret.h"

#include <string.h>

#define WHITE " \t\r\n"

void gov_command_wipe(gov_command *command) {
  gov_secret_wipe(command, sizeof(*command));
}

/* What is wrong at a place, which is told as a position. */
static int refuse(const char *what, const char *line, const char *place,
                  mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_INVALID, "command has %s at position %zu of %zu",
                       what, (size_t)(place - line) + 1, strlen(line));
}

/*
 * One word: from *from, which is moved behind it, to *to, which is moved behind its end.
 * What is written never passes what is read.
 */
static int split_word(const char *line, const char **from, char **to,
                      mskgov_error_info *error) {
  const char *at = *from, *opened = NULL; /* the quote that is open */
  char *out = *to;

  for (; *at && (opened || !strchr(WHITE, *at)); at++) {
    if (opened ? *at == *opened : *at == '\'' || *at == '"') {
      opened = opened ? NULL : at;
      continue;
    }
    if (*at == '\\' && (!opened || (*opened == '"' && at[1] && strchr("\"\\", at[1])))) {
      if (!*++at)
        return refuse("a backslash with nothing after it", line, at - 1, error);
    }
    *out++ = *at;
  }
  if (opened)
    return refuse(*opened == '"' ? "a double quote that is not closed"
                                 : "a single quote that is not closed",
                  line, opened, error);

  *out++ = '\0';
  *from = at;
  *to = out;

  return 0;
}

static int split(gov_command *command, const char *line, mskgov_error_info *error) {
  const char *from = line + strspn(line, WHITE);
  char *to = command->text;
  int rc;

  for (; *from; from += strspn(from, WHITE)) {
    if (command->count == GOV_COMMAND_WORDS_MAX)
      return gov_error_set(error, MSKGOV_ERR_INVALID,
                           "command has more than %d words, at position %zu of %zu",
                           GOV_COMMAND_WORDS_MAX, (size_t)(from - line) + 1, strlen(line));
    command->words[command->count++] = to;
    rc = split_word(line, &from, &to, error);
    if (rc)
      return rc;
  }

  if (command->count == 0 || !*command->words[0])
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "command %s; expected are a program and its arguments",
                         command->count ? "starts with an empty word" : "is empty");

  return 0;
}

int gov_command_split(gov_command *command, const char *line, mskgov_error_info *error) {
  int rc;

  *command = (gov_command){0};
  if (!line)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "command is NULL; expected are a program and its arguments");
  if (strnlen(line, GOV_COMMAND_LENGTH_MAX + 1) > GOV_COMMAND_LENGTH_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "command is longer than %d bytes; allowed are 1 to %d",
                         GOV_COMMAND_LENGTH_MAX, GOV_COMMAND_LENGTH_MAX);

  rc = split(command, line, error);
  if (rc)
    gov_command_wipe(command);

  return rc;
}
