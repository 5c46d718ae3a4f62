#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>

int bench_fail(mskgov_error_info *error, int code, const char *format, ...) {
  va_list args;

  if (error->code)
    return code;

  error->code = code;
  va_start(args, format);
  vsnprintf(error->text, sizeof(error->text), format, args);
  va_end(args);

  return code;
}

int bench_fail_memory(mskgov_error_info *error) {
  return bench_fail(error, MSKGOV_ERR_NO_MEMORY, "out of memory");
}
