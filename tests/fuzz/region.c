/*
 * Regions, and brokers' names: a region that is read out of a name stands in it before the
 * suffix of its partition, whatever the case of the letters and whatever comes before;
 * and what is a region has a host of STS that says so.
 */
#include "sign/region.h"

#include "sign/partition.h"
#include "sign/service_host.h"

#include "fuzz.h"

#include <mskgov/region.h>

#include <ctype.h>
#include <strings.h>

static void check_region(const char *text) {
  mskgov_error_info error = {0};
  int rc = gov_region_check("region", text, &error);

  FUZZ_CHECK(error.code == rc && !*error.text == !rc);
  FUZZ_CHECK(!rc == (gov_partition_of_region(text) != NULL));
  for (int i = 0; i < 4; i++) {
    gov_buffer host;

    gov_buffer_init(&host, GOV_SERVICE_HOST_MAX);
    FUZZ_CHECK(gov_service_host(&host, "sts", text, i % 2, i / 2, NULL) == rc);
    FUZZ_CHECK(rc ? host.length == 0
                  : !strncmp(host.data, "sts", 3) && strstr(host.data, text) != NULL);
    gov_buffer_fini(&host);
  }
}

/* The host ends in ".<region>[.vpce].<suffix>". */
static void check_end(const char *broker, const char *region) {
  char end[160];
  size_t host = strcspn(broker, ":");
  bool found = false;

  for (int vpce = 0; vpce <= 1; vpce++) {
    size_t length =
        (size_t)snprintf(end, sizeof(end), ".%s%s.%s", region, vpce ? ".vpce" : "",
                         gov_partition_of_region(region)->dns_suffix);

    found |= length < host && strncasecmp(broker + host - length, end, length) == 0;
  }
  FUZZ_CHECK(found);
}

/* The same name, its letters turned to the other case, and a label before it. */
static void check_again(const char *broker, const char *region) {
  size_t length = strlen(broker);
  char *other = malloc(length + 3), again[MSKGOV_REGION_SIZE];

  FUZZ_CHECK(other);
  memcpy(other, "x.", 2);
  for (size_t i = 0; i <= length; i++) {
    unsigned char c = (unsigned char)broker[i];

    other[i + 2] = (char)(islower(c) ? toupper(c) : tolower(c));
  }
  FUZZ_CHECK(mskgov_region_from_broker(other + 2, again, sizeof(again), NULL) == 0);
  FUZZ_CHECK(strcmp(again, region) == 0);
  if (length + 2 <= 200) {
    FUZZ_CHECK(mskgov_region_from_broker(other, again, sizeof(again), NULL) == 0);
    FUZZ_CHECK(strcmp(again, region) == 0);
  }
  free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_string(data, size), region[MSKGOV_REGION_SIZE] = "kept";
  mskgov_error_info error;
  int rc = mskgov_region_from_broker(text, region, sizeof(region), &error);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_INVALID);
  FUZZ_CHECK(error.code == rc && !*error.text == !rc);
  if (rc) {
    FUZZ_CHECK(strcmp(region, "kept") == 0);
  } else {
    FUZZ_CHECK(gov_region_check("region", region, NULL) == 0);
    FUZZ_CHECK(mskgov_region_from_broker(text, region, strlen(region), NULL) != 0);
    check_end(text, region);
    check_again(text, region);
  }
  check_region(text);
  free(text);

  return 0;
}
