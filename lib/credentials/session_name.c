#include "credentials/session_name.h"

#include "base/error.h"
#include "credentials/environment.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "AWS_ROLE_SESSION_NAME"

static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789_+=,.@-";

int gov_session_name_check(const char *field, const char *name, mskgov_error_info *error) {
  size_t length = strlen(name);

  if (length < GOV_SESSION_NAME_MIN || length > GOV_SESSION_NAME_MAX ||
      strspn(name, allowed) < length)
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "%s is \"%.64s\" (%zu bytes); allowed are %d to %d of A-Z, a-z, "
                         "0-9 and _+=,.@-",
                         field, name, length, GOV_SESSION_NAME_MIN, GOV_SESSION_NAME_MAX);

  return 0;
}

static char host[HOST_NAME_MAX + 1];

static void read_host(void) {
  if (gethostname(host, sizeof(host) - 1))
    strcpy(host, "host");
}

int gov_session_name_default(char name[GOV_SESSION_NAME_MAX + 1],
                             mskgov_error_info *error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const char *given = gov_environment_variable(VARIABLE);

  if (given && gov_session_name_check(VARIABLE, given, error))
    return MSKGOV_ERR_INVALID;

  /* Once, as a host may get another name while the process lives. */
  pthread_once(&once, read_host);
  snprintf(name, GOV_SESSION_NAME_MAX + 1, "%s%.*s", given ? "" : "mskgov-",
           GOV_SESSION_NAME_MAX - (given ? 0 : 7), given ? given : host);
  for (char *c = name + strspn(name, allowed); *c; c += strspn(c, allowed))
    *c = '-';

  return 0;
}
