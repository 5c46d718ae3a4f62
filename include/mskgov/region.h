/*
 * The AWS region: the one in a broker's name, and the one that the settings tell.
 *
 * Threads: any.
 */
#ifndef MSKGOV_REGION_H
#define MSKGOV_REGION_H

#include <mskgov/common.h>
#include <mskgov/error.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a region at most, its end included. */
#define MSKGOV_REGION_SIZE 32

/*
 * The region in a broker's name, such as
 * "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098". Anchored on the DNS suffix of
 * the region's partition, so that a cluster named after another region does not mislead.
 * `region` takes at most `size` bytes, its end included; MSKGOV_REGION_SIZE are enough.
 * Returns 0, or MSKGOV_ERR_INVALID: the name is no name of an MSK broker.
 */
MSKGOV_API int mskgov_region_from_broker(const char *broker, char *region, size_t size,
                                         mskgov_error_info *error);

/* Where to look for the region. Always filled by mskgov_region_options_init first; all is
   borrowed for the call. */
typedef struct mskgov_region_options {
  size_t struct_size;
  const char *region;           /* the answer, if it is set */
  const char *profile;          /* NULL: AWS_PROFILE, else "default" */
  const char *config_file;      /* NULL: AWS_CONFIG_FILE, else ~/.aws/config */
  const char *credentials_file; /* NULL: AWS_SHARED_CREDENTIALS_FILE, else
                                   ~/.aws/credentials */
  const char *broker;           /* "host:port" or "host"; NULL: none */
  bool ask_instance;            /* the instance metadata service, as the last; true */
} mskgov_region_options;

MSKGOV_API void mskgov_region_options_init(mskgov_region_options *options);

/*
 * Finds the region: that of the options; AWS_REGION; AWS_DEFAULT_REGION; the setting
 * `region` of the profile; the one in the broker's name; that of the instance. An MSK
 * cluster takes only signatures for its own region, so where several clusters are served,
 * give each its own. Asking the instance may block for some seconds (see
 * mskgov_credentials_provider_new_imds).
 *
 * Returns 0, fills `region` and sets *source (static: "option", "AWS_REGION", "profile",
 * "broker", "instance metadata", …; may be NULL); or MSKGOV_ERR_INVALID: a place has what
 * is no region, or a file is not as it should be; MSKGOV_ERR_SYSTEM or MSKGOV_ERR_TRANSPORT
 * (a pipe): a file cannot be read; MSKGOV_ERR_NO_CREDENTIALS: no place has
 * one, and the text says what each of them said; MSKGOV_ERR_NO_MEMORY.
 */
MSKGOV_API int mskgov_region_find(const mskgov_region_options *options,
                                  char region[MSKGOV_REGION_SIZE], const char **source,
                                  mskgov_error_info *error);

#ifdef __cplusplus
}
#endif

#endif
