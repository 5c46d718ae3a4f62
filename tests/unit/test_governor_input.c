/*
 * The governor's door: options, addresses, client names, and what its errors say.
 */
#include "governor_fixture.h"

typedef struct bad_option {
  size_t offset, size;
  uint64_t value;
  const char *says[4]; /* field, value, allowed range */
} bad_option;

#define FIELD(name)                                                                        \
  offsetof(mskgov_governor_options, name), sizeof(((mskgov_governor_options *)0)->name)

static void set_field(mskgov_governor_options *options, size_t offset, size_t size,
                      uint64_t value) {
  char *field = (char *)options + offset;
  uint32_t narrow = (uint32_t)value;

  ck_assert(size == sizeof(value) || size == sizeof(narrow));
  memcpy(field, size == sizeof(value) ? (void *)&value : (void *)&narrow, size);
}

static int new_with(size_t offset, size_t size, uint64_t value, mskgov_error_info *error) {
  mskgov_governor_options options;
  mskgov_governor *governor = NULL;
  int rc;

  mskgov_governor_options_init(&options);
  set_field(&options, offset, size, value);
  memset(error, 'x', sizeof(*error));
  rc = mskgov_governor_new(&governor, &options, error);
  mskgov_governor_free(governor);

  return rc;
}

START_TEST(test_bad_options) {
  static const bad_option cases[] = {
      {FIELD(struct_size), 0, {"struct_size"}},
      {FIELD(quota.connections_per_s), 0, {"connections_per_s", "0", "1", "1000000"}},
      {FIELD(quota.connections_per_s),
       1000001,
       {"connections_per_s", "1000001", "1000000"}},
      {FIELD(quota.connections_per_s),
       UINT32_MAX,
       {"connections_per_s", "4294967295", "1000000"}},
      {FIELD(quota.max_connections), 0, {"max_connections", "0", "1"}},
      {FIELD(grant_spread_ms), 10001, {"grant_spread_ms", "10001", "10000"}},
      {FIELD(grant_spread_ms),
       UINT64_MAX,
       {"grant_spread_ms", "18446744073709551615", "10000"}},
      {FIELD(backoff_jitter), 3, {"backoff_jitter", "3"}},
      {FIELD(backoff_jitter), UINT32_MAX, {"backoff_jitter"}},
      {FIELD(backoff_base_ms), 0, {"backoff_base_ms", "0", "1", "10000"}},
      {FIELD(backoff_base_ms), 10001, {"backoff_base_ms", "10001", "10000"}},
      {FIELD(backoff_cap_ms), 3600001, {"backoff_cap_ms", "3600001", "3600000"}},
      {FIELD(backoff_cap_ms), UINT64_MAX, {"backoff_cap_ms", "3600000"}},
      {FIELD(max_waiters), 0, {"max_waiters", "0", "1"}},
      {FIELD(quota.window_ms), 99, {"options.quota.window_ms", "99", "100", "60000"}},
      {FIELD(quota.window_ms), 60001, {"options.quota.window_ms", "60001", "60000"}},
      {FIELD(quota.scope), 2, {"options.quota.scope", "2", "0 to 1"}},
      {FIELD(headroom_percent), 91, {"options.headroom_percent", "91", "0 to 90"}},
      {FIELD(at_limit), 2, {"options.at_limit", "2", "0 to 1"}},
      {FIELD(adaptive), 3, {"options.adaptive", "3", "0 to 2"}},
      {FIELD(store), 2, {"options.store", "2", "0 to 1"}},
      {FIELD(near_quota_percent), 0, {"options.near_quota_percent", "0", "1 to 100"}},
      {FIELD(near_quota_percent), 101, {"options.near_quota_percent", "101", "1 to 100"}},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_error_info error;

    ck_assert_int_eq(new_with(cases[i].offset, cases[i].size, cases[i].value, &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    for (size_t j = 0; j < COUNT(cases[i].says) && cases[i].says[j]; j++)
      ck_assert_msg(strstr(error.text, cases[i].says[j]), "case %zu, no '%s' in: %s", i,
                    cases[i].says[j], error.text);
  }
}
END_TEST

START_TEST(test_options_at_their_ends) {
  static const struct {
    size_t offset, size;
    uint64_t value;
  } cases[] = {
      {FIELD(quota.connections_per_s), 1},
      {FIELD(quota.connections_per_s), MSKGOV_QUOTA_RATE_MAX},
      {FIELD(quota.max_connections), 1},
      {FIELD(quota.max_connections), UINT32_MAX},
      {FIELD(grant_spread_ms), 0},
      {FIELD(grant_spread_ms), 10000},
      {FIELD(backoff_jitter), MSKGOV_JITTER_DECORRELATED},
      {FIELD(backoff_base_ms), 1},
      {FIELD(backoff_base_ms), 10000},
      {FIELD(backoff_cap_ms), 100},
      {FIELD(backoff_cap_ms), 3600000},
      {FIELD(max_waiters), 1},
      {FIELD(max_waiters), UINT32_MAX},
      {FIELD(quota.window_ms), 100},
      {FIELD(quota.window_ms), 60000},
      {FIELD(quota.scope), MSKGOV_SCOPE_CLUSTER},
      {FIELD(headroom_percent), 90},
      {FIELD(at_limit), MSKGOV_AT_LIMIT_FAIL},
      {FIELD(adaptive), MSKGOV_ADAPTIVE_OFF},
      {FIELD(adaptive), MSKGOV_ADAPTIVE_ALONE},
      {FIELD(near_quota_percent), 1},
      {FIELD(near_quota_percent), 100},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_error_info error;

    ck_assert_int_eq(new_with(cases[i].offset, cases[i].size, cases[i].value, &error), 0);
    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(error.text, "");
  }
}
END_TEST

START_TEST(test_defaults) {
  mskgov_governor_options options;

  memset(&options, 'x', sizeof(options));
  mskgov_governor_options_init(&options);
  ck_assert_uint_eq(options.struct_size, sizeof(options));
  ck_assert_uint_eq(options.quota.connections_per_s, 100);
  ck_assert_uint_eq(options.quota.max_connections, 3000);
  ck_assert_uint_eq(options.grant_spread_ms, 20);
  ck_assert_int_eq(options.backoff_jitter, MSKGOV_JITTER_FULL);
  ck_assert_uint_eq(options.backoff_base_ms, 100);
  ck_assert_uint_eq(options.backoff_cap_ms, 10000);
  ck_assert_uint_eq(options.max_waiters, 100000);
  ck_assert_uint_eq(options.quota.window_ms, 1000);
  ck_assert_int_eq(options.quota.scope, MSKGOV_SCOPE_BROKER);
  ck_assert_str_eq(options.cluster, "cluster");
  ck_assert_uint_eq(options.headroom_percent, 0);
  ck_assert_int_eq(options.backoff_cap_grows, 1);
  ck_assert_int_eq(options.at_limit, MSKGOV_AT_LIMIT_WAIT);
  ck_assert_int_eq(options.adaptive, MSKGOV_ADAPTIVE_ON);
  ck_assert_int_eq(options.store, MSKGOV_STORE_LOCAL);
  ck_assert_ptr_null(options.host_directory);
  ck_assert_ptr_null(options.host_group);
  ck_assert(!options.event_cb);
  ck_assert_uint_eq(options.near_quota_percent, 80);
  ck_assert_uint_eq(mskgov_quota_t3_small().connections_per_s, 4);
  ck_assert_uint_eq(mskgov_quota_t3_small().max_connections, 3000);
}
END_TEST

/* Texts, and what does not go together. */
START_TEST(test_bad_texts) {
  char long_name[257];
  const struct {
    mskgov_quota_scope scope;
    const char *cluster, *directory, *group;
    const char *says; /* NULL: it is fine */
  } cases[] = {
      {MSKGOV_SCOPE_CLUSTER, long_name, NULL, NULL, "options.cluster"},
      {MSKGOV_SCOPE_CLUSTER, "", NULL, NULL, "options.cluster"},
      {MSKGOV_SCOPE_CLUSTER, NULL, NULL, NULL, "options.cluster"},
      {MSKGOV_SCOPE_CLUSTER, long_name + 1, NULL, NULL, NULL}, /* 255 bytes */
      {MSKGOV_SCOPE_BROKER, NULL, NULL, NULL, NULL},
      {MSKGOV_SCOPE_BROKER, "c", "/tmp", NULL, "options.host_directory"},
      {MSKGOV_SCOPE_BROKER, "c", NULL, "users", "options.host_group"},
  };

  memset(long_name, 'c', 256);
  long_name[256] = 0;
  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_governor_options options = fast_options();
    mskgov_governor *governor = NULL;
    mskgov_error_info error;

    options.quota.scope = cases[i].scope;
    options.cluster = cases[i].cluster;
    options.host_directory = cases[i].directory;
    options.host_group = cases[i].group;
    ck_assert_int_eq(mskgov_governor_new(&governor, &options, &error),
                     cases[i].says ? MSKGOV_ERR_INVALID : 0);
    if (cases[i].says)
      ck_assert_msg(strstr(error.text, cases[i].says), "case %zu: %s", i, error.text);
    mskgov_governor_free(governor);
  }
}
END_TEST

START_TEST(test_bad_priorities) {
  static const int priorities[] = {-1, MSKGOV_PRIORITIES, 1000};
  mskgov_governor *governor = fast_governor();
  mskgov_permit *permit = NULL;
  mskgov_broker *broker;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_governor_broker(governor, BROKER, &broker, NULL), 0);
  for (size_t i = 0; i < COUNT(priorities); i++) {
    mskgov_client client = {.priority = (mskgov_priority)priorities[i]};

    ck_assert_int_eq(mskgov_permit_acquire(governor, BROKER, &client, 0, &permit, &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "client.priority"));
    ck_assert_ptr_nonnull(strstr(error.text, "0 to 2"));
    ck_assert_int_eq(mskgov_broker_try(broker, &client, &permit, NULL), MSKGOV_ERR_INVALID);
    ck_assert_ptr_null(permit);
  }
  mskgov_governor_free(governor);
}
END_TEST

