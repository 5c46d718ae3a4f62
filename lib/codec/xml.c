#include "codec/xml.h"

#include "base/error.h"
#include "base/secret.h"

#include <expat.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WHITE_SPACE " \t\r\n" /* XML's, and no other */

typedef struct xml_reader {
  XML_Parser parser;
  gov_xml_field *fields;
  size_t count;
  gov_buffer path; /* of the element that is open */
  unsigned depth;
  int rc; /* of what stopped the parser; 0: expat itself did */
  mskgov_error_info *error;
} xml_reader;

/*
 * expat's memory, with its length before it, so that it is wiped when it is given back.
 */
typedef union block {
  size_t length;
  max_align_t align;
} block;

static void *block_new(size_t length) {
  block *made =
      length > SIZE_MAX - sizeof(*made) ? NULL : gov_secret_alloc(sizeof(*made) + length);

  if (!made)
    return NULL;

  made->length = length;

  return made + 1;
}

static void block_free(void *memory) {
  block *old = memory ? (block *)memory - 1 : NULL;

  if (old)
    gov_secret_free(old, sizeof(*old) + old->length);
}

static void *block_resize(void *memory, size_t length) {
  void *made = block_new(length);
  size_t old;

  if (!made || !memory)
    return made;

  old = ((block *)memory - 1)->length;
  memcpy(made, memory, old < length ? old : length);
  block_free(memory);

  return made;
}

static void stop(xml_reader *reader, int rc) {
  reader->rc = rc;
  XML_StopParser(reader->parser, XML_FALSE);
}

static unsigned long line_of(const xml_reader *reader) {
  return (unsigned long)XML_GetCurrentLineNumber(reader->parser);
}

/* expat may call once more after it was stopped. */
static bool is_stopped(const xml_reader *reader) {
  return reader->rc != 0;
}

static void on_doctype(void *self, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset) {
  xml_reader *reader = self;

  (void)name;
  (void)system;
  (void)public;
  (void)has_subset;
  stop(reader, gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                             "the XML has a DOCTYPE at line %lu, which is not allowed",
                             line_of(reader)));
}

/* The root begins one of the paths. */
static bool is_root(const xml_reader *reader) {
  const gov_buffer *root = &reader->path;

  for (size_t i = 0; i < reader->count; i++) {
    const char *path = reader->fields[i].path;

    if (strncmp(path, root->data, root->length) == 0 &&
        (path[root->length] == '/' || !path[root->length]))
      return true;
  }

  return false;
}

/* The next field from *i on that takes the text of the element that is open, or NULL. */
static gov_xml_field *next_field(const xml_reader *reader, size_t *i) {
  while (*i < reader->count) {
    gov_xml_field *field = &reader->fields[(*i)++];

    if (!field->found && strcmp(field->path, reader->path.data) == 0)
      return field;
  }

  return NULL;
}

static int enter(xml_reader *reader, const char *name) {
  const char *colon = strchr(name, ':');
  size_t i = 0, length;
  gov_xml_field *field;

  name = colon ? colon + 1 : name;
  length = strlen(name) + (reader->depth ? 1 : 0);
  if (++reader->depth > GOV_XML_DEPTH_MAX)
    return gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                         "the XML has more than %d elements within one another at line %lu",
                         GOV_XML_DEPTH_MAX, line_of(reader));
  if (length > reader->path.limit - reader->path.length)
    return gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                         "the XML has a path of names of more than %d bytes at line %lu",
                         GOV_XML_PATH_MAX, line_of(reader));

  gov_buffer_append_string(&reader->path, reader->depth > 1 ? "/" : "");
  gov_buffer_append_string(&reader->path, name);
  if (reader->path.failed)
    return gov_error_no_memory(reader->error);
  if (reader->depth == 1 && !is_root(reader))
    return gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                         "the XML has another root element than is expected, at line %lu",
                         line_of(reader));

  while ((field = next_field(reader, &i))) {
    gov_buffer_append(field->text, "", 0);
    if (field->text->failed)
      return gov_error_no_memory(reader->error);
  }

  return 0;
}

