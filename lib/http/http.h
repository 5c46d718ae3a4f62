/*
 * One HTTP exchange, blocking: for the services that hand out credentials. Everything that
 * the other side says is bounded, in time and in size.
 *
 * TLS certificates are verified, redirects are answers like any other, cookies and .netrc
 * are left alone. Proxies are those that the environment names (https_proxy, no_proxy, …),
 * unless the request is direct.
 *
 * Secrets: what the library copies of the request and the answer is wiped; the underlying
 * library's own buffers are freed as they are.
 *
 * Threads: any; nothing is shared between two exchanges but the underlying library's
 * one-time initialisation. Looking a name up may take longer than the time-outs say, as
 * the system's resolver cannot be interrupted; addresses need no look-up.
 *
 * Fork: a child may start exchanges of its own, also where the parent has done so before.
 * An exchange that another thread has under way does not go on in the child, and its
 * memory and socket stay there; sockets are closed on exec.
 */
#ifndef GOV_HTTP_HTTP_H
#define GOV_HTTP_HTTP_H

#include "base/buffer.h"

#include <mskgov/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

typedef struct gov_http_header {
  const char *name;
  const char *value;
} gov_http_header;

/* All borrowed for the exchange. */
typedef struct gov_http_request {
  const char *method; /* "GET", "POST" or "PUT" */
  const char *url;    /* http:// or https://, without user or password */
  const gov_http_header *headers;
  size_t header_count;
  const void *body; /* NULL: none; not with "GET" */
  size_t body_length;
  uint32_t connect_timeout_ms; /* both at least 1 */
  uint32_t timeout_ms;         /* from the start to the last byte of the answer */
  size_t answer_max;           /* of the body, bytes */
  bool direct;                 /* no proxy, whatever the environment says */
  const char *ca_file;         /* trusted authorities, PEM; NULL: those of the system */
  /*
   * Asked about every address before a connection to it is opened, on the calling thread:
   * returns 0, or a negative code with a text in `error` (never NULL); then that address
   * is left out. NULL: all do. Needs `direct`, as a proxy's address would tell nothing.
   */
  int (*check)(void *check_self, const struct sockaddr *address, mskgov_error_info *error);
  void *check_self;
} gov_http_request;

/* Longer content types are cut. */
#define GOV_HTTP_CONTENT_TYPE_SIZE 128

typedef struct gov_http_answer {
  int status;                                    /* 200 to 599 */
  gov_buffer body;                               /* its data is NULL if there is none */
  char content_type[GOV_HTTP_CONTENT_TYPE_SIZE]; /* empty: none */
  uint64_t date_ns;                              /* by the Date header, Unix; 0: none */
} gov_http_answer;

/*
 * Makes one exchange. Returns 0 if there was a complete answer, whatever its status, and
 * fills *answer (owned: gov_http_answer_fini); or, with *answer empty,
 *
 *   - MSKGOV_ERR_INVALID: the URL or a header is not allowed; mend it;
 *   - MSKGOV_ERR_TRANSPORT: no connection, cut off, or too slow; try again later;
 *   - MSKGOV_ERR_PROTOCOL: a certificate that does not hold, an answer that is no HTTP or
 *     has more than `answer_max` bytes, or headers of more than 64 KiB;
 *   - what `check` returned, if it left no address;
 *   - MSKGOV_ERR_NO_MEMORY, MSKGOV_ERR_SYSTEM.
 *
 * The text names host and reason, and never holds a path, a query, a header or a body.
 */
int gov_http_perform(const gov_http_request *request, gov_http_answer *answer,
                     mskgov_error_info *error);

/* Wipes and frees what the answer holds; it is empty then. */
void gov_http_answer_fini(gov_http_answer *answer);

#endif
