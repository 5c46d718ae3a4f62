/*
 * Answers in XML: a text that is found is UTF-8 within its limit, without a NUL and
 * without white space around; a smaller limit refuses or changes nothing; and a document
 * within an element of another one reads as it did alone.
 */
#include "codec/xml.h"

#include "fuzz.h"

#include <mskgov/error.h>

#define COUNT 6
#define WRAPPED "w/"

static const char *const paths[COUNT] = {
    WRAPPED "a",
    WRAPPED "a/b",
    WRAPPED "a/b/c",
    WRAPPED "AssumeRoleResponse/AssumeRoleResult/Credentials/SecretAccessKey",
    WRAPPED "AssumeRoleResponse/AssumeRoleResult/Credentials",
    WRAPPED "ErrorResponse/Error/Code"};

typedef struct reading {
  gov_buffer texts[COUNT];
  gov_xml_field fields[COUNT];
  int rc;
} reading;

static bool is_utf8(const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at;) {
    int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;

    if (*at > 0xf4 || (*at >= 0x80 && *at < 0xc2))
      return false;
    for (at++; more > 0; more--, at++)
      if ((*at & 0xc0) != 0x80)
        return false;
  }

  return true;
}

static void check_text(const gov_buffer *text) {
  FUZZ_CHECK(text->data && text->length <= text->limit);
  FUZZ_CHECK(strlen(text->data) == text->length && is_utf8(text->data));
  FUZZ_CHECK(text->length == 0 || (!strchr(" \t\r\n", text->data[0]) &&
                                   !strchr(" \t\r\n", text->data[text->length - 1])));
}

static void ask(reading *answer, const char *document, size_t length, bool wrapped,
                size_t limit) {
  mskgov_error_info error = {0};

  for (size_t i = 0; i < COUNT; i++) {
    gov_buffer_init(&answer->texts[i], limit);
    answer->fields[i] = (gov_xml_field){paths[i] + (wrapped ? 0 : strlen(WRAPPED)),
                                        &answer->texts[i], true};
  }
  answer->rc = gov_xml_read(document, length, answer->fields, COUNT, &error);
  FUZZ_CHECK(answer->rc == 0 || answer->rc == MSKGOV_ERR_PROTOCOL);
  FUZZ_CHECK(error.code == answer->rc && !*error.text == !answer->rc);
  for (size_t i = 0; i < COUNT; i++)
    if (answer->fields[i].found)
      check_text(&answer->texts[i]);
}

static void forget(reading *answer) {
  for (size_t i = 0; i < COUNT; i++)
    gov_buffer_fini(&answer->texts[i]);
}

static void check_same(const reading *one, const reading *other) {
  for (size_t i = 0; i < COUNT; i++) {
    FUZZ_CHECK(one->fields[i].found == other->fields[i].found);
    FUZZ_CHECK(!one->fields[i].found ||
               strcmp(one->texts[i].data, other->texts[i].data) == 0);
  }
}

static void check_wrapped(const reading *alone, const char *document, size_t length) {
  gov_buffer outer;
  reading inner;

  gov_buffer_init(&outer, length + 8);
  gov_buffer_append_string(&outer, "<w>");
  gov_buffer_append(&outer, document, length);
  gov_buffer_append_string(&outer, "</w>");
  ask(&inner, outer.data, outer.length, true, length * 4);
  if (!inner.rc)
    check_same(alone, &inner);
  FUZZ_CHECK(!inner.rc || length > (GOV_XML_DEPTH_MAX - 1) * strlen("<a>"));
  forget(&inner);
  gov_buffer_fini(&outer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *document = fuzz_copy(data, size);
  reading wide, narrow;

  ask(&wide, document, size, false, size * 4);
  ask(&narrow, document, size, false, 5);
  FUZZ_CHECK(!wide.rc || narrow.rc);
  if (!narrow.rc)
    check_same(&wide, &narrow);
  if (!wide.rc && document[0] == '<' && document[1] && strncmp(document, "<?xml", 5) != 0)
    check_wrapped(&wide, document, size);
  forget(&narrow);
  forget(&wide);
  free((char *)document);

  return 0;
}
