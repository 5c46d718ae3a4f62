/*
 * A command line, split into words without a shell, as the AWS CLI does it (Python's
 * shlex.split): white space (space, tab, line ends) parts the words; single quotes keep
 * everything between them; double quotes too, but for a backslash before a double quote or
 * a backslash; elsewhere a backslash keeps the byte after it. No variables, no patterns,
 * no comments.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CREDENTIALS_COMMAND_H
#define GOV_CREDENTIALS_COMMAND_H

#include <mskgov/error.h>

#include <stddef.h>

#define GOV_COMMAND_LENGTH_MAX 4096 /* bytes */
#define GOV_COMMAND_WORDS_MAX 64

/* The words point into it, so it stays where it is. */
typedef struct gov_command {
  size_t count;                           /* at least 1 */
  char *words[GOV_COMMAND_WORDS_MAX + 1]; /* an argv: NULL at the end */
  char text[GOV_COMMAND_LENGTH_MAX + 1];
} gov_command;

/*
 * Splits `line`, which is copied. Returns 0, or MSKGOV_ERR_INVALID: NULL, too long, no
 * words or too many, an empty first one, a quote that is not closed, or a backslash at the
 * end; *command is then wiped.
 */
int gov_command_split(gov_command *command, const char *line, mskgov_error_info *error);

/* Wipes it, as arguments may be secrets. */
void gov_command_wipe(gov_command *command);

#endif
