#include "governor/exposition.h"

#include "base/error.h"
#include "governor/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void gov_exposition_open(gov_exposition *exposition) {
  *exposition = (gov_exposition){0};
  exposition->file = open_memstream(&exposition->text, &exposition->size);
}

void gov_exposition_head(gov_exposition *exposition, const char *name, const char *type,
                         const char *help) {
  if (exposition->file)
    fprintf(exposition->file, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void gov_exposition_field_head(gov_exposition *exposition,
                               const gov_exposition_field *fields, size_t place) {
  const gov_exposition_field *field = &fields[place];

  if (place == 0 || strcmp(fields[place - 1].name, field->name) != 0)
    gov_exposition_head(exposition, field->name, field->type, field->help);
}

static void write_label_value(FILE *file, const char *value) {
  while (*value) {
    size_t length = gov_utf8_length(value);

    if (*value == '\n')
      fputs("\\n", file);
    else if (*value == '"' || *value == '\\')
      fprintf(file, "\\%c", *value);
    else if (length)
      fwrite(value, 1, length, file);
    else
      fputc('?', file);
    value += length ? length : 1;
  }
}

static void write_labels(FILE *file, const gov_exposition_label *labels,
                         const char *outcome) {
  const char *before = "{";

  for (; labels->name; labels++) {
    fprintf(file, "%s%s=\"", before, labels->name);
    write_label_value(file, labels->value);
    fputc('"', file);
    before = ",";
  }
  if (outcome) {
    fprintf(file, "%soutcome=\"%s\"", before, outcome);
    before = ",";
  }
  if (*before == ',')
    fputc('}', file);
}

void gov_exposition_thousandths(char text[GOV_EXPOSITION_NUMBER_MAX],
                                uint64_t thousandths) {
  size_t length = (size_t)snprintf(text, GOV_EXPOSITION_NUMBER_MAX, "%" PRIu64 ".%03u",
                                   thousandths / 1000, (unsigned)(thousandths % 1000));

  while (text[length - 1] == '0')
    text[--length] = '\0';
  if (text[length - 1] == '.')
    text[length - 1] = '\0';
}

static void write_sample(gov_exposition *exposition, const char *name, const char *suffix,
                         const gov_exposition_label *labels, const char *outcome,
                         const char *value) {
  if (!exposition->file)
    return;

  fprintf(exposition->file, "%s%s", name, suffix);
  write_labels(exposition->file, labels, outcome);
  fprintf(exposition->file, " %s\n", value);
}

void gov_exposition_field_sample(gov_exposition *exposition,
                                 const gov_exposition_field *field, const void *object,
                                 const gov_exposition_label *labels) {
  const char *at = (const char *)object + field->offset;
  char value[GOV_EXPOSITION_NUMBER_MAX] = "+Inf";
  uint64_t number;
  uint32_t small;

  if (field->kind == GOV_EXPOSITION_U64) {
    memcpy(&number, at, sizeof(number));
  } else {
    memcpy(&small, at, sizeof(small));
    number = small;
  }
  if (field->kind == GOV_EXPOSITION_PERCENT)
    gov_exposition_thousandths(value, number * 10);
  else if (field->kind == GOV_EXPOSITION_MS)
    gov_exposition_thousandths(value, number);
  else if (field->kind != GOV_EXPOSITION_LIMIT || number != UINT32_MAX)
    snprintf(value, sizeof(value), "%" PRIu64, number);

  write_sample(exposition, field->name, "", labels, field->outcome, value);
}

void gov_exposition_sample(gov_exposition *exposition, const char *name, const char *suffix,
                           const gov_exposition_label *labels, uint64_t number) {
  char value[GOV_EXPOSITION_NUMBER_MAX];

  snprintf(value, sizeof(value), "%" PRIu64, number);
  write_sample(exposition, name, suffix, labels, NULL, value);
}

void gov_exposition_sample_thousandths(gov_exposition *exposition, const char *name,
                                       const char *suffix,
                                       const gov_exposition_label *labels,
                                       uint64_t thousandths) {
  char value[GOV_EXPOSITION_NUMBER_MAX];

  gov_exposition_thousandths(value, thousandths);
  write_sample(exposition, name, suffix, labels, NULL, value);
}

int gov_exposition_close(gov_exposition *exposition, char **text,
                         mskgov_error_info *error) {
  int failed = !exposition->file || ferror(exposition->file);

  if (exposition->file)
    failed = fclose(exposition->file) || failed;
  if (failed) {
    free(exposition->text);
    return gov_error_no_memory(error);
  }
  *text = exposition->text;

  return 0;
}
