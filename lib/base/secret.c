#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void gov_secret_wipe(void *memory, size_t length) {
  explicit_bzero(memory, length);
}

void gov_secret_free(void *memory, size_t length) {
  if (!memory)
    return;

  explicit_bzero(memory, length);
  free(memory);
}

void gov_secret_free_string(char *string) {
  if (string)
    gov_secret_free(string, strlen(string));
}
