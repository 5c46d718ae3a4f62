/*
 * The options of the role providers, checked and copied.
 *
 * Threads: the caller's.
 */
#ifndef GOV_CREDENTIALS_ROLE_SETTINGS_H
#define GOV_CREDENTIALS_ROLE_SETTINGS_H

#include "credentials/role.h"

typedef struct gov_role_settings {
  mskgov_role_options options; /* its strings are copies, its source a hold */
  gov_service_limits limits;
} gov_role_settings;

/*
 * Checks and copies. Returns 0 and fills *settings (owned: gov_role_settings_fini, after an
 * error too), or MSKGOV_ERR_INVALID, MSKGOV_ERR_NO_MEMORY.
 */
int gov_role_settings_init(gov_role_settings *settings, const mskgov_role_options *options,
                           mskgov_error_info *error);
void gov_role_settings_fini(gov_role_settings *settings);

/* The role that they ask for; borrowed from the settings. */
gov_role gov_role_settings_role(const gov_role_settings *settings);

#endif
