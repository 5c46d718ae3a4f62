/*
 * Events: the queue, what a gate tells under a virtual clock, and the callback. Who hears
 * them is in event_listener.h.
 */
#include "event_listener.h"
#include "gate_rig.h"
#include "governor/events.h"

#define MS GOV_NS_PER_MS
#define S GOV_NS_PER_S

static listener heard;

START_TEST(test_names) {
  static const struct {
    mskgov_event_kind kind;
    const char *name;
  } names[] = {
      {MSKGOV_EVENT_GRANTED, "granted"},
      {MSKGOV_EVENT_THROTTLED, "throttled"},
      {MSKGOV_EVENT_FAILED, "failed"},
      {MSKGOV_EVENT_RETRYING, "retrying"},
      {MSKGOV_EVENT_RECOVERED, "recovered"},
      {MSKGOV_EVENT_STOPPED, "stopped"},
      {MSKGOV_EVENT_RATE_NEAR_QUOTA, "rate near quota"},
      {MSKGOV_EVENT_CONNECTIONS_NEAR_QUOTA, "connections near quota"},
      {MSKGOV_EVENT_RATE_CUT, "rate cut"},
      {MSKGOV_EVENT_RATE_RESTORED, "rate restored"},
      {MSKGOV_EVENT_LOST, "lost"},
      {(mskgov_event_kind)11, "unknown"},
      {(mskgov_event_kind)-1, "unknown"},
  };

  for (size_t i = 0; i < COUNT(names); i++)
    ck_assert_str_eq(mskgov_event_name(names[i].kind), names[i].name);
}
END_TEST

static void push(gov_events *events, uint64_t number) {
  gov_events_push(events, &(mskgov_event){.kind = MSKGOV_EVENT_RETRYING, .at_ns = number});
}

START_TEST(test_events_come_in_order_and_are_copies) {
  char client[] = "a", detail[] = "x";
  const mskgov_event original = {.kind = MSKGOV_EVENT_FAILED,
                                 .at_ns = 7,
                                 .broker = BROKER,
                                 .client = client,
                                 .outcome = MSKGOV_OUTCOME_TRANSPORT,
                                 .detail = detail,
                                 .wait_ms = 8,
                                 .value = 9,
                                 .limit = 10};
  gov_events *events = gov_events_new(listen, &heard);

  ck_assert(!gov_events_pending(events));
  gov_events_push(events, &original);
  push(events, 11);
  push(events, 12);
  client[0] = detail[0] = 'z';
  ck_assert(gov_events_pending(events));
  ck_assert_uint_eq(heard.count, 0);
  gov_events_tell(events);
  ck_assert(!gov_events_pending(events));
  ck_assert_uint_eq(heard.count, 3);
  ck_assert_int_eq(heard.events[0].event.outcome, MSKGOV_OUTCOME_TRANSPORT);
  ck_assert_uint_eq(heard.events[0].event.at_ns, 7);
  ck_assert_str_eq(heard.events[0].broker, BROKER);
  ck_assert_str_eq(heard.events[0].client, "a");
  ck_assert_str_eq(heard.events[0].detail, "x");
  ck_assert_uint_eq(heard.events[0].event.wait_ms, 8);
  ck_assert_uint_eq(heard.events[0].event.value, 9);
  ck_assert_uint_eq(heard.events[0].event.limit, 10);
  ck_assert_uint_eq(heard.events[1].event.at_ns, 11);
  ck_assert_str_eq(heard.events[1].broker, ""); /* no text is NULL */
  ck_assert_str_eq(heard.events[1].client, "");
  ck_assert_str_eq(heard.events[1].detail, "");
  ck_assert_uint_eq(heard.events[2].event.at_ns, 12);
  push(events, 13); /* for gov_events_free */
  gov_events_free(events);
  ck_assert_uint_eq(heard.count, 3);

  gov_events_push(NULL, &original);
  ck_assert(!gov_events_pending(NULL));
  gov_events_free(NULL);
}
END_TEST

