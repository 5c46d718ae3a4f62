#include "client/conf.h"

#include "base/address.h"
#include "base/error.h"

#include <mskgov/authenticator.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void gov_conf_get(const rd_kafka_conf_t *conf, const char *name,
                  char value[GOV_CONF_VALUE_MAX]) {
  size_t size = GOV_CONF_VALUE_MAX;

  if (rd_kafka_conf_get(conf, name, NULL, &size) != RD_KAFKA_CONF_OK ||
      size > GOV_CONF_VALUE_MAX ||
      rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
    value[0] = '\0';
}

char *gov_conf_get_string(const rd_kafka_conf_t *conf, const char *name) {
  size_t size = 0;
  char *value;

  if (rd_kafka_conf_get(conf, name, NULL, &size) != RD_KAFKA_CONF_OK || size <= 1)
    return NULL;

  value = malloc(size);
  if (value && rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK) {
    free(value);
    return NULL;
  }

  return value;
}

void *gov_conf_get_pointer(const rd_kafka_conf_t *conf, const char *name) {
  char value[GOV_CONF_VALUE_MAX];

  gov_conf_get(conf, name, value);

  return (void *)(uintptr_t)strtoull(value, NULL, 16);
}

int gov_conf_check(const rd_kafka_conf_t *conf, mskgov_error_info *error) {
  char value[GOV_CONF_VALUE_MAX];

  gov_conf_get(conf, "security.protocol", value);
  if (strcasecmp(value, "sasl_ssl") != 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "security.protocol is \"%s\"; MSK takes IAM only over TLS: set it "
                         "to \"sasl_ssl\"",
                         value);

  gov_conf_get(conf, "enable.sasl.oauthbearer.unsecure.jwt", value);
  if (strcmp(value, "true") == 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "enable.sasl.oauthbearer.unsecure.jwt is \"true\"; the tokens are "
                         "mskgov's: set it to \"false\"");

  gov_conf_get(conf, "sasl.oauthbearer.method", value);
  if (value[0] && strcmp(value, "default") != 0)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "sasl.oauthbearer.method is \"%s\"; the tokens are mskgov's: set "
                         "it to \"default\"",
                         value);

  if (gov_conf_get_pointer(conf, "oauthbearer_token_refresh_cb"))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "oauthbearer_token_refresh_cb is set; the tokens are mskgov's: "
                         "do not set it");

  return 0;
}

static int check_server(char *server, char *region, size_t size, mskgov_error_info *error) {
  char *protocol = strstr(server, "://");
  int rc;

  if (protocol)
    server = protocol + 3;
  rc = gov_address_check("bootstrap.servers", server, NULL, error);
  if (rc)
    return rc;

  return region && !*region ? mskgov_region_from_broker(server, region, size, error) : 0;
}

int gov_conf_check_bootstrap(const rd_kafka_conf_t *conf, char *region, size_t size,
                             mskgov_error_info *error) {
  char *servers = gov_conf_get_string(conf, "bootstrap.servers");
  char *position = NULL;
  int rc = 0;

  if (region)
    *region = '\0';
  if (!servers)
    return region ? gov_error_set(error, MSKGOV_ERR_INVALID,
                                  "options.region is NULL and bootstrap.servers is not "
                                  "set; set one of them, before the conf is applied")
                  : 0;

  for (char *server = strtok_r(servers, ", ", &position); server && rc == 0;
       server = strtok_r(NULL, ", ", &position))
    rc = check_server(server, region, size, error);
  free(servers);

  return rc;
}
