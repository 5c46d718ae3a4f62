/*
 * Runs a program to its end and keeps every byte that it prints.
 */
#ifndef TEST_LEAK_RUN_H
#define TEST_LEAK_RUN_H

#include <check.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct leak_text {
  char *data; /* NUL-terminated */
  size_t length;
} leak_text;

typedef struct leak_output {
  int status; /* of the exit; -1: it was ended by a signal */
  leak_text out, err;
} leak_output;

static inline leak_text leak_read(int fd) {
  off_t size = lseek(fd, 0, SEEK_END);
  leak_text text = {malloc((size_t)size + 1), (size_t)size};

  ck_assert_int_ge(size, 0);
  ck_assert_ptr_nonnull(text.data);
  ck_assert_int_eq(pread(fd, text.data, text.length, 0), size);
  text.data[text.length] = '\0';
  close(fd);

  return text;
}

static inline leak_output leak_run(const char *const *words) {
  int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
  posix_spawn_file_actions_t files;
  leak_output output;
  int status;
  pid_t pid;

  ck_assert_int_ge(out, 0);
  ck_assert_int_ge(err, 0);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  ck_assert_int_eq(posix_spawn(&pid, words[0], &files, NULL, (char *const *)words, environ),
                   0);
  posix_spawn_file_actions_destroy(&files);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);

  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  output.out = leak_read(out);
  output.err = leak_read(err);

  return output;
}

static inline void leak_output_free(leak_output *output) {
  free(output->out.data);
  free(output->err.data);
}

#endif
