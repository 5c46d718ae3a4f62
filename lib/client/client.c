#include "client/client.h"

#include "base/clock.h"
#include "base/error.h"
#include "client/attempt.h"
#include "client/conf.h"
#include "client/parking.h"
#include "client/process.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define INTERCEPTOR "mskgov"
#define SETUP_TIMEOUT "socket.connection.setup.timeout.ms"
/* librdkafka's limit counts from before the wait, ours from the grant: its is lifted. */
#define SETUP_TIMEOUT_MAX "2147483647"
#define SETUP_TIMEOUT_DEFAULT_MS 30000

/* The next token is pushed after 50 % to 75 % of the life of the last, but not sooner. */
#define PUSH_MIN_NS (200 * GOV_NS_PER_MS)

/*
 * Which client and which attempt this thread of librdkafka serves. A broker thread has at
 * most one connection; connect_cb and closesocket_cb have no other way to tell, since
 * their opaque is the application's.
 */
static _Thread_local struct {
  gov_client *client;
  gov_attempt *attempt;
} here;

/* Finds a client by its rk, for log_cb on threads of the application; the newest first,
   since rd_kafka_new may fail and leave an old one behind. Under the process's lock. */
static gov_list clients = {{&clients.root, &clients.root}};

static void register_client(gov_client *client) {
  gov_process_lock();
  gov_list_remove(&client->registered);
  gov_list_push_front(&clients, &client->registered);
  gov_process_unlock();
}

static void unregister_client(gov_client *client) {
  gov_process_lock();
  gov_list_remove(&client->registered);
  gov_process_unlock();
}

static gov_app_log_fn *find_app_log(const rd_kafka_t *rk) {
  gov_app_log_fn *log = rd_kafka_log_print;

  gov_process_lock();
  for (gov_list_node *node = gov_list_first(&clients); node;
       node = gov_list_next(&clients, node)) {
    gov_client *client = gov_container_of(node, gov_client, registered);
    if (client->rk == rk) {
      log = client->app.log;
      break;
    }
  }
  gov_process_unlock();

  return log;
}

static int connect_cb(int fd, const struct sockaddr *address, int length, const char *id,
                      void *opaque) {
  gov_client *client = here.client;

  (void)opaque;
  if (!client)
    return gov_parking_connect(fd, address, (socklen_t)length, NULL);

  gov_attempt_end(here.attempt);

  return gov_attempt_begin(&here.attempt, client, fd, address, length, id);
}

static int closesocket_cb(int fd, void *opaque) {
  gov_client *client = here.client;

  if (here.attempt)
    gov_attempt_closing(here.attempt, fd);

  return client && client->app.closesocket ? client->app.closesocket(fd, opaque)
                                           : close(fd);
}

static void log_cb(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text) {
  gov_app_log_fn *log;

  if (here.client && here.client->rk == rk) {
    if (here.attempt && strcmp(facility, "FAIL") == 0)
      gov_attempt_failure(here.attempt, text);
    log = here.client->app.log;
  } else {
    log = find_app_log(rk);
  }
  if (log)
    log(rk, level, facility, text);
}

