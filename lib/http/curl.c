#include "http/http.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <curl/curl.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

/* libcurl bounds a line; this bounds their sum, so that endless headers end. */
#define HEADERS_MAX 65536
/* A header that we send: the longest is a token of credentials. */
#define HEADER_LINE_MAX 32768

typedef struct exchange {
  const gov_http_request *request;
  gov_http_answer *answer;
  CURL *curl;
  CURLU *url;
  struct curl_slist *headers;
  char host[280]; /* a name of 255 bytes and a port */
  size_t header_bytes;
  bool body_too_long, headers_too_long;
  mskgov_error_info refusal; /* of an address */
} exchange;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode once_result;

static void init_once(void) {
  once_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take_body(char *data, size_t size, size_t count, void *self) {
  exchange *e = self;
  gov_buffer *body = &e->answer->body;

  (void)size; /* always 1 */
  if (count > body->limit - body->length) {
    e->body_too_long = true;
    return 0;
  }
  gov_buffer_append(body, data, count);

  return body->failed ? 0 : count;
}

static void take_date(exchange *e, const char *value, size_t length) {
  char text[64];
  time_t date;

  snprintf(text, sizeof(text), "%.*s", (int)length, value);
  date = curl_getdate(text, NULL);
  e->answer->date_ns = date > 0 ? (uint64_t)date * GOV_NS_PER_S : 0;
}

static size_t take_header(char *line, size_t size, size_t count, void *self) {
  static const char date[] = "Date:";
  const size_t length = sizeof(date) - 1;
  exchange *e = self;

  (void)size;
  e->header_bytes += count;
  if (e->header_bytes > HEADERS_MAX) {
    e->headers_too_long = true;
    return 0;
  }
  if (count > length && strncasecmp(line, date, length) == 0)
    take_date(e, line + length, count - length);

  return count;
}

/* The one place where addresses are connected to, so what is checked is what is used. */
static curl_socket_t open_socket(void *self, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  exchange *e = self;

  if (purpose != CURLSOCKTYPE_IPCXN)
    return CURL_SOCKET_BAD;
  if (e->request->check &&
      e->request->check(e->request->check_self, &address->addr, &e->refusal))
    return CURL_SOCKET_BAD;

  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void wipe_headers(struct curl_slist *headers) {
  for (struct curl_slist *h = headers; h; h = h->next)
    gov_secret_wipe(h->data, strlen(h->data));
  curl_slist_free_all(headers);
}

static int add_line(exchange *e, const char *line, mskgov_error_info *error) {
  struct curl_slist *longer = curl_slist_append(e->headers, line);

  if (!longer)
    return gov_error_no_memory(error);
  e->headers = longer;

  return 0;
}

static int add_header(exchange *e, const gov_http_header *header,
                      mskgov_error_info *error) {
  gov_buffer line;
  int rc;

  if (strpbrk(header->name, "\r\n: ") || strpbrk(header->value, "\r\n"))
    return gov_error_set(error, MSKGOV_ERR_INVALID,
                         "a header of a request to %s has a line end", e->host);

  gov_buffer_init(&line, HEADER_LINE_MAX);
  gov_buffer_append_string(&line, header->name);
  /* libcurl's way to write a header without a value. */
  gov_buffer_append_string(&line, *header->value ? ": " : ";");
  gov_buffer_append_string(&line, header->value);
  if (line.failed)
    rc = gov_error_set(error, MSKGOV_ERR_INVALID,
                       "a header of a request to %s is longer than %d bytes", e->host,
                       HEADER_LINE_MAX);
  else
    rc = add_line(e, line.data, error);
  gov_buffer_fini(&line);

  return rc;
}

static int add_headers(exchange *e, mskgov_error_info *error) {
  const gov_http_request *request = e->request;
  bool has_type = false;
  int rc = 0;

  for (size_t i = 0; !rc && i < request->header_count; i++) {
    rc = add_header(e, &request->headers[i], error);
    has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
  }
  if (!rc && !has_type)
    rc = add_line(e, "Content-Type:", error); /* not the one of a form */

  return rc;
}

static int bad_url(mskgov_error_info *error, const char *reason) {
  return gov_error_set(error, MSKGOV_ERR_INVALID, "the URL is not allowed: %s", reason);
}

static int read_url(exchange *e, mskgov_error_info *error) {
  char *scheme = NULL, *host = NULL, *port = NULL;
  int rc = 0;

  e->url = curl_url();
  if (!e->url)
    return gov_error_no_memory(error);

  switch (curl_url_set(e->url, CURLUPART_URL, e->request->url, CURLU_DISALLOW_USER)) {
  case CURLUE_OK:
    break;
  case CURLUE_OUT_OF_MEMORY:
    return gov_error_no_memory(error);
  case CURLUE_USER_NOT_ALLOWED:
    return bad_url(error, "it has a user name; allowed are scheme, host, port and path");
  default:
    return bad_url(error, "it cannot be read; expected is http(s)://host[:port]/path");
  }

  if (curl_url_get(e->url, CURLUPART_SCHEME, &scheme, 0) ||
      curl_url_get(e->url, CURLUPART_HOST, &host, 0) ||
      curl_url_get(e->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
    rc = bad_url(error, "it lacks a scheme or a host");
  else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
    rc = bad_url(error, "its scheme is neither http nor https");
  else if (snprintf(e->host, sizeof(e->host), "%s:%s", host, port) >= (int)sizeof(e->host))
    rc = bad_url(error, "its host is longer than 255 bytes");
  curl_free(scheme);
  curl_free(host);
  curl_free(port);

  return rc;
}

/* What is the same for every exchange. */
static int set_policy(CURL *curl) {
  return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) ||
         curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) ||
         curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ||
         curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) ||
         curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) ||
         curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
         curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
         curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L) ||
         curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ||
         curl_easy_setopt(curl, CURLOPT_USERAGENT, "mskgov/" MSKGOV_VERSION);
}

