#include <mskgov/rdkafka.h>

#include "base/check.h"
#include "base/error.h"
#include "client/client.h"
#include "client/conf.h"
#include "client/keeper.h"

#include <stdlib.h>
#include <string.h>

#define RDKAFKA_VERSION_MIN 0x020002ff
#define REGION_MAX 64

void mskgov_rdkafka_options_init(mskgov_rdkafka_options *options) {
  *options = (mskgov_rdkafka_options){.struct_size = sizeof(*options)};
}

static int check_librdkafka(const rd_kafka_conf_t *conf, mskgov_error_info *error) {
  char *features;
  bool able;

  if (rd_kafka_version() < RDKAFKA_VERSION_MIN)
    return gov_error_set(error, MSKGOV_ERR_UNSUPPORTED,
                         "librdkafka is %s; 2.0.2 or newer is needed",
                         rd_kafka_version_str());

  features = gov_conf_get_string(conf, "builtin.features");
  able = features && strstr(features, "sasl_oauthbearer") && strstr(features, "ssl");
  free(features);
  if (!able)
    return gov_error_set(error, MSKGOV_ERR_UNSUPPORTED,
                         "librdkafka %s was built without ssl or sasl_oauthbearer",
                         rd_kafka_version_str());

  return 0;
}

static int check_arguments(const rd_kafka_conf_t *conf, mskgov_governor *governor,
                           const mskgov_rdkafka_options *options,
                           mskgov_error_info *error) {
  int rc;

  if (gov_check_struct("options", options, sizeof(*options),
                       "fill the options with mskgov_rdkafka_options_init", error))
    return MSKGOV_ERR_INVALID;
  if (!conf)
    return gov_error_set(error, MSKGOV_ERR_INVALID, "conf is NULL");
  if (!governor && !options->ungoverned)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "governor is NULL; make one with mskgov_governor_new, or set "
                         "options.ungoverned to have tokens only");

  rc = options->ungoverned ? 0 : mskgov_governor_check(governor, error);
  if (rc)
    return rc;
  rc = check_librdkafka(conf, error);

  return rc ? rc : gov_conf_check(conf, error);
}

/* The region of the options, or of the brokers' names. */
static int find_region(const rd_kafka_conf_t *conf, const mskgov_rdkafka_options *options,
                       char region[REGION_MAX], mskgov_error_info *error) {
  if (!options->region)
    return gov_conf_check_bootstrap(conf, region, REGION_MAX, error);

  if (strlen(options->region) >= REGION_MAX)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "options.region is \"%.64s…\"; expected an AWS region such as "
                         "\"eu-west-1\"",
                         options->region);
  memcpy(region, options->region, strlen(options->region) + 1);

  return gov_conf_check_bootstrap(conf, NULL, 0, error);
}

/* Says now what would fail later, and leaves the token for the first client. */
static int check_token(gov_token_source *source, mskgov_error_info *error) {
  gov_token token;
  int rc;

  gov_token_init(&token);
  rc = gov_token_source_get(source, &token, NULL, error);
  gov_token_fini(&token);

  return rc;
}

static int adapter_new(gov_adapter **out, mskgov_governor *governor, const char *region,
                       const mskgov_rdkafka_options *options, mskgov_error_info *error) {
  gov_adapter *adapter = calloc(1, sizeof(*adapter));
  int rc;

  if (!adapter)
    return gov_error_no_memory(error);

  atomic_init(&adapter->holds, 1);
  if (!options->ungoverned)
    adapter->governor = mskgov_governor_ref(governor);
  adapter->priority = options->priority;
  rc = gov_token_source_join(&adapter->source, region, options->credentials, error);
  if (rc == 0)
    rc = check_token(adapter->source, error);
  if (rc == 0) {
    int errnum = gov_keeper_join(&adapter->keeper);
    if (errnum)
      rc = gov_error_set_errno(error, errnum, "cannot start the keeper's threads");
  }
  if (rc) {
    gov_adapter_release(adapter);
    return rc;
  }
  *out = adapter;

  return 0;
}

/* Sets the mechanism and binds the client; both or neither. */
static int bind_client(rd_kafka_conf_t *conf, gov_adapter *adapter,
                       mskgov_error_info *error) {
  char before[GOV_CONF_VALUE_MAX], text[256];
  int rc;

  gov_conf_get(conf, "sasl.mechanisms", before);
  if (rd_kafka_conf_set(conf, "sasl.mechanisms", "OAUTHBEARER", text, sizeof(text)) !=
      RD_KAFKA_CONF_OK)
    return gov_error_set(error, MSKGOV_ERR_UNSUPPORTED, "sasl.mechanisms: %s", text);

  rc = gov_client_bind(conf, adapter, NULL, error);
  if (rc)
    rd_kafka_conf_set(conf, "sasl.mechanisms", before, NULL, 0);

  return rc;
}

int mskgov_rdkafka_apply(rd_kafka_conf_t *conf, mskgov_governor *governor,
                         const mskgov_rdkafka_options *options, mskgov_error_info *error) {
  char region[REGION_MAX];
  gov_adapter *adapter = NULL;
  int rc;

  gov_error_reset(error);
  rc = check_arguments(conf, governor, options, error);
  if (rc)
    return rc;
  rc = find_region(conf, options, region, error);
  if (rc)
    return rc;
  rc = adapter_new(&adapter, governor, region, options, error);
  if (rc)
    return rc;

  rc = bind_client(conf, adapter, error);
  gov_adapter_release(adapter);

  return rc;
}