/* What finds no room is counted, and told after the last that did. */
START_TEST(test_lost_events) {
  gov_events *events = gov_events_new(listen, &heard);

  for (uint64_t i = 0; i < MSKGOV_EVENTS_PENDING_MAX + 5; i++)
    push(events, i);
  gov_events_tell(events);
  ck_assert_uint_eq(heard.count, MSKGOV_EVENTS_PENDING_MAX + 1);
  for (size_t i = 0; i < MSKGOV_EVENTS_PENDING_MAX; i++)
    ck_assert_uint_eq(heard.events[i].event.at_ns, i);
  ck_assert_int_eq(heard.events[MSKGOV_EVENTS_PENDING_MAX].event.kind, MSKGOV_EVENT_LOST);
  ck_assert_uint_eq(heard.events[MSKGOV_EVENTS_PENDING_MAX].event.value, 5);
  ck_assert_str_eq(heard.events[MSKGOV_EVENTS_PENDING_MAX].broker, "");

  heard.count = 0;
  push(events, 1); /* there is room again, and what was lost has been told */
  gov_events_tell(events);
  ck_assert_uint_eq(heard.count, 1);
  ck_assert_int_eq(heard.events[0].event.kind, MSKGOV_EVENT_RETRYING);
  gov_events_free(events);
}
END_TEST

static gate_rig rig;
static gov_random jitter;

/* A gate with 10 in a second, 1 ms apart, and ten connections. */
static void setup(mskgov_adaptive adaptive) {
  gov_gate_options options = {
      .backoff = {MSKGOV_JITTER_EQUAL, 4 * MS, 4 * MS, false},
      .max_waiters = 100,
      .near_quota_percent = 80,
      .events = gov_events_new(listen, &heard),
  };
  const gov_store_options store = {
      .pacing = gate_pacing(10, 1000, 1), .max_connections = 10, .adaptive = adaptive};

  gov_random_init(&jitter, 1);
  gate_rig_init(&rig, &options, &store);
}

static void tidy(void) {
  gov_events_free(rig.options.events);
  gate_rig_fini(&rig);
}

static gov_place pass(uint64_t now) {
  gov_place place;
  uint64_t at;

  ck_assert(gov_gate_try(&rig.gate, "c", now, &place, &at));

  return place;
}

static void report(gov_place *place, mskgov_outcome outcome, uint64_t now) {
  gov_gate_report(&rig.gate, "c", place, outcome, "why", now, &jitter);
}

/* What has been told since the last time, less the grants: letters as below. */
static const char *told(void) {
  static const char letters[] = "GTFRrSNCcwL";
  static char text[64];
  size_t length = 0;

  gov_events_tell(rig.options.events);
  for (size_t i = 0; i < heard.count; i++)
    if (heard.events[i].event.kind != MSKGOV_EVENT_GRANTED && length < sizeof(text) - 1)
      text[length++] = letters[heard.events[i].event.kind];
  text[length] = 0;
  heard.count = 0;

  return text;
}

static const mskgov_event *last(mskgov_event_kind kind) {
  gov_events_tell(rig.options.events);
  for (size_t i = heard.count; i--;)
    if (heard.events[i].event.kind == kind)
      return &heard.events[i].event;
  ck_abort_msg("no such event");
}

/*
 * At 8 of 10 in a window the event comes; then not before fewer than 7 have been seen. Each
 * is reported as it is granted, and out of the window 1000 to 1005 ms later.
 */
