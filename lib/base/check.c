#include "base/check.h"

#include "base/error.h"

int gov_check_struct(const char *name, const void *object, size_t size, const char *filler,
                     mskgov_error_info *error) {
  if (!object)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "%s is NULL", name);
  if (*(const size_t *)object != size)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s.struct_size is %zu, expected %zu: %s first", name,
                         *(const size_t *)object, size, filler);

  return 0;
}

int gov_check_range(const char *field, uint64_t value, uint64_t low, uint64_t high,
                    mskgov_error_info *error) {
  if (value >= low && value <= high)
    return 0;

  return gov_error_set(error, MSKGOV_ERR_INVALID, "%s is %llu; allowed are %llu to %llu",
                       field, (unsigned long long)value, (unsigned long long)low,
                       (unsigned long long)high);
}
