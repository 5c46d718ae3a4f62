/*
 * Reading a librdkafka configuration through its public interface.
 */
#ifndef GOV_CLIENT_CONF_H
#define GOV_CLIENT_CONF_H

#include <mskgov/error.h>

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>

/* Room for any value that is read here. bootstrap.servers has its own, on the heap. */
#define GOV_CONF_VALUE_MAX 64

/* The value of a property; "" if it has none or is longer than GOV_CONF_VALUE_MAX. */
void gov_conf_get(const rd_kafka_conf_t *conf, const char *name,
                  char value[GOV_CONF_VALUE_MAX]);

/* The value of a property, whole; to be freed. NULL: it has none, or no memory. */
char *gov_conf_get_string(const rd_kafka_conf_t *conf, const char *name);

/*
 * The address of a callback property, such as "connect_cb"; NULL if it is not set.
 * librdkafka gives it out in its printed form.
 */
void *gov_conf_get_pointer(const rd_kafka_conf_t *conf, const char *name);

/*
 * Refuses a configuration that a client of MSK with IAM cannot have, naming property,
 * value and remedy. Returns 0 or MSKGOV_ERR_INVALID.
 */
int gov_conf_check(const rd_kafka_conf_t *conf, mskgov_error_info *error);

/*
 * Checks every address of bootstrap.servers and, if `region` is not NULL, writes the AWS
 * region that their names state (up to `size` bytes). Returns 0 or MSKGOV_ERR_INVALID; no
 * bootstrap.servers at all is an error only where a region is asked for.
 */
int gov_conf_check_bootstrap(const rd_kafka_conf_t *conf, char *region, size_t size,
                             mskgov_error_info *error);

#endif
