#include "codec/ini.h"

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct span {
  const char *data;
  size_t length;
} span;

typedef struct ini_reader {
  const gov_ini_handler *handler;
  mskgov_error_info *error;
  unsigned line;
  bool in_section;
  size_t indent; /* of the last line that was a section or a setting */

  /* A setting is told when the next line does not continue it. */
  bool in_setting;
  unsigned setting_line;
  gov_buffer name, value;
} ini_reader;

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool begins_comment(char c) {
  return c == '#' || c == ';';
}

static span trim(span text) {
  while (text.length && is_space(text.data[text.length - 1]))
    text.length--;
  while (text.length && is_space(*text.data)) {
    text.data++;
    text.length--;
  }

  return text;
}

static span cut_comment(span value) {
  for (size_t i = 1; i < value.length; i++)
    if (begins_comment(value.data[i]) && is_space(value.data[i - 1]))
      value.length = i;

  return value;
}

/* The place of the first byte that is one of two; the length if there is none. */
static size_t find_either(span text, char one, char other) {
  size_t at = 0;

  while (at < text.length && text.data[at] != one && text.data[at] != other)
    at++;

  return at;
}

static int set_buffer(ini_reader *reader, gov_buffer *buffer, span text) {
  gov_buffer_reset(buffer);
  gov_buffer_append(buffer, text.data, text.length);

  return buffer->failed ? gov_error_no_memory(reader->error) : 0;
}

static int tell_setting(ini_reader *reader) {
  unsigned line = reader->line;
  int rc;

  if (!reader->in_setting)
    return 0;

  reader->in_setting = false;
  reader->line = reader->setting_line;
  rc = reader->handler->setting(reader->handler->self, reader->name.data,
                                reader->value.data);
  if (!rc)
    reader->line = line;

  return rc;
}

static int read_section(ini_reader *reader, span text) {
  const char *end = memchr(text.data, ']', text.length);
  span name;
  int rc;

  if (!end)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "a section's name begins with \"[\" and has no \"]\"");

  name = trim((span){text.data + 1, (size_t)(end - text.data) - 1});
  if (name.length == 0 || name.length > GOV_INI_SECTION_MAX)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "a section's name has %zu bytes; allowed are 1 to %d", name.length,
                         GOV_INI_SECTION_MAX);

  rc = set_buffer(reader, &reader->name, name);
  if (rc)
    return rc;
  reader->in_section = true;

  return reader->handler->section(reader->handler->self, reader->name.data);
}

static int read_setting(ini_reader *reader, span text) {
  size_t at = find_either(text, '=', ':');
  span name = trim((span){text.data, at}), value;
  int rc;

  if (!reader->in_section)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "expected a section in brackets before the first setting");
  if (at == text.length || name.length == 0)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "expected a section in brackets, name = value, or a comment");

  value = trim(cut_comment((span){text.data + at + 1, text.length - at - 1}));
  rc = set_buffer(reader, &reader->name, name);
  if (!rc)
    rc = set_buffer(reader, &reader->value, value);
  if (rc)
    return rc;

  for (char *c = reader->name.data; *c; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c - 'A' + 'a');
  reader->in_setting = true;
  reader->setting_line = reader->line;

  return 0;
}

static int read_continuation(ini_reader *reader, span text) {
  gov_buffer *value = &reader->value;

  if (value->length == 0) {
    if (!memchr(text.data, '=', text.length))
      return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                           "expected name = value below a setting without a value");
    return 0;
  }

  if (text.length + 1 > GOV_INI_LINE_MAX - value->length)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "the value with its continuation lines has more than %d bytes",
                         GOV_INI_LINE_MAX);
  gov_buffer_append(value, "\n", 1);
  gov_buffer_append(value, text.data, text.length);

  return value->failed ? gov_error_no_memory(reader->error) : 0;
}

static int read_line(ini_reader *reader, span line) {
  span text = trim(line);
  size_t indent;
  int rc;

  if (line.length > GOV_INI_LINE_MAX)
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "the line has %zu bytes; allowed are %d", line.length,
                         GOV_INI_LINE_MAX);
  if (memchr(line.data, '\0', line.length))
    return gov_error_set(reader->error, MSKGOV_ERR_INVALID,
                         "the line has a NUL byte; expected is text in UTF-8");
  if (text.length == 0 || begins_comment(*text.data))
    return 0;

  indent = (size_t)(text.data - line.data);
  if (reader->in_setting && indent > reader->indent)
    return read_continuation(reader, text);

  rc = tell_setting(reader);
  if (rc)
    return rc;
  reader->indent = indent;

  return *text.data == '[' ? read_section(reader, text) : read_setting(reader, text);
}

static int read_lines(ini_reader *reader, span text) {
  int rc = 0;

  while (!rc && text.length) {
    size_t end = find_either(text, '\n', '\r'), next = end;

    reader->line++;
    rc = read_line(reader, (span){text.data, end});

    if (next < text.length)
      next += text.data[end] == '\r' && end + 1 < text.length && text.data[end + 1] == '\n'
                  ? 2
                  : 1;
    text = (span){text.data + next, text.length - next};
  }

  return rc ? rc : tell_setting(reader);
}

int gov_ini_read(const char *text, size_t length, const gov_ini_handler *handler,
                 unsigned *line, mskgov_error_info *error) {
  const size_t mark = strlen(BYTE_ORDER_MARK);
  ini_reader reader = {.handler = handler, .error = error};
  span left = {text, length};
  int rc;

  if (length >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0)
    left = (span){text + mark, length - mark};

  gov_buffer_init(&reader.name, GOV_INI_LINE_MAX);
  gov_buffer_init(&reader.value, GOV_INI_LINE_MAX);
  rc = read_lines(&reader, left);
  gov_buffer_fini(&reader.name);
  gov_buffer_fini(&reader.value);
  if (line)
    *line = rc ? reader.line : 0;

  return rc;
}
