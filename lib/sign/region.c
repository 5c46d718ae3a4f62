#include "sign/region.h"

#include "base/address.h"
#include "base/error.h"
#include "sign/partition.h"

#include <mskgov/region.h>

#include <stdbool.h>
#include <string.h>
#include <strings.h>

int gov_region_check(const char *field, const char *region, mskgov_error_info *error) {
  if (!region)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is not set; expected an AWS region, such as \"eu-west-1\"",
                         field);
  if (!gov_partition_of_region(region))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is \"%.64s\", which is no AWS region; expected an area such "
                         "as us, eu, ap or us-gov, a direction such as north, southeast "
                         "or central, and a number from 1 to 99, such as \"eu-west-1\"",
                         field, region);

  return 0;
}

/* The host's bytes before `suffix`, or `length` again if it does not end in it. */
static size_t strip(const char *host, size_t length, const char *suffix) {
  size_t n = strlen(suffix);

  return length > n && strncasecmp(host + length - n, suffix, n) == 0 ? length - n : length;
}

/* The place of the last label among the first `length` bytes. */
static size_t last_label(const char *host, size_t length) {
  while (length > 0 && host[length - 1] != '.')
    length--;

  return length;
}

/*
 * The label before the region names the service: <broker>.kafka.<region>, or
 * <endpoint>.vpce-svc-<id>.<region>.vpce where the service is an endpoint of one's own.
 */
static bool is_service(const char *label, size_t length, bool vpce) {
  return (length == 5 && strncasecmp(label, "kafka", 5) == 0) ||
         (length == 16 && strncasecmp(label, "kafka-serverless", 16) == 0) ||
         (vpce && length > 9 && strncasecmp(label, "vpce-svc-", 9) == 0);
}

/* The suffix that the host ends in, a dot before it; NULL: none. */
static const char *find_suffix(const char *host, size_t length) {
  for (size_t i = 0; i < GOV_PARTITION_COUNT; i++) {
    const char *suffix = gov_partitions[i].dns_suffix;
    size_t zone = strip(host, length, suffix);

    if (zone < length && host[zone - 1] == '.')
      return suffix;
  }

  return NULL;
}

/* Cuts the region out of the host's first `length` bytes; false: it is no MSK broker. */
static bool find_region(const char *host, size_t length, char region[GOV_REGION_MAX + 1]) {
  const char *suffix = find_suffix(host, length);
  const gov_partition *partition;
  size_t zone, end, start, service;

  if (!suffix)
    return false;

  zone = length - strlen(suffix) - 1;
  end = strip(host, zone, ".vpce");
  start = last_label(host, end);
  if (start < 2 || end - start > GOV_REGION_MAX)
    return false;

  service = last_label(host, start - 1);
  if (service < 2 || !is_service(host + service, start - 1 - service, end != zone))
    return false;

  for (size_t i = start; i < end; i++)
    region[i - start] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] | 32) : host[i];
  region[end - start] = '\0';
  partition = gov_partition_of_region(region);

  return partition && strcmp(partition->dns_suffix, suffix) == 0;
}

int mskgov_region_from_broker(const char *broker, char *region, size_t size,
                              mskgov_error_info *error) {
  char found[GOV_REGION_MAX + 1];
  size_t length;
  int rc;

  gov_error_reset(error);
  if (broker && !strchr(broker, ':')) {
    length = strlen(broker);
  } else {
    rc = gov_address_check("broker", broker, &length, error);
    if (rc)
      return rc;
  }

  if (!find_region(broker, length, found))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "broker is \"%.260s\", which is no name of an MSK broker; "
                         "expected a name ending in \".kafka.<region>.<suffix>\" or "
                         "\".kafka-serverless.<region>.<suffix>\", as with eu-west-1 and "
                         "amazonaws.com; for any other name, set the region",
                         broker);
  if (!region || strlen(found) >= size)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "size is %zu; the region \"%s\" needs %zu bytes, its end included",
                         region ? size : 0, found, strlen(found) + 1);

  memcpy(region, found, strlen(found) + 1);

  return 0;
}
