#include "credentials/file.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* An error text has room for this much of a path. */
#define FILE_FORMAT "%s \"%.256s\""

/* Until a pipe has something. 0, or an errno: ETIMEDOUT if that lasts too long. */
static int wait_for(int fd, uint64_t until_ns) {
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  uint64_t now_ns = gov_clock_monotonic_ns(&gov_clock_system);
  int ready;

  if (now_ns >= until_ns)
    return ETIMEDOUT;

  ready = poll(&polled, 1, (int)((until_ns - now_ns) / GOV_NS_PER_MS) + 1);
  if (ready < 0)
    return errno == EINTR ? 0 : errno;

  return ready ? 0 : ETIMEDOUT;
}

/* Until the end, or past the limit. 0, or an errno. */
static int read_all(int fd, gov_buffer *out, size_t *length) {
  uint64_t until_ns = gov_time_add(gov_clock_monotonic_ns(&gov_clock_system),
                                   gov_ms_to_ns(GOV_FILE_WAIT_MS));
  char chunk[4096];
  ssize_t got;
  int errnum = 0;

  do {
    got = read(fd, chunk, sizeof(chunk));
    if (got > 0) {
      *length += (size_t)got;
      gov_buffer_append(out, chunk, (size_t)got);
    } else if (got < 0) {
      errnum = errno == EAGAIN ? wait_for(fd, until_ns) : errno == EINTR ? 0 : errno;
    }
  } while (got && !errnum && !out->failed);
  gov_secret_wipe(chunk, sizeof(chunk));

  return errnum;
}

static int read_open(int fd, const char *path, const char *what, gov_buffer *out,
                     mskgov_error_info *error) {
  size_t length = out->length;
  int errnum = read_all(fd, out, &length);

  if (errnum == ETIMEDOUT)
    return gov_error_set(error, MSKGOV_ERR_TRANSPORT,
                         "reading " FILE_FORMAT " took more than %d ms", what, path,
                         GOV_FILE_WAIT_MS);
  if (errnum)
    return gov_error_set_errno(error, errnum, "cannot read " FILE_FORMAT, what, path);
  if (length > out->limit)
    return gov_error_set(error, MSKGOV_ERR_INVALID, FILE_FORMAT " has more than %zu bytes",
                         what, path, out->limit);

  return out->failed ? gov_error_no_memory(error) : 0;
}

static int read_file(const char *path, const char *what, bool may_be_missing,
                     gov_buffer *out, mskgov_error_info *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

  if (fd < 0 && may_be_missing && (errno == ENOENT || errno == ENOTDIR))
    return 0;
  if (fd < 0)
    return gov_error_set_errno(error, errno, "cannot open " FILE_FORMAT, what, path);

  rc = read_open(fd, path, what, out, error);
  close(fd);

  return rc;
}

int gov_file_read(const char *path, const char *what, gov_buffer *out,
                  mskgov_error_info *error) {
  return read_file(path, what, false, out, error);
}

int gov_file_read_if_there(const char *path, const char *what, gov_buffer *out,
                           mskgov_error_info *error) {
  return read_file(path, what, true, out, error);
}
