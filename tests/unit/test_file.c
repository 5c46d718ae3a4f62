/*
 * Small files, read whole. Linked with --wrap=poll, so that a pipe's writer writes while
 * the reader waits, and with --wrap=gov_secret_wipe, to see what is wiped.
 */
#include "credentials/file.h"
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "wJalrXUtnFEMI"

static char directory[32], path[64];
static bool wiped;

/* What happens while the reader waits. */
static struct {
  int fd;            /* the writer's end */
  const char *texts; /* one letter each time; closed after the last. NULL: nothing comes */
  int waits;
} writer;

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
void __real_gov_secret_wipe(void *memory, size_t length);
void __wrap_gov_secret_wipe(void *memory, size_t length);

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms) {
  ck_assert_uint_eq(count, 1);
  ck_assert_int_eq(polled->events, POLLIN);
  ck_assert_int_gt(timeout_ms, 0);
  ck_assert_int_le(timeout_ms, GOV_FILE_WAIT_MS + 1);
  writer.waits++;
  if (!writer.texts)
    return 0;

  if (*writer.texts)
    ck_assert_int_eq(write(writer.fd, writer.texts++, 1), 1);
  else
    close(writer.fd);

  return 1;
}

void __wrap_gov_secret_wipe(void *memory, size_t length) {
  wiped = wiped || memmem(memory, length, SECRET, strlen(SECRET));
  __real_gov_secret_wipe(memory, length);
}

static const char *make_file(const char *text, size_t length, mode_t mode) {
  int fd;

  strcpy(directory, "/tmp/mskgov-file-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(directory));
  snprintf(path, sizeof(path), "%s/f", directory);
  fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, length), (int)length);
  close(fd);

  return path;
}

static void remove_file(void) {
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(test_whole_files) {
  static const struct {
    size_t length, limit;
    int rc;
  } cases[] = {
      {0, 0, 0},
      {1, 1, 0},
      {4096, 4096, 0},
      {4097, 5000, 0},
      {20000, 20000, 0},
      {1, 0, MSKGOV_ERR_INVALID},
      {4097, 4096, MSKGOV_ERR_INVALID},
      {20001, 20000, MSKGOV_ERR_INVALID},
  };

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char *text = malloc(cases[i].length + 1);
    mskgov_error_info error = {0};
    gov_buffer out;

    for (size_t j = 0; j < cases[i].length; j++)
      text[j] = (char)(j * 7 + j / 256);
    gov_buffer_init(&out, cases[i].limit);
    make_file(text, cases[i].length, 0600);
    ck_assert_int_eq(gov_file_read(path, "the test's file", &out, &error), cases[i].rc);
    ck_assert_int_eq(error.code, cases[i].rc);
    if (cases[i].rc) {
      char expected[200];

      snprintf(expected, sizeof(expected), "the test's file \"%s\" has more than %zu bytes",
               path, cases[i].limit);
      ck_assert_str_eq(error.text, expected);
    } else {
      ck_assert_uint_eq(out.length, cases[i].length);
      ck_assert(out.length == 0 || memcmp(out.data, text, out.length) == 0);
    }
    remove_file();
    gov_buffer_fini(&out);
    free(text);
  }
}
END_TEST

START_TEST(test_appends_and_wipes) {
  gov_buffer out;

  make_file(SECRET "\0x", strlen(SECRET) + 2, 0600);
  gov_buffer_init(&out, strlen(SECRET) + 4);
  gov_buffer_append(&out, "a=", 2);
  wiped = false;
  ck_assert_int_eq(gov_file_read(path, "it", &out, NULL), 0);
  ck_assert(wiped);
  ck_assert_uint_eq(out.length, strlen(SECRET) + 4);
  ck_assert_int_eq(memcmp(out.data, "a=" SECRET "\0x", out.length), 0);
  ck_assert_int_eq(gov_file_read(path, "it", &out, NULL), MSKGOV_ERR_INVALID);
  remove_file();
  gov_buffer_fini(&out);
}
END_TEST

static const struct {
  const char *path;
  int rc, rc_if_there;
  const char *expected;
} places[] = {
    {"/dev/null", 0, 0, ""},
    {"/nowhere/f", MSKGOV_ERR_SYSTEM, 0,
     "cannot open it \"/nowhere/f\": No such file or directory"},
    {"", MSKGOV_ERR_SYSTEM, 0, "cannot open it \"\": No such file or directory"},
    {"/dev/null/f", MSKGOV_ERR_SYSTEM, 0,
     "cannot open it \"/dev/null/f\": Not a directory"},
    {"/", MSKGOV_ERR_SYSTEM, MSKGOV_ERR_SYSTEM, "cannot read it \"/\": Is a directory"},
    {"/dev/zero", MSKGOV_ERR_INVALID, MSKGOV_ERR_INVALID,
     "it \"/dev/zero\" has more than 9000 bytes"},
};