static void ignore(mskgov_permit *permit, int rc, void *user) {
  (void)permit, (void)rc, (void)user;
}

/* What each of the five ways to name a broker says to a broker and a client. */
static void check_refused(mskgov_governor *governor, const char *broker, const char *name,
                          const char *says) {
  const mskgov_client named = {.name = name}, *client = name ? &named : NULL;
  mskgov_broker_metrics metrics = {.struct_size = sizeof(metrics)};
  mskgov_permit *permit = NULL;
  mskgov_broker *handle = NULL;
  mskgov_error_info errors[5];
  uint64_t wait_ms;
  int codes[] = {
      mskgov_permit_acquire(governor, broker, client, 0, &permit, &errors[0]),
      mskgov_permit_acquire_async(governor, broker, client, 0, ignore, NULL, &permit,
                                  &errors[1]),
      mskgov_permit_estimate(governor, broker, client, &wait_ms, &errors[2]),
      client ? MSKGOV_ERR_INVALID
             : mskgov_governor_broker_metrics(governor, broker, &metrics, &errors[3]),
      client ? MSKGOV_ERR_INVALID
             : mskgov_governor_broker(governor, broker, &handle, &errors[4]),
  };

  for (size_t i = 0; i < (client ? 3 : 5); i++) {
    ck_assert_msg(codes[i] == MSKGOV_ERR_INVALID, "'%s' gave %d", broker, codes[i]);
    ck_assert_int_eq(errors[i].code, MSKGOV_ERR_INVALID);
    ck_assert_msg(strstr(errors[i].text, says), "no '%s' in: %s", says, errors[i].text);
  }
}

