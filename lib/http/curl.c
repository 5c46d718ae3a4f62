#include "http/http.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <curl/curl.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

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
    return CURL_WRITEFUNC_ERROR;
  }
  gov_buffer_append(body, data, count);

  return body->failed ? CURL_WRITEFUNC_ERROR : count;
}

static void take_date(exchange *e, const char *value, size_t length) {
  char text[64];
  time_t date;

  if (length >= sizeof(text))
    return;

  memcpy(text, value, length);
  text[length] = '\0';
  date = curl_getdate(text, NULL);
  e->answer->date_ns = date > 0 ? (uint64_t)date * GOV_NS_PER_S : 0;
}

static size_t take_header(char *line, size_t size, size_t count, void *self) {
  static const char date[] = "Date:";
  exchange *e = self;

  (void)size;
  e->header_bytes += count;
  if (e->header_bytes > HEADERS_MAX) {
    e->headers_too_long = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (count >= sizeof(date) && strncasecmp(line, date, sizeof(date) - 1) == 0)
    take_date(e, line + sizeof(date) - 1, count - (sizeof(date) - 1));

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
  int rc = add_line(e, "Expect:", error); /* none: it would cost a round trip */

  for (size_t i = 0; !rc && i < request->header_count; i++) {
    rc = add_header(e, &request->headers[i], error);
    has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
  }
  if (!rc && !has_type)
    rc = add_line(e, "Content-Type:", error); /* not the one of a form */

  return rc;
}

static int bad_url(mskgov_error_info *error, const char *reason) {
  return gov_error_set(error, MSKGOV_ERR_INVALID, "a URL is not allowed: %s", reason);
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
      curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms))
    return -1;
  if (request->direct && curl_easy_setopt(curl, CURLOPT_PROXY, ""))
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

static int no_connection(const exchange *e, mskgov_error_info *error) {
  long errnum = 0;

  if (e->refusal.code)
    return gov_error_set(error, e->refusal.code, "%.*s", MSKGOV_ERROR_TEXT_MAX - 1,
                         e->refusal.text);

  curl_easy_getinfo(e->curl, CURLINFO_OS_ERRNO, &errnum);
  if (errnum)
    return gov_error_set_errno(error, MSKGOV_ERR_TRANSPORT, (int)errnum);

  return 0;
}
