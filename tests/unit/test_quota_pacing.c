/*
 * From a quota to a pace: by hand for every class of MSK and at the ends of the ranges,
 * and the invariant of quota.h for random quotas.
 */
#include <mskgov/quota.h>

#include "base/random.h"
#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS UINT64_C(1000000)

static mskgov_quota per(uint32_t connections_per_s, uint32_t window_ms) {
  mskgov_quota quota = mskgov_quota_custom(connections_per_s, 3000);

  quota.window_ms = window_ms;

  return quota;
}

START_TEST(test_classes) {
  const struct {
    mskgov_quota quota;
    uint32_t connections_per_s, max_connections;
    mskgov_quota_scope scope;
  } classes[] = {
      {mskgov_quota_standard(), 100, 3000, MSKGOV_SCOPE_BROKER},
      {mskgov_quota_express(), 100, 3000, MSKGOV_SCOPE_BROKER},
      {mskgov_quota_t3_small(), 4, 3000, MSKGOV_SCOPE_BROKER},
      {mskgov_quota_serverless(), 100, 3000, MSKGOV_SCOPE_CLUSTER},
      {mskgov_quota_legacy_2022(), 20, 3000, MSKGOV_SCOPE_BROKER},
      {mskgov_quota_custom(7, UINT32_MAX), 7, UINT32_MAX, MSKGOV_SCOPE_BROKER},
  };

  for (size_t i = 0; i < COUNT(classes); i++) {
    ck_assert_uint_eq(classes[i].quota.connections_per_s, classes[i].connections_per_s);
    ck_assert_uint_eq(classes[i].quota.max_connections, classes[i].max_connections);
    ck_assert_uint_eq(classes[i].quota.window_ms, 1000);
    ck_assert_int_eq(classes[i].quota.scope, classes[i].scope);
  }
}
END_TEST

/* Q = floor(c * window * (100 - headroom) / 100), interval = floor((W + J) / Q) + 1 ns */
START_TEST(test_paces_by_hand) {
  const struct {
    mskgov_quota quota;
    uint32_t headroom_percent;
    uint64_t spread_ms;
    uint32_t connections;
    uint64_t interval_ns;
  } cases[] = {
      {mskgov_quota_standard(), 0, 20, 100, 10200001},
      {mskgov_quota_express(), 0, 20, 100, 10200001},
      {mskgov_quota_serverless(), 0, 20, 100, 10200001},
      {mskgov_quota_t3_small(), 0, 20, 4, 255000001},
      {mskgov_quota_legacy_2022(), 0, 20, 20, 51000001},
      {mskgov_quota_legacy_2022(), 0, 0, 20, 50000001},
      {mskgov_quota_standard(), 10, 20, 90, 11333334}, /* 1.02e9 / 90 = 11333333.3 */
      {mskgov_quota_standard(), 90, 20, 10, 102000001},
      {mskgov_quota_legacy_2022(), 33, 20, 13, 78461539}, /* 13.4; 1.02e9 / 13 */
      {mskgov_quota_t3_small(), 50, 20, 2, 510000001},
      {per(100, 100), 0, 20, 10, 12000001},
      {per(19, 100), 0, 0, 1, 100000001}, /* 1.9 */
      {per(10, 100), 0, 10000, 1, 10100000001},
      {per(4, 60000), 0, 20, 240, 250083334}, /* 6.002e10 / 240 = 250083333.3 */
      {per(1, 60000), 0, 0, 60, 1000000001},
      {per(1, 60000), 90, 0, 6, 10000000001},
      {per(1, 1999), 0, 0, 1, 1999000001},
      {per(MSKGOV_QUOTA_RATE_MAX, 1000), 0, 0, 1000000, 1001},
      {per(MSKGOV_QUOTA_RATE_MAX, 60000), 0, 10000, 60000000, 1167}, /* 7e10 / 6e7 */
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_pacing pacing;
    mskgov_error_info error = {.code = 1};

    ck_assert_int_eq(mskgov_quota_pacing(&pacing, &cases[i].quota,
                                         cases[i].headroom_percent, cases[i].spread_ms,
                                         &error),
                     0);
    ck_assert_int_eq(error.code, 0);
    ck_assert_msg(pacing.window_connections == cases[i].connections &&
                      pacing.interval_ns == cases[i].interval_ns,
                  "case %zu: %u connections, interval %llu", i, pacing.window_connections,
                  (unsigned long long)pacing.interval_ns);
    ck_assert_uint_eq(pacing.burst, 1);
    ck_assert_uint_eq(pacing.window_ns, cases[i].quota.window_ms * MS);
    ck_assert_uint_eq(pacing.spread_ns, cases[i].spread_ms * MS);
  }
}
END_TEST

