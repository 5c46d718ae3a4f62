#include "broker/mechanism.h"

#include <string.h>

const char *const gov_mechanism_names[GOV_MECHANISM_COUNT] = {"OAUTHBEARER", "AWS_MSK_IAM"};

bool gov_mechanism_find(const char *name, size_t length, gov_mechanism *mechanism) {
  for (size_t i = 0; i < GOV_MECHANISM_COUNT; i++)
    if (strlen(gov_mechanism_names[i]) == length &&
        memcmp(gov_mechanism_names[i], name, length) == 0) {
      *mechanism = (gov_mechanism)i;
      return true;
    }

  return false;
}
