/*
 * Ini files: whatever they are, what is told is in order and of the form that the header
 * promises, nothing is told after an error, and an error names a line that there is. What
 * was told, written as a file, is told again in the same way.
 */
#include "codec/ini.h"

#include "base/buffer.h"

#include "fuzz.h"

#include <mskgov/error.h>

#define AGAIN_MAX (16 * 1024 * 1024)

/* What a reading told, in words with NULs behind, and the same as a file. */
typedef struct report {
  gov_buffer words, file;
  size_t calls, refused_at; /* the call that is refused; 0: none */
} report;

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Not empty, no white space around, and no line end but in a value. */
static void check_word(const char *word, bool may_be_lines) {
  size_t length = strlen(word);

  FUZZ_CHECK(length > 0 && length <= GOV_INI_LINE_MAX);
  FUZZ_CHECK(!is_space(word[0]) && !is_space(word[length - 1]));
  FUZZ_CHECK(!strchr(word, '\r') && (may_be_lines || !strchr(word, '\n')));
}

static int count(report *told) {
  FUZZ_CHECK(!told->refused_at || told->calls < told->refused_at);

  return ++told->calls == told->refused_at ? MSKGOV_ERR_STATE : 0;
}

static int on_section(void *self, const char *name) {
  report *told = self;

  check_word(name, false);
  FUZZ_CHECK(strlen(name) <= GOV_INI_SECTION_MAX && !strchr(name, ']'));
  gov_buffer_append(&told->words, name, strlen(name) + 1);
  gov_buffer_append_string(&told->file, "[");
  gov_buffer_append_string(&told->file, name);
  gov_buffer_append_string(&told->file, "]\n");

  return count(told);
}

static int on_setting(void *self, const char *name, const char *value) {
  report *told = self;

  FUZZ_CHECK(told->calls > 0);
  check_word(name, false);
  FUZZ_CHECK(!strpbrk(name, "=:ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strchr("#;[", *name));
  if (*value)
    check_word(value, true);
  gov_buffer_append(&told->words, name, strlen(name) + 1);
  gov_buffer_append(&told->words, value, strlen(value) + 1);

  gov_buffer_append_string(&told->file, name);
  gov_buffer_append_string(&told->file, "=");
  for (; *value; value++) {
    gov_buffer_append(&told->file, value, 1);
    if (*value == '\n')
      gov_buffer_append_string(&told->file, "\t");
  }
  gov_buffer_append_string(&told->file, "\n");

  return count(told);
}

static int read_text(report *told, const char *text, size_t size, size_t refused_at,
                     unsigned *line) {
  gov_ini_handler handler = {on_section, on_setting, told};
  mskgov_error_info error = {0};
  int rc;

  *told = (report){.refused_at = refused_at};
  gov_buffer_init(&told->words, AGAIN_MAX);
  gov_buffer_init(&told->file, AGAIN_MAX);
  rc = gov_ini_read(text, size, &handler, line, &error);
  FUZZ_CHECK(error.code == (rc == MSKGOV_ERR_STATE ? 0 : rc));
  FUZZ_CHECK(!told->words.failed && !told->file.failed);

  return rc;
}

static void forget(report *told) {
  gov_buffer_fini(&told->words);
  gov_buffer_fini(&told->file);
}

static bool same(const gov_buffer *a, const gov_buffer *b) {
  return a->length == b->length && (!a->length || !memcmp(a->data, b->data, a->length));
}

/* Each byte could end a line, and no line is without a byte. */
static void check_line(int rc, unsigned line, size_t size) {
  FUZZ_CHECK(rc ? line > 0 && line <= size : line == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_copy(data, size);
  report first, second;
  unsigned line;
  int rc = read_text(&first, text, size, 0, &line);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_INVALID);
  check_line(rc, line, size);

  /* No line of it is longer than the one that it was read from. */
  FUZZ_CHECK(read_text(&second, first.file.data, first.file.length, 0, &line) == 0);
  FUZZ_CHECK(same(&first.words, &second.words) && first.calls == second.calls);
  forget(&second);

  if (first.calls) {
    rc = read_text(&second, text, size, (first.calls + 1) / 2, &line);
    FUZZ_CHECK(rc == MSKGOV_ERR_STATE);
    check_line(rc, line, size);
    forget(&second);
  }
  forget(&first);
  free(text);

  return 0;
}
