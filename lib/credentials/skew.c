#include "credentials/skew.h"

#include "codec/time.h"

#include <string.h>

#define APART_BITS 40
#define APART_MASK ((UINT64_C(1) << APART_BITS) - 1)
#define AHEAD_MAX_S ((INT64_C(1) << 23) - 1) /* 97 days: more is no skew but nonsense */
#define LEAST_S ((int64_t)(GOV_SKEW_LEAST_NS / GOV_NS_PER_S))

gov_skew gov_skew_host;

/* The clock against the monotonic one: constant but for somebody setting the clock. */
static int64_t apart_s(const gov_clock *clock) {
  uint64_t unix_ns = gov_clock_unix_ns(clock);
  uint64_t monotonic_ns = gov_clock_monotonic_ns(clock);

  return unix_ns > monotonic_ns ? (int64_t)((unix_ns - monotonic_ns) / GOV_NS_PER_S) : 0;
}

/* Returns whether the figure makes sense. */
static bool learn(gov_skew *skew, const gov_clock *clock, int64_t ahead_ns) {
  int64_t ahead_s = ahead_ns / (int64_t)GOV_NS_PER_S;
  uint64_t word = 0;

  if (ahead_s > AHEAD_MAX_S || ahead_s < -AHEAD_MAX_S)
    return false;
  if (ahead_s >= LEAST_S || ahead_s <= -LEAST_S)
    word = (uint64_t)ahead_s << APART_BITS | ((uint64_t)apart_s(clock) & APART_MASK);
  atomic_store(&skew->word, word);

  return true;
}

static bool learn_date(gov_skew *skew, const gov_clock *clock, uint64_t date_ns,
                       uint64_t took_ns) {
  /* The services' time in the middle of their second, ours in the middle of the exchange. */
  uint64_t there_ns = gov_time_add(date_ns, GOV_NS_PER_S / 2);
  uint64_t here_ns = gov_clock_unix_ns(clock);

  here_ns = here_ns > took_ns / 2 ? here_ns - took_ns / 2 : 0;
  if (there_ns > INT64_MAX || here_ns > INT64_MAX)
    return false;

  return learn(skew, clock, (int64_t)there_ns - (int64_t)here_ns);
}

void gov_skew_learn(gov_skew *skew, const gov_clock *clock, uint64_t date_ns,
                    uint64_t took_ns) {
  learn_date(skew, clock, date_ns, took_ns);
}

bool gov_skew_learn_refusal(gov_skew *skew, const gov_clock *clock, const char *text) {
  const char *expired = strstr(text, "Signature expired: ");
  const char *said = expired ? expired : strstr(text, "Signature not yet current: ");
  const char *place = said ? strchr(said, '(') : NULL;
  char timestamp[GOV_TIME_BASIC_SIZE];
  uint64_t unix_s;

  if (!place || strlen(place + 1) < sizeof(timestamp) ||
      strncmp(place + sizeof(timestamp), expired ? " - " : " + ", 3) != 0)
    return false;

  memcpy(timestamp, place + 1, sizeof(timestamp) - 1);
  timestamp[sizeof(timestamp) - 1] = '\0';
  if (gov_time_parse_basic(timestamp, &unix_s) || unix_s > INT64_MAX / GOV_NS_PER_S)
    return false;

  return learn_date(skew, clock, unix_s * GOV_NS_PER_S, 0);
}

int64_t gov_skew_ns(gov_skew *skew, const gov_clock *clock) {
  uint64_t word = atomic_load(&skew->word);
  int64_t ahead_s = (int64_t)word >> APART_BITS; /* with its sign */
  int64_t moved_s;

  if (word == 0)
    return 0;

  moved_s = apart_s(clock) - (int64_t)(word & APART_MASK);

  return moved_s >= LEAST_S || moved_s <= -LEAST_S ? 0 : ahead_s * (int64_t)GOV_NS_PER_S;
}

uint64_t gov_skew_unix_ns(gov_skew *skew, const gov_clock *clock) {
  uint64_t now_ns = gov_clock_unix_ns(clock);
  int64_t ahead_ns = gov_skew_ns(skew, clock);

  if (ahead_ns >= 0)
    return gov_time_add(now_ns, (uint64_t)ahead_ns);

  return now_ns > (uint64_t)-ahead_ns ? now_ns - (uint64_t)-ahead_ns : 0;
}
