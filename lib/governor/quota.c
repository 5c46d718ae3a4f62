#include <mskgov/quota.h>

#define MAX_CONNECTIONS 3000

mskgov_quota mskgov_quota_standard(void) {
  return (mskgov_quota){.connections_per_s = 100, .max_connections = MAX_CONNECTIONS};
}

mskgov_quota mskgov_quota_express(void) {
  return mskgov_quota_standard();
}

mskgov_quota mskgov_quota_legacy_2022(void) {
  return (mskgov_quota){.connections_per_s = 20, .max_connections = MAX_CONNECTIONS};
}

mskgov_quota mskgov_quota_t3_small(void) {
  return (mskgov_quota){.connections_per_s = 4, .max_connections = MAX_CONNECTIONS};
}
