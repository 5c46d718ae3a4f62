#include "base/buffer.h"

#include "base/secret.h"

#include <assert.h>
#include <string.h>

void gov_buffer_init(gov_buffer *buffer, size_t limit) {
  *buffer = (gov_buffer){.limit = limit};
}

void gov_buffer_fini(gov_buffer *buffer) {
  gov_secret_free(buffer->data, buffer->capacity);
  gov_buffer_init(buffer, buffer->limit);
}

void gov_buffer_reset(gov_buffer *buffer) {
  if (buffer->data)
    gov_secret_wipe(buffer->data, buffer->length + 1);

  buffer->length = 0;
  buffer->failed = false;
}

/* realloc would leave the old bytes behind unwiped. */
static bool grow(gov_buffer *buffer, size_t needed) {
  size_t capacity = buffer->capacity ? buffer->capacity : 64;
  char *data;

  while (capacity < needed)
    capacity = capacity > needed / 2 ? needed : capacity * 2;

  data = gov_secret_alloc(capacity);
  if (!data)
    return false;

  if (buffer->data)
    memcpy(data, buffer->data, buffer->length);
  gov_secret_free(buffer->data, buffer->capacity);
  buffer->data = data;
  buffer->capacity = capacity;

  return true;
}

void gov_buffer_reserve(gov_buffer *buffer, size_t length) {
  size_t room = buffer->limit - buffer->length;
  size_t needed = buffer->length + (length < room ? length : room) + 1;

  if (!buffer->failed && needed > buffer->capacity && grow(buffer, needed))
    buffer->data[buffer->length] = '\0';
}

/* Counts `length` bytes more, with an end behind them. NULL: there is no room. */
static char *take_room(gov_buffer *buffer, size_t length) {
  if (buffer->failed)
    return NULL;

  if (length > buffer->limit - buffer->length ||
      (length >= buffer->capacity - buffer->length &&
       !grow(buffer, buffer->length + length + 1))) {
    buffer->failed = true;
    return NULL;
  }

  buffer->length += length;
  buffer->data[buffer->length] = '\0';

  return buffer->data + buffer->length - length;
}

char *gov_buffer_extend(gov_buffer *buffer, size_t length) {
  char *room = take_room(buffer, length);

  return room ? memset(room, 0, length) : NULL;
}

void gov_buffer_append(gov_buffer *buffer, const void *data, size_t length) {
  char *room = take_room(buffer, length);

  if (room && length)
    memcpy(room, data, length);
}

void gov_buffer_append_string(gov_buffer *buffer, const char *string) {
  gov_buffer_append(buffer, string, strlen(string));
}

void gov_buffer_consume(gov_buffer *buffer, size_t length) {
  assert(length <= buffer->length);

  if (!buffer->data)
    return;

  memmove(buffer->data, buffer->data + length, buffer->length - length);
  buffer->length -= length;
  gov_secret_wipe(buffer->data + buffer->length, length);
}
