/*
 * A growing run of bytes with a limit. What is appended past the limit, or when memory
 * runs out, marks the buffer as failed and changes nothing; so a writer appends without
 * looking and checks once, at the end. It may hold
 * secrets: its memory is that of secret.h.
 */
#ifndef GOV_BASE_BUFFER_H
#define GOV_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gov_buffer {
  char *data; /* NUL-terminated once something was appended; NULL before */
  size_t length;
  size_t capacity;
  size_t limit; /* of length */
  bool failed;
} gov_buffer;

void gov_buffer_init(gov_buffer *buffer, size_t limit);

/* Wipes and frees the memory; the buffer is as after _init. */
void gov_buffer_fini(gov_buffer *buffer);

/* Wipes the contents and keeps the memory. */
void gov_buffer_reset(gov_buffer *buffer);

/* Makes room for `length` bytes more, within the limit, at once instead of bit by bit. Only
   a hint: it does not fail. */
void gov_buffer_reserve(gov_buffer *buffer, size_t length);

void gov_buffer_append(gov_buffer *buffer, const void *data, size_t length);
void gov_buffer_append_string(gov_buffer *buffer, const char *string);

/* Drops the first `length` bytes. */
void gov_buffer_consume(gov_buffer *buffer, size_t length);

/* Room for `length` bytes more at the end, zeroed and counted; NULL if there is none. */
char *gov_buffer_extend(gov_buffer *buffer, size_t length);

#endif
