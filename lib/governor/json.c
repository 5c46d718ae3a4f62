#include "governor/json.h"

#include "base/error.h"
#include "governor/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *gov_json_string(const char *text) {
  char *mended = strdup(text);
  json_t *string;

  if (!mended)
    return NULL;

  gov_utf8_mend(mended);
  string = json_string(mended);
  free(mended);

  return string;
}

json_t *gov_json_count(uint64_t count) {
  return json_integer(count < INT64_MAX ? (json_int_t)count : INT64_MAX);
}

json_t *gov_json_limit(uint32_t limit) {
  return limit == UINT32_MAX ? json_null() : json_integer(limit);
}

int gov_json_print(json_t *json, char **text, mskgov_error_info *error) {
  FILE *file;
  char *made = NULL;
  size_t size;
  int failed;

  file = json ? open_memstream(&made, &size) : NULL;
  failed = !file || json_dumpf(json, file, JSON_COMPACT);
  if (file)
    failed = fclose(file) || failed;
  json_decref(json);
  if (failed) {
    free(made);
    return gov_error_no_memory(error);
  }
  *text = made;

  return 0;
}
