/*
 * A snapshot of a host store that says what a test wants: the accessors of host.h, wrapped
 * (see CMakeLists.txt), answer from a struct. Rows can stand in any order, and belong to
 * members that are not there, as in a store that changes while it is read.
 */
#ifndef TEST_SNAPSHOT_STAND_IN_H
#define TEST_SNAPSHOT_STAND_IN_H

#include <mskgov/host.h>

#include <stddef.h>

typedef struct stand_in_broker {
  mskgov_host_broker broker; /* its usage_count: of the rows */
  const mskgov_host_usage *rows;
} stand_in_broker;

struct mskgov_host_snapshot {
  const char *path;
  uint64_t at_ns;
  const mskgov_host_member *members;
  uint32_t member_count;
  const stand_in_broker *brokers;
  uint32_t broker_count;
};

#define WRAP(type, name, ...)                                                              \
  type __wrap_mskgov_host_snapshot_##name(const mskgov_host_snapshot *__VA_ARGS__);        \
  type __wrap_mskgov_host_snapshot_##name(const mskgov_host_snapshot *__VA_ARGS__)

WRAP(const char *, path, self) {
  return self->path;
}

WRAP(uint64_t, at_ns, self) {
  return self->at_ns;
}

WRAP(uint32_t, members, self) {
  return self->member_count;
}

WRAP(const mskgov_host_member *, member, self, uint32_t place) {
  return place < self->member_count ? &self->members[place] : NULL;
}

WRAP(uint32_t, brokers, self) {
  return self->broker_count;
}

WRAP(const mskgov_host_broker *, broker, self, uint32_t place) {
  return place < self->broker_count ? &self->brokers[place].broker : NULL;
}

WRAP(const mskgov_host_usage *, usage, self, uint32_t place, uint32_t row) {
  return place < self->broker_count && row < self->brokers[place].broker.usage_count
             ? &self->brokers[place].rows[row]
             : NULL;
}

#endif
