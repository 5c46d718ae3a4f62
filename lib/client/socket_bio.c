#include "client/socket_bio.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static int fd_of(BIO *bio) {
  return (int)(intptr_t)BIO_get_data(bio);
}

static int is_later(int result) {
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static int on_write(BIO *bio, const char *data, int length) {
  int sent = (int)send(fd_of(bio), data, (size_t)length, MSG_NOSIGNAL);

  BIO_clear_retry_flags(bio);
  if (is_later(sent))
    BIO_set_retry_write(bio);

  return sent;
}

static int on_read(BIO *bio, char *data, int length) {
  int received = (int)recv(fd_of(bio), data, (size_t)length, 0);

  BIO_clear_retry_flags(bio);
  if (is_later(received))
    BIO_set_retry_read(bio);
  else if (received == 0)
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);

  return received;
}

static long on_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  switch (command) {
  case BIO_CTRL_FLUSH: /* nothing is held back */
    return 1;
  case BIO_CTRL_EOF:
    return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  default:
    return 0;
  }
}

BIO_METHOD *gov_socket_bio_method_new(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "mskgov socket");

  if (method && (BIO_meth_set_write(method, on_write) != 1 ||
                 BIO_meth_set_read(method, on_read) != 1 ||
                 BIO_meth_set_ctrl(method, on_ctrl) != 1)) {
    BIO_meth_free(method);
    return NULL;
  }

  return method;
}

BIO *gov_socket_bio_new(const BIO_METHOD *method, int fd) {
  BIO *bio = BIO_new(method);

  if (bio) {
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
  }

  return bio;
}