START_TEST(test_bad_addresses) {
  static const char *const brokers[] = {
      "",           "b-1",       ":9098",           "b-1:",
      "b-1:0",      "b-1:65536", "b-1:99999999999", "b-1:-1",
      "b-1:+98",    "b-1: 98",   "b-1:98x",         "b 1:9098",
      "b-1:9098\n", "b\t:9098",  "::1:98",          "[::1]",
      "[::1:98",    "[::1]:0",   "[::1]98",         "[]:9098",
  };
  char long_host[256 + sizeof(":9098")], long_client[MSKGOV_CLIENT_NAME_MAX + 2];
  mskgov_governor *governor = fast_governor();

  for (size_t i = 0; i < COUNT(brokers); i++)
    check_refused(governor, brokers[i], NULL, "broker");

  memset(long_host, 'h', 256);
  strcpy(long_host + 256, ":9098");
  check_refused(governor, long_host, NULL, "255");

  memset(long_client, 'c', sizeof(long_client) - 1);
  long_client[sizeof(long_client) - 1] = 0;
  check_refused(governor, BROKER, long_client, "client.name");
  check_refused(governor, BROKER, long_client, "255");
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_good_addresses) {
  static const char *const brokers[] = {"b-1:1", "b-1:65535", "10.0.0.1:9098", "[::1]:9098",
                                        "b_1.example.:9098"};
  char long_host[255 + sizeof(":65535")], long_client[MSKGOV_CLIENT_NAME_MAX + 1];
  mskgov_governor *governor = fast_governor();
  mskgov_permit *permit;

  for (size_t i = 0; i < COUNT(brokers); i++) {
    ck_assert_int_eq(mskgov_permit_acquire(governor, brokers[i], NULL, 0, &permit, NULL),
                     0);
    mskgov_permit_release(permit);
  }

  memset(long_host, 'h', 255);
  strcpy(long_host + 255, ":65535");
  memset(long_client, 'c', sizeof(long_client) - 1);
  long_client[sizeof(long_client) - 1] = 0;
  ck_assert_int_eq(mskgov_permit_acquire(governor, long_host,
                                         &(mskgov_client){.name = long_client}, 0, &permit,
                                         NULL),
                   0);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_names_are_copied) {
  char broker[] = BROKER, name[] = "a";
  const mskgov_client client = {.name = name};
  mskgov_governor *governor = fast_governor();
  mskgov_permit *permit;

  ck_assert_int_eq(
      mskgov_permit_acquire(governor, broker, &client, MSKGOV_NEVER, &permit, NULL), 0);
  memset(broker, 'x', sizeof(broker) - 1);
  name[0] = 'x';
  ck_assert_uint_eq(metrics_of(governor, BROKER).connecting, 1);
  ck_assert_int_eq(mskgov_permit_report(permit, MSKGOV_OUTCOME_TRANSPORT, NULL), 0);
  ck_assert_uint_eq(metrics_of(governor, BROKER).failed_transport, 1);
  mskgov_permit_release(permit);
  mskgov_governor_free(governor);
}
END_TEST