static rd_kafka_resp_err_t on_broker_state_change(rd_kafka_t *rk, int32_t broker_id,
                                                  const char *protocol, const char *name,
                                                  int port, const char *state, void *user) {
  (void)rk, (void)broker_id, (void)protocol, (void)name, (void)port;

  /* A callback of the application may have made another client on this thread. */
  if (!here.attempt || here.client != user)
    return RD_KAFKA_RESP_ERR_NO_ERROR;

  if (strcmp(state, "DOWN") == 0) {
    gov_attempt_end(here.attempt);
    here.attempt = NULL;
  } else {
    gov_attempt_state(here.attempt, state);
  }

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Before librdkafka asks at 80 %, and spread, so that a fleet that started together does
   not refresh together. */
static uint64_t next_push_in_ns(gov_client *client) {
  uint64_t now_ns = gov_clock_unix_ns(&gov_clock_system);
  uint64_t life_ns =
      client->token_expires_at_ns > now_ns ? client->token_expires_at_ns - now_ns : 0;
  uint64_t wait_ns = life_ns / 2 + gov_random_uniform(&client->random, life_ns / 4);

  return wait_ns > PUSH_MIN_NS ? wait_ns : PUSH_MIN_NS;
}

static rd_kafka_resp_err_t set_token(gov_client *client, const gov_token *token,
                                     mskgov_error_info *error) {
  char text[MSKGOV_ERROR_TEXT_MAX] = "";
  rd_kafka_resp_err_t err;

  err = rd_kafka_oauthbearer_set_token(client->rk, token->value.data,
                                       (int64_t)(token->expires_at_ns / GOV_NS_PER_MS),
                                       token->principal.data, NULL, 0, text, sizeof(text));
  if (err)
    gov_error_set(error, MSKGOV_ERR_STATE, "librdkafka refused the token: %s", text);

  return err;
}

/* Gives the client a token and sets the time of the next; on the thread for tokens. */
static void push_token(void *user) {
  gov_client *client = user;
  uint64_t next_ns = 0;
  mskgov_error_info error;
  gov_token token;

  if (atomic_load(&client->destroyed))
    return; /* gov_client_refused came too late */

  gov_error_reset(&error);
  gov_token_init(&token);
  if (gov_token_source_get(client->adapter->source, &token, &next_ns, &error) == 0 &&
      set_token(client, &token, &error) == 0) {
    client->token_expires_at_ns = token.expires_at_ns;
    next_ns = 0;
  } else if (client->token_expires_at_ns <= gov_clock_unix_ns(&gov_clock_system)) {
    /* While the old token is good, a failure is no news for the application. */
    rd_kafka_oauthbearer_set_token_failure(client->rk, error.text);
  }
  gov_token_fini(&token);

  if (!next_ns)
    next_ns =
        gov_time_add(gov_clock_monotonic_ns(&gov_clock_system), next_push_in_ns(client));
  gov_timer_set(gov_keeper_tokens(client->adapter->keeper), &client->push, next_ns);
}

void gov_client_refused(gov_client *client, const char *text) {
  if (gov_token_source_refused(client->adapter->source, text) &&
      !atomic_load(&client->destroyed))
    gov_timer_set(gov_keeper_tokens(client->adapter->keeper), &client->push, 0);
}

static rd_kafka_resp_err_t on_thread_start(rd_kafka_t *rk, rd_kafka_thread_type_t type,
                                           const char *name, void *user) {
  gov_client *client = user;

  (void)rk, (void)name;
  here.client = client;
  here.attempt = NULL;
  /* From here on librdkafka takes tokens, and no earlier. */
  if (type == RD_KAFKA_THREAD_MAIN)
    gov_timer_set(gov_keeper_tokens(client->adapter->keeper), &client->push, 0);

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_thread_exit(rd_kafka_t *rk, rd_kafka_thread_type_t type,
                                          const char *name, void *user) {
  (void)rk, (void)type, (void)name, (void)user;
  gov_attempt_end(here.attempt);
  here.attempt = NULL;

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The first step of librdkafka's destruction; broker threads still run. */
static rd_kafka_resp_err_t on_destroy(rd_kafka_t *rk, void *user) {
  gov_client *client = user;

  (void)rk;
  atomic_store(&client->destroyed, true);
  gov_timer_cancel(gov_keeper_tokens(client->adapter->keeper), &client->push);

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/*
 * Notes what the application has set. A conf that was duplicated from a running client's
 * own (rd_kafka_conf) holds our callbacks already; then what was noted before stands.
 */
static void note_app_callbacks(gov_client *client, const rd_kafka_conf_t *conf) {
  char setup_timeout[GOV_CONF_VALUE_MAX], no_delay[GOV_CONF_VALUE_MAX];
  void *connect = gov_conf_get_pointer(conf, "connect_cb");
  bool ours = connect == (void *)(uintptr_t)connect_cb;
  void *closesocket = gov_conf_get_pointer(conf, "closesocket_cb");
  void *log = gov_conf_get_pointer(conf, "log_cb");

  if (!ours)
    client->app.connect = (gov_app_connect_fn *)(uintptr_t)connect;
  if (closesocket != (void *)(uintptr_t)closesocket_cb)
    client->app.closesocket = (gov_app_closesocket_fn *)(uintptr_t)closesocket;
  if (log != (void *)(uintptr_t)log_cb)
    client->app.log = (gov_app_log_fn *)(uintptr_t)log;

  gov_conf_get(conf, SETUP_TIMEOUT, setup_timeout);
  if (setup_timeout[0] && !ours)
    client->app.setup_timeout_ms = strtoull(setup_timeout, NULL, 10);

  gov_conf_get(conf, "socket.nagle.disable", no_delay);
  client->app.no_delay = strcmp(no_delay, "true") == 0;
}

static void govern_connections(gov_client *client, rd_kafka_conf_t *conf) {
  rd_kafka_conf_set_connect_cb(conf, connect_cb);
  rd_kafka_conf_set_closesocket_cb(conf, closesocket_cb);
  rd_kafka_conf_set_log_cb(conf, log_cb);
  rd_kafka_conf_set(conf, SETUP_TIMEOUT, SETUP_TIMEOUT_MAX, NULL, 0);
  rd_kafka_interceptor_add_on_thread_exit(client->rk, INTERCEPTOR, on_thread_exit, client);
  rd_kafka_interceptor_add_on_broker_state_change(client->rk, INTERCEPTOR,
                                                  on_broker_state_change, client);
}

/* What was changed after the conf had been applied was not refused; it can be told. */
static void complain(gov_client *client, const char *text) {
  if (client->app.log)
    client->app.log(client->rk, LOG_ERR, "MSKGOV", text);
}

static void check_again(gov_client *client, const rd_kafka_conf_t *conf) {
  char mechanism[GOV_CONF_VALUE_MAX];
  mskgov_error_info error;

  gov_error_reset(&error);
  gov_conf_get(conf, "sasl.mechanisms", mechanism);
  if (gov_conf_check(conf, &error))
    complain(client, error.text);
  else if (strcmp(mechanism, "OAUTHBEARER") != 0)
    complain(client, "sasl.mechanisms was changed after mskgov_rdkafka_apply, which sets "
                     "it to \"OAUTHBEARER\": the client has no tokens");
}

/* `conf` is the client's own by now, and no thread of it exists yet: what the application
   could set, it has set. */
static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *user,
                                  char *errstr, size_t errstr_size) {
  gov_client *client = user;
  rd_kafka_conf_t *own = (rd_kafka_conf_t *)(uintptr_t)conf;

  (void)errstr, (void)errstr_size;
  note_app_callbacks(client, conf);
  client->rk = rk;
  client->token_expires_at_ns = 0;
  atomic_store(&client->destroyed, false);
  register_client(client);
  check_again(client, conf);

  rd_kafka_conf_set_oauthbearer_token_refresh_cb(own, NULL);
  rd_kafka_interceptor_add_on_thread_start(rk, INTERCEPTOR, on_thread_start, client);
  rd_kafka_interceptor_add_on_destroy(rk, INTERCEPTOR, on_destroy, client);
  if (client->adapter->governor)
    govern_connections(client, own);

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void gov_adapter_release(gov_adapter *adapter) {
  if (atomic_fetch_sub(&adapter->holds, 1) > 1)
    return;

  gov_keeper_leave(adapter->keeper);
  gov_token_source_leave(adapter->source);
  mskgov_governor_unref(adapter->governor);
  free(adapter);
}

static rd_kafka_resp_err_t on_conf_destroy(void *user) {
  gov_client *client = user;

  if (atomic_load(&client->destroyed)) /* once more: see push_token */
    gov_timer_cancel(gov_keeper_tokens(client->adapter->keeper), &client->push);
  unregister_client(client);
  gov_adapter_release(client->adapter);
  free(client);

  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_conf_dup(rd_kafka_conf_t *to, const rd_kafka_conf_t *from,
                                       size_t filter_count, const char **filter,
                                       void *user) {
  const gov_client *client = user;

  (void)from, (void)filter_count, (void)filter;

  return gov_client_bind(to, client->adapter, &client->app, NULL)
             ? RD_KAFKA_RESP_ERR__FAIL
             : RD_KAFKA_RESP_ERR_NO_ERROR;
}

int gov_client_bind(rd_kafka_conf_t *conf, gov_adapter *adapter,
                    const gov_app_callbacks *app, mskgov_error_info *error) {
  gov_client *client = calloc(1, sizeof(*client));
  rd_kafka_resp_err_t err;

  if (!client)
    return gov_error_no_memory(error);

  client->adapter = adapter;
  if (app)
    client->app = *app;
  else
    client->app = (gov_app_callbacks){.log = rd_kafka_log_print,
                                      .setup_timeout_ms = SETUP_TIMEOUT_DEFAULT_MS};
  gov_timer_init(&client->push, push_token, client);
  gov_random_init_system(&client->random);

  err = rd_kafka_conf_interceptor_add_on_new(conf, INTERCEPTOR, on_new, client);
  if (err) {
    free(client);
    return gov_error_set(error, MSKGOV_ERR_INVALID, "conf: %s",
                         err == RD_KAFKA_RESP_ERR__CONFLICT
                             ? "mskgov_rdkafka_apply was called for it already; call it "
                               "once, duplicates included"
                             : rd_kafka_err2str(err));
  }
  atomic_fetch_add(&adapter->holds, 1);
  rd_kafka_conf_interceptor_add_on_conf_dup(conf, INTERCEPTOR, on_conf_dup, client);
  rd_kafka_conf_interceptor_add_on_conf_destroy(conf, INTERCEPTOR, on_conf_destroy, client);

  return 0;
}
