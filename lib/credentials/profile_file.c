#include "credentials/profile_file.h"

#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/secret.h"
#include "codec/ini.h"
#include "credentials/environment.h"
#include "credentials/file.h"
#include "credentials/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_FILE "AWS_CONFIG_FILE"
#define CREDENTIALS_FILE "AWS_SHARED_CREDENTIALS_FILE"

typedef struct profile_setting {
  gov_map_node node; /* by name, which is in small letters */
  char *name, *value;
} profile_setting;

typedef struct profile_section {
  gov_map_node node; /* by name */
  char *name;
  gov_map settings;
  bool has_prefix; /* of "profile" */
} profile_section;

struct gov_profiles {
  char *config_path, *credentials_path;
  gov_map config, credentials, sessions;
  size_t section_count, setting_count;
};

/* What the reading of one file keeps. */
typedef struct file_loading {
  gov_profiles *profiles;
  profile_section *current; /* NULL: one that is passed over */
  mskgov_error_info *error;
} file_loading;

static profile_section *find_section(const gov_map *map, const char *name) {
  gov_map_node *node = gov_map_find(map, name);

  return node ? gov_container_of(node, profile_section, node) : NULL;
}

static profile_setting *find_setting(const profile_section *section, const char *name) {
  gov_map_node *node = section ? gov_map_find(&section->settings, name) : NULL;

  return node ? gov_container_of(node, profile_setting, node) : NULL;
}

static void free_setting(profile_setting *setting) {
  gov_secret_free_string(setting->name);
  gov_secret_free_string(setting->value);
  free(setting);
}

static void clear_section(profile_section *section) {
  for (gov_map_node *node; (node = gov_map_pop(&section->settings));)
    free_setting(gov_container_of(node, profile_setting, node));
  gov_map_fini(&section->settings);
}

static void clear_sections(gov_map *map) {
  for (gov_map_node *node; (node = gov_map_pop(map));) {
    profile_section *section = gov_container_of(node, profile_section, node);

    clear_section(section);
    gov_secret_free_string(section->name);
    free(section);
  }
  gov_map_fini(map);
}

static int add_section(file_loading *loading, gov_map *map, const char *name) {
  gov_profiles *profiles = loading->profiles;
  profile_section *added;

  loading->current = find_section(map, name);
  if (loading->current)
    return 0;
  if (profiles->section_count == GOV_PROFILES_SECTION_MAX)
    return gov_error_set(loading->error, MSKGOV_ERR_INVALID,
                         "there are more than %d profiles and sessions in both files",
                         GOV_PROFILES_SECTION_MAX);

  added = calloc(1, sizeof(*added));
  if (!added)
    return gov_error_no_memory(loading->error);
  gov_map_init(&added->settings);
  added->name = gov_secret_strdup(name);
  if (!added->name || !gov_map_insert(map, &added->node, added->name)) {
    gov_secret_free_string(added->name);
    free(added);
    return gov_error_no_memory(loading->error);
  }

  profiles->section_count++;
  loading->current = added;

  return 0;
}

static int add_setting(void *self, const char *name, const char *value) {
  file_loading *loading = self;
  gov_profiles *profiles = loading->profiles;
  profile_setting *found = find_setting(loading->current, name);
  char *copy;

  if (!loading->current)
    return 0;
  if (!found && profiles->setting_count == GOV_PROFILES_SETTING_MAX)
    return gov_error_set(loading->error, MSKGOV_ERR_INVALID,
                         "there are more than %d settings in both files",
                         GOV_PROFILES_SETTING_MAX);

  copy = gov_secret_strdup(value);
  if (!copy)
    return gov_error_no_memory(loading->error);
  if (found) {
    gov_secret_free_string(found->value);
    found->value = copy;
    return 0;
  }

  found = calloc(1, sizeof(*found));
  if (found)
    *found = (profile_setting){.name = gov_secret_strdup(name), .value = copy};
  if (!found || !found->name ||
      !gov_map_insert(&loading->current->settings, &found->node, found->name)) {
    gov_secret_free_string(copy);
    if (found)
      gov_secret_free_string(found->name);
    free(found);
    return gov_error_no_memory(loading->error);
  }
  profiles->setting_count++;

  return 0;
}

/*
 * The NAME of "word NAME" or "word "NAME"", by itself in `out`. False: the section is none
 * of this word, or has no such name.
 */
static bool read_name(const char *text, const char *word,
                      char out[GOV_INI_SECTION_MAX + 1]) {
  const char *name, *space = " \t\v\f";
  size_t length = strlen(word);

  if (strncmp(text, word, length) || !strspn(text + length, space))
    return false;

  name = text + length + strspn(text + length, space);
  length = strlen(name);
  if (*name == '"' || *name == '\'') {
    if (strcspn(name + 1, (char[]){*name, '\0'}) + 2 != length)
      return false;
    name++;
    length -= 2;
  } else if (strcspn(name, " \t\v\f\"'") != length) {
    return false;
  }
  memcpy(out, name, length);
  out[length] = '\0';

  return length > 0;
}

