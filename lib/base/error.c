#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void gov_error_reset(mskgov_error_info *error) {
  if (error) {
    error->code = 0;
    error->text[0] = '\0';
  }
}

int gov_error_set(mskgov_error_info *error, int code, const char *format, ...) {
  va_list args;

  if (!error || error->code)
    return code;

  error->code = code;
  va_start(args, format);
  vsnprintf(error->text, sizeof(error->text), format, args);
  va_end(args);

  return code;
}

int gov_error_set_errno(mskgov_error_info *error, int errnum, const char *format, ...) {
  char reason[128] = "";
  va_list args;
  size_t length;

  if (!error || error->code)
    return MSKGOV_ERR_SYSTEM;

  error->code = MSKGOV_ERR_SYSTEM;
  va_start(args, format);
  vsnprintf(error->text, sizeof(error->text), format, args);
  va_end(args);

  length = strlen(error->text);
  snprintf(error->text + length, sizeof(error->text) - length, ": %s",
           strerror_r(errnum, reason, sizeof(reason)));

  return MSKGOV_ERR_SYSTEM;
}

int gov_error_no_memory(mskgov_error_info *error) {
  return gov_error_set(error, MSKGOV_ERR_NO_MEMORY, "out of memory");
}

mskgov_category mskgov_error_category(int code) {
  switch (code) {
  case MSKGOV_OK:
    return MSKGOV_CATEGORY_NONE;
#define CATEGORY(name, value, category, sentence)                                          \
  case MSKGOV_ERR_##name:                                                                  \
    return MSKGOV_CATEGORY_##category;
    MSKGOV_ERROR_LIST(CATEGORY)
#undef CATEGORY
  default:
    return MSKGOV_CATEGORY_INTERNAL;
  }
}

const char *mskgov_error_name(int code) {
  switch (code) {
  case MSKGOV_OK:
    return "MSKGOV_OK";
#define NAME(name, value, category, sentence)                                              \
  case MSKGOV_ERR_##name:                                                                  \
    return "MSKGOV_ERR_" #name;
    MSKGOV_ERROR_LIST(NAME)
#undef NAME
  default:
    return "MSKGOV_ERR_UNKNOWN";
  }
}

const char *mskgov_strerror(int code) {
  switch (code) {
  case MSKGOV_OK:
    return "no error";
#define SENTENCE(name, value, category, sentence)                                          \
  case MSKGOV_ERR_##name:                                                                  \
    return sentence;
    MSKGOV_ERROR_LIST(SENTENCE)
#undef SENTENCE
  default:
    return "unknown error code";
  }
}

const char *mskgov_version(void) {
  return MSKGOV_VERSION;
}