START_TEST(test_places) {
  mskgov_error_info error = {0};
  gov_buffer out;

  gov_buffer_init(&out, 9000);
  ck_assert_int_eq(gov_file_read(places[_i].path, "it", &out, &error), places[_i].rc);
  ck_assert_str_eq(error.text, places[_i].expected);
  gov_buffer_fini(&out);

  error = (mskgov_error_info){0};
  ck_assert_int_eq(gov_file_read_if_there(places[_i].path, "it", &out, &error),
                   places[_i].rc_if_there);
  ck_assert_str_eq(error.text, places[_i].rc_if_there ? places[_i].expected : "");
  gov_buffer_fini(&out);
}
END_TEST

/* A directory or file without permission; root may read all, so it leaves its rights. */
START_TEST(test_no_permission) {
  mskgov_error_info error = {0};
  gov_buffer out;

  gov_buffer_init(&out, 100);
  make_file("a", 1, 0000);
  if (geteuid() == 0) {
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert_int_eq(seteuid(65534), 0);
  }
  ck_assert_int_eq(gov_file_read_if_there(path, "it", &out, &error), MSKGOV_ERR_SYSTEM);
  ck_assert_ptr_nonnull(strstr(error.text, path));
  ck_assert_ptr_nonnull(strstr(error.text, "Permission denied"));
  if (getuid() == 0)
    ck_assert_int_eq(seteuid(0), 0);
  remove_file();
}
END_TEST

/* Reads what is written into a pipe, by the path that a shell's <(…) has. */
static int read_pipe(const char *at_once, const char *later, gov_buffer *out,
                     mskgov_error_info *error) {
  int fds[2], rc;

  ck_assert_int_eq(pipe(fds), 0);
  snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
  ck_assert_int_eq(write(fds[1], at_once, strlen(at_once)), (int)strlen(at_once));
  writer.fd = fds[1];
  writer.texts = later;
  writer.waits = 0;
  gov_buffer_init(out, 100);
  rc = gov_file_read(path, "it", out, error);
  close(fds[0]);
  if (!later)
    close(fds[1]);

  return rc;
}

START_TEST(test_pipes) {
  mskgov_error_info error = {0};
  gov_buffer out;

  ck_assert_msg(read_pipe("a=", "bcd", &out, &error) == 0, "%s", error.text);
  ck_assert_str_eq(out.data, "a=bcd");
  ck_assert_int_eq(writer.waits, 4);
  gov_buffer_fini(&out);

  ck_assert_msg(read_pipe("", "", &out, &error) == 0, "%s", error.text);
  ck_assert_uint_eq(out.length, 0);
  gov_buffer_fini(&out);

  ck_assert_int_eq(read_pipe("a=", NULL, &out, &error), MSKGOV_ERR_TRANSPORT);
  ck_assert_int_eq(writer.waits, 1);
  ck_assert_ptr_nonnull(strstr(error.text, "took more than 5000 ms"));
  ck_assert_ptr_nonnull(strstr(error.text, path));
  gov_buffer_fini(&out);
}
END_TEST

/* Opening it for reading must not wait for a writer. */
START_TEST(test_pipe_without_a_writer) {
  gov_buffer out;

  make_file("", 0, 0600);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  gov_buffer_init(&out, 100);
  ck_assert_int_eq(gov_file_read(path, "it", &out, NULL), 0);
  ck_assert_uint_eq(out.length, 0);
  remove_file();
}
END_TEST

/* The next descriptor is the one that it was before. */
START_TEST(test_closes) {
  gov_buffer out;
  int before = dup(1);

  ck_assert_int_ge(before, 0);
  close(before);
  gov_buffer_init(&out, 100);
  ck_assert_int_eq(gov_file_read("/dev/null", "it", &out, NULL), 0);
  ck_assert_int_eq(gov_file_read("/", "it", &out, NULL), MSKGOV_ERR_SYSTEM);
  ck_assert_int_eq(gov_file_read("/dev/zero", "it", &out, NULL), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(dup(1), before);
  close(before);
  gov_buffer_fini(&out);
}
END_TEST

TEST_MAIN("file", TEST(test_whole_files), TEST(test_appends_and_wipes),
          TEST_TABLE(test_places, places), TEST(test_no_permission), TEST(test_pipes),
          TEST(test_pipe_without_a_writer), TEST(test_closes))