START_TEST(test_the_rate_is_near_its_quota) {
  static const struct {
    uint64_t at_ms;
    const char *told; /* after a grant at that time */
  } grants[] = {
      {1000, ""},  {1100, ""}, {1200, ""}, {1300, ""},
      {1400, ""},  {1500, ""}, {1600, ""}, {1700, "N"}, /* 8 */
      {1800, ""},  {2250, ""}, /* 1300 to 1800 are there, and this one: 7 */
      {2255, ""},              /* sooner than it is looked at again */
      {2350, ""},              /* 1400 to 1800 and three: 8, and it was never over */
      {2650, ""},              /* 1700, 1800 and four: 6, so now it is */
      {2750, ""},              /* 1800 and five */
      {2850, ""},              /* the four from 2250 to 2650, and two */
      {2950, ""},              /* 7: the threshold is 8 again */
      {3050, "N"},
  };

  setup(MSKGOV_ADAPTIVE_OFF);
  for (size_t i = 0; i < COUNT(grants); i++) {
    gov_place place = pass(grants[i].at_ms * MS);

    if (*grants[i].told) {
      ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_NEAR_QUOTA)->value, 8);
      ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_NEAR_QUOTA)->limit, 10);
    }
    ck_assert_msg(!strcmp(told(), grants[i].told), "at %llu ms",
                  (unsigned long long)grants[i].at_ms);
    report(&place, MSKGOV_OUTCOME_CONNECTED, grants[i].at_ms * MS);
    gov_gate_hang_up(&rig.gate, &place, grants[i].at_ms * MS);
  }
  tidy();
}
END_TEST

/* The same for connections; a second between grants keeps the rate far from its quota. */
START_TEST(test_connections_are_near_their_limit) {
  gov_place places[10];
  uint64_t now = 0;
  size_t open = 0;

  setup(MSKGOV_ADAPTIVE_OFF);
  for (; open < 8; open++) {
    now += 2 * S;
    places[open] = pass(now);
    report(&places[open], MSKGOV_OUTCOME_CONNECTED, now);
    ck_assert_msg(open == 7 || !*told(), "with %zu open", open + 1);
  }
  ck_assert_uint_eq(last(MSKGOV_EVENT_CONNECTIONS_NEAR_QUOTA)->value, 8);
  ck_assert_uint_eq(last(MSKGOV_EVENT_CONNECTIONS_NEAR_QUOTA)->limit, 10);
  ck_assert_str_eq(told(), "C");

  for (int closed = 1; closed <= 3; closed++) { /* 8 again after a close; 7; 6, and over */
    gov_gate_hang_up(&rig.gate, &places[--open], now);
    if (closed > 1)
      gov_gate_hang_up(&rig.gate, &places[--open], now);
    now += 2 * S;
    places[open] = pass(now);
    report(&places[open++], MSKGOV_OUTCOME_CONNECTED, now);
    ck_assert_str_eq(told(), "");
  }
  ck_assert_uint_eq(open, 6);
  for (; open < 8; open++) {
    now += 2 * S;
    places[open] = pass(now);
    report(&places[open], MSKGOV_OUTCOME_CONNECTED, now);
  }
  ck_assert_str_eq(told(), "C");
  tidy();
}
END_TEST

/* Looked at once in 100 ms at most: the eighth comes too soon after the first. */
START_TEST(test_near_is_looked_at_now_and_then) {
  setup(MSKGOV_ADAPTIVE_OFF);
  for (uint64_t i = 0; i < 8; i++) {
    gov_place place = pass(S + i * 10 * MS);

    report(&place, MSKGOV_OUTCOME_CONNECTED, S + i * 10 * MS);
    gov_gate_hang_up(&rig.gate, &place, S + i * 10 * MS);
  }
  ck_assert_str_eq(told(), "");
  pass(S + 100 * MS);
  ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_NEAR_QUOTA)->value, 9);
  tidy();
}
END_TEST

/* 45871 of 65535 after one cut, 69 percent; 33537 after another in the next window, 51.
   From there 1498 a window: whole after 22. */