static int set_request(exchange *e) {
  const gov_http_request *request = e->request;
  CURL *curl = e->curl;

  if (curl_easy_setopt(curl, CURLOPT_CURLU, e->url) ||
      curl_easy_setopt(curl, CURLOPT_HTTPHEADER, e->headers) ||
      curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) ||
      curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                       (long)request->connect_timeout_ms) ||
      (request->direct && curl_easy_setopt(curl, CURLOPT_PROXY, "")) ||
      (request->ca_file && (curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) ||
                            curl_easy_setopt(curl, CURLOPT_CAPATH, NULL))))
    return -1;
  if (strcmp(request->method, "GET") == 0)
    return 0;

  return curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)request->body_length) ||
         curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "") ||
         curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static int set_callbacks(exchange *e) {
  CURL *curl = e->curl;

  return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) ||
         curl_easy_setopt(curl, CURLOPT_WRITEDATA, e) ||
         curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) ||
         curl_easy_setopt(curl, CURLOPT_HEADERDATA, e) ||
         curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) ||
         curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, e);
}

/* Of the last connection that was tried. */
static int no_connection(const exchange *e, mskgov_error_info *error) {
  char reason[128];
  long errnum = 0;

  if (e->refusal.code)
    return gov_error_set(error, e->refusal.code, "%.*s", MSKGOV_ERROR_TEXT_MAX - 1,
                         e->refusal.text);

  curl_easy_getinfo(e->curl, CURLINFO_OS_ERRNO, &errnum);

  return gov_error_set(error, MSKGOV_ERR_TRANSPORT, "cannot connect to %s: %s", e->host,
                       errnum ? strerror_r((int)errnum, reason, sizeof(reason))
                              : "no address could be connected to");
}

static int not_written(const exchange *e, mskgov_error_info *error) {
  if (e->headers_too_long)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL,
                         "%s answered with more than %d bytes of headers", e->host,
                         HEADERS_MAX);
  if (e->body_too_long)
    return gov_error_set(error, MSKGOV_ERR_PROTOCOL, "%s answered with more than %zu bytes",
                         e->host, e->request->answer_max);

  return gov_error_no_memory(error);
}

static int timed_out(const exchange *e, mskgov_error_info *error) {
  uint32_t connect_ms = e->request->connect_timeout_ms, total_ms = e->request->timeout_ms;
  double connected_s = 0;

  curl_easy_getinfo(e->curl, CURLINFO_CONNECT_TIME, &connected_s);
  if (connected_s <= 0)
    return gov_error_set(error, MSKGOV_ERR_TRANSPORT,
                         "cannot connect to %s: not connected within %u ms", e->host,
                         connect_ms < total_ms ? connect_ms : total_ms);

  return gov_error_set(error, MSKGOV_ERR_TRANSPORT,
                       "%s did not answer completely within %u ms", e->host, total_ms);
}

