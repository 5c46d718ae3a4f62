#include "credentials/path.h"

#include "base/error.h"
#include "credentials/environment.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's sysconf(_SC_GETPW_R_SIZE_MAX) is 1024. */
#define ENTRY_MAX 16384

static int expand(const char *home, const char *rest, char **expanded,
                  mskgov_error_info *error) {
  if (asprintf(expanded, "%s%s", home, rest) < 0) {
    *expanded = NULL;
    return gov_error_no_memory(error);
  }

  return 0;
}

int gov_path_expand(const char *path, char **expanded, mskgov_error_info *error) {
  const char *home = gov_environment_variable("HOME");
  struct passwd entry, *found = NULL;
  char memory[ENTRY_MAX];

  *expanded = NULL;
  if (*path != '~' || (path[1] && path[1] != '/'))
    return expand("", path, expanded, error);
  if (home)
    return expand(home, path + 1, expanded, error);

  if (getpwuid_r(getuid(), &entry, memory, sizeof(memory), &found) || !found ||
      !*found->pw_dir)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "the path \"%.256s\" begins with the home directory, which is not "
                         "known: HOME is not set, or empty, and the user database has none "
                         "for the user %lu",
                         path, (unsigned long)getuid());

  return expand(found->pw_dir, path + 1, expanded, error);
}