static void on_start(void *self, const XML_Char *name, const XML_Char **attributes) {
  xml_reader *reader = self;
  int rc;

  (void)attributes;
  if (is_stopped(reader))
    return;

  rc = enter(reader, name);
  if (rc)
    stop(reader, rc);
}

static int append_text(const xml_reader *reader, gov_xml_field *field, const char *text,
                       size_t length) {
  gov_buffer *out = field->text;

  while (out->length == 0 && length > 0 && strchr(WHITE_SPACE, *text)) {
    text++;
    length--;
  }
  if (length > out->limit - out->length)
    return gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                         "the XML has a text of more than %zu bytes in %s at line %lu",
                         out->limit, field->path, line_of(reader));

  gov_buffer_append(out, text, length);

  return out->failed ? gov_error_no_memory(reader->error) : 0;
}

static void on_text(void *self, const XML_Char *text, int length) {
  xml_reader *reader = self;
  gov_xml_field *field;
  size_t i = 0;
  int rc = 0;

  if (is_stopped(reader))
    return;

  while (!rc && (field = next_field(reader, &i)))
    rc = append_text(reader, field, text, (size_t)length);
  if (rc)
    stop(reader, rc);
}

static void strip_end(gov_buffer *text) {
  while (text->length > 0 && strchr(WHITE_SPACE, text->data[text->length - 1]))
    text->data[--text->length] = '\0';
}

static void on_end(void *self, const XML_Char *name) {
  xml_reader *reader = self;
  gov_xml_field *field;
  size_t i = 0, length;

  (void)name;
  if (is_stopped(reader))
    return;

  while ((field = next_field(reader, &i))) {
    strip_end(field->text);
    field->found = true;
  }

  length = reader->path.length;
  while (length > 0 && reader->path.data[length - 1] != '/')
    length--;
  reader->path.length = length > 0 ? length - 1 : 0;
  reader->path.data[reader->path.length] = '\0';
  reader->depth--;
}

static int parse(xml_reader *reader, const char *text, size_t length) {
  enum XML_Error code;

  XML_SetUserData(reader->parser, reader);
  XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
  XML_SetElementHandler(reader->parser, on_start, on_end);
  XML_SetCharacterDataHandler(reader->parser, on_text);
  if (XML_Parse(reader->parser, text, (int)length, XML_TRUE) == XML_STATUS_OK)
    return 0;
  if (reader->rc)
    return reader->rc;

  code = XML_GetErrorCode(reader->parser);
  if (code == XML_ERROR_NO_MEMORY)
    return gov_error_no_memory(reader->error);

  return gov_error_set(reader->error, MSKGOV_ERR_PROTOCOL,
                       "the XML is malformed at line %lu: %s", line_of(reader),
                       XML_ErrorString(code));
}

int gov_xml_read(const char *text, size_t length, gov_xml_field *fields, size_t count,
                 mskgov_error_info *error) {
  const XML_Memory_Handling_Suite memory = {block_new, block_resize, block_free};
  xml_reader reader = {.fields = fields, .count = count, .error = error};
  int rc;

  for (size_t i = 0; i < count; i++) {
    assert(fields[i].text->length == 0);
    fields[i].found = false;
  }
  if (length > GOV_XML_LENGTH_MAX)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "the XML has %zu bytes; allowed are %zu", length,
                         GOV_XML_LENGTH_MAX);

  reader.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
  if (!reader.parser)
    return gov_error_no_memory(error);

  gov_buffer_init(&reader.path, GOV_XML_PATH_MAX);
  rc = parse(&reader, text, length);
  gov_buffer_fini(&reader.path);
  XML_ParserFree(reader.parser);

  return rc;
}
