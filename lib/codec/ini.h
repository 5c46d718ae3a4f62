/*
 * The ini files that AWS's tools share, ~/.aws/config and ~/.aws/credentials: a reader that
 * hands out sections and settings in the order of the file. What a section's name means is
 * the caller's.
 *
 * It is our own because inih, as Debian builds it, reads lines of at most 200 bytes and
 * cuts section names at 49: it would cut session tokens and mix up long profile names.
 *
 * The rules are those of botocore (configparser's RawConfigParser) and of "Shared config
 * and credentials files", AWS SDKs and Tools Reference Guide. Where they differ:
 *
 * - " #" and " ;" end a setting's value (SDKs; botocore keeps them as a part of it). No
 *   part of a key has a space in it. They end no section's name and no continuation line.
 * - A comment line may be indented (botocore).
 * - A name ends at the first "=" or ":" (botocore; SDKs know "=" only).
 * - A section's name ends at the first "]", and white space around it is taken off (SDKs).
 *   What follows the "]" is passed over (both).
 * - A line that is indented deeper than the setting above it continues that setting
 *   (botocore). SDKs take every indented line for one, and refuse what follows an indented
 *   setting.
 * - A setting's value with continuation lines has them joined by "\n" (both); empty lines
 *   between are dropped (SDKs). Below a setting without a value they are nested settings
 *   ("s3 =", "  max_concurrent_requests = 20"): these are passed over, and one without "="
 *   is an error (both).
 * - A section or setting may come again (SDKs; an error in botocore). It is handed out
 *   again.
 * - A byte order mark of UTF-8 at the beginning is passed over (an error in both), and a
 *   NUL is an error (botocore keeps it). Other bytes are not looked at: what a value may
 *   hold is its user's to check, a line end included.
 * - [DEFAULT] is a section as any other (SDKs; in botocore, a source of defaults).
 *
 * An error in both, and here: a setting before the first section, a line without "=", and
 * a setting without a name. So is a "[" without a "]" or without a name, also where botocore
 * takes the line for a setting ("[]=1").
 *
 * Threads: any. Nothing here has state.
 */
#ifndef GOV_CODEC_INI_H
#define GOV_CODEC_INI_H

#include <mskgov/error.h>

#include <stddef.h>

#define GOV_INI_LINE_MAX 32768  /* bytes of a line, and of a value with its continuations */
#define GOV_INI_SECTION_MAX 512 /* bytes of a section's name */

/* Who is told. A negative code ends the reading, and gov_ini_read returns it. */
typedef struct gov_ini_handler {
  /* A section begins; its name as in the brackets: "profile demo". Borrowed for the call. */
  int (*section)(void *self, const char *name);
  /*
   * A setting of the section that began last. The name is in small letters (ASCII), the
   * value as it is, maybe empty, maybe of several lines. Both are borrowed for the call,
   * and wiped afterwards.
   */
  int (*setting)(void *self, const char *name, const char *value);
  void *self;
} gov_ini_handler;

/*
 * Reads `text`; line ends are "\n", "\r\n" and "\r", and the last line needs none.
 *
 * Returns 0; MSKGOV_ERR_INVALID: the text is not of this form, or beyond a bound;
 * MSKGOV_ERR_NO_MEMORY; or a handler's code, with the error left to the handler. *line (may
 * be NULL) is the number of the line that it is about, from 1, and 0 after success. The
 * error's text names neither the line, so that a caller puts the file's name and the line
 * before it, nor anything out of the text, which may be a secret. What was handed out
 * before an error stands.
 */
int gov_ini_read(const char *text, size_t length, const gov_ini_handler *handler,
                 unsigned *line, mskgov_error_info *error);

#endif