START_TEST(test_bad_quotas) {
  static const struct {
    mskgov_quota quota;
    const char *names[3];
  } cases[] = {
      {{0, 3000, 1000, MSKGOV_SCOPE_BROKER},
       {"quota.connections_per_s", " 0;", "1 to 1000000"}},
      {{1000001, 3000, 1000, MSKGOV_SCOPE_BROKER},
       {"quota.connections_per_s", "1000001", "1 to 1000000"}},
      {{20, 0, 1000, MSKGOV_SCOPE_BROKER},
       {"quota.max_connections", " 0;", "1 to 4294967295"}},
  };
  mskgov_governor *governor = fast_governor();
  mskgov_quota other = mskgov_quota_standard();
  mskgov_error_info error;

  for (size_t i = 0; i < COUNT(cases); i++) {
    ck_assert_int_eq(mskgov_governor_set_quota(governor, &cases[i].quota, &error),
                     MSKGOV_ERR_INVALID);
    for (size_t k = 0; k < 3; k++)
      ck_assert_msg(strstr(error.text, cases[i].names[k]) != NULL, "%s: %s",
                    cases[i].names[k], error.text);
  }
  other.scope = MSKGOV_SCOPE_CLUSTER; /* it stays as it was made */
  ck_assert_int_eq(mskgov_governor_set_quota(governor, &other, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "quota.scope"));
  ck_assert_int_eq(mskgov_governor_set_quota(governor, NULL, &error), MSKGOV_ERR_INVALID);
  mskgov_permit_release(must_acquire(governor)); /* as fast as before */
  mskgov_governor_free(governor);
}
END_TEST

/* The figures of facts that AWS publishes; quota.h names the source. */
START_TEST(test_quotas_by_class) {
  ck_assert_uint_eq(mskgov_quota_standard().connections_per_s, 100);
  ck_assert_uint_eq(mskgov_quota_express().connections_per_s, 100);
  ck_assert_uint_eq(mskgov_quota_t3_small().connections_per_s, 4);
  ck_assert_uint_eq(mskgov_quota_legacy_2022().connections_per_s, 20);
  ck_assert_uint_eq(mskgov_quota_standard().max_connections, 3000);
  ck_assert_uint_eq(mskgov_quota_express().max_connections, 3000);
  ck_assert_uint_eq(mskgov_quota_t3_small().max_connections, 3000);
  ck_assert_uint_eq(mskgov_quota_legacy_2022().max_connections, 3000);
}
END_TEST

TEST_MAIN("governor input", TEST(test_bad_quotas), TEST(test_quotas_by_class),
          TEST(test_bad_options), TEST(test_options_at_their_ends), TEST(test_defaults),
          TEST(test_bad_texts), TEST(test_bad_priorities), TEST(test_bad_addresses),
          TEST(test_good_addresses), TEST(test_names_are_copied))
