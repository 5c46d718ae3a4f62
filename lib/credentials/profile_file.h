/*
 * The profiles of the shared config and credentials files, loaded at once: a picture of the
 * files as they were. What a setting means is its reader's. The files' form is that of
 * codec/ini.h.
 *
 * - In the config file, [default] and [profile NAME] are profiles, and [sso-session NAME] a
 *   session; NAME may be quoted ("my profile", 'my profile'), and has to be if there is
 *   white space in it. Other sections are passed over: [NAME], [services NAME], [plugins].
 * - [profile default] takes the place of [default], whichever comes first.
 * - In the credentials file, each section is a profile of this name, as it is.
 * - A section that comes again adds to the first, and of a setting that comes again the
 *   last one counts. Of a setting that both files have, that of the credentials file
 *   counts, even if it is empty there (botocore, and the SDKs).
 *
 * Names of profiles are told apart by case; those of settings are asked for in small
 * letters.
 *
 * Threads: loading reads the environment and blocks; afterwards nothing changes, and any
 * thread may read.
 */
#ifndef GOV_CREDENTIALS_PROFILE_FILE_H
#define GOV_CREDENTIALS_PROFILE_FILE_H

#include <mskgov/error.h>

#include <stdbool.h>

/* Of each file, and of both together; beyond them loading fails. */
#define GOV_PROFILES_FILE_MAX 1048576 /* bytes */
#define GOV_PROFILES_SECTION_MAX 10000
#define GOV_PROFILES_SETTING_MAX 100000

typedef struct gov_profiles gov_profiles;

/*
 * Reads both files. A path that is NULL is that of AWS_CONFIG_FILE or
 * AWS_SHARED_CREDENTIALS_FILE; if that is not set, or empty, it is ~/.aws/config or
 * ~/.aws/credentials. "~/" at the beginning of any is the home directory (path.h). A file
 * that is not there counts as empty, and so does one of the last two if the home directory
 * is not known, or may not be looked into.
 *
 * Returns 0 and sets *profiles (owned: gov_profiles_free); MSKGOV_ERR_SYSTEM: a file cannot
 * be read, or is a directory; MSKGOV_ERR_INVALID: it is not of the form, or beyond a bound,
 * or there is no home directory for "~/"; MSKGOV_ERR_TRANSPORT (file.h); or
 * MSKGOV_ERR_NO_MEMORY. The error names the file, and the line if it is about one.
 */
int gov_profiles_load(gov_profiles **profiles, const char *config_path,
                      const char *credentials_path, mskgov_error_info *error);

/* Wipes what was read of the files, and frees. NULL does nothing. */
void gov_profiles_free(gov_profiles *profiles);

/* Whether one of the files has the profile, be it without a setting. */
bool gov_profiles_has(const gov_profiles *profiles, const char *profile);

/*
 * The value of a profile's setting, borrowed until the profiles are freed; NULL if it is
 * not set, or empty. It may hold line ends, if the file has it on several lines.
 */
const char *gov_profiles_get(const gov_profiles *profiles, const char *profile,
                             const char *name);

/* The same of [sso-session NAME]. */
const char *gov_profiles_get_session(const gov_profiles *profiles, const char *session,
                                     const char *name);

/* Where the files are, or would be; for error texts. Borrowed likewise. */
const char *gov_profiles_config_path(const gov_profiles *profiles);
const char *gov_profiles_credentials_path(const gov_profiles *profiles);

#endif
