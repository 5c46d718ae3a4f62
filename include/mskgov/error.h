/*
 * Errors: a code to branch on, a category to decide on, a text to read.
 *
 * Every function that can fail returns `int`: 0, or one of the negative codes below. Code
 * that retries looks at the category only. The detail (which field, which value, what is
 * allowed) goes into a `mskgov_error_info` that the caller owns; pass NULL to do without.
 * On success the info is left empty: code 0 and an empty text.
 *
 * Threads: any. Nothing here has state.
 */
#ifndef MSKGOV_ERROR_H
#define MSKGOV_ERROR_H

#include <mskgov/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a caller does about an error. */
typedef enum mskgov_category {
  MSKGOV_CATEGORY_NONE = 0,
  MSKGOV_CATEGORY_USAGE,          /* the call is wrong: mend the program or its settings */
  MSKGOV_CATEGORY_TRANSIENT,      /* try again later */
  MSKGOV_CATEGORY_QUOTA,          /* too fast or too many: try again, slower */
  MSKGOV_CATEGORY_AUTHENTICATION, /* the credentials: mend or refresh them */
  MSKGOV_CATEGORY_AUTHORIZATION,  /* the policy of the principal forbids it */
  MSKGOV_CATEGORY_PROTOCOL,       /* the other side sent what it must not */
  MSKGOV_CATEGORY_MEMORY,         /* no memory */
  MSKGOV_CATEGORY_INTERNAL        /* the operating system or a library failed */
} mskgov_category;

/* X(name, value, category, sentence): the list that all about errors is made of. */
#define MSKGOV_ERROR_LIST(X)                                                               \
  X(INVALID, -1, USAGE, "an argument or option has a value that is not allowed")           \
  X(NO_MEMORY, -2, MEMORY, "out of memory")                                                \
  X(STOPPED, -3, USAGE, "the governor has been stopped")                                   \
  X(FORKED, -4, USAGE, "the object belongs to the process before the fork")                \
  X(DEADLINE, -5, TRANSIENT, "the deadline passed before a permit was granted")            \
  X(CANCELED, -6, USAGE, "the operation was cancelled before its end")                     \
  X(QUEUE_FULL, -7, TRANSIENT, "the queue of waiters has reached its limit")               \
  X(STATE, -8, USAGE, "the call does not fit the state of the object")                     \
  X(UNSUPPORTED, -9, USAGE, "not supported by this build or version")                      \
  X(SYSTEM, -10, INTERNAL, "a call to the operating system failed")                        \
  X(CRYPTO, -11, INTERNAL, "a call to the cryptographic library failed")                   \
  X(PROTOCOL, -12, PROTOCOL, "the other side sent what the protocol does not allow")       \
  X(NO_CREDENTIALS, -13, AUTHENTICATION, "no credentials were found")                      \
  X(CREDENTIALS_EXPIRED, -14, AUTHENTICATION, "the credentials have expired")              \
  X(LIMIT, -15, QUOTA, "the broker holds as many connections as its limit allows")         \
  X(HOST_STORE, -16, USAGE, "the host store cannot be used as it is")                      \
  X(QUOTA, -17, QUOTA, "the broker rejects new connections: its quota is used up")         \
  X(AUTHENTICATION, -18, AUTHENTICATION, "the broker refused the authentication")          \
  X(TRANSPORT, -19, TRANSIENT, "the connection failed, was closed or took too long")       \
  X(REFUSED, -20, AUTHENTICATION, "the service that hands out credentials refused to")

typedef enum mskgov_error_code {
  MSKGOV_OK = 0,
#define MSKGOV_ERROR_ENUM(name, value, category, sentence) MSKGOV_ERR_##name = (value),
  MSKGOV_ERROR_LIST(MSKGOV_ERROR_ENUM)
#undef MSKGOV_ERROR_ENUM
} mskgov_error_code;

/* The size of an error text, its end included. Longer texts are cut. */
#define MSKGOV_ERROR_TEXT_MAX 1024

/* The detail of one failure; owned by the caller. Never holds a secret. */
typedef struct mskgov_error_info {
  int code; /* 0, or the code that the function returned */
  char text[MSKGOV_ERROR_TEXT_MAX];
} mskgov_error_info;

/* The category of a code; INTERNAL for a code that does not exist, NONE for 0. */
MSKGOV_API mskgov_category mskgov_error_category(int code);

/* The name of a code, such as "MSKGOV_ERR_INVALID". Static string, never NULL. */
MSKGOV_API const char *mskgov_error_name(int code);

/* One sentence on a code. Static string, never NULL. */
MSKGOV_API const char *mskgov_strerror(int code);

#ifdef __cplusplus
}
#endif

#endif