static int begin_config_section(void *self, const char *text) {
  file_loading *loading = self;
  gov_profiles *profiles = loading->profiles;
  char name[GOV_INI_SECTION_MAX + 1];
  bool has_prefix = read_name(text, "profile", name);
  int rc;

  loading->current = NULL;
  if (read_name(text, "sso-session", name))
    return add_section(loading, &profiles->sessions, name);
  if (!has_prefix && strcmp(text, "default") != 0)
    return 0;

  rc = add_section(loading, &profiles->config, has_prefix ? name : text);
  if (rc)
    return rc;

  if (has_prefix && !loading->current->has_prefix) {
    profiles->setting_count -= loading->current->settings.count;
    clear_section(loading->current);
    loading->current->has_prefix = true;
  } else if (!has_prefix && loading->current->has_prefix) {
    loading->current = NULL;
  }

  return 0;
}

static int begin_credentials_section(void *self, const char *name) {
  file_loading *loading = self;

  return add_section(loading, &loading->profiles->credentials, name);
}

static int load_file(gov_profiles *profiles, const char *path, const char *what,
                     int (*begin_section)(void *self, const char *name),
                     mskgov_error_info *error) {
  mskgov_error_info detail = {0};
  file_loading loading = {.profiles = profiles, .error = &detail};
  gov_ini_handler handler = {begin_section, add_setting, &loading};
  gov_buffer text;
  unsigned line;
  int rc;

  gov_buffer_init(&text, GOV_PROFILES_FILE_MAX);
  rc = gov_file_read_if_there(path, what, &text, error);
  if (!rc) {
    rc = gov_ini_read(text.data, text.length, &handler, &line, &detail);
    if (rc)
      gov_error_set(error, rc, "%s \"%.256s\", line %u: %.160s", what, path, line,
                    detail.text);
  }
  gov_buffer_fini(&text);

  return rc;
}

/* *known: whether there may be a file; not so without a home directory, or in one that is
   another user's (HOME=/root in a container that runs as somebody else). */
static int find_path(const char *named, const char *usual, char **path, bool *known,
                     mskgov_error_info *error) {
  struct stat status;
  int rc;

  *known = true;
  if (named)
    return gov_path_expand(named, path, error);

  rc = gov_path_expand(usual, path, NULL);
  if (rc == MSKGOV_ERR_INVALID) {
    *known = false;
    *path = strdup(usual);
    rc = *path ? 0 : MSKGOV_ERR_NO_MEMORY;
  } else if (!rc && stat(*path, &status) && errno == EACCES) {
    *known = false;
  }

  return rc ? gov_error_no_memory(error) : 0;
}

static int load(gov_profiles *profiles, const char *config, const char *credentials,
                mskgov_error_info *error) {
  bool known;
  int rc;

  rc = find_path(config ? config : gov_environment_variable(CONFIG_FILE), "~/.aws/config",
                 &profiles->config_path, &known, error);
  if (!rc && known)
    rc = load_file(profiles, profiles->config_path, "the config file", begin_config_section,
                   error);
  if (!rc)
    rc = find_path(credentials ? credentials : gov_environment_variable(CREDENTIALS_FILE),
                   "~/.aws/credentials", &profiles->credentials_path, &known, error);
  if (!rc && known)
    rc = load_file(profiles, profiles->credentials_path, "the credentials file",
                   begin_credentials_section, error);

  return rc;
}

int gov_profiles_load(gov_profiles **profiles, const char *config_path,
                      const char *credentials_path, mskgov_error_info *error) {
  gov_profiles *loaded = calloc(1, sizeof(*loaded));
  int rc;

  *profiles = NULL;
  if (!loaded)
    return gov_error_no_memory(error);

  gov_map_init(&loaded->config);
  gov_map_init(&loaded->credentials);
  gov_map_init(&loaded->sessions);
  rc = load(loaded, config_path, credentials_path, error);
  if (rc)
    gov_profiles_free(loaded);
  else
    *profiles = loaded;

  return rc;
}

void gov_profiles_free(gov_profiles *profiles) {
  if (!profiles)
    return;

  clear_sections(&profiles->config);
  clear_sections(&profiles->credentials);
  clear_sections(&profiles->sessions);
  free(profiles->config_path);
  free(profiles->credentials_path);
  free(profiles);
}

bool gov_profiles_has(const gov_profiles *profiles, const char *profile) {
  return find_section(&profiles->config, profile) ||
         find_section(&profiles->credentials, profile);
}

static const char *value_of(const profile_setting *setting) {
  return setting && *setting->value ? setting->value : NULL;
}

const char *gov_profiles_get(const gov_profiles *profiles, const char *profile,
                             const char *name) {
  profile_setting *setting =
      find_setting(find_section(&profiles->credentials, profile), name);

  if (!setting)
    setting = find_setting(find_section(&profiles->config, profile), name);

  return value_of(setting);
}

const char *gov_profiles_get_session(const gov_profiles *profiles, const char *session,
                                     const char *name) {
  return value_of(find_setting(find_section(&profiles->sessions, session), name));
}

const char *gov_profiles_config_path(const gov_profiles *profiles) {
  return profiles->config_path;
}

const char *gov_profiles_credentials_path(const gov_profiles *profiles) {
  return profiles->credentials_path;
}