START_TEST(test_the_rate_is_cut_and_restored) {
  gov_place places[4];

  setup(MSKGOV_ADAPTIVE_ON);
  for (uint64_t i = 0; i < 4; i++)
    places[i] = pass((100 + i) * S);
  told();
  report(&places[0], MSKGOV_OUTCOME_QUOTA, 104 * S);
  ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_CUT)->value, 69);
  ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_CUT)->limit, 100);
  ck_assert_str_eq(told(), "FRc");
  report(&places[1], MSKGOV_OUTCOME_QUOTA, 104 * S + 1); /* of the same window */
  ck_assert_str_eq(told(), "FR");
  report(&places[2], MSKGOV_OUTCOME_QUOTA, 105 * S);
  ck_assert_uint_eq(last(MSKGOV_EVENT_RATE_CUT)->value, 51);
  ck_assert_str_eq(told(), "FRc");
  report(&places[3], MSKGOV_OUTCOME_TRANSPORT, 105 * S);
  ck_assert_str_eq(told(), "FR");

  pass(126 * S);
  ck_assert_str_eq(told(), "");
  pass(127 * S);
  ck_assert_str_eq(told(), "w");
  pass(128 * S);
  ck_assert_str_eq(told(), "");
  tidy();
}
END_TEST

/* A second failure in a row, a success, and a wait in line, with all that is told. */
START_TEST(test_what_a_client_goes_through) {
  const mskgov_event *heard_last;
  gov_waiter waiter;
  gov_place place;
  gov_list ended;

  setup(MSKGOV_ADAPTIVE_OFF);
  for (uint64_t i = 1; i <= 2; i++) {
    place = pass(i * S);
    ck_assert_uint_eq(last(MSKGOV_EVENT_GRANTED)->wait_ms, 0);
    report(&place, MSKGOV_OUTCOME_AUTHORIZATION, i * S);
    heard_last = last(MSKGOV_EVENT_FAILED);
    ck_assert_int_eq(heard_last->outcome, MSKGOV_OUTCOME_AUTHORIZATION);
    ck_assert_uint_eq(heard_last->at_ns, i * S);
    heard_last = last(MSKGOV_EVENT_RETRYING);
    ck_assert_int_eq(heard_last->outcome, MSKGOV_OUTCOME_AUTHORIZATION);
    ck_assert(heard_last->wait_ms >= 2 &&
              heard_last->wait_ms <= 4); /* equal jitter of 4 ms */
    ck_assert_str_eq(told(), "FR");
  }
  place = pass(3 * S);
  report(&place, MSKGOV_OUTCOME_CONNECTED, 3 * S);
  ck_assert_str_eq(told(), "r");
  place = pass(4 * S);
  report(&place, MSKGOV_OUTCOME_CONNECTED, 4 * S);
  ck_assert_str_eq(told(), ""); /* recovered once */

  gov_list_init(&ended);
  gate_waiter_init(&waiter, "w", MSKGOV_PRIORITY_NORMAL);
  gov_gate_join(&rig.gate, &waiter, UINT64_MAX, 4 * S);
  gov_gate_advance(&rig.gate, 4 * S, &ended);
  ck_assert(!waiter.ended);
  gov_gate_throttle(&rig.gate, &waiter, 4 * S);
  gov_gate_advance(&rig.gate, 4 * S + 5 * MS + 999, &ended);
  ck_assert_uint_eq(last(MSKGOV_EVENT_GRANTED)->wait_ms, 5);
  ck_assert_str_eq(heard.events[heard.count - 1].client, "w");
  ck_assert_str_eq(heard.events[heard.count - 1].broker, "b-1:9098");
  ck_assert_str_eq(told(), "T");
  tidy();
}
END_TEST

TEST_MAIN("events", TEST(test_names), TEST(test_events_come_in_order_and_are_copies),
          TEST(test_lost_events), TEST(test_the_rate_is_near_its_quota),
          TEST(test_connections_are_near_their_limit),
          TEST(test_near_is_looked_at_now_and_then),
          TEST(test_the_rate_is_cut_and_restored), TEST(test_what_a_client_goes_through))
