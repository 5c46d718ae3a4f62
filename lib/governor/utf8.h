/*
 * Names and details come from peers and from shared memory, and a text that was cut to fit
 * may end inside a character; JSON and Prometheus' format take valid UTF-8 alone.
 */
#ifndef GOV_GOVERNOR_UTF8_H
#define GOV_GOVERNOR_UTF8_H

#include <stddef.h>

/* The length in bytes of the character that `text` begins with, 1 to 4; 0: it is none, or
   `text` is at its end. What Unicode's table 3-7 calls well-formed, and nothing else. */
size_t gov_utf8_length(const char *text);

/* Replaces every byte that belongs to no character by '?', in place. */
void gov_utf8_mend(char *text);

#endif
