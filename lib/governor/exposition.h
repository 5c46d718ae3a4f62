/*
 * Writes Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): per name one HELP and one
 * TYPE line, then its samples. Errors are kept until the end: a writer writes without
 * looking and gov_exposition_close tells.
 *
 * Numbers are written without floating point, so that no locale shows in them.
 */
#ifndef GOV_GOVERNOR_EXPOSITION_H
#define GOV_GOVERNOR_EXPOSITION_H

#include <mskgov/error.h>

#include <stdint.h>
#include <stdio.h>

typedef struct gov_exposition {
  FILE *file; /* NULL: no memory */
  char *text;
  size_t size;
} gov_exposition;

/* Labels stand in an array that a name NULL ends. Values may hold any byte. */
typedef struct gov_exposition_label {
  const char *name;
  const char *value;
} gov_exposition_label;

/* How a member of a struct becomes a value. */
typedef enum gov_exposition_kind {
  GOV_EXPOSITION_U32,
  GOV_EXPOSITION_U64,
  GOV_EXPOSITION_LIMIT,   /* uint32_t; UINT32_MAX is +Inf */
  GOV_EXPOSITION_PERCENT, /* uint32_t, written as a ratio */
  GOV_EXPOSITION_MS       /* uint32_t, written in seconds */
} gov_exposition_kind;

/* A metric that is one member of a struct. Neighbours of one name share their head and
   differ in the label "outcome". */
typedef struct gov_exposition_field {
  const char *name;
  const char *type;
  const char *help;    /* no backslash, no newline */
  const char *outcome; /* NULL: without that label */
  size_t offset;
  gov_exposition_kind kind;
} gov_exposition_field;

void gov_exposition_open(gov_exposition *exposition);

/* The lines HELP and TYPE. */
void gov_exposition_head(gov_exposition *exposition, const char *name, const char *type,
                         const char *help);

/* The head of fields[place], unless it is its neighbour's. */
void gov_exposition_field_head(gov_exposition *exposition,
                               const gov_exposition_field *fields, size_t place);

/* One sample of a field, read from `object`. */
void gov_exposition_field_sample(gov_exposition *exposition,
                                 const gov_exposition_field *field, const void *object,
                                 const gov_exposition_label *labels);

/* One sample, `suffix` appended to its name. */
void gov_exposition_sample(gov_exposition *exposition, const char *name, const char *suffix,
                           const gov_exposition_label *labels, uint64_t value);

/* The same, of a value in thousandths. */
void gov_exposition_sample_thousandths(gov_exposition *exposition, const char *name,
                                       const char *suffix,
                                       const gov_exposition_label *labels,
                                       uint64_t thousandths);

/* Room for a number as gov_exposition_thousandths writes it. */
#define GOV_EXPOSITION_NUMBER_MAX 24

/* "0.25", "10": the shortest decimal of a number of thousandths. */
void gov_exposition_thousandths(char text[GOV_EXPOSITION_NUMBER_MAX], uint64_t thousandths);

/* Ends it. Returns 0 and sets *text (owned: free), or MSKGOV_ERR_NO_MEMORY. */
int gov_exposition_close(gov_exposition *exposition, char **text, mskgov_error_info *error);

#endif