/* libcurl's sentence on the code: its detail might repeat what the other side sent. */
static int failed(const exchange *e, CURLcode code, mskgov_error_info *error) {
  int rc = MSKGOV_ERR_TRANSPORT;
  long not_verified = 0;

  switch (code) {
  case CURLE_OUT_OF_MEMORY:
    return gov_error_no_memory(error);
  case CURLE_COULDNT_CONNECT:
    return no_connection(e, error);
  case CURLE_WRITE_ERROR:
    return not_written(e, error);
  case CURLE_OPERATION_TIMEDOUT:
    return timed_out(e, error);
  case CURLE_PARTIAL_FILE:
    return gov_error_set(error, rc, "%s closed the connection within the answer", e->host);
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_FAILED_INIT:
    rc = MSKGOV_ERR_SYSTEM;
    break;
  case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_PEER_FAILED_VERIFICATION:
    rc = MSKGOV_ERR_PROTOCOL;
    break;
  default: /* some certificates that do not hold have no code of their own; 1: not looked at */
    curl_easy_getinfo(e->curl, CURLINFO_SSL_VERIFYRESULT, &not_verified);
    rc = not_verified > 1 ? MSKGOV_ERR_PROTOCOL : rc;
  }

  return gov_error_set(error, rc, "the exchange with %s failed: %s", e->host,
                       code == CURLE_UNSUPPORTED_PROTOCOL ? "the answer is no HTTP/1"
                                                          : curl_easy_strerror(code));
}

static void take_information(const exchange *e) {
  const char *type = NULL;
  long status = 0;

  curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(e->curl, CURLINFO_CONTENT_TYPE, &type);
  e->answer->status = (int)status;
  snprintf(e->answer->content_type, sizeof(e->answer->content_type), "%s",
           type ? type : "");
}

/*
 * libcurl, told to leave signals alone, lets the TLS library write to a closed connection:
 * the signal of that is kept from the application.
 */
static CURLcode perform_without_sigpipe(CURL *curl) {
  static const struct timespec none = {0, 0};
  sigset_t pipe, pending, before;
  bool was_pending;
  CURLcode code;

  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  code = curl_easy_perform(curl);
  if (!was_pending)
    while (sigtimedwait(&pipe, NULL, &none) < 0 && errno == EINTR)
      ;
  pthread_sigmask(SIG_SETMASK, &before, NULL);

  return code;
}

static int run(exchange *e, mskgov_error_info *error) {
  CURLcode code;
  int rc;

  rc = read_url(e, error);
  if (!rc)
    rc = add_headers(e, error);
  if (rc)
    return rc;

  e->curl = curl_easy_init();
  if (!e->curl || set_policy(e->curl) || set_request(e) || set_callbacks(e))
    return gov_error_no_memory(error);

  code = perform_without_sigpipe(e->curl);
  if (code)
    return failed(e, code, error);
  take_information(e);

  return 0;
}

int gov_http_perform(const gov_http_request *request, gov_http_answer *answer,
                     mskgov_error_info *error) {
  exchange e = {.request = request, .answer = answer};
  int rc;

  assert(request->timeout_ms > 0 && request->connect_timeout_ms > 0);
  assert(!request->check || request->direct);

  *answer = (gov_http_answer){0};
  gov_buffer_init(&answer->body, request->answer_max);
  pthread_once(&once, init_once);
  if (once_result)
    return gov_error_set(error, MSKGOV_ERR_SYSTEM, "libcurl cannot be used: %s",
                         curl_easy_strerror(once_result));

  rc = run(&e, error);
  curl_easy_cleanup(e.curl);
  curl_url_cleanup(e.url);
  wipe_headers(e.headers);
  if (rc)
    gov_http_answer_fini(answer);

  return rc;
}

void gov_http_answer_fini(gov_http_answer *answer) {
  gov_buffer_fini(&answer->body);
  *answer = (gov_http_answer){0};
}