/* Each names the field, the value, and what is allowed. */
START_TEST(test_what_is_out_of_range) {
  const struct {
    mskgov_quota quota;
    uint32_t headroom_percent;
    uint64_t spread_ms;
    const char *says[3];
  } cases[] = {
      {{0, 1, 1000, MSKGOV_SCOPE_BROKER},
       0,
       0,
       {"quota.connections_per_s", " 0;", "1 to 1000000"}},
      {{1000001, 1, 1000, MSKGOV_SCOPE_BROKER},
       0,
       0,
       {"quota.connections_per_s", "1000001", "1 to 1000000"}},
      {{1, 0, 1000, MSKGOV_SCOPE_BROKER},
       0,
       0,
       {"quota.max_connections", " 0;", "1 to 4294967295"}},
      {{1, 1, 99, MSKGOV_SCOPE_BROKER}, 0, 0, {"quota.window_ms", "99", "100 to 60000"}},
      {{1, 1, 60001, MSKGOV_SCOPE_BROKER},
       0,
       0,
       {"quota.window_ms", "60001", "100 to 60000"}},
      {{1, 1, 0, MSKGOV_SCOPE_BROKER}, 0, 0, {"quota.window_ms", " 0;", "100 to 60000"}},
      {{1, 1, 1000, (mskgov_quota_scope)2}, 0, 0, {"quota.scope", "2", "0 to 1"}},
      {{1, 1, 1000, MSKGOV_SCOPE_BROKER}, 91, 0, {"headroom_percent", "91", "0 to 90"}},
      {{1, 1, 1000, MSKGOV_SCOPE_BROKER},
       UINT32_MAX,
       0,
       {"headroom_percent", "4294967295", "0 to 90"}},
      {{1, 1, 1000, MSKGOV_SCOPE_BROKER},
       0,
       10001,
       {"grant_spread_ms", "10001", "0 to 10000"}},
      {{1, 1, 1000, MSKGOV_SCOPE_BROKER},
       0,
       UINT64_MAX,
       {"grant_spread_ms", "18446744073709551615", "0 to 10000"}},
      /* 0.9 and 0.999 attempts in a window */
      {{9, 1, 100, MSKGOV_SCOPE_BROKER}, 0, 0, {"quota.window_ms", "100", " 9 "}},
      {{1, 1, 1000, MSKGOV_SCOPE_BROKER}, 1, 0, {"quota.window_ms", "1000", " 1 percent"}},
  };

  for (size_t i = 0; i < COUNT(cases); i++) {
    mskgov_pacing pacing;
    mskgov_error_info error;

    ck_assert_int_eq(mskgov_quota_pacing(&pacing, &cases[i].quota,
                                         cases[i].headroom_percent, cases[i].spread_ms,
                                         &error),
                     MSKGOV_ERR_INVALID);
    ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
    for (size_t k = 0; k < 3; k++)
      ck_assert_msg(strstr(error.text, cases[i].says[k]), "case %zu, no '%s' in: %s", i,
                    cases[i].says[k], error.text);
  }
}
END_TEST

START_TEST(test_without_a_quota_or_an_info) {
  mskgov_quota quota = mskgov_quota_standard(), none = per(0, 1000);
  mskgov_pacing pacing;
  mskgov_error_info error;

  ck_assert_int_eq(mskgov_quota_pacing(&pacing, NULL, 0, 0, &error), MSKGOV_ERR_INVALID);
  ck_assert_ptr_nonnull(strstr(error.text, "quota is NULL"));
  ck_assert_int_eq(mskgov_quota_pacing(&pacing, &none, 0, 0, NULL), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(mskgov_quota_pacing(&pacing, &quota, 0, 0, NULL), 0);
}
END_TEST

/* Q >= b - 1 + ceil((W + J) / interval), with the smallest interval that does. */
START_TEST(test_the_invariant) {
  gov_random random;

  gov_random_init(&random, test_seed());
  for (int round = 0; round < 100000; round++) {
    static const uint64_t rates[] = {20, 1000, MSKGOV_QUOTA_RATE_MAX - 1};
    mskgov_quota quota = per(
        1 + (uint32_t)gov_random_uniform(&random, rates[gov_random_uniform(&random, 2)]),
        100 + (uint32_t)gov_random_uniform(&random, 59900));
    uint32_t headroom = (uint32_t)gov_random_uniform(&random, 90);
    uint64_t spread_ms = gov_random_uniform(&random, 10000), span_ns, scaled;
    mskgov_pacing p;

    scaled = (uint64_t)quota.connections_per_s * quota.window_ms * (100 - headroom);
    ck_assert_int_eq(mskgov_quota_pacing(&p, &quota, headroom, spread_ms, NULL),
                     scaled >= 100000 ? 0 : MSKGOV_ERR_INVALID);
    if (scaled < 100000)
      continue;

    ck_assert_uint_eq(p.window_connections, scaled / 100000);
    span_ns = p.window_ns + p.spread_ns;
    ck_assert_uint_ge(p.window_connections,
                      p.burst - 1 + (span_ns + p.interval_ns - 1) / p.interval_ns);
    /* an interval of 1 ns less would put one more into a window, both its ends included */
    ck_assert_uint_gt(span_ns / (p.interval_ns - 1) + 1, p.window_connections);
  }
}
END_TEST

TEST_MAIN("quota pacing", TEST(test_classes), TEST(test_paces_by_hand),
          TEST(test_what_is_out_of_range), TEST(test_without_a_quota_or_an_info),
          TEST(test_the_invariant))
