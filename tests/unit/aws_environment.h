/*
 * The environment that a test of the credentials begins with: nothing of AWS and no proxy in
 * it, no shared files, and no instance that may be asked.
 */
#ifndef TEST_AWS_ENVIRONMENT_H
#define TEST_AWS_ENVIRONMENT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static inline void aws_environment_drop(const char *prefix) {
  char name[128];

  for (char **entry = environ; *entry;)
    if (strncmp(*entry, prefix, strlen(prefix)) == 0) {
      snprintf(name, sizeof(name), "%.*s", (int)strcspn(*entry, "="), *entry);
      ck_assert_int_eq(unsetenv(name), 0);
      entry = environ;
    } else {
      entry++;
    }
}

static inline void aws_environment_clear(void) {
  static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",   "no_proxy",
                                        "NO_PROXY"};

  aws_environment_drop("AWS_");
  for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
    unsetenv(proxies[i]);
  setenv("AWS_CONFIG_FILE", "/dev/null", 1);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
  setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

#endif
