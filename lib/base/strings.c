#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

bool gov_strings_copy(const char **const *strings, size_t count) {
  bool failed = false;

  for (size_t i = 0; i < count; i++)
    if (*strings[i]) {
      *strings[i] = failed ? NULL : strdup(*strings[i]);
      failed = failed || !*strings[i];
    }
  if (failed)
    gov_strings_free(strings, count);

  return !failed;
}

void gov_strings_free(const char **const *strings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((char *)*strings[i]);
    *strings[i] = NULL;
  }
}
