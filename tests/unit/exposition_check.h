/*
 * A strict reader of Prometheus' text format, version 0.0.4, as far as we use it: a name has
 * its HELP, then its TYPE, then its samples, and comes once; counters end in _total.
 */
#ifndef TEST_EXPOSITION_CHECK_H
#define TEST_EXPOSITION_CHECK_H

#include "governor/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPOSITION_NAMES_MAX 64

typedef struct exposition_checker {
  char names[EXPOSITION_NAMES_MAX][64]; /* seen, the last one current */
  size_t count;
  char type[16];
  bool has_samples;
} exposition_checker;

static inline size_t name_length(const char *text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");

  return *text >= '0' && *text <= '9' ? 0 : length;
}

static inline bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);

  return length >= end_length && !strcmp(text + length - end_length, end);
}

/* "# HELP name text": a new name; "# TYPE name type" right behind it. */
static inline bool check_comment(exposition_checker *check, const char *line) {
  const char *name = line + 7;
  size_t length = name_length(name);

  if (!length || length >= sizeof(check->names[0]) || name[length] != ' ')
    return false;
  if (!strncmp(line, "# HELP ", 7)) {
    for (size_t i = 0; i < check->count; i++)
      if (strlen(check->names[i]) == length && !strncmp(check->names[i], name, length))
        return false; /* a name comes once */
    if (check->count == EXPOSITION_NAMES_MAX ||
        (check->count && (!*check->type || !check->has_samples)))
      return false;
    snprintf(check->names[check->count++], sizeof(check->names[0]), "%.*s", (int)length,
             name);
    *check->type = '\0';
    check->has_samples = false;
    return name[length + 1] != '\0';
  }
  if (strncmp(line, "# TYPE ", 7) != 0 || !check->count || *check->type ||
      strlen(check->names[check->count - 1]) != length ||
      strncmp(check->names[check->count - 1], name, length) != 0)
    return false;
  snprintf(check->type, sizeof(check->type), "%s", name + length + 1);

  return (!strcmp(check->type, "counter") &&
          ends_with(check->names[check->count - 1], "_total")) ||
         (!strcmp(check->type, "gauge") &&
          !ends_with(check->names[check->count - 1], "_total")) ||
         !strcmp(check->type, "histogram");
}

/* {name="value",...}; returns what follows, NULL if it is malformed. */
static inline const char *skip_labels(const char *at) {
  if (*at != '{')
    return at;

  do {
    size_t length = name_length(++at);

    if (!length || strncmp(at + length, "=\"", 2) != 0)
      return NULL;
    for (at += length + 2; *at != '"'; at += length) {
      length = *at == '\\' ? 2 : gov_utf8_length(at);
      if (!length || (*at == '\\' && !strchr("\\\"n", at[1])))
        return NULL;
    }
  } while (*++at == ',');

  return *at == '}' ? at + 1 : NULL;
}

static inline bool check_sample(exposition_checker *check, const char *line) {
  const char *name = check->count ? check->names[check->count - 1] : "", *at;
  size_t length = name_length(line);
  char *end;

  if (!*check->type || strncmp(line, name, strlen(name)) != 0)
    return false;
  at = line + strlen(name);
  if (!strcmp(check->type, "histogram")) {
    if (strncmp(at, "_bucket{", 8) && strncmp(at, "_sum", 4) && strncmp(at, "_count", 6))
      return false;
  } else if (length != strlen(name)) {
    return false;
  }
  check->has_samples = true;
  at = skip_labels(line + length);
  if (!at || *at++ != ' ')
    return false;
  if (!strcmp(at, "+Inf"))
    return !strcmp(check->type, "gauge");
  strtod(at, &end);

  return *at >= '0' && *at <= '9' && !*end;
}

/* Whether a scraper would take all of it; prints the first line that it would not. */
static inline bool is_exposition(const char *text) {
  exposition_checker check = {0};
  char line[1024];

  while (*text) {
    const char *end = strchr(text, '\n');

    if (!end || end == text || (size_t)(end - text) >= sizeof(line))
      return false;
    snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
    if (*line == '#' ? !check_comment(&check, line) : !check_sample(&check, line)) {
      printf("bad line: %s\n", line);
      return false;
    }
    text = end + 1;
  }

  return check.count > 0;
}

#endif
