#include "sign/partition.h"

#include <stdbool.h>
#include <string.h>

const gov_partition gov_partitions[GOV_PARTITION_COUNT] = {
    {"aws",
     {"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"},
     "amazonaws.com",
     "api.aws"},
    {"aws-cn", {"cn"}, "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", {"us-gov"}, "amazonaws.com", "api.aws"},
    {"aws-iso", {"us-iso"}, "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", {"us-isob"}, "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", {"eu-isoe"}, "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", {"us-isof"}, "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws-eusc", {"eusc-de"}, "amazonaws.eu", "api.amazonwebservices.eu"},
};

static const char *const directions[] = {"north",     "south",     "east",
                                         "west",      "central",   "northeast",
                                         "northwest", "southeast", "southwest"};

/* What follows `word` and a dash in `text`, or NULL. */
static const char *skip_word(const char *text, const char *word) {
  size_t length = strlen(word);

  return strncmp(text, word, length) == 0 && text[length] == '-' ? text + length + 1 : NULL;
}

/* A direction, a dash, and a number from 1 to 99. */
static bool is_place(const char *text) {
  const char *number = NULL;

  for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]) && !number; i++)
    number = skip_word(text, directions[i]);

  return number && number[0] >= '1' && number[0] <= '9' &&
         strspn(number, "0123456789") == strlen(number) && strlen(number) <= 2;
}

/* "us" and a direction is never "us-iso", so one partition at most has it. */
static bool has_region(const gov_partition *partition, const char *region) {
  for (size_t i = 0; i < GOV_PARTITION_AREAS_MAX && partition->areas[i]; i++) {
    const char *place = skip_word(region, partition->areas[i]);

    if (place && is_place(place))
      return true;
  }

  return false;
}

const gov_partition *gov_partition_of_region(const char *region) {
  for (size_t i = 0; i < GOV_PARTITION_COUNT; i++)
    if (has_region(&gov_partitions[i], region))
      return &gov_partitions[i];

  return NULL;
}
