/*
 * A home directory with the shared config and credentials files in it.
 */
#ifndef TEST_PROFILE_HOME_H
#define TEST_PROFILE_HOME_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64], config_path[128], credentials_path[128];

static inline void write_file(const char *path, const char *text, size_t length) {
  FILE *file = fopen(path, "w");

  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, length, file), length);
  ck_assert_int_eq(fclose(file), 0);
}

/* A home with both files; NULL: without one. */
static inline void make_home(const char *config, const char *credentials) {
  char aws[80];

  strcpy(home, "/tmp/mskgov-home-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(home));
  snprintf(aws, sizeof(aws), "%s/.aws", home);
  ck_assert_int_eq(mkdir(aws, 0700), 0);
  snprintf(config_path, sizeof(config_path), "%s/config", aws);
  snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", aws);
  if (config)
    write_file(config_path, config, strlen(config));
  if (credentials)
    write_file(credentials_path, credentials, strlen(credentials));
  setenv("HOME", home, 1);
  unsetenv("AWS_CONFIG_FILE");
  unsetenv("AWS_SHARED_CREDENTIALS_FILE");
}

static inline void remove_home(void) {
  unlink(config_path);
  unlink(credentials_path);
  *strrchr(config_path, '/') = '\0';
  ck_assert_int_eq(rmdir(config_path), 0);
  ck_assert_int_eq(rmdir(home), 0);
}

#endif
